//! With the container engine away the broker stays up, answers reads, takes changes in, says so,
//! and catches up.

use std::time::Duration;

use axum::http::Method;
use serde_json::Value;

use crate::harness::*;

#[test]
fn changes_wait_for_the_container_engine_and_catch_up() {
    let broker = Broker::new();
    let kept = broker.provisioned("kept");
    let binding = broker.bound(&kept, "b");
    let leaving = broker.provisioned("leaving");
    broker.backend.set_reachable(false);

    let arriving = instance("arriving");
    broker.put(&format!("{arriving}?accepts_incomplete=true"), &provision(SMALL)).is(202);
    broker.delete(&format!("{leaving}?{IDS}&accepts_incomplete=true")).is(202);
    broker.get(&kept).is(200);
    broker.get(&binding).is(200);
    broker.get("/v2/catalog").is(200);
    std::thread::sleep(Duration::from_millis(600));
    let state = broker.get(&format!("{arriving}/last_operation")).body;
    assert_eq!(state["state"], "in progress");
    assert!(state["description"].as_str().unwrap().contains("engine does not answer"), "{state}");

    broker.backend.set_reachable(true);
    assert_eq!(broker.settled(&arriving).body["state"], "succeeded");
    assert_eq!(broker.settled(&leaving).body["state"], "succeeded");
    broker.assert_whole("arriving");
    broker.assert_whole("kept");
    assert!(broker.row("leaving").is_none());
}

#[test]
fn readyz_tells_of_the_engine() {
    let broker = Broker::new();
    let ready = || {
        let request = axum::http::Request::get("/readyz").body(axum::body::Body::empty()).unwrap();
        broker.send(request)
    };
    ready().is(200);
    broker.backend.set_reachable(false);
    std::thread::sleep(Duration::from_millis(2500));
    let reply = ready();
    assert_eq!(reply.status, 503);
    assert!(reply.body["container_engine"].as_str().unwrap().contains("does not answer"));
    assert_eq!(reply.body["database"], "ok");
    let status = broker.administer(Method::GET, "/status", &Value::Null).body;
    assert_eq!(status["engine_reachable"], false);
}
