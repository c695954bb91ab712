//! Rubbish: each a clear refusal, and nothing left behind.

use axum::body::Body;
use axum::http::{Method, Request, header};
use serde_json::json;

use crate::harness::*;

fn raw(broker: &Broker, method: Method, path: &str, body: Vec<u8>) -> Reply {
    let request = Request::builder()
        .method(method)
        .uri(path)
        .header(header::AUTHORIZATION, basic("cf"))
        .header("x-broker-api-version", "2.17")
        .body(Body::from(body))
        .unwrap();
    broker.send(request)
}

#[test]
fn bodies_that_are_none() {
    let broker = Broker::new();
    let deep = format!("{}1{}", "{\"a\":".repeat(20_000), "}".repeat(20_000));
    let bodies: [&[u8]; 10] = [
        b"",
        b"{",
        b"[]",
        b"null",
        b"7",
        b"\"x\"",
        b"{}{}",
        b"\xff\xfe",
        b"{\"a\":\"\xff\"}",
        deep.as_bytes(),
    ];
    for body in bodies {
        for (method, path) in [
            (Method::PUT, instance("one")),
            (Method::PATCH, instance("one")),
            (Method::PUT, format!("{}/service_bindings/b", instance("one"))),
        ] {
            let path = format!("{path}?accepts_incomplete=true");
            raw(&broker, method, &path, body.to_vec()).is(400);
        }
    }
    broker.assert_nothing_left();
}

#[test]
fn administrators_bodies_that_are_none() {
    let broker = Broker::new();
    broker.provisioned("one");
    let deep = format!("{}1{}", "{\"a\":".repeat(20_000), "}".repeat(20_000));
    let large = format!("{{\"name\":\"{}\"}}", "x".repeat(8 << 20));
    let bodies: [(&[u8], u16); 6] = [
        (b"", 400),
        (b"[]", 400),
        (b"{\"name\":\"\xff\"}", 400),
        (b"{\"unknown\":1}", 400),
        (deep.as_bytes(), 400),
        (large.as_bytes(), 413),
    ];
    for (body, status) in bodies {
        for (method, path) in [
            (Method::POST, "/admin/v1/instances"),
            (Method::PATCH, "/admin/v1/instances/one"),
            (Method::POST, "/admin/v1/instances/one/bindings"),
        ] {
            let request = Request::builder()
                .method(method)
                .uri(path)
                .header(header::AUTHORIZATION, format!("Bearer {ADMIN_TOKEN}"))
                .body(Body::from(body.to_vec()))
                .unwrap();
            broker.send(request).is(status);
        }
    }
    broker.deprovisioned("one");
    broker.assert_nothing_left();
}

/// Every field that is read, with what it may not be.
#[test]
fn fields_of_other_types() {
    let broker = Broker::waiting();
    let path = broker.provisioned("one");
    let polling = |path: &str| format!("{path}?accepts_incomplete=true");
    let wrong = |text: bool| {
        let mut values = vec![json!(7), json!(-1.5), json!(true), json!([]), json!(["x"])];
        values.push(if text { json!({"a": 1}) } else { json!("x") });
        values
    };
    let update = json!({"service_id": OFFERING, "plan_id": LARGE});
    let cases = [
        (Method::PUT, polling(&instance("two")), provision(SMALL), "provision"),
        (Method::PATCH, polling(&path), update, "update"),
        (Method::PUT, format!("{path}/service_bindings/b"), bind(), "bind"),
    ];
    for (method, path, body, verb) in &cases {
        let texts: &[&str] = match *verb {
            "provision" => &["service_id", "plan_id", "organization_guid", "space_guid"],
            "update" => &["service_id", "plan_id"],
            _ => &["service_id", "plan_id", "predecessor_binding_id"],
        };
        let objects: &[&str] = match *verb {
            "bind" => &["context", "parameters", "bind_resource"],
            _ => &["context", "parameters", "maintenance_info"],
        };
        for (fields, text) in [(texts, true), (objects, false)] {
            for field in fields {
                for value in wrong(text) {
                    let reply = broker.ask(method.clone(), path, &but(body.clone(), field, value));
                    assert_eq!(reply.status, 400, "{verb} {field}: {}", reply.body);
                }
            }
        }
    }
    assert_eq!(broker.operations("one").len(), 1, "nothing was begun");
    broker.deprovisioned("one");
    broker.assert_nothing_left();
}

