//! PUT, GET and DELETE of instances: requirements 59–74 and 116–127.

use banquet::backend::fake::Method as Backend;
use banquet::engine::fake::Call;
use banquet::model::Fault;
use serde_json::{Value, json};

use crate::harness::*;

const ASYNC: &str = "?accepts_incomplete=true";

#[test]
fn r59_made_in_time_is_201_and_whole() {
    let broker = Broker::waiting();
    let path = instance("one");
    broker.put(&format!("{path}{ASYNC}"), &provision(SMALL)).is(201);
    broker.assert_whole("one");
    broker.deprovisioned("one");
    broker.assert_nothing_left();
}

#[test]
fn r60_r61_r64_the_idempotency_table() {
    let broker = Broker::new();
    let path = instance("one");
    let put = |body: &Value| broker.put(&format!("{path}{ASYNC}"), body);
    broker.backend.hold(Backend::Ensure);
    let first = put(&provision(SMALL)).is(202);
    assert!(!first.operation().is_empty());
    let again = put(&provision(SMALL)).is(202);
    assert_eq!(again.operation(), first.operation(), "61");
    put(&provision(LARGE)).is(409);

    broker.backend.release(Backend::Ensure);
    assert_eq!(broker.settled(&path).body["state"], "succeeded");
    let same = provision(SMALL);
    put(&same).is(200);
    put(&but(same.clone(), "parameters", json!({}))).is(200);
    put(&but(same.clone(), "context", json!({"platform": "cloudfoundry"}))).is(200);
    for (field, other) in [
        ("plan_id", json!(LARGE)),
        ("organization_guid", json!("other")),
        ("space_guid", json!("other")),
        ("parameters", json!({"policy": "drop"})),
    ] {
        put(&but(same.clone(), field, other)).is(409);
    }
    let operations = broker.operations("one");
    assert_eq!(operations[&("provision", "succeeded")], 1, "{operations:?}");
}

#[test]
fn r62_r63_r67_missing_and_invalid_data() {
    let broker = Broker::new();
    let put = |body: &Value| broker.put(&format!("{}{ASYNC}", instance("one")), body);
    for field in ["service_id", "plan_id", "organization_guid", "space_guid"] {
        let reply = put(&but(provision(SMALL), field, Value::Null)).is(400);
        assert!(reply.body["description"].as_str().unwrap().contains(field));
        put(&but(provision(SMALL), field, json!(""))).is(400);
        put(&but(provision(SMALL), field, json!(7))).is(400);
    }
    put(&but(provision(SMALL), "service_id", json!("unknown"))).is(400);
    put(&but(provision(SMALL), "plan_id", json!("unknown"))).is(400);
    put(&but(provision(SMALL), "parameters", json!([]))).is(400);
    let reply = put(&but(provision(SMALL), "parameters", json!({"policy": "secret!"}))).is(400);
    let text = reply.body["description"].as_str().unwrap();
    assert!(text.contains("policy") && !text.contains("secret!"), "{text}");
    put(&but(provision(SMALL), "parameters", json!({"unknown": 1}))).is(400);
    put(&but(provision(SMALL), "context", json!("x"))).is(400);
    put(&but(provision(SMALL), "unknown_field", json!({"a": [1]}))).is(202);
    broker.settled(&instance("one"));
}

#[test]
fn r65_r120_async_required_before_anything_is_written() {
    let broker = Broker::new();
    for query in ["", "?accepts_incomplete=false", "?accepts_incomplete=1", "?accepts_incomplete="]
    {
        let reply = broker.put(&format!("{}{query}", instance("one")), &provision(SMALL));
        let reply = reply.refused("AsyncRequired");
        assert_eq!(
            reply.body["description"],
            "This service plan requires client support for asynchronous service operations."
        );
    }
    broker.assert_nothing_left();
    broker.delete(&format!("{}?{IDS}", instance("one"))).refused("AsyncRequired");
}

