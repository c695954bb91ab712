//! `GET /v2/catalog`

use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;

use crate::http::{Context, answer};

/// The catalog as it was serialised when it came into force; 304 to who has it (requirement 38).
pub(super) async fn fetch(State(context): State<Context>, headers: HeaderMap) -> Response {
    let catalog = context.broker.catalog.load();
    answer::tagged(&headers, &catalog.etag, &catalog.body)
}
