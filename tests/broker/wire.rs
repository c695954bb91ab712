//! What was seen on the wire, line by line ("Seen on the wire" of §3.9).

use axum::http::Method;
use banquet::engine::fake::Call;
use serde_json::{Value, json};

use crate::harness::*;

fn of_version(broker: &Broker, version: &str, method: Method, path: &str, body: &Value) -> Reply {
    let mut request = as_platform("cf", method, path, body);
    request.headers_mut().insert("X-Broker-API-Version", version.parse().unwrap());
    broker.send(request)
}

#[test]
fn answer_fields_follow_the_version_of_the_request() {
    let broker = Broker::waiting();
    let path = instance("one");
    let polling = format!("{path}?accepts_incomplete=true");
    let binding = format!("{path}/service_bindings/b");
    broker.put(&polling, &provision(LARGE)).is(201);
    let bind = but(bind(), "plan_id", json!(LARGE));
    for (version, instance_fields, binding_fields) in [
        ("2.13", &[][..], &["credentials"][..]),
        ("2.14", &[], &["credentials"]),
        ("2.15", &[], &["credentials", "endpoints"]),
        ("2.16", &["labels"], &["credentials", "endpoints", "metadata"]),
        ("2.17", &["attributes", "labels"], &["credentials", "endpoints", "metadata"]),
        ("2.40", &["attributes", "labels"], &["credentials", "endpoints", "metadata"]),
    ] {
        let put = of_version(&broker, version, Method::PUT, &polling, &provision(LARGE));
        let metadata = put.is(200).body["metadata"].clone();
        let fields: Vec<&String> =
            metadata.as_object().map(|m| m.keys().collect()).unwrap_or_default();
        assert_eq!(fields, instance_fields, "{version}");
        let bound = of_version(&broker, version, Method::PUT, &binding, &bind).body;
        let fields: Vec<&String> = bound.as_object().unwrap().keys().collect();
        assert_eq!(fields, binding_fields, "{version}");
    }
    let whole = of_version(&broker, "2.13", Method::GET, "/v2/catalog", &Value::Null).body;
    assert_eq!(whole, broker.get("/v2/catalog").body, "the catalog stays whole");
}

#[test]
fn ports_are_strings_where_they_are_sent_at_all() {
    let broker = Broker::new();
    let path = broker.provisioned("one");
    let binding = format!("{path}/service_bindings/b");
    let bound = of_version(&broker, "2.15", Method::PUT, &binding, &bind()).is(201).body;
    assert!(bound["endpoints"][0]["ports"].as_array().unwrap().iter().all(Value::is_string));
}

#[test]
fn bindings_are_made_and_ended_without_accepts_incomplete() {
    let broker = Broker::new();
    let path = broker.provisioned("one");
    let binding = format!("{path}/service_bindings/b");
    for query in ["", "?accepts_incomplete=false"] {
        broker.put(&format!("{binding}{query}"), &bind()).is(201);
        broker.delete(&format!("{binding}?{IDS}")).is(200);
    }
}

#[test]
fn an_object_without_a_version_is_absent() {
    let broker = Broker::waiting();
    let path = format!("{}?accepts_incomplete=true", instance("one"));
    for (body, status) in [
        (but(provision(SMALL), "maintenance_info", json!({})), 201),
        (but(provision(SMALL), "maintenance_info", json!({"version": null})), 200),
        (but(provision(SMALL), "maintenance_info", Value::Null), 200),
    ] {
        broker.put(&path, &body).is(status);
    }
    let nothing = json!({
        "service_id": OFFERING,
        "maintenance_info": {},
        "previous_values": {"maintenance_info": {}},
    });
    broker.patch(&path, &nothing).is(200);
    let key = but(but(bind(), "bind_resource", json!({})), "maintenance_info", json!({}));
    broker.put(&format!("{}/service_bindings/b", instance("one")), &key).is(201);
}

#[test]
fn an_operation_that_nobody_knows_is_the_latest() {
    let broker = Broker::new();
    let path = broker.provisioned("one");
    for operation in ["provision", "update", "deprovision", "", "x%2Fy"] {
        let poll = format!("{path}/last_operation?operation={operation}");
        assert_eq!(broker.get(&poll).is(200).body["state"], "succeeded", "{operation}");
    }
    broker.get(&format!("{path}/last_operation")).is(200);
}

#[test]
fn operations_need_no_percent_encoding() {
    let broker = Broker::new();
    let path = broker.provisioned("one");
    broker.engine.hold(Call::Grant);
    let binding = format!("{path}/service_bindings/b?accepts_incomplete=true");
    let reply = broker.put(&binding, &bind()).is(202);
    let plain = |c: char| c.is_ascii_alphanumeric() || "-._~".contains(c);
    assert!(reply.operation().chars().all(plain), "{}", reply.operation());
    broker.engine.release();
}

#[test]
fn service_catalog_names_the_cluster_and_leaves_out_a_plan_that_stays() {
    let broker = Broker::waiting();
    let path = format!("{}?accepts_incomplete=true", instance("one"));
    let context = json!({
        "platform": "kubernetes", "namespace": "shop", "clusterid": "c", "instance_name": "db",
    });
    let body = but(provision(SMALL), "context", context);
    let body = but(body, "organization_guid", json!("c"));
    broker.put(&path, &body).is(201);
    assert_eq!(broker.row("one").unwrap().tenant.as_str(), "cf/c/shop");
    let changes = json!({"service_id": OFFERING, "parameters": {"policy": "drop"}});
    broker.patch(&path, &changes).is(200);
    assert_eq!(broker.get(&instance("one")).body["plan_id"], SMALL);
}

#[test]
fn the_kotlin_checkers_groups_are_an_object() {
    let broker = Broker::waiting();
    let path = format!("{}?accepts_incomplete=true", instance("one"));
    let mut request = as_platform("cf", Method::PUT, &path, &provision(SMALL));
    // {"username":"u","groups":{"a":1}}
    let identity = "kubernetes eyJ1c2VybmFtZSI6InUiLCJncm91cHMiOnsiYSI6MX19";
    request.headers_mut().insert("x-broker-api-originating-identity", identity.parse().unwrap());
    broker.send(request).is(201);
    let entry = broker.wait(broker.store().audit(1)).unwrap().remove(0);
    assert!(entry.identity.starts_with("kubernetes {"), "{}", entry.identity);
}

#[test]
fn empty_ids_are_no_ids() {
    let broker = Broker::new();
    let path = format!("{}?accepts_incomplete=true", instance("one"));
    for field in ["organization_guid", "space_guid", "service_id", "plan_id"] {
        broker.put(&path, &but(provision(SMALL), field, json!(""))).is(400);
    }
    broker.assert_nothing_left();
}
