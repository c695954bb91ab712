//! What tests send, and what they are answered.

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{HeaderMap, Method, Request, StatusCode, header};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde_json::{Value, json};
use tower::ServiceExt as _;

use crate::described::assert_described;
use crate::harness::{OFFERING, SMALL};

/// An answer.
#[derive(Clone, Debug, PartialEq)]
pub struct Reply {
    pub status: u16,
    pub headers: HeaderMap,
    pub body: Value,
}

impl Reply {
    pub fn operation(&self) -> &str {
        self.body["operation"].as_str().unwrap_or_else(|| panic!("no operation in {self:?}"))
    }

    #[track_caller]
    pub fn is(self, status: u16) -> Self {
        assert_eq!(self.status, status, "{}", self.body);
        self
    }

    /// 422 with one of the specification's words.
    #[track_caller]
    pub fn refused(self, word: &str) -> Self {
        assert_eq!((self.status, self.body["error"].as_str()), (422, Some(word)), "{}", self.body);
        self
    }
}

/// The ids that DELETE wants.
pub const IDS: &str =
    "service_id=c0ffee00-0000-4000-8000-000000000001&plan_id=c0ffee00-0000-4000-8000-000000000011";

pub fn instance(id: &str) -> String {
    format!("/v2/service_instances/{id}")
}

pub fn provision(plan: &str) -> Value {
    json!({
        "service_id": OFFERING,
        "plan_id": plan,
        "organization_guid": "org",
        "space_guid": "space",
        "context": {"platform": "cloudfoundry", "organization_guid": "org", "instance_name": "db"},
    })
}

pub fn bind() -> Value {
    json!({"service_id": OFFERING, "plan_id": SMALL, "bind_resource": {"app_guid": "app"}})
}

/// A body with one field set, or, with null, taken out.
pub fn but(mut body: Value, field: &str, value: Value) -> Value {
    let object = body.as_object_mut().unwrap();
    if value.is_null() {
        object.remove(field);
    } else {
        object.insert(field.into(), value);
    }
    body
}

pub fn request(method: Method, path: &str, body: &Value) -> axum::http::request::Builder {
    let request = Request::builder().method(method).uri(path);
    match body {
        Value::Null => request,
        _ => request.header(header::CONTENT_TYPE, "application/json"),
    }
}

pub fn bytes(body: &Value) -> Body {
    match body {
        Value::Null => Body::empty(),
        _ => Body::from(body.to_string()),
    }
}

pub fn basic(platform: &str) -> String {
    format!("Basic {}", BASE64.encode(format!("{platform}:{platform}-password")))
}

pub fn as_platform(platform: &str, method: Method, path: &str, body: &Value) -> Request<Body> {
    request(method, path, body)
        .header(header::AUTHORIZATION, basic(platform))
        .header("X-Broker-API-Version", "2.17")
        .body(bytes(body))
        .unwrap()
}

/// Sends a request and reads the answer, which must be as described, and JSON whatever its status.
pub async fn answered(router: Router, request: Request<Body>) -> Reply {
    let (method, path) = (request.method().clone(), request.uri().to_string());
    let reply = read(router, request).await;
    assert_described(&method, &path, (reply.status, &reply.headers, &reply.body));
    reply
}

async fn read(router: Router, request: Request<Body>) -> Reply {
    let response = router.oneshot(request).await.unwrap();
    let (head, body) = response.into_parts();
    let body = to_bytes(body, 1 << 24).await.unwrap();
    if head.status == StatusCode::NOT_MODIFIED {
        assert!(body.is_empty());
        return Reply { status: 304, headers: head.headers, body: Value::Null };
    }
    assert_eq!(head.headers[header::CONTENT_TYPE], "application/json", "{}", head.status);
    let body: Value = serde_json::from_slice(&body).unwrap();
    assert!(body.is_object() || body.is_array(), "{body}");
    if head.status.is_client_error() || head.status.is_server_error() {
        let description = body["description"].as_str().unwrap_or_default();
        assert!(!description.is_empty(), "20: {} without a description: {body}", head.status);
    }
    Reply { status: head.status.as_u16(), headers: head.headers, body }
}
