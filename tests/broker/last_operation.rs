//! Polling: requirements 46–57 and §3.4, §3.5.

use banquet::backend::fake::Method as Backend;
use banquet::engine::fake::Call;
use serde_json::json;

use crate::harness::*;

#[test]
fn r46_r47_r52_r54_in_progress_and_after() {
    let broker = Broker::new();
    let path = instance("one");
    broker.get(&format!("{path}/last_operation")).is(404);
    broker.backend.hold(Backend::Ensure);
    broker.put(&format!("{path}?accepts_incomplete=true"), &provision(SMALL)).is(202);
    let running = broker.get(&format!("{path}/last_operation")).is(200);
    assert_eq!(running.body["state"], "in progress");
    assert_ne!(running.body.get("description"), Some(&json!("")), "47");
    assert_eq!(running.headers["retry-after"], "1", "52: a duration");
    broker.backend.release(Backend::Ensure);
    let ended = broker.settled(&path);
    assert_eq!(ended.body, json!({"state": "succeeded"}));
    assert!(!ended.headers.contains_key("retry-after"));
}

#[test]
fn r54_hints_are_hints() {
    let broker = Broker::new();
    let path = broker.provisioned("one");
    for query in [
        "",
        "?operation=",
        "?operation=provision",
        "?operation=unknown",
        "?service_id=x&plan_id=y",
        "?service_id=&plan_id=&operation=update&operation=x",
    ] {
        let reply = broker.get(&format!("{path}/last_operation{query}")).is(200);
        assert_eq!(reply.body["state"], "succeeded", "{query}");
    }
    let other = broker.provisioned("two");
    let foreign =
        broker.put(&format!("{other}?accepts_incomplete=true"), &provision(SMALL)).is(200);
    assert_eq!(foreign.body.get("operation"), None, "no operation outside 202");
}

#[test]
fn r50_r51_r53_after_a_delete_it_is_still_told() {
    let mut broker = Broker::new();
    let path = broker.provisioned("one");
    broker.deprovisioned("one");
    let told = broker.get(&format!("{path}/last_operation")).is(200);
    assert_eq!(told.body, json!({"state": "succeeded"}), "§3.4: 200, neither 404 nor 410");
    broker.stop();
    broker.start();
    broker.get(&format!("{path}/last_operation")).is(200);
    broker.get(&format!("{}/last_operation", instance("never"))).is(404);
    broker.get(&format!("{path}/service_bindings/never/last_operation")).is(404);
}

#[test]
fn r49_what_is_no_id_is_malformed() {
    let broker = Broker::new();
    broker.get("/v2/service_instances/%FF/last_operation").is(400);
    let path = broker.provisioned("one");
    broker.get(&format!("{path}/service_bindings/%00/last_operation")).is(400);
}

#[test]
fn r55_r56_a_binding_is_polled_alike_with_and_without_its_operation() {
    let broker = Broker::new();
    let path = broker.provisioned("one");
    let binding = format!("{path}/service_bindings/b");
    broker.engine.hold(Call::Grant);
    let reply = broker.put(&format!("{binding}?accepts_incomplete=true"), &bind()).is(202);
    let named = format!("{binding}/last_operation?operation={}", reply.operation());
    let polled = |state: &str| {
        for path in [&named, &format!("{binding}/last_operation")] {
            let body = broker.get(path).is(200).body;
            assert_eq!(body["state"], state);
            let fields = body.as_object().unwrap().keys();
            assert!(
                fields.into_iter().all(|field| ["state", "description"].contains(&field.as_str()))
            );
        }
    };
    polled("in progress");
    broker.engine.release();
    broker.settled(&binding);
    polled("succeeded");
}
