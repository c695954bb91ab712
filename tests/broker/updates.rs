//! PATCH of instances: requirements 73 and 75–87.

use std::sync::Arc;

use banquet::backend::fake::{Method as Backend, Moment};
use banquet::model::Fault;
use serde_json::{Value, json};

use crate::catalog::upgraded;
use crate::harness::*;

const SYNC_LARGE: &str = "c0ffee00-0000-4000-8000-000000000014";

fn patch(broker: &Broker, path: &str, body: Value) -> Reply {
    let body = but(body, "service_id", json!(OFFERING));
    broker.patch(&format!("{path}?accepts_incomplete=true"), &body)
}

#[test]
fn r75_r76_r83_what_changes_and_what_does_not() {
    let broker = Broker::waiting();
    let path = broker.provisioned("one");
    patch(&broker, &path, json!({})).is(200);
    patch(&broker, &path, json!({"plan_id": SMALL, "parameters": {}})).is(200);
    patch(&broker, &path, json!({"plan_id": SMALL, "parameters": null})).is(200);
    assert_eq!(broker.operations("one").len(), 1, "76: nothing was begun");

    patch(&broker, &path, json!({"parameters": {"policy": "drop"}})).is(200);
    patch(&broker, &path, json!({"plan_id": LARGE, "parameters": {}})).is(200);
    let fetched = broker.get(&path).body;
    assert_eq!(fetched["plan_id"], LARGE);
    assert_eq!(fetched["parameters"], json!({"policy": "drop"}), "83");
    patch(&broker, &path, json!({"parameters": {"policy": null, "note": "x"}})).is(200);
    assert_eq!(broker.get(&path).body["parameters"], json!({"note": "x"}));
    broker.assert_whole("one");
}

#[test]
fn r77_the_same_update_again_and_others_meanwhile() {
    let broker = Broker::new();
    let path = broker.provisioned("one");
    broker.backend.hold(Backend::Ensure);
    let first = patch(&broker, &path, json!({"plan_id": LARGE})).is(202);
    let again = patch(&broker, &path, json!({"plan_id": LARGE})).is(202);
    assert_eq!(first.operation(), again.operation());
    patch(&broker, &path, json!({"parameters": {"policy": "drop"}})).refused("ConcurrencyError");
    broker.get(&path).refused("ConcurrencyError");
    let put = |plan| broker.put(&format!("{path}?accepts_incomplete=true"), &provision(plan));
    put(SMALL).is(200);
    put(LARGE).is(409);
    broker.put(&format!("{path}/service_bindings/b"), &bind()).refused("ConcurrencyError");
    broker.delete(&format!("{path}?{IDS}&accepts_incomplete=true")).refused("ConcurrencyError");
    assert_eq!(broker.get(&format!("{path}/last_operation")).body["state"], "in progress");
    broker.backend.release(Backend::Ensure);
    assert_eq!(broker.settled(&path).body["state"], "succeeded");
    broker.assert_whole("one");
}

#[test]
fn r48_r78_a_failed_update_changes_nothing_and_says_what_is_left() {
    let broker = Broker::new();
    let path = broker.provisioned("one");
    let before = broker.row("one").unwrap();
    broker.backend.fail(Backend::Ensure, 1, Moment::After, Fault::fatal("no room"));
    patch(&broker, &path, json!({"plan_id": LARGE, "parameters": {"policy": "drop"}})).is(202);
    assert_eq!(
        broker.settled(&path).body,
        json!({
            "state": "failed",
            "description": "no room",
            "instance_usable": true,
            "update_repeatable": true,
        })
    );
    let after = broker.row("one").unwrap();
    assert_eq!((&after.workload, &after.plan_id), (&before.workload, &before.plan_id));
    broker.assert_whole("one");
    broker.bound(&path, "b");
    patch(&broker, &path, json!({"plan_id": LARGE})).is(202);
    assert_eq!(broker.settled(&path).body["state"], "succeeded", "87: asked again");
}

