//! `kill -9` in the middle of every step of every kind of operation, and a start after it: it
//! finishes, and there is exactly one of everything, or nothing.

use std::time::Duration;

use banquet::backend::fake::Method as Backend;
use banquet::engine::fake::Call;
use serde_json::json;

use crate::faults::{BIND, DEPROVISION, PROVISION, Spot, UNBIND, UPDATE};
use crate::harness::*;

/// Lets the broker die while it is at `spot`, then live again. What came before the spot was done
/// and may not have been written down; so this is also the crash after each effect.
fn die_at(broker: &mut Broker, spot: Spot, begin: impl FnOnce(&Broker)) {
    match spot {
        Spot::Backend(method) => {
            broker.backend.hold(method);
            begin(broker);
            broker.wait(broker.backend.held(method));
            broker.crash();
            broker.backend.release(method);
        }
        Spot::Engine(call) => {
            broker.engine.hold(call);
            begin(broker);
            let at_it = |broker: &Broker| broker.engine.calls().last().map(|(last, _)| *last);
            while at_it(broker) != Some(call) {
                std::thread::sleep(Duration::from_millis(2));
            }
            broker.crash();
            broker.engine.release();
        }
    }
    broker.start();
}

#[test]
fn provision() {
    for spot in PROVISION {
        let mut broker = Broker::new();
        let path = instance("one");
        die_at(&mut broker, *spot, |broker| {
            let body = crate::harness::provision(SMALL);
            broker.put(&format!("{path}?accepts_incomplete=true"), &body).is(202);
        });
        assert_eq!(broker.settled(&path).body["state"], "succeeded", "{spot:?}");
        broker.assert_whole("one");
        broker.bound(&path, "b");
        broker.deprovisioned("one");
        broker.assert_nothing_left();
    }
}

#[test]
fn update() {
    for spot in UPDATE {
        let mut broker = Broker::new();
        let path = broker.provisioned("one");
        let binding = broker.bound(&path, "b");
        let credentials = broker.get(&binding).body;
        die_at(&mut broker, *spot, |broker| {
            let body = json!({"service_id": OFFERING, "plan_id": LARGE});
            broker.patch(&format!("{path}?accepts_incomplete=true"), &body).is(202);
        });
        assert_eq!(broker.settled(&path).body["state"], "succeeded", "{spot:?}");
        broker.assert_whole("one");
        assert_eq!(broker.get(&binding).body, credentials, "port and password stay");
    }
}

#[test]
fn deprovision() {
    for spot in DEPROVISION {
        let mut broker = Broker::new();
        let path = broker.provisioned("one");
        broker.bound(&path, "b");
        die_at(&mut broker, *spot, |broker| {
            broker.delete(&format!("{path}?{IDS}&accepts_incomplete=true")).is(202);
        });
        assert_eq!(broker.settled(&path).body["state"], "succeeded", "{spot:?}");
        broker.assert_nothing_left();
    }
}

#[test]
fn bind_and_unbind() {
    let mut broker = Broker::new();
    let path = broker.provisioned("one");
    let binding = format!("{path}/service_bindings/b");
    die_at(&mut broker, BIND[0], |broker| {
        let body = bind();
        broker.put(&format!("{binding}?accepts_incomplete=true"), &body).is(202);
    });
    assert_eq!(broker.settled(&binding).body["state"], "succeeded");
    let told = broker.get(&binding).is(200).body;
    let users = broker.engine.users();
    assert_eq!(users.len(), 1, "exactly one user");
    let granted = &broker.engine.instance(&users[0].0).users[&users[0].1];
    assert_eq!(told["credentials"]["password"], granted.password.expose(), "the same password");

    die_at(&mut broker, UNBIND[0], |broker| {
        broker.delete(&format!("{binding}?{IDS}&accepts_incomplete=true")).is(202);
    });
    assert_eq!(broker.settled(&binding).body["state"], "succeeded");
    assert!(broker.engine.users().is_empty());
}

#[test]
fn a_cancelled_provision_and_a_crash_amid_it() {
    for spot in PROVISION {
        let mut broker = Broker::new();
        let path = instance("one");
        let delete = format!("{path}?{IDS}&accepts_incomplete=true");
        die_at(&mut broker, *spot, |broker| {
            let body = crate::harness::provision(SMALL);
            broker.put(&format!("{path}?accepts_incomplete=true"), &body).is(202);
        });
        broker.delete(&delete).is(202);
        broker.crash();
        broker.start();
        assert_eq!(broker.settled(&path).body["state"], "succeeded", "{spot:?}");
        broker.assert_nothing_left();
    }
}

#[test]
fn a_stop_leaves_work_that_the_next_start_finishes() {
    let mut broker = Broker::new();
    let path = instance("one");
    broker.engine.not_ready_for(100);
    let body = crate::harness::provision(SMALL);
    broker.put(&format!("{path}?accepts_incomplete=true"), &body).is(202);
    while broker.engine.calls().iter().filter(|(call, _)| *call == Call::Ready).count() < 3 {
        std::thread::sleep(Duration::from_millis(5));
    }
    broker.stop();
    broker.engine.not_ready_for(0);
    broker.start();
    assert_eq!(broker.settled(&path).body["state"], "succeeded");
    assert_eq!(broker.backend.calls(Backend::Image), 1, "what was done is not done again");
    broker.assert_whole("one");
}
