//! Many at once on the same ids: exactly one effect, and every answer one that the tables allow.

use std::collections::BTreeMap;
use std::time::Duration;

use axum::http::Method;
use banquet::backend::fake::Method as Call;
use serde_json::Value;

use crate::harness::*;

const MANY: usize = 64;

/// How many answers of each status.
fn at_once(
    broker: &Broker,
    requests: impl Iterator<Item = (Method, String, Value)>,
) -> BTreeMap<u16, usize> {
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

#[test]
fn identical_provisions_make_one_instance() {
    let broker = Broker::waiting();
    let path = format!("{}?accepts_incomplete=true", instance("one"));
    let same = (0..MANY).map(|_| (Method::PUT, path.clone(), provision(SMALL)));
    let statuses = at_once(&broker, same);
    assert!(statuses.keys().all(|status| [200, 201, 202].contains(status)), "{statuses:?}");
    assert_eq!(statuses.get(&201).copied().unwrap_or(0), 1, "{statuses:?}");
    broker.settled(&instance("one"));
    broker.assert_whole("one");
    assert_eq!(broker.operations("one")[&("provision", "succeeded")], 1);
}

#[test]
fn conflicting_provisions_make_one_instance() {
    let broker = Broker::waiting();
    let path = format!("{}?accepts_incomplete=true", instance("one"));
    let mixed = (0..MANY).map(|number| {
        let plan = if number % 2 == 0 { SMALL } else { LARGE };
        (Method::PUT, path.clone(), provision(plan))
    });
    let statuses = at_once(&broker, mixed);
    assert!(statuses.keys().all(|status| [200, 201, 202, 409].contains(status)), "{statuses:?}");
    assert_eq!(statuses[&409], MANY / 2, "{statuses:?}");
    broker.settled(&instance("one"));
    broker.assert_whole("one");
}

#[test]
fn identical_binds_make_one_user() {
    let broker = Broker::waiting();
    let path = broker.provisioned("one");
    let same = (0..MANY).map(|_| (Method::PUT, format!("{path}/service_bindings/b"), bind()));
    let statuses = at_once(&broker, same);
    assert!(statuses.keys().all(|status| [200, 201].contains(status)), "{statuses:?}");
    assert_eq!(broker.engine.users().len(), 1);
    assert_eq!(broker.operations("one")[&("bind", "succeeded")], 1);
}

#[test]
fn everything_at_once_ends_in_order() {
    let broker = Broker::waiting();
    let path = broker.provisioned("one");
    let larger = serde_json::json!({"service_id": OFFERING, "plan_id": LARGE});
    let mixed = (0..MANY).map(|number| match number % 4 {
        0 => (Method::PUT, format!("{path}/service_bindings/b{number}"), bind()),
        1 => (Method::PATCH, format!("{path}?accepts_incomplete=true"), larger.clone()),
        2 => {
            (Method::DELETE, format!("{path}/service_bindings/b{}?{IDS}", number - 2), Value::Null)
        }
        _ => (Method::GET, path.clone(), Value::Null),
    });
    let statuses = at_once(&broker, mixed);
    let allowed = [200, 201, 202, 410, 422];
    assert!(statuses.keys().all(|status| allowed.contains(status)), "{statuses:?}");
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