#[test]
fn r87_what_cannot_be_taken_back_either_is_unusable_and_can_still_be_deleted() {
    let broker = Broker::new();
    let path = broker.provisioned("one");
    for nth in [1, 2] {
        broker.backend.fail(Backend::Ensure, nth, Moment::Before, Fault::fatal("no room"));
    }
    patch(&broker, &path, json!({"plan_id": LARGE})).is(202);
    let failed = broker.settled(&path).body;
    assert_eq!((&failed["state"], &failed["instance_usable"]), (&json!("failed"), &json!(false)));
    let view = broker.administer(axum::http::Method::GET, "/instances/one", &Value::Null).body;
    assert_eq!(view["usable"], false);
    patch(&broker, &path, json!({"plan_id": LARGE})).is(202);
    assert_eq!(broker.settled(&path).body["state"], "succeeded", "a later update may repair it");
    broker.assert_whole("one");
    broker.deprovisioned("one");
    broker.assert_nothing_left();
}

#[test]
fn r79_r80_r86_refused_updates() {
    let broker = Broker::waiting();
    let path = broker.provisioned("one");
    broker.patch(&format!("{path}?accepts_incomplete=true"), &json!({"plan_id": LARGE})).is(400);
    patch(&broker, &path, json!({"plan_id": "unknown"})).is(400);
    patch(&broker, &path, json!({"parameters": {"policy": "x"}})).is(400);
    patch(&broker, &path, json!({"parameters": {"unknown": 1}})).is(400);
    patch(&broker, &instance("nothing"), json!({"plan_id": LARGE})).is(404);
    patch(&broker, &path, json!({"plan_id": LARGE})).is(200);
    let back = patch(&broker, &path, json!({"plan_id": SMALL})).is(422);
    assert_eq!(back.body["update_repeatable"], false);
    assert!(back.body["description"].as_str().unwrap().contains("none"));
}

#[test]
fn r81_async_required() {
    let broker = Broker::new();
    let path = broker.provisioned("one");
    let body = json!({"service_id": OFFERING, "plan_id": LARGE});
    broker.patch(&path, &body).refused("AsyncRequired");
    broker.assert_whole("one");
}

#[test]
fn r82_maintenance_info() {
    let broker = Broker::waiting();
    let path = broker.provisioned("one");
    let info = |version: &str| json!({"maintenance_info": {"version": version}});
    patch(&broker, &path, info("9.9.9")).refused("MaintenanceInfoConflict");
    patch(&broker, &path, info("1.0.0")).is(200);
    let both = json!({"maintenance_info": {"version": "1.0.0"}, "plan_id": LARGE});
    patch(&broker, &path, both).is(200);
    assert_eq!(broker.get(&path).body["plan_id"], LARGE);
}

#[test]
fn r85_a_context_alone_changes_names() {
    let broker = Broker::waiting();
    let path = broker.provisioned("one");
    let context = json!({"platform": "cloudfoundry", "instance_name": "renamed"});
    patch(&broker, &path, json!({"context": context})).is(200);
    assert_eq!(broker.row("one").unwrap().name, "renamed");
    assert_eq!(broker.operations("one").len(), 1);
}

#[test]
fn a_synchronous_plan_is_updated_without_polling() {
    let broker = Broker::new();
    let path = instance("one");
    broker.put(&path, &provision(SYNC)).is(201);
    let body = json!({"service_id": OFFERING, "plan_id": SYNC_LARGE});
    broker.patch(&path, &body).is(200);
    broker.assert_whole("one");
}

