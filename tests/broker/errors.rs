//! What a refusal looks like, and what it leaves: requirements 19–24 and 45.

use axum::http::Method;
use banquet::backend::fake::Method as Backend;
use serde_json::{Value, json};

use crate::harness::*;

const ASYNC: &str = "?accepts_incomplete=true";

/// One refusal of each kind.
fn refusals(broker: &Broker) -> Vec<(&'static str, Reply)> {
    let path = instance("one");
    broker.put(&format!("{path}{ASYNC}"), &provision(SMALL));
    broker.settled(&path);
    let binding = format!("{path}/service_bindings/b");
    let change = |body: Value| {
        broker.patch(&format!("{path}{ASYNC}"), &but(body, "service_id", json!(OFFERING)))
    };
    vec![
        ("malformed", broker.put(&format!("{}{ASYNC}", instance("two")), &json!({}))),
        ("unknown instance", broker.get(&instance("none"))),
        ("unknown binding", broker.get(&binding)),
        (
            "gone instance",
            broker.delete(&format!("{}?{IDS}&accepts_incomplete=true", instance("x"))),
        ),
        ("gone binding", broker.delete(&format!("{binding}?{IDS}"))),
        ("conflict", broker.put(&format!("{path}{ASYNC}"), &provision(LARGE))),
        ("async required", broker.put(&instance("two"), &provision(SMALL))),
        ("maintenance", change(json!({"maintenance_info": {"version": "9.9.9"}}))),
        ("no such change", change(json!({"plan_id": SYNC}))),
        ("bind of nothing", broker.put(&format!("{}/service_bindings/b", instance("x")), &bind())),
        ("no such route", broker.get("/v2/nothing")),
        ("no such method", broker.ask(Method::POST, "/v2/catalog", &json!({}))),
    ]
}

#[test]
fn r19_r20_refusals_are_json_with_a_word_and_a_description() {
    let broker = Broker::new();
    for (what, reply) in refusals(&broker) {
        assert!((400..500).contains(&reply.status), "{what}: {}", reply.status);
        assert!(!reply.body["description"].as_str().unwrap().is_empty(), "{what}");
        if let Some(word) = reply.body.get("error") {
            let word = word.as_str().unwrap();
            assert!(!word.is_empty() && word.chars().all(char::is_alphanumeric), "{what}: {word}");
        }
    }
}

#[test]
fn r21_r22_what_is_left_is_told_of_updates_alone() {
    let broker = Broker::new();
    for (what, reply) in refusals(&broker) {
        let update = ["maintenance", "no such change"].contains(&what);
        let told =
            ["instance_usable", "update_repeatable"].map(|field| reply.body.get(field).is_some());
        assert!(update || told == [false, false], "{what}: {}", reply.body);
    }
}

#[test]
fn r23_the_four_words_are_the_specifications() {
    let broker = Broker::new();
    let words: Vec<_> = refusals(&broker)
        .into_iter()
        .filter(|(_, reply)| reply.status == 422)
        .map(|(what, reply)| (what, reply.body["error"].clone()))
        .collect();
    assert!(words.contains(&("async required", json!("AsyncRequired"))), "{words:?}");
    assert!(words.contains(&("maintenance", json!("MaintenanceInfoConflict"))), "{words:?}");
    assert!(words.contains(&("no such change", Value::Null)), "80: no fixed word; {words:?}");
}

#[test]
fn r24_a_refusal_changes_nothing() {
    let broker = Broker::new();
    refusals(&broker);
    let before = broker.row("one").unwrap();
    let operations = broker.operations("one");
    refusals(&broker);
    assert_eq!(broker.row("one").unwrap(), before);
    assert_eq!(broker.operations("one"), operations);
    broker.deprovisioned("one");
    broker.assert_nothing_left();
}

#[test]
fn r44_r45_what_cannot_be_now_says_so() {
    let broker = Broker::new();
    let path = broker.provisioned("one");
    broker.backend.hold(Backend::Ensure);
    let larger = json!({"service_id": OFFERING, "plan_id": LARGE});
    broker.patch(&format!("{path}{ASYNC}"), &larger).is(202);
    let busy = broker.put(&format!("{path}/service_bindings/b"), &bind());
    let busy = busy.refused("ConcurrencyError");
    assert_eq!(
        busy.body["description"],
        "The Service Broker does not support concurrent requests that mutate the same resource."
    );
    assert_eq!(broker.get(&instance("other")).status, 404, "another is not concerned");
    broker.backend.release(Backend::Ensure);
    broker.settled(&path);
}

#[test]
fn r2_r12_what_is_unknown_is_passed_over() {
    let broker = Broker::waiting();
    let strange = json!({"of": ["a", "later", "version"]});
    let body = but(provision(SMALL), "predecessor_instance_id", strange.clone());
    let body = but(body, "maintenance_info", json!({"version": "1.0.0", "window": strange}));
    let body = but(body, "context", json!({"platform": "moon", "crater": strange}));
    broker.put(&format!("{}{ASYNC}&later=yes", instance("one")), &body).is(201);
    let update = json!({"service_id": OFFERING, "plan_id": LARGE, "later": strange});
    broker.patch(&format!("{}{ASYNC}", instance("one")), &update).is(200);
    let resource = json!({"app_guid": "app", "later": strange});
    let body = but(but(bind(), "bind_resource", resource), "later", strange);
    let body = but(body, "plan_id", json!(LARGE));
    broker.put(&format!("{}/service_bindings/b", instance("one")), &body).is(201);
}

#[test]
fn r13_answers_have_no_fields_of_our_own() {
    let broker = Broker::waiting();
    let path = broker.provisioned("one");
    let known = |reply: &Reply, fields: &[&str]| {
        let body = reply.body.as_object().unwrap();
        assert!(body.keys().all(|field| fields.contains(&field.as_str())), "{body:?}");
    };
    known(&broker.put(&format!("{path}{ASYNC}"), &provision(SMALL)), &["metadata"]);
    known(&broker.get(&format!("{path}/last_operation")), &["state", "description"]);
    known(
        &broker.put(&format!("{path}/service_bindings/b"), &bind()),
        &["credentials", "endpoints", "metadata"],
    );
    known(
        &broker.get(&path),
        &["service_id", "plan_id", "parameters", "maintenance_info", "metadata"],
    );
}
