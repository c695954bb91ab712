//! `/healthz` and `/readyz`.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use serde_json::json;

use super::{Context, answer};

/// The process serves.
pub(super) async fn alive() -> Response {
    answer::json(StatusCode::OK, &json!({"status": "ok"}))
}

/// Changes can be carried out: the database and the container engine answer. With the engine away
/// the broker goes on to answer reads and takes changes in, which wait; without the database it
/// can do nothing.
pub(super) async fn ready(State(context): State<Context>) -> Response {
    let engine = context.engine.borrow().clone();
    let database = match context.broker.store.ping().await {
        Ok(()) => None,
        Err(error) => Some(error.to_string()),
    };
    let ready = engine.is_none() && database.is_none();
    let status = if ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    let said = |fault: Option<String>| fault.unwrap_or_else(|| "ok".to_owned());
    answer::json(
        status,
        &json!({
            "status": if ready { "ok" } else { "unavailable" },
            "container_engine": said(engine),
            "database": said(database),
        }),
    )
}
