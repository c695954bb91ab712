//! `GET /v2/catalog`

use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};

use crate::http::Context;

/// The catalog as it was serialised when it came into force; 304 to who has it (requirement 38).
pub(super) async fn fetch(State(context): State<Context>, headers: HeaderMap) -> Response {
    let catalog = context.broker.catalog.load();
    let known = headers.get_all(header::IF_NONE_MATCH).iter().any(|value| {
        value.to_str().is_ok_and(|tags| {
            tags.split(',')
                .map(str::trim)
                .any(|tag| tag == "*" || tag.strip_prefix("W/").unwrap_or(tag) == catalog.etag)
        })
    });
    let etag = [(header::ETAG, catalog.etag.clone())];
    if known {
        return (StatusCode::NOT_MODIFIED, etag).into_response();
    }
    let kind = [(header::CONTENT_TYPE, "application/json")];
    (etag, kind, Body::from(catalog.body.clone())).into_response()
}