#[test]
fn r66_r68_maintenance_info_must_be_the_catalogs() {
    let broker = Broker::waiting();
    let put = |info: Value| {
        let body = but(provision(SMALL), "maintenance_info", info);
        broker.put(&format!("{}{ASYNC}", instance("one")), &body)
    };
    put(json!({"version": "Invalid"})).refused("MaintenanceInfoConflict");
    put(json!({"version": "2.0.0"})).refused("MaintenanceInfoConflict");
    broker.assert_nothing_left();
    put(json!({"version": "1.0.0", "description": "ignored (68)"})).is(201);
    put(json!({})).is(200);
}

#[test]
fn r71_r72_r74_fetching() {
    let broker = Broker::new();
    let path = instance("one");
    broker.get(&path).is(404);
    broker.backend.hold(Backend::Ensure);
    let body = but(provision(SMALL), "parameters", json!({"policy": "drop"}));
    broker.put(&format!("{path}{ASYNC}"), &body).is(202);
    broker.get(&path).is(404);
    broker.backend.release(Backend::Ensure);
    broker.settled(&path);
    let fetched = broker.get(&path).is(200).body;
    assert_eq!(
        fetched,
        json!({
            "service_id": OFFERING,
            "plan_id": SMALL,
            "parameters": {"policy": "drop"},
            "maintenance_info": {"version": "1.0.0"},
            "metadata": {
                "labels": {
                    "banquet.name": "db",
                    "banquet.offering": "cache",
                    "banquet.plan": "small",
                    "banquet.tenant": "cf/org",
                },
                "attributes": {
                    "connections": "10",
                    "cpu_millis": "500",
                    "disk_bytes": "1073741824",
                    "memory_bytes": "67108864",
                },
            },
        })
    );
    broker.backend.hold(Backend::Remove);
    broker.delete(&format!("{path}?{IDS}&accepts_incomplete=true")).is(202);
    broker.get(&path).refused("ConcurrencyError");
    broker.backend.release(Backend::Remove);
    broker.settled(&path);
    broker.get(&path).is(404);
}

#[test]
fn r116_r117_r118_r119_r122_deprovision() {
    let broker = Broker::new();
    let path = broker.provisioned("one");
    broker.delete(&format!("{path}?accepts_incomplete=true")).is(400);
    broker.delete(&format!("{path}?service_id=&plan_id=x&accepts_incomplete=true")).is(400);
    let delete = || broker.delete(&format!("{path}?{IDS}&accepts_incomplete=true"));
    broker.backend.hold(Backend::Remove);
    let first = delete().is(202);
    assert_eq!(delete().is(202).operation(), first.operation(), "117");
    broker.backend.release(Backend::Remove);
    assert_eq!(broker.settled(&path).is(200).body["state"], "succeeded");
    delete().is(410);
    broker.assert_nothing_left();
}

#[test]
fn r123_delete_stops_a_provision() {
    let broker = Broker::new();
    let path = instance("one");
    let held: [fn(&Broker); 3] = [
        |broker| broker.backend.hold(Backend::Image),
        |broker| broker.backend.hold(Backend::Ensure),
        |broker| broker.engine.hold(Call::Bootstrap),
    ];
    for hold in held {
        hold(&broker);
        let provision = broker.put(&format!("{path}{ASYNC}"), &provision(SMALL)).is(202);
        std::thread::sleep(std::time::Duration::from_millis(30));
        let delete = broker.delete(&format!("{path}?{IDS}&accepts_incomplete=true")).is(202);
        broker.backend.release(Backend::Image);
        broker.backend.release(Backend::Ensure);
        broker.engine.release();
        assert_eq!(broker.settled(&path).body["state"], "succeeded", "the delete, when not named");
        let asked = |operation: &str| {
            broker.get(&format!("{path}/last_operation?operation={operation}")).is(200).body
        };
        assert_eq!(asked(delete.operation())["state"], "succeeded");
        assert_eq!(asked(provision.operation())["state"], "failed");
        broker.assert_nothing_left();
    }
}

