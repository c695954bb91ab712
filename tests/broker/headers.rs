//! What every request is asked for: requirements 3–17, 25–28, 38.

use axum::body::Body;
use axum::http::{Method, Request, header};
use serde_json::{Value, json};

use crate::harness::*;

const ROUTES: [(&str, &str); 10] = [
    ("GET", "/v2/catalog"),
    ("PUT", "/v2/service_instances/x"),
    ("GET", "/v2/service_instances/x"),
    ("PATCH", "/v2/service_instances/x"),
    ("DELETE", "/v2/service_instances/x"),
    ("GET", "/v2/service_instances/x/last_operation"),
    ("PUT", "/v2/service_instances/x/service_bindings/y"),
    ("GET", "/v2/service_instances/x/service_bindings/y"),
    ("DELETE", "/v2/service_instances/x/service_bindings/y"),
    ("GET", "/v2/service_instances/x/service_bindings/y/last_operation"),
];

fn every_route() -> impl Iterator<Item = (Method, &'static str)> {
    let more = [("GET", "/v2/nothing"), ("POST", "/v2/catalog")];
    ROUTES.into_iter().chain(more).map(|(method, path)| (method.parse().unwrap(), path))
}

fn with(method: &Method, path: &str, headers: &[(&str, &str)]) -> Request<Body> {
    let mut request = Request::builder().method(method.clone()).uri(path);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    request.body(Body::from("{}")).unwrap()
}

#[test]
fn r14_r15_every_route_wants_credentials_first() {
    let broker = Broker::new();
    for (method, path) in every_route() {
        for credentials in ["", "Basic", "Basic eDp5", "Bearer x"] {
            let reply = broker.send(with(
                &method,
                path,
                &[("authorization", credentials), ("x-broker-api-version", "2.17")],
            ));
            assert_eq!(reply.status, 401, "{method} {path} {credentials}");
            assert!(reply.headers[header::WWW_AUTHENTICATE].to_str().unwrap().starts_with("Basic"));
        }
        let wrong_version = broker.send(with(&method, path, &[("authorization", "Basic eDp5")]));
        assert_eq!(wrong_version.status, 401, "before the version");
    }
}

#[test]
fn r1_r3_r4_r5_r6_every_route_wants_a_version_it_can_serve() {
    let broker = Broker::new();
    let basic = basic("cf");
    for (method, path) in every_route() {
        for version in [None, Some(""), Some("1.0"), Some("3.0"), Some("2"), Some("x")] {
            let mut headers = vec![("authorization", basic.as_str())];
            headers.extend(version.map(|version| ("x-broker-api-version", version)));
            let reply = broker.send(with(&method, path, &headers));
            assert_eq!(reply.status, 412, "{method} {path} {version:?}");
            assert!(reply.body["description"].as_str().unwrap().contains("2.17"));
        }
    }
    for version in ["2.13", "2.14", "2.17", "2.99"] {
        let headers = [("authorization", basic.as_str()), ("X-Broker-Api-Version", version)];
        assert_eq!(broker.send(with(&Method::GET, "/v2/catalog", &headers)).status, 200);
    }
}

#[test]
fn unknown_routes_and_methods_are_json_too() {
    let broker = Broker::new();
    broker.get("/v2/nothing").is(404);
    broker.ask(Method::POST, "/v2/catalog", &json!({})).is(405);
    broker.get("/").is(404);
    broker.get("/v2/service_instances/").is(404);
}

#[test]
fn r9_r10_the_request_identity_comes_back_on_every_answer() {
    let broker = Broker::new();
    for (method, path) in every_route() {
        let reply = broker.send(with(&method, path, &[("x-broker-api-request-identity", "id-7")]));
        assert_eq!(reply.headers["x-broker-api-request-identity"], "id-7", "{method} {path}");
    }
}

#[test]
fn r7_r8_the_originating_identity_is_kept_and_never_in_the_way() {
    let broker = Broker::waiting();
    for (id, sent, kept) in [
        ("a", "cloudfoundry eyJ1c2VyX2lkIjoidSJ9", r#"cloudfoundry {"user_id":"u"}"#),
        ("b", "rubbish", ""),
        ("c", "kubernetes !!!", ""),
    ] {
        let path = format!("{}?accepts_incomplete=true", instance(id));
        let mut request = as_platform("cf", Method::PUT, &path, &provision(SMALL));
        let headers = request.headers_mut();
        headers.insert("x-broker-api-originating-identity", sent.parse().unwrap());
        headers.insert("x-broker-api-request-identity", "request".parse().unwrap());
        broker.send(request).is(201);
        let entry = broker.wait(broker.store().audit(1)).unwrap().remove(0);
        assert_eq!((entry.instance.as_str(), entry.identity.as_str()), (id, kept));
        assert_eq!((entry.action.as_str(), entry.request.as_str()), ("provision", "request"));
    }
}

#[test]
fn r25_r26_r27_the_content_type_does_not_matter() {
    let broker = Broker::waiting();
    for (number, kind) in
        [None, Some("text/plain"), Some("application/json; charset=utf-8")].into_iter().enumerate()
    {
        let path = format!("{}?accepts_incomplete=true", instance(&number.to_string()));
        let mut request = as_platform("cf", Method::PUT, &path, &provision(SMALL));
        request.headers_mut().remove(header::CONTENT_TYPE);
        if let Some(kind) = kind {
            request.headers_mut().insert(header::CONTENT_TYPE, kind.parse().unwrap());
        }
        broker.send(request).is(201);
    }
}

#[test]
fn r28_r38_the_catalog_and_its_etag() {
    let broker = Broker::new();
    let reply = broker.get("/v2/catalog").is(200);
    assert_eq!(reply.body["services"][0]["name"], "cache");
    let etag = reply.headers[header::ETAG].clone();
    let known = |tag: String| {
        let mut request = as_platform("cf", Method::GET, "/v2/catalog", &Value::Null);
        request.headers_mut().insert(header::IF_NONE_MATCH, tag.parse().unwrap());
        broker.send(request)
    };
    let tag = etag.to_str().unwrap();
    for matching in [tag.to_owned(), format!("\"x\", {tag}"), format!("W/{tag}"), "*".into()] {
        let reply = known(matching);
        assert_eq!((reply.status, &reply.headers[header::ETAG]), (304, &etag));
    }
    assert_eq!(known("\"other\"".into()).status, 200);
}

#[test]
fn health_needs_no_credentials() {
    let broker = Broker::new();
    let get = |path: &str| broker.send(with(&Method::GET, path, &[]));
    assert_eq!(get("/healthz").status, 200);
    assert_eq!(get("/readyz").status, 200);
    assert_eq!(get("/admin/v1/instances").status, 401);
}

#[test]
fn r10_r11_a_request_identity_is_repeated_as_it_came_and_kept_clean() {
    let broker = Broker::waiting();
    let long = "x".repeat(5000);
    for (number, sent) in
        ["plain".as_bytes(), "größe\t7".as_bytes(), long.as_bytes()].into_iter().enumerate()
    {
        let path = format!("{}?accepts_incomplete=true", instance(&number.to_string()));
        let mut request = as_platform("cf", Method::PUT, &path, &provision(SMALL));
        let value = axum::http::HeaderValue::from_bytes(sent).unwrap();
        request.headers_mut().insert("x-broker-api-request-identity", value.clone());
        let reply = broker.send(request).is(201);
        assert_eq!(reply.headers["x-broker-api-request-identity"], value);
        let kept = broker.wait(broker.store().audit(1)).unwrap().remove(0).request;
        assert!(kept.len() <= 2048 && !kept.contains(char::is_control), "{kept}");
    }
}
