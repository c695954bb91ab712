//! Bindings: requirements 88–99, 104–115.

use banquet::backend::fake::Method as Backend;
use banquet::engine::fake::{Call, When};
use banquet::model::FaultKind;
use serde_json::{Value, json};

use crate::harness::*;

#[test]
fn r88_r89_r96_r97_r99_r106_a_binding_is_made_inline_and_told_again() {
    let broker = Broker::new();
    let path = broker.provisioned("one");
    let binding = format!("{path}/service_bindings/b");
    let made = broker.put(&binding, &bind()).is(201).body;
    let user = Broker::user("one", "b");
    let credentials = &made["credentials"];
    let password = credentials["password"].as_str().unwrap();
    assert_eq!(credentials["username"], user.as_str());
    assert!(password.len() == 32 && password.bytes().all(|b| b.is_ascii_alphanumeric()));
    assert_eq!(
        made["endpoints"],
        json!([{"host": "127.0.0.1", "ports": ["20000"], "protocol": "tcp"}])
    );
    let granted = broker.engine.instance("127.0.0.1:20000").users[&user].password.clone();
    assert_eq!(granted.expose(), password, "the engine knows the password that was handed out");

    assert_eq!(broker.put(&binding, &bind()).is(200).body, made, "97");
    assert_eq!(
        broker.put(&format!("{binding}?accepts_incomplete=true"), &bind()).is(200).body,
        made
    );
    let fetched = broker.get(&binding).is(200).body;
    assert_eq!(fetched["credentials"], made["credentials"]);
    assert_eq!(fetched["parameters"], json!({}));
}

#[test]
fn what_a_binding_does_not_say_is_as_the_offering_says() {
    let broker = Broker::new();
    let path = broker.provisioned("one");
    for (id, parameters, read_only) in
        [("a", json!({}), false), ("b", json!({"read_only": true}), true)]
    {
        let body = but(bind(), "parameters", parameters.clone());
        let binding = format!("{path}/service_bindings/{id}");
        let made = broker.put(&binding, &body).is(201).body;
        assert_eq!(made["credentials"]["read_only"], read_only);
        let users = broker.engine.instance("127.0.0.1:20000").users;
        assert_eq!(users[&Broker::user("one", id)].parameters["read_only"], read_only);
        assert_eq!(broker.get(&binding).body["parameters"], parameters, "as sent");
    }
}

#[test]
fn r90_r92_r105_while_it_is_being_made() {
    let broker = Broker::new();
    let path = broker.provisioned("one");
    let binding = format!("{path}/service_bindings/b");
    broker.engine.hold(Call::Grant);
    let put = |body: &Value| broker.put(&format!("{binding}?accepts_incomplete=true"), body);
    let first = put(&bind()).is(202);
    assert_eq!(first.body.as_object().unwrap().len(), 1, "90: only the operation");
    assert_eq!(put(&bind()).is(202).operation(), first.operation());
    put(&but(bind(), "parameters", json!({"read_only": true}))).is(409);
    broker.get(&binding).is(404);
    assert_eq!(broker.get(&format!("{binding}/last_operation")).body["state"], "in progress");
    broker.engine.release();
    assert_eq!(broker.settled(&binding).body["state"], "succeeded");
    broker.get(&binding).is(200);
    put(&bind()).is(200);
    put(&but(bind(), "bind_resource", json!({"app_guid": "other"}))).is(409);
}

#[test]
fn r91_missing_and_invalid_data() {
    let broker = Broker::new();
    let path = broker.provisioned("one");
    let put = |body: &Value| broker.put(&format!("{path}/service_bindings/b"), body);
    put(&but(bind(), "service_id", Value::Null)).is(400);
    put(&but(bind(), "plan_id", Value::Null)).is(400);
    put(&but(bind(), "service_id", json!("unknown"))).is(400);
    put(&but(bind(), "plan_id", json!("unknown"))).is(400);
    put(&but(bind(), "bind_resource", json!({"app_guid": 7}))).is(400);
    put(&but(bind(), "parameters", json!({"read_only": "yes"}))).is(400);
    broker.put(&format!("{}/service_bindings/b", instance("none")), &bind()).is(404);
    assert!(broker.engine.users().is_empty());
}

#[test]
fn r93_r130_what_platforms_send_for_service_keys() {
    let broker = Broker::new();
    let path = broker.provisioned("one");
    let put = |id: &str, resource: Value, app: Value| {
        let body = but(but(bind(), "bind_resource", resource), "app_guid", app);
        broker.put(&format!("{path}/service_bindings/{id}"), &body)
    };
    put("a", json!({"app_guid": ""}), json!("")).is(201);
    put("a", json!({}), Value::Null).is(200);
    put("b", Value::Null, Value::Null).is(201);
    put("c", json!({"credential_client_id": "x"}), Value::Null).is(201);
}

#[test]
fn r98_every_binding_has_credentials_of_its_own() {
    let broker = Broker::new();
    let path = broker.provisioned("one");
    let credentials = |id: &str| {
        let body = broker.put(&format!("{path}/service_bindings/{id}"), &bind()).is(201).body;
        body["credentials"].clone()
    };
    let (a, b) = (credentials("a"), credentials("b"));
    assert_ne!(a["username"], b["username"]);
    assert_ne!(a["password"], b["password"]);
}