#[test]
fn r124_r126_r127_delete_works_on_any_remains() {
    let broker = Broker::new();
    let path = broker.provisioned("bound");
    broker.bound(&path, "b1");
    broker.deprovisioned("bound");
    broker.get(&format!("{path}/service_bindings/b1")).is(404);
    broker.delete(&format!("{path}/service_bindings/b1?{IDS}")).is(410);

    broker.backend.fail(
        Backend::Ensure,
        1,
        banquet::backend::fake::Moment::After,
        Fault::fatal("no"),
    );
    let path = instance("failed");
    broker.put(&format!("{path}{ASYNC}"), &provision(SMALL)).is(202);
    let failed = broker.settled(&path).body;
    assert_eq!((&failed["state"], &failed["description"]), (&json!("failed"), &json!("no")));
    assert!(broker.backend.is_empty(), "a failed provision leaves nothing");
    let again = broker.put(&format!("{path}{ASYNC}"), &provision(SMALL)).is(202);
    let operation = again.operation();
    let told = broker.get(&format!("{path}/last_operation?operation={operation}")).body;
    assert_eq!(told["state"], "failed", "§3.3: told again, not begun anew");
    broker.get(&path).is(404);
    broker.deprovisioned("failed");
    broker.assert_nothing_left();
}

#[test]
fn r70_ids_come_back_after_delete() {
    let broker = Broker::waiting();
    for plan in [SMALL, LARGE, SMALL] {
        broker.put(&format!("{}{ASYNC}", instance("one")), &provision(plan)).is(201);
        broker.deprovisioned("one");
    }
    broker.assert_nothing_left();
}

#[test]
fn r39_r41_a_synchronous_plan_never_needs_polling() {
    let broker = Broker::new();
    let path = instance("one");
    broker.put(&path, &provision(SYNC)).is(201);
    broker.put(&path, &provision(SYNC)).is(200);
    broker.assert_whole("one");
    let ids = IDS.replace(SMALL, SYNC);
    broker.delete(&format!("{path}?{ids}")).is(200);
    broker.assert_nothing_left();
}

#[test]
fn a_synchronous_plan_that_fails_says_so_and_leaves_nothing() {
    let broker = Broker::new();
    let path = instance("one");
    broker.backend.miss_image("docker.io/library/cache:1");
    let reply = broker.put(&path, &provision(SYNC)).is(500);
    assert!(reply.body["description"].as_str().unwrap().contains("docker.io/library/cache:1"));
    assert_eq!(reply.body.get("instance_usable"), None, "21");
    assert!(broker.backend.is_empty());
    broker.backend.bring_image("docker.io/library/cache:1");
    broker.put(&path, &provision(SYNC)).is(201);
}

#[test]
fn r39_r126_a_synchronous_plan_that_takes_too_long_is_taken_back() {
    let plan = Plan { longest_wait: std::time::Duration::from_millis(200), ..Plan::default() };
    let broker = Broker::with(plan);
    let path = instance("one");
    broker.backend.hold(Backend::Ensure);
    broker.put(&path, &provision(SYNC)).is(503);
    broker.backend.release(Backend::Ensure);
    broker.settled(&path);
    broker.assert_nothing_left();
}

#[test]
fn the_quota_of_a_plan_is_the_tenants() {
    let broker = Broker::waiting();
    for number in 0..40 {
        let path = format!("{}{ASYNC}", instance(&format!("i{number}")));
        broker.put(&path, &provision(SMALL)).is(201);
    }
    let path = format!("{}{ASYNC}", instance("one-more"));
    let reply = broker.put(&path, &provision(SMALL)).is(422);
    assert!(reply.body["description"].as_str().unwrap().contains("quota of 40"));
    broker.put(&path, &but(provision(SMALL), "organization_guid", json!("o"))).is(422);
    let other = json!({"platform": "cloudfoundry", "organization_guid": "other"});
    broker.put(&path, &but(provision(SMALL), "context", other)).is(201);
}

