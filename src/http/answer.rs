//! Answers: every body is a JSON object with its content type, whatever the status.

use std::any::Any;

use axum::body::Body;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use serde_json::json;

use crate::osb::Refusal;

/// What a handler gives back.
pub(super) type Answer = Result<Response, Refusal>;

/// Seconds until a polled operation is worth another look. Cloud Foundry lets it only lengthen its
/// own interval.
const RETRY_AFTER: HeaderValue = HeaderValue::from_static("1");

/// A JSON answer.
pub(super) fn json(status: StatusCode, body: &impl Serialize) -> Response {
    match serde_json::to_vec(body) {
        Ok(bytes) => (status, [(header::CONTENT_TYPE, "application/json")], Body::from(bytes))
            .into_response(),
        Err(error) => {
            tracing::error!(%error, "An answer could not be written as JSON");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}

/// The same, asking to come back for more soon.
pub(super) fn pending(status: StatusCode, body: &impl Serialize) -> Response {
    let mut response = json(status, body);
    response.headers_mut().insert(header::RETRY_AFTER, RETRY_AFTER);
    response
}

/// JSON that stays the same for long; 304 to who has it already.
pub(super) fn tagged(headers: &HeaderMap, etag: &str, body: &[u8]) -> Response {
    let known = headers.get_all(header::IF_NONE_MATCH).iter().any(|value| {
        value.to_str().is_ok_and(|tags| {
            tags.split(',')
                .map(str::trim)
                .any(|tag| tag == "*" || tag.strip_prefix("W/").unwrap_or(tag) == etag)
        })
    });
    let tag = [(header::ETAG, etag.to_owned())];
    if known {
        return (StatusCode::NOT_MODIFIED, tag).into_response();
    }
    let kind = [(header::CONTENT_TYPE, "application/json")];
    (tag, kind, Body::from(body.to_vec())).into_response()
}

/// An error of HTTP rather than of the API.
pub(super) fn error(status: StatusCode, description: &str) -> Response {
    json(status, &json!({"description": description}))
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.status()).expect("all of them are valid");
        if matches!(self, Self::Unavailable(_)) {
            return pending(status, &self.body());
        }
        json(status, &self.body())
    }
}

pub(super) async fn no_such_route() -> Response {
    error(StatusCode::NOT_FOUND, "there is no such route; the API is under /v2")
}

pub(super) async fn no_such_method() -> Response {
    error(StatusCode::METHOD_NOT_ALLOWED, "this route does not know that method")
}

/// A panic is a bug; its message went to the log by the panic hook and must not go to a client.
pub(super) fn panicked(_: Box<dyn Any + Send>) -> Response {
    error(StatusCode::INTERNAL_SERVER_ERROR, "the broker failed; its log says why")
}