#[test]
fn a_delete_ends_an_update_that_cannot_be_taken_back() {
    let broker = Broker::new();
    let path = broker.provisioned("one");
    broker.backend.fail(Backend::Ensure, 1, Moment::Before, Fault::fatal("no room"));
    broker.engine.not_ready_for(u32::MAX);
    patch(&broker, &path, json!({"plan_id": LARGE})).is(202);
    let polled = || broker.get(&format!("{path}/last_operation")).body;
    while polled() != json!({"state": "in progress", "description": "no room"}) {
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
    broker.deprovisioned("one");
    broker.assert_nothing_left();
}

#[test]
fn a_change_of_plan_keeps_to_the_quota() {
    let broker = Broker::new();
    let larger = json!({"service_id": OFFERING, "plan_id": SYNC_LARGE});
    for (id, status) in [("one", 200), ("two", 422)] {
        broker.put(&instance(id), &provision(SYNC)).is(201);
        broker.patch(&instance(id), &larger).is(status);
        broker.assert_whole(id);
    }
}

#[test]
fn images_stay_what_they_were_without_an_upgrade() {
    let broker = Broker::waiting();
    let path = broker.provisioned("one");
    let before = broker.row("one").unwrap().workload.containers[0].image.clone();
    assert!(before.resolved.is_some());
    patch(&broker, &path, json!({"plan_id": LARGE})).is(200);
    assert_eq!(broker.row("one").unwrap().workload.containers[0].image, before);
}

#[test]
fn r84_an_update_is_answered_with_what_it_made() {
    let broker = Broker::waiting();
    let path = broker.provisioned("one");
    let reply = patch(&broker, &path, json!({"plan_id": LARGE})).is(200);
    assert_eq!(reply.body.get("operation"), None);
    assert_eq!(reply.body["metadata"]["labels"]["banquet.plan"], "large");
    assert_eq!(reply.body["metadata"]["attributes"]["connections"], "20");
}

#[test]
fn r77_an_upgrade_is_not_the_same_as_the_change_of_plan_that_runs() {
    let broker = Broker::new();
    let path = broker.provisioned("one");
    broker.replace_catalog(Arc::new(upgraded()));
    broker.backend.hold(Backend::Ensure);
    let change = json!({"plan_id": LARGE});
    let upgrade = but(change.clone(), "maintenance_info", json!({"version": "2.0.0"}));
    let first = patch(&broker, &path, change.clone()).is(202);
    patch(&broker, &path, upgrade.clone()).refused("ConcurrencyError");
    assert_eq!(patch(&broker, &path, change).is(202).operation(), first.operation());
    broker.backend.release(Backend::Ensure);
    broker.settled(&path);
    assert_eq!(broker.get(&path).body["maintenance_info"], json!({"version": "1.0.0"}));

    broker.backend.hold(Backend::Ensure);
    let second = patch(&broker, &path, upgrade.clone()).is(202);
    assert_eq!(patch(&broker, &path, upgrade).is(202).operation(), second.operation());
    broker.backend.release(Backend::Ensure);
    broker.settled(&path);
    assert_eq!(broker.get(&path).body["maintenance_info"], json!({"version": "2.0.0"}));
}

#[test]
fn r85_an_empty_context_changes_nothing_and_another_is_written_down() {
    let broker = Broker::waiting();
    let path = broker.provisioned("one");
    let before = broker.row("one").unwrap();
    patch(&broker, &path, json!({"context": {}})).is(200);
    assert_eq!(broker.row("one").unwrap(), before);
    let audited = || broker.wait(broker.store().audit(10)).unwrap().len();
    assert_eq!(audited(), 1, "of the provision");
    let context = json!({"platform": "cloudfoundry", "instance_name": "renamed"});
    patch(&broker, &path, json!({"context": context})).is(200);
    patch(&broker, &path, json!({"context": context})).is(200);
    assert_eq!(audited(), 2);
    let entry = broker.wait(broker.store().audit(1)).unwrap().remove(0);
    assert_eq!((entry.action.as_str(), entry.instance.as_str()), ("update", "one"));
}

/// What is beyond the plan is refused, with the path of the fault, whichever way it comes about.
#[test]
fn a_parameter_is_bounded_by_the_plan() {
    let broker = Broker::waiting();
    let path = instance("one");
    let asynchronously = format!("{path}?accepts_incomplete=true");
    let with = |mut body: Value, seats: u64| {
        body["parameters"] = json!({ "seats": seats });
        body
    };
    let beyond = |reply: &Reply| {
        assert_eq!(reply.status, 400, "{reply:?}");
        let told = reply.body["description"].as_str().unwrap();
        assert!(told.contains("the parameters do not fit: /seats: "), "{told}");
    };
    beyond(&broker.put(&asynchronously, &with(provision(SMALL), 11)));
    broker.put(&asynchronously, &with(provision(SMALL), 10)).is(201);
    beyond(&patch(&broker, &path, with(json!({}), 11)));
    patch(&broker, &path, with(json!({"plan_id": LARGE}), 20)).is(200);
    beyond(&patch(&broker, &path, with(json!({}), 21)));
    let bind = but(bind(), "plan_id", json!(LARGE));
    let bound = format!("{path}/service_bindings/b");
    beyond(&broker.put(&bound, &with(bind.clone(), 21)));
    broker.put(&bound, &with(bind, 20)).is(201);
    broker.assert_whole("one");

    // What fitted once need not fit another plan.
    let tighter = json!({"plan_id": SYNC_LARGE});
    broker.put(&instance("two"), &with(provision(SYNC), 10)).is(201);
    beyond(&patch(&broker, &instance("two"), tighter.clone()));
    patch(&broker, &instance("two"), with(tighter, 5)).is(200);
    broker.assert_whole("two");
}
