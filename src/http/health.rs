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
    let why = [("the container engine", &engine), ("the database", &database)]
        .into_iter()
        .filter(|(_, fault)| fault.is_some())
        .map(|(what, _)| what)
        .collect::<Vec<_>>();
    let said = |fault: Option<String>| fault.unwrap_or_else(|| "ok".to_owned());
    let mut body = json!({
        "status": if why.is_empty() { "ok" } else { "unavailable" },
        "container_engine": said(engine),
        "database": said(database),
    });
    if why.is_empty() {
        return answer::json(StatusCode::OK, &body);
    }
    body["description"] = format!("changes wait for {}", why.join(" and ")).into();
    answer::pending(StatusCode::SERVICE_UNAVAILABLE, &body)
}
