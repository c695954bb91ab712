//! Several platforms: what one has, the other neither sees nor touches.

use axum::http::Method;
use serde_json::{Value, json};

use crate::harness::*;

#[test]
fn r17_platforms_do_not_meet() {
    let broker = Broker::waiting();
    let path = broker.provisioned("same-id");
    let binding = broker.bound(&path, "b");
    let other = |method: Method, path: &str, body: &Value| {
        broker.send(as_platform("k8s", method, path, body))
    };
    other(Method::GET, &path, &Value::Null).is(404);
    other(Method::GET, &binding, &Value::Null).is(404);
    other(Method::GET, &format!("{path}/last_operation"), &Value::Null).is(404);
    other(Method::PUT, &binding, &bind()).is(404);
    other(Method::DELETE, &format!("{path}?{IDS}&accepts_incomplete=true"), &Value::Null).is(410);
    other(Method::DELETE, &format!("{binding}?{IDS}"), &Value::Null).is(410);
    let larger = json!({"service_id": OFFERING, "plan_id": LARGE});
    other(Method::PATCH, &format!("{path}?accepts_incomplete=true"), &larger).is(404);

    other(Method::PUT, &format!("{path}?accepts_incomplete=true"), &provision(LARGE)).is(201);
    assert_eq!(broker.get(&path).body["plan_id"], SMALL);
    assert_eq!(broker.backend.networks().len(), 2, "not even a network is shared");
    other(Method::DELETE, &format!("{path}?{IDS}&accepts_incomplete=true"), &Value::Null).is(200);
    broker.assert_whole("same-id");

    other(Method::PUT, &format!("{path}?accepts_incomplete=true"), &provision(LARGE)).is(201);
    let both = broker.administer(Method::GET, "/instances/same-id", &Value::Null).is(409);
    assert!(both.body["description"].as_str().unwrap().ends_with("cf/same-id, k8s/same-id"));
    let one = broker.administer(Method::GET, "/instances/k8s%2Fsame-id", &Value::Null).is(200);
    assert_eq!(one.body["platform"], "k8s");

    let operation = broker.put(&format!("{path}?accepts_incomplete=true"), &provision(SMALL));
    assert_eq!(operation.status, 200);
}

#[test]
fn administrators_see_all_and_name_them() {
    let broker = Broker::waiting();
    broker.provisioned("one");
    let list = broker.administer(Method::GET, "/instances", &Value::Null).is(200).body;
    assert_eq!((&list[0]["id"], &list[0]["name"]), (&json!("one"), &json!("db")));
    assert_eq!(list[0]["plan"], "small");
    let by_name = broker.administer(Method::GET, "/instances/db", &Value::Null).is(200).body;
    assert_eq!(by_name["id"], "one");
    let made = json!({"name": "mine", "offering": "cache", "tenant": "team"});
    let started = broker.administer(Method::POST, "/instances", &made).is(202).body;
    let operation = started["operation"]["id"].as_str().unwrap().to_owned();
    let end = std::time::Instant::now() + std::time::Duration::from_secs(10);
    loop {
        let path = format!("/operations/{operation}");
        let state = broker.administer(Method::GET, &path, &Value::Null).is(200).body;
        if state["state"] == "succeeded" {
            break;
        }
        assert!(std::time::Instant::now() < end, "{state}");
    }
    broker.administer(Method::POST, "/instances", &made).is(409);
    let wrong = json!({"name": "x", "offering": "nothing"});
    let reply = broker.administer(Method::POST, "/instances", &wrong).is(404);
    assert!(reply.body["description"].as_str().unwrap().contains("cache"));
    broker.administer(Method::POST, "/instances", &json!({"nam": "x"})).is(400);
    broker.administer(Method::GET, "/instances/nothing", &Value::Null).is(404);
    let binding = json!({"id": "key", "parameters": {"read_only": true}});
    broker.administer(Method::POST, "/instances/mine/bindings", &binding).is(202);
}
