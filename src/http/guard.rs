//! What every request passes: a bound on how many there are, identification, the version, and the
//! log.

use std::time::{Duration, Instant};

use axum::body::{Body, Bytes, to_bytes};
use axum::extract::{MatchedPath, Request, State};
use axum::http::{HeaderMap, HeaderName, Method, StatusCode};
use axum::middleware::Next;
use axum::response::Response;

use super::{Context, answer, auth};
use crate::broker::Caller;
use crate::osb::{Refusal, Version, identity, version};

const API_VERSION: HeaderName = HeaderName::from_static("x-broker-api-version");
const ORIGINATING_IDENTITY: HeaderName =
    HeaderName::from_static("x-broker-api-originating-identity");
const REQUEST_IDENTITY: HeaderName = HeaderName::from_static("x-broker-api-request-identity");

/// The largest body, in bytes. Parameters are small; Cloud Controller caps them at 1 MB too.
const LARGEST_BODY: usize = 1 << 20;
/// How long a client may take to send its body.
const SLOWEST_BODY: Duration = Duration::from_secs(30);

/// Refuses what is too much at once, repeats the request identity in every answer
/// (requirement 10), and logs each request once, by its route: ids would make a series each.
pub(super) async fn bounded(
    State(context): State<Context>,
    request: Request,
    next: Next,
) -> Response {
    let began = Instant::now();
    let sent = request.headers().get(&REQUEST_IDENTITY).filter(|value| !value.is_empty()).cloned();
    let identity = text(request.headers(), &REQUEST_IDENTITY).and_then(identity::request);
    let route = request.extensions().get::<MatchedPath>().map(|path| path.as_str().to_owned());
    let method = request.method().clone();
    let mut response = match context.slots.try_acquire() {
        Ok(_slot) => next.run(request).await,
        Err(_) => answer::pending(
            StatusCode::SERVICE_UNAVAILABLE,
            &Refusal::Unavailable("too many requests at once: try again".into()).body(),
        ),
    };
    let duration_ms = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX);
    let route = route.as_deref().unwrap_or("none");
    let status = response.status().as_u16();
    let asked_by = identity.as_deref().unwrap_or_default();
    if method == Method::GET {
        tracing::debug!(http.method = %method, http.route = route, http.status = status, duration_ms, request.identity = asked_by, "{method} {route} {status}");
    } else {
        tracing::info!(http.method = %method, http.route = route, http.status = status, duration_ms, request.identity = asked_by, "{method} {route} {status}");
    }
    if let Some(value) = sent {
        response.headers_mut().insert(REQUEST_IDENTITY, value);
    }
    response
}

/// Lets platforms in that prove themselves and speak 2.x. A missing or empty version is answered
/// as an unsupported one: the specification leaves it open, all public checkers want 412.
pub(super) async fn platform(
    State(context): State<Context>,
    mut request: Request,
    next: Next,
) -> Response {
    let headers = request.headers();
    let Some(platform) = context.gate.platform(headers) else {
        return auth::unauthorized(
            "Basic realm=\"banquet\"",
            "the platform's basic credentials are missing or wrong",
        );
    };
    let Some(version) = text(headers, &API_VERSION).and_then(Version::parse) else {
        return answer::error(
            StatusCode::PRECONDITION_FAILED,
            &format!("X-Broker-API-Version must be 2.x: use {}", version::SUPPORTED),
        );
    };
    let caller = Caller {
        platform: platform.clone(),
        version,
        identity: text(headers, &ORIGINATING_IDENTITY).and_then(identity::originating),
        request: text(headers, &REQUEST_IDENTITY).and_then(identity::request),
    };
    request.extensions_mut().insert(caller);
    next.run(request).await
}

/// Lets administrators in.
pub(super) async fn administrator(
    State(context): State<Context>,
    request: Request,
    next: Next,
) -> Response {
    if context.gate.administrator(request.headers()) {
        return next.run(request).await;
    }
    auth::unauthorized("Bearer", "the administrators' token is missing or wrong")
}

/// Reads a body whole; too large is 413, too slow 408.
pub(super) async fn body(body: Body) -> Result<Bytes, Response> {
    match tokio::time::timeout(SLOWEST_BODY, to_bytes(body, LARGEST_BODY)).await {
        Ok(Ok(bytes)) => Ok(bytes),
        Ok(Err(error)) if too_large(&error) => Err(answer::error(
            StatusCode::PAYLOAD_TOO_LARGE,
            &format!("the body is larger than {LARGEST_BODY} bytes"),
        )),
        Ok(Err(_)) => Err(answer::error(StatusCode::BAD_REQUEST, "the body broke off")),
        Err(_) => Err(answer::error(StatusCode::REQUEST_TIMEOUT, "the body took too long")),
    }
}

fn too_large(error: &axum::Error) -> bool {
    let mut next = std::error::Error::source(error);
    while let Some(cause) = next {
        if cause.is::<http_body_util::LengthLimitError>() {
            return true;
        }
        next = cause.source();
    }
    false
}

fn text<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    headers.get(name).and_then(|value| std::str::from_utf8(value.as_bytes()).ok())
}
