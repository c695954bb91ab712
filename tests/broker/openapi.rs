//! `/openapi.json` and the routes: neither has what the other lacks. That answers are as described
//! is held against every answer of every test here ([`crate::described`]).

use std::collections::BTreeSet;

use axum::body::Body;
use axum::http::{Method, Request, header};
use serde_json::{Value, json};

use crate::described::DOCUMENT;
use crate::harness::*;

const METHODS: [Method; 5] =
    [Method::GET, Method::PUT, Method::POST, Method::PATCH, Method::DELETE];

fn bare(broker: &Broker, path: &str, etag: &str) -> Reply {
    let request = Request::builder().uri(path).header(header::IF_NONE_MATCH, etag);
    broker.send(request.body(Body::empty()).unwrap())
}

#[test]
fn anyone_may_have_it() {
    let broker = Broker::new();
    let reply = bare(&broker, "/openapi.json", "\"another\"").is(200);
    assert_eq!(reply.body, *DOCUMENT);
    let etag = reply.headers[header::ETAG].to_str().unwrap();
    let again = bare(&broker, "/openapi.json", etag).is(304);
    assert_eq!(again.headers[header::ETAG], etag);
}

#[test]
fn its_schemas_are_schemas() {
    for (name, schema) in DOCUMENT["components"]["schemas"].as_object().unwrap() {
        assert!(jsonschema::draft202012::meta::is_valid(schema), "{name}");
    }
}

#[test]
fn it_has_every_path_that_is_routed() {
    let sources = [
        ("", include_str!("../../src/http.rs")),
        ("/v2", include_str!("../../src/http/osb.rs")),
        ("/admin/v1", include_str!("../../src/http/admin.rs")),
    ];
    let routed = sources.iter().flat_map(|(prefix, source)| {
        let calls = source.split(".route(").skip(1);
        calls.map(move |call| format!("{prefix}{}", call.split('"').nth(1).unwrap()))
    });
    let described = DOCUMENT["paths"].as_object().unwrap().keys().cloned();
    assert_eq!(routed.collect::<BTreeSet<_>>(), described.collect::<BTreeSet<_>>());
}

#[test]
fn it_has_every_method_that_a_path_knows() {
    let broker = Broker::new();
    for (template, item) in DOCUMENT["paths"].as_object().unwrap() {
        let path: Vec<&str> = template
            .split('/')
            .map(|part| if part.starts_with('{') { "x" } else { part })
            .collect();
        let path = path.join("/");
        for method in METHODS {
            let described = !item[method.as_str().to_lowercase()].is_null();
            let reply = match path.strip_prefix("/admin/v1") {
                Some(path) => broker.administer(method.clone(), path, &json!({})),
                None => broker.ask(method.clone(), &path, &json!({})),
            };
            assert_eq!(reply.status != 405, described, "{method} {template}: {}", reply.body);
            let description = reply.body["description"].as_str().unwrap_or_default();
            assert!(!description.contains("no such route"), "{method} {template}");
            if !described {
                let allowed = reply.headers[header::ALLOW].to_str().unwrap();
                assert!(!allowed.contains(method.as_str()), "{method} {template}: {allowed}");
            }
        }
    }
}

#[test]
fn credentials_are_wanted_where_it_says_so() {
    let broker = Broker::new();
    for (template, item) in DOCUMENT["paths"].as_object().unwrap() {
        for method in METHODS {
            let operation = &item[method.as_str().to_lowercase()];
            if operation.is_null() {
                continue;
            }
            let scheme = operation["security"][0].as_object().and_then(|one| one.keys().next());
            let request =
                Request::builder().method(method.clone()).uri(template.replace(['{', '}'], ""));
            let reply = broker.send(request.body(Body::empty()).unwrap());
            assert_eq!(reply.status == 401, scheme.is_some(), "{method} {template}");
            let challenge = match scheme.map(String::as_str) {
                Some("platform") => "Basic",
                Some("administrator") => "Bearer",
                _ => continue,
            };
            let wanted = reply.headers[header::WWW_AUTHENTICATE].to_str().unwrap();
            assert!(wanted.starts_with(challenge), "{method} {template}: {wanted}");
        }
    }
}

