//! Hundreds at once on the same ids: exactly one effect, and every answer one that the tables allow.

use std::collections::BTreeMap;
use std::time::Duration;

use axum::http::Method;
use banquet::backend::fake::Method as Call;
use serde_json::{Value, json};

use crate::harness::*;

const MANY: usize = 320;
const ASYNC: &str = "?accepts_incomplete=true";

/// How many answers of each status.
type Statuses = BTreeMap<u16, usize>;

fn at_once(broker: &Broker, requests: impl Iterator<Item = (Method, String, Value)>) -> Statuses {
    let router = broker.router();
    broker.wait(async {
        let sent: Vec<_> = requests
            .map(|(method, path, body)| {
                tokio::spawn(answered(router.clone(), as_platform("cf", method, &path, &body)))
            })
            .collect();
        let mut statuses = BTreeMap::new();
        for reply in sent {
            *statuses.entry(reply.await.unwrap().status).or_default() += 1;
        }
        statuses
    })
}

/// The same request, many times.
fn repeated(broker: &Broker, method: &Method, path: &str, body: &Value) -> Statuses {
    at_once(broker, (0..MANY).map(|_| (method.clone(), path.to_owned(), body.clone())))
}

#[track_caller]
fn allowed(statuses: &Statuses, allowed: &[u16]) {
    assert!(statuses.keys().all(|status| allowed.contains(status)), "{statuses:?}");
}

#[test]
fn identical_provisions_make_one_instance() {
    let broker = Broker::waiting();
    let path = instance("one");
    let statuses = repeated(&broker, &Method::PUT, &format!("{path}{ASYNC}"), &provision(SMALL));
    allowed(&statuses, &[200, 201, 202]);
    assert_eq!(statuses.get(&201).copied().unwrap_or(0), 1, "{statuses:?}");
    broker.settled(&path);
    broker.assert_whole("one");
    assert_eq!(broker.operations("one")[&("provision", "succeeded")], 1);
}

#[test]
fn conflicting_provisions_make_one_instance() {
    let broker = Broker::waiting();
    let path = format!("{}{ASYNC}", instance("one"));
    let mixed = (0..MANY).map(|number| {
        let plan = if number % 2 == 0 { SMALL } else { LARGE };
        (Method::PUT, path.clone(), provision(plan))
    });
    let statuses = at_once(&broker, mixed);
    allowed(&statuses, &[200, 201, 202, 409]);
    assert_eq!(statuses[&409], MANY / 2, "{statuses:?}");
    broker.settled(&instance("one"));
    broker.assert_whole("one");
}

#[test]
fn identical_updates_make_one_change() {
    let broker = Broker::waiting();
    let path = broker.provisioned("one");
    let larger = json!({"service_id": OFFERING, "plan_id": LARGE});
    let statuses = repeated(&broker, &Method::PATCH, &format!("{path}{ASYNC}"), &larger);
    allowed(&statuses, &[200, 202]);
    broker.settled(&path);
    broker.assert_whole("one");
    assert_eq!(broker.operations("one")[&("update", "succeeded")], 1);
}

#[test]
fn conflicting_updates_come_one_after_the_other() {
    let broker = Broker::waiting();
    let path = broker.provisioned("one");
    let mixed = (0..MANY).map(|number| {
        let parameters = json!({"note": format!("{}", number % 8)});
        let body = json!({"service_id": OFFERING, "parameters": parameters});
        (Method::PATCH, format!("{path}{ASYNC}"), body)
    });
    let statuses = at_once(&broker, mixed);
    allowed(&statuses, &[200, 202, 422]);
    broker.settled(&path);
    broker.assert_whole("one");
    assert!(broker.idle());
}

#[test]
fn identical_deprovisions_make_one_removal() {
    let broker = Broker::waiting();
    let path = broker.provisioned("one");
    let removal = format!("{path}{ASYNC}&{IDS}");
    let statuses = repeated(&broker, &Method::DELETE, &removal, &Value::Null);
    allowed(&statuses, &[200, 202, 410]);
    broker.settled(&path);
    broker.assert_nothing_left();
    assert_eq!(broker.operations("one")[&("deprovision", "succeeded")], 1);
}

#[test]
fn provisions_and_deprovisions_end_in_one_or_none() {
    let broker = Broker::waiting();
    let path = instance("one");
    let mixed = (0..MANY).map(|number| match number % 2 {
        0 => (Method::PUT, format!("{path}{ASYNC}"), provision(SMALL)),
        _ => (Method::DELETE, format!("{path}{ASYNC}&{IDS}"), Value::Null),
    });
    let statuses = at_once(&broker, mixed);
    allowed(&statuses, &[200, 201, 202, 410, 422]);
    broker.settled(&path);
    if broker.row("one").is_some() {
        broker.assert_whole("one");
        broker.deprovisioned("one");
    }
    broker.assert_nothing_left();
}