#[test]
fn r107_r109_r110_r113_unbind() {
    let broker = Broker::new();
    let path = broker.provisioned("one");
    let binding = broker.bound(&path, "b");
    broker.delete(&binding).is(400);
    broker.delete(&format!("{binding}?service_id={OFFERING}")).is(400);
    let twice = format!("{binding}?{IDS}&service_id=x&service_id=y");
    assert_eq!(broker.delete(&twice).is(200).body, json!({}));
    assert!(broker.engine.users().is_empty(), "113");
    broker.delete(&format!("{binding}?{IDS}")).is(410);
    broker.get(&binding).is(404);
    assert_eq!(broker.settled(&binding).body["state"], "succeeded");
}

#[test]
fn r108_r112_r114_delete_while_something_runs() {
    let broker = Broker::new();
    let path = broker.provisioned("one");
    let binding = format!("{path}/service_bindings/b");
    let delete = || broker.delete(&format!("{binding}?{IDS}&accepts_incomplete=true"));
    broker.engine.hold(Call::Grant);
    let bound = broker.put(&format!("{binding}?accepts_incomplete=true"), &bind()).is(202);
    std::thread::sleep(std::time::Duration::from_millis(30));
    let first = delete().is(202);
    assert_eq!(delete().is(202).operation(), first.operation(), "108");
    broker.put(&binding, &bind()).refused("ConcurrencyError");
    broker.engine.release();
    assert_eq!(broker.settled(&binding).body["state"], "succeeded");
    let named = format!("{binding}/last_operation?operation={}", bound.operation());
    assert_eq!(broker.get(&named).body["state"], "failed", "114");
    assert!(broker.engine.users().is_empty(), "the half-made user is gone");
}

#[test]
fn a_bind_that_fails_leaves_no_user_and_says_why() {
    let broker = Broker::new();
    let path = broker.provisioned("one");
    let binding = format!("{path}/service_bindings/b");
    broker.engine.fail(Call::Grant, 1, When::After, FaultKind::Fatal);
    let failed = broker.put(&binding, &bind()).is(500).body;
    assert!(!failed["description"].as_str().unwrap().is_empty());
    assert!(broker.engine.users().is_empty());
    broker.get(&binding).is(404);
    broker.put(&format!("{binding}?accepts_incomplete=true"), &bind()).is(202);
    assert_eq!(broker.settled(&binding).body["state"], "failed", "who polls is told again");
    broker.put(&binding, &bind()).is(201);
}

#[test]
fn a_bind_heals_an_instance_whose_container_was_taken_away() {
    let broker = Broker::new();
    let path = broker.provisioned("one");
    broker.backend.lose_containers(&Broker::key("one"));
    broker.engine.fail(Call::Grant, 1, When::Before, FaultKind::Retry);
    broker.bound(&path, "b");
    broker.assert_whole("one");
}

#[test]
fn answer_fields_follow_the_version_asked() {
    let broker = Broker::new();
    let path = broker.provisioned("one");
    let ask = |version: &str| {
        let binding = format!("{path}/service_bindings/b");
        let mut request = as_platform("cf", axum::http::Method::PUT, &binding, &bind());
        request.headers_mut().insert("X-Broker-API-Version", version.parse().unwrap());
        broker.send(request).body
    };
    assert_eq!(ask("2.14").get("endpoints"), None);
    for version in ["2.15", "2.16", "2.17", "2.42"] {
        assert!(ask(version)["endpoints"][0]["ports"][0].is_string(), "{version}");
    }
}

#[test]
fn bindings_while_the_instance_leaves() {
    let broker = Broker::new();
    let path = broker.provisioned("one");
    let binding = broker.bound(&path, "b");
    broker.backend.hold(Backend::Remove);
    broker.delete(&format!("{path}?{IDS}&accepts_incomplete=true")).is(202);
    broker.put(&format!("{path}/service_bindings/c"), &bind()).refused("ConcurrencyError");
    let unbind = broker.delete(&format!("{binding}?{IDS}"));
    assert!([200, 410].contains(&unbind.status), "proceeds: {unbind:?}");
    broker.backend.release(Backend::Remove);
    broker.settled(&path);
    broker.delete(&format!("{binding}?{IDS}")).is(410);
    broker.assert_nothing_left();
}

#[test]
fn r95_r111_nobody_has_to_poll_for_a_binding() {
    let broker = Broker::new();
    let path = broker.provisioned("one");
    let binding = format!("{path}/service_bindings/b");
    for query in ["", "?accepts_incomplete=false", "?accepts_incomplete="] {
        broker.put(&format!("{binding}{query}"), &bind()).is(201);
        let separator = if query.is_empty() { "?" } else { "&" };
        broker.delete(&format!("{binding}{query}{separator}{IDS}")).is(200);
    }
}

#[test]
fn r101_nothing_is_answered_that_was_not_declared() {
    let broker = Broker::new();
    let path = broker.provisioned("one");
    let body = broker.put(&format!("{path}/service_bindings/b"), &bind()).is(201).body;
    for field in ["syslog_drain_url", "route_service_url", "volume_mounts"] {
        assert_eq!(body.get(field), None, "{field}");
    }
}

#[test]
fn r112_who_waits_for_a_binding_of_a_deleted_instance_is_told_why() {
    let broker = Broker::new();
    let path = broker.provisioned("one");
    broker.engine.hold(Call::Grant);
    let waiting = std::thread::scope(|scope| {
        let waiting = scope.spawn(|| broker.put(&format!("{path}/service_bindings/b"), &bind()));
        Broker::until(|| broker.engine.calls().iter().any(|(call, _)| *call == Call::Grant));
        broker.delete(&format!("{path}?{IDS}&accepts_incomplete=true")).is(202);
        broker.engine.release();
        waiting.join().unwrap()
    });
    waiting.refused("ConcurrencyError");
    broker.settled(&path);
    broker.assert_nothing_left();
}