/// Each answer is held against the description by the harness; this is what no other test asks.
#[test]
fn the_life_of_an_administrators_instance_is_as_described() {
    let broker = Broker::new();
    let ask = |method: Method, path: &str, body: Value| broker.administer(method, path, &body);
    let end = |reply: Reply| {
        let path =
            format!("/operations/{}", reply.is(202).body["operation"]["id"].as_str().unwrap());
        while ask(Method::GET, &path, Value::Null).is(200).body["state"] == "running" {
            std::thread::sleep(std::time::Duration::from_millis(10));
        }
    };
    ask(Method::GET, "/status", Value::Null).is(200);
    ask(Method::GET, "/catalog", Value::Null).is(200);
    ask(Method::POST, "/catalog/reload", Value::Null).is(200);
    let db = json!({"name": "db", "offering": "cache", "tenant": "shop"});
    end(ask(Method::POST, "/instances", db.clone()));
    ask(Method::POST, "/instances", db).is(409);
    end(ask(Method::PATCH, "/instances/db", json!({"parameters": {"note": "x"}})));
    ask(Method::PATCH, "/instances/db", json!({"parameters": {"note": "x"}})).is(200);
    ask(Method::PATCH, "/instances/db", json!({"parameters": {"note": 7}})).is(400);
    end(ask(Method::POST, "/instances/db/bindings", json!({"id": "b", "app": "web"})));
    ask(Method::POST, "/instances/db/bindings", json!({"id": "b", "app": "web"})).is(200);
    ask(Method::POST, "/instances/db/bindings", json!({"id": "b", "app": "other"})).is(409);
    end(ask(Method::POST, "/instances/db/bindings", json!({"id": "c", "rotate": "b"})));
    ask(Method::GET, "/instances/db/bindings", Value::Null).is(200);
    assert!(
        ask(Method::GET, "/instances/db/bindings/c", Value::Null).body["credentials"].is_object()
    );
    end(ask(Method::DELETE, "/instances/db/bindings/b", Value::Null));
    let late = json!({"id": "late", "parameters": {"expires_in_s": 1_000_000_000_000_u64}});
    end(ask(Method::POST, "/instances/db/bindings", late));
    let late = ask(Method::GET, "/instances/db/bindings/late", Value::Null);
    assert_eq!(late.body["expires_at"], "9999-12-31T23:59:59Z");
    ask(Method::GET, "/instances", Value::Null).is(200);
    end(ask(Method::DELETE, "/instances/db", Value::Null));
    ask(Method::GET, "/instances/db", Value::Null).is(404);
    broker.assert_nothing_left();
}

#[test]
fn what_administrators_call_things_is_held_to_the_rules_for_ids() {
    let broker = Broker::new();
    let ask = |method: Method, path: &str, body: Value| broker.administer(method, path, &body);
    broker.provisioned("one");
    for wrong in ["", " ", "a\nb", "\u{0}", &"x".repeat(2000)] {
        for body in [
            json!({"name": wrong, "offering": "cache"}),
            json!({"name": "db", "offering": "cache", "tenant": wrong}),
        ] {
            ask(Method::POST, "/instances", body).is(400);
        }
        for field in ["id", "app", "rotate"] {
            ask(Method::POST, "/instances/one/bindings", json!({field: wrong})).is(400);
        }
    }
    for path in ["/instances/%FF", "/instances/one/bindings/%FF", "/operations/%FF"] {
        ask(Method::GET, path, Value::Null).is(400);
    }
    ask(Method::GET, "/operations/%00", Value::Null).is(404);
    broker.deprovisioned("one");
    broker.assert_nothing_left();
}

/// The harness would notice.
#[test]
fn answers_of_another_shape_are_none_of_its() {
    use axum::http::HeaderMap;

    use crate::described::assert_described;

    let etag =
        HeaderMap::from_iter([(header::ETAG, format!("\"{}\"", "0".repeat(64)).parse().unwrap())]);
    let none = HeaderMap::new();
    let services = json!({"services": []});
    let told = |path: &str, status: u16, headers: &HeaderMap, body: Value| {
        let told = || assert_described(&Method::GET, path, (status, headers, &body));
        std::panic::catch_unwind(std::panic::AssertUnwindSafe(told)).is_ok()
    };
    assert!(told("/v2/catalog", 200, &etag, services.clone()));
    assert!(!told("/v2/catalog", 200, &none, services.clone()), "a header is missing");
    assert!(!told("/v2/catalog", 201, &etag, services), "an undescribed status");
    assert!(!told("/v2/catalog", 200, &etag, json!({"services": [], "more": 1})));
    assert!(!told("/v2/service_instances/x", 200, &etag, json!({})), "an undescribed header");
}
