//! Rotation and expiry of bindings: requirements 100, 102 and 103.

use std::time::{Duration, Instant};

use axum::http::Method;
use serde_json::{Value, json};

use crate::harness::*;

fn rotate(predecessor: &str) -> Value {
    json!({"predecessor_binding_id": predecessor})
}

#[test]
fn r103_a_rotation_inherits_and_both_stay_valid() {
    let broker = Broker::new();
    let path = broker.provisioned("one");
    let old = format!("{path}/service_bindings/old");
    let new = format!("{path}/service_bindings/new");
    let read_only = but(bind(), "parameters", json!({"read_only": true}));
    let first = broker.put(&old, &read_only).is(201).body;
    let second = broker.put(&new, &rotate("old")).is(201).body;
    assert_ne!(first["credentials"]["username"], second["credentials"]["username"]);
    assert_eq!(broker.engine.users().len(), 2, "both are valid");
    let users = broker.engine.instance("127.0.0.1:20000").users;
    let granted = &users[&Broker::user("one", "new")];
    assert_eq!(granted.parameters["read_only"], true, "parameters are inherited");
    assert_eq!(broker.get(&new).is(200).body["parameters"], json!({"read_only": true}));

    assert_eq!(broker.put(&new, &rotate("old")).is(200).body, second);
    let with_ids = but(but(rotate("old"), "service_id", json!(OFFERING)), "plan_id", json!(SMALL));
    broker.put(&new, &with_ids).is(200);
    broker.put(&new, &rotate("other")).is(409);
    broker.put(&new, &bind()).is(409);

    broker.delete(&format!("{old}?{IDS}")).is(200);
    assert_eq!(broker.put(&new, &rotate("old")).is(200).body, second, "also once it is gone");
    let left = broker.engine.users();
    assert_eq!(left.len(), 1);
    assert_eq!(left[0].1, Broker::user("one", "new"));
    broker.delete(&format!("{new}?{IDS}")).is(200);
    assert!(broker.engine.users().is_empty());
}

#[test]
fn r103_what_is_no_predecessor() {
    let broker = Broker::waiting();
    let path = broker.provisioned("one");
    let other = broker.provisioned("two");
    broker.bound(&path, "old");
    broker.bound(&other, "foreign");
    let put = |body: &Value| broker.put(&format!("{path}/service_bindings/new"), body);
    put(&rotate("unknown")).is(400);
    put(&rotate("foreign")).is(400);
    put(&but(rotate("old"), "service_id", json!("unknown"))).is(400);
    put(&but(rotate("old"), "plan_id", json!("unknown"))).is(400);
    put(&but(rotate("old"), "parameters", json!({"read_only": true}))).is(400);
    put(&json!({"predecessor_binding_id": 7})).is(400);
    put(&json!({"predecessor_binding_id": ""})).is(400);
    broker.put(&format!("{}/service_bindings/b", instance("none")), &rotate("old")).is(404);
    broker.delete(&format!("{path}/service_bindings/old?{IDS}")).is(200);
    put(&rotate("old")).is(400);
    assert_eq!(broker.engine.users().len(), 1, "only the foreign one");

    let large = instance("large");
    broker.put(&format!("{large}?accepts_incomplete=true"), &provision(LARGE)).is(201);
    let body = but(bind(), "plan_id", json!(LARGE));
    broker.put(&format!("{large}/service_bindings/a"), &body).is(201);
    let refused = broker.put(&format!("{large}/service_bindings/b"), &rotate("a")).is(400);
    assert!(refused.body["description"].as_str().unwrap().contains("rotated"));
}

#[test]
fn r100_times_are_told_in_the_specifications_form() {
    let broker = Broker::waiting();
    let path = instance("one");
    broker.put(&format!("{path}?accepts_incomplete=true"), &provision(LARGE)).is(201);
    let body = but(bind(), "plan_id", json!(LARGE));
    let ask = |version: &str| {
        let binding = format!("{path}/service_bindings/b");
        let mut request = as_platform("cf", Method::PUT, &binding, &body);
        request.headers_mut().insert("X-Broker-API-Version", version.parse().unwrap());
        broker.send(request).body
    };
    let metadata = ask("2.17")["metadata"].clone();
    let (end, renew) = (metadata["expires_at"].as_str(), metadata["renew_before"].as_str());
    for time in [end, renew] {
        let time = time.unwrap();
        assert_eq!(time.len(), "2019-12-31T23:59:59.0Z".len(), "{time}");
        assert!(time.ends_with('Z') && time.as_bytes()[19] == b'.', "{time}");
    }
    assert!(renew < end);
    assert_eq!(ask("2.16")["metadata"], json!({"expires_at": end.unwrap()}));
    assert_eq!(ask("2.15").get("metadata"), None);
    let fetched = broker.get(&format!("{path}/service_bindings/b")).is(200).body;
    assert_eq!(fetched["metadata"], metadata);
}

#[test]
fn expired_credentials_end_in_the_engine() {
    let broker = Broker::waiting();
    let path = broker.provisioned("one");
    let binding = format!("{path}/service_bindings/b");
    broker.bound(&path, "stays");
    let body = but(bind(), "parameters", json!({"expires_in_s": 1}));
    broker.put(&binding, &body).is(201);
    assert_eq!(broker.engine.users().len(), 2);
    let end = Instant::now() + Duration::from_secs(10);
    while broker.engine.users().len() == 2 {
        assert!(Instant::now() < end, "it does not expire");
        std::thread::sleep(Duration::from_millis(50));
    }
    broker.settled(&binding);
    broker.get(&binding).is(404);
    broker.put(&binding, &body).is(409);
    broker.put(&format!("{path}/service_bindings/c"), &rotate("b")).is(400);
    let views = broker.administer(Method::GET, "/instances/one/bindings", &Value::Null).body;
    let states: Vec<&str> =
        views.as_array().unwrap().iter().map(|one| one["state"].as_str().unwrap()).collect();
    assert!(states.contains(&"expired") && states.contains(&"ready"), "{states:?}");
    broker.delete(&format!("{binding}?{IDS}")).is(200);
    broker.delete(&format!("{binding}?{IDS}")).is(410);
    broker.deprovisioned("one");
    broker.assert_nothing_left();
}

#[test]
fn r102_a_plan_that_cannot_be_bound() {
    let broker = Broker::waiting();
    let path = instance("one");
    let plan = "c0ffee00-0000-4000-8000-000000000015";
    broker.put(&format!("{path}?accepts_incomplete=true"), &provision(plan)).is(201);
    let body = but(bind(), "plan_id", json!(plan));
    broker.put(&format!("{path}/service_bindings/b"), &body).is(400);
    let services = broker.get("/v2/catalog").body;
    let plans = services["services"][0]["plans"].as_array().unwrap();
    let unbindable = plans.iter().find(|one| one["id"] == plan).unwrap();
    assert_eq!(
        (&unbindable["bindable"], &unbindable["binding_rotatable"]),
        (&json!(false), &json!(false))
    );
    assert_eq!(unbindable["schemas"].get("service_binding"), None);
}