#[test]
fn ports_run_out_and_come_back() {
    let broker = Broker::with(Plan { ports: 20_000..=20_001, ..Plan::default() });
    let first = broker.provisioned("a");
    broker.provisioned("b");
    let path = format!("{}{ASYNC}", instance("c"));
    let reply = broker.put(&path, &provision(SMALL)).is(422);
    assert!(reply.body["description"].as_str().unwrap().contains("20000-20001"));
    assert_eq!(first, instance("a"));
    broker.deprovisioned("a");
    broker.put(&path, &provision(SMALL)).is(202);
    assert_eq!(broker.settled(&instance("c")).body["state"], "succeeded");
}

#[test]
fn a_busy_port_is_exchanged_before_an_app_can_know_it() {
    let broker = Broker::new();
    broker.backend.take_port(20_000);
    broker.provisioned("one");
    assert_eq!(broker.row("one").unwrap().ports["cache"], 20_001);
    broker.assert_whole("one");
    // Files know where apps reach the instance.
    let conf = broker.backend.volumes().into_iter().find(|volume| volume.name == "conf").unwrap();
    assert_eq!(conf.files["/conf/address"].expose(), "127.0.0.1:20001\n");
}

#[test]
fn r40_r42_r43_accepted_only_where_it_may_be_and_has_to_be() {
    let slow = Broker::new();
    let path = instance("one");
    slow.put(&path, &provision(SMALL)).refused("AsyncRequired");
    slow.put(&format!("{path}{ASYNC}"), &provision(SMALL)).is(202);
    slow.settled(&path);
    let quick = Broker::waiting();
    quick.put(&format!("{path}{ASYNC}"), &provision(SMALL)).is(201);
    quick.delete(&format!("{path}{ASYNC}&{IDS}")).is(200);
}

#[test]
fn r69_r115_r125_operations_are_short_and_need_no_encoding() {
    let broker = Broker::new();
    let path = instance("one");
    let binding = format!("{path}/service_bindings/b");
    let check = |reply: Reply| {
        let operation = reply.is(202).operation().to_owned();
        let plain = |c: char| c.is_ascii_alphanumeric() || "-._~".contains(c);
        assert!(operation.len() <= 10_000 && operation.chars().all(plain), "{operation}");
    };
    let made = broker.put(&format!("{path}{ASYNC}"), &provision(SMALL));
    assert_eq!(made.body["metadata"]["labels"]["banquet.plan"], "small", "69: also in a 202");
    check(made);
    broker.settled(&path);
    check(broker.put(&format!("{binding}{ASYNC}"), &bind()));
    broker.settled(&binding);
    check(broker.delete(&format!("{binding}{ASYNC}&{IDS}")));
    broker.settled(&binding);
    check(broker.delete(&format!("{path}{ASYNC}&{IDS}")));
    broker.settled(&path);
}

#[test]
fn r129_the_context_says_whose_it_is_and_what_it_is_called() {
    let broker = Broker::waiting();
    for (id, context, tenant, name) in [
        (
            "cf",
            json!({"platform": "cloudfoundry", "organization_guid": "o", "space_guid": "s",
                   "organization_name": "org", "space_name": "space", "instance_name": "db",
                   "instance_annotations": {"a": "b"}}),
            "cf/o",
            "db",
        ),
        (
            "k8s",
            json!({"platform": "kubernetes", "namespace": "n", "clusterid": "c",
                   "instance_name": "db2", "namespace_annotations": {}}),
            "cf/c/n",
            "db2",
        ),
        ("sm", json!({"platform": "service-manager", "subaccount_id": "sub"}), "cf/sub", "sm"),
        ("none", Value::Null, "cf/org", "none"),
    ] {
        let body = but(provision(SMALL), "context", context);
        broker.put(&format!("{}{ASYNC}", instance(id)), &body).is(201);
        let row = broker.row(id).unwrap();
        assert_eq!((row.tenant.as_str(), row.name.as_str()), (tenant, name));
    }
}