#[test]
fn identical_binds_make_one_user() {
    let broker = Broker::waiting();
    let path = broker.provisioned("one");
    let binding = format!("{path}/service_bindings/b");
    let statuses = repeated(&broker, &Method::PUT, &binding, &bind());
    allowed(&statuses, &[200, 201]);
    assert_eq!(broker.engine.users().len(), 1);
    assert_eq!(broker.operations("one")[&("bind", "succeeded")], 1);
}

#[test]
fn conflicting_binds_make_one_user() {
    let broker = Broker::waiting();
    let path = broker.provisioned("one");
    let mixed = (0..MANY).map(|number| {
        let parameters = json!({"read_only": number % 2 == 0});
        let binding = format!("{path}/service_bindings/b");
        (Method::PUT, binding, but(bind(), "parameters", parameters))
    });
    let statuses = at_once(&broker, mixed);
    allowed(&statuses, &[200, 201, 409]);
    assert_eq!(statuses[&409], MANY / 2, "{statuses:?}");
    assert_eq!(broker.engine.users().len(), 1);
}

#[test]
fn identical_rotations_make_one_successor() {
    let broker = Broker::waiting();
    let path = broker.provisioned("one");
    broker.bound(&path, "old");
    let successor = format!("{path}/service_bindings/new");
    let rotation = json!({"predecessor_binding_id": "old"});
    let statuses = repeated(&broker, &Method::PUT, &successor, &rotation);
    allowed(&statuses, &[200, 201]);
    assert_eq!(broker.engine.users().len(), 2, "both are valid");
}

#[test]
fn identical_unbinds_take_one_user() {
    let broker = Broker::waiting();
    let path = broker.provisioned("one");
    broker.bound(&path, "stays");
    let binding = broker.bound(&path, "b");
    let removal = format!("{binding}?{IDS}");
    let statuses = repeated(&broker, &Method::DELETE, &removal, &Value::Null);
    allowed(&statuses, &[200, 410]);
    assert_eq!(broker.engine.users().len(), 1);
    assert_eq!(broker.operations("one")[&("unbind", "succeeded")], 1);
}

#[test]
fn binds_and_unbinds_end_in_one_user_or_none() {
    let broker = Broker::waiting();
    let path = broker.provisioned("one");
    let binding = format!("{path}/service_bindings/b");
    let mixed = (0..MANY).map(|number| match number % 2 {
        0 => (Method::PUT, binding.clone(), bind()),
        _ => (Method::DELETE, format!("{binding}?{IDS}"), Value::Null),
    });
    let statuses = at_once(&broker, mixed);
    allowed(&statuses, &[200, 201, 410, 422]);
    broker.settled(&binding);
    Broker::until(|| broker.idle());
    let there = usize::from(broker.get(&binding).status == 200);
    assert_eq!(broker.engine.users().len(), there);
}

#[test]
fn an_update_and_a_deprovision_do_not_meet() {
    let broker = Broker::waiting();
    let path = broker.provisioned("one");
    let larger = json!({"service_id": OFFERING, "plan_id": LARGE});
    let mixed = (0..MANY).map(|number| match number % 2 {
        0 => (Method::PATCH, format!("{path}{ASYNC}"), larger.clone()),
        _ => (Method::DELETE, format!("{path}{ASYNC}&{IDS}"), Value::Null),
    });
    let statuses = at_once(&broker, mixed);
    allowed(&statuses, &[200, 202, 404, 410, 422]);
    broker.settled(&path);
    broker.deprovisioned_whatever("one");
    broker.assert_nothing_left();
}

#[test]
fn everything_at_once_ends_in_order() {
    let broker = Broker::waiting();
    let path = broker.provisioned("one");
    let larger = json!({"service_id": OFFERING, "plan_id": LARGE});
    let mixed = (0..MANY).map(|number| match number % 4 {
        0 => (Method::PUT, format!("{path}/service_bindings/b{number}"), bind()),
        1 => (Method::PATCH, format!("{path}{ASYNC}"), larger.clone()),
        2 => {
            (Method::DELETE, format!("{path}/service_bindings/b{}?{IDS}", number - 2), Value::Null)
        }
        _ => (Method::GET, path.clone(), Value::Null),
    });
    let statuses = at_once(&broker, mixed);
    allowed(&statuses, &[200, 201, 202, 410, 422]);
    broker.settled(&path);
    broker.assert_whole("one");
    broker.deprovisioned("one");
    broker.assert_nothing_left();
}

#[test]
fn the_last_instances_of_a_tenant_go_together_with_their_network() {
    let broker = Broker::new();
    let ids = ["one", "two", "three"];
    let paths = ids.map(|id| broker.provisioned(id));
    broker.backend.hold(Call::Remove);
    for path in &paths {
        broker.delete(&format!("{path}?{IDS}&accepts_incomplete=true")).is(202);
    }
    while broker.backend.calls(Call::Remove) < ids.len() {
        std::thread::sleep(Duration::from_millis(5));
    }
    broker.backend.release(Call::Remove);
    for path in &paths {
        assert_eq!(broker.settled(path).body["state"], "succeeded");
    }
    broker.assert_nothing_left();
}