#[test]
fn bodies_too_large_are_413() {
    let broker = Broker::new();
    let body = json!({"service_id": "x".repeat(8 << 20)}).to_string().into_bytes();
    raw(&broker, Method::PUT, &instance("one"), body).is(413);
    broker.assert_nothing_left();
}

#[test]
fn r18_ids_are_any_strings() {
    let broker = Broker::waiting();
    let long = "x".repeat(200);
    let ids = [
        "a%2Fb%20c",
        "..%2F..%2Fetc",
        "%22%27%3B--",
        "%F0%9F%A6%80",
        "%7B%7Bx%7D%7D",
        "a+b",
        "%25s%24(reboot)",
        long.as_str(),
        "%2E%2E",
    ];
    for id in ids {
        let path = instance(id);
        broker.put(&format!("{path}?accepts_incomplete=true"), &provision(SMALL)).is(201);
        let binding = format!("{path}/service_bindings/{id}");
        broker.put(&binding, &bind()).is(201);
        broker.get(&binding).is(200);
        broker.get(&path).is(200);
    }
    let row = broker.row("a/b c").unwrap();
    assert_eq!(row.id.as_str(), "a/b c", "decoded once, kept as the platform means it");
    for id in ids {
        broker.delete(&format!("{}?{IDS}&accepts_incomplete=true", instance(id))).is(200);
    }
    broker.assert_nothing_left();
}

#[test]
fn ids_that_are_none() {
    let broker = Broker::new();
    for id in ["%FF", "a%00b", "a%0Ab", &"x".repeat(2000)] {
        let path = format!("{}?accepts_incomplete=true", instance(id));
        broker.put(&path, &provision(SMALL)).is(400);
    }
    for (field, value) in [("organization_guid", "a\nb"), ("space_guid", "\u{0}")] {
        let body = but(provision(SMALL), field, json!(value));
        broker.put(&format!("{}?accepts_incomplete=true", instance("one")), &body).is(400);
    }
    broker.assert_nothing_left();
}

#[test]
fn apps_and_tenants_that_are_none() {
    let broker = Broker::waiting();
    let context = json!({"platform": "cloudfoundry", "organization_guid": "a\u{0}b"});
    let path = format!("{}?accepts_incomplete=true", instance("one"));
    broker.put(&path, &but(provision(SMALL), "context", context)).is(201);
    assert_eq!(broker.row("one").unwrap().tenant.as_str(), "cf/org", "as if it said nothing");
    for app in ["a\u{0}", "a\nb"] {
        for body in [
            but(bind(), "bind_resource", json!({"app_guid": app})),
            but(but(bind(), "bind_resource", json!({})), "app_guid", json!(app)),
        ] {
            broker.put(&format!("{}/service_bindings/b", instance("one")), &body).is(400);
        }
    }
    broker.deprovisioned("one");
    broker.assert_nothing_left();
}

#[test]
fn contexts_that_mislead() {
    let broker = Broker::waiting();
    for (number, context) in [
        json!({"platform": 7}),
        json!({"platform": "cloudfoundry", "organization_guid": {"a": 1}}),
        json!({"instance_name": "x\n\u{1b}[31m"}),
        json!({"platform": "kubernetes", "namespace": "../..", "clusterid": "\"'`$(x)"}),
    ]
    .into_iter()
    .enumerate()
    {
        let path = format!("{}?accepts_incomplete=true", instance(&number.to_string()));
        broker.put(&path, &but(provision(SMALL), "context", context)).is(201);
    }
    let views = broker.administer(Method::GET, "/instances", &serde_json::Value::Null);
    assert!(!views.body.to_string().contains("\\u001b"));
}
