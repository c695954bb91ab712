//! What is asked of a binding in each of its states, and of one on an instance at work.

use axum::http::Method;
use banquet::backend::fake::Method as Backend;
use banquet::engine::fake::{Call, When};
use banquet::model::FaultKind;
use serde_json::{Value, json};

use super::cells::{BUSY, Begins, Cell, Column, Is, Same, State, ask};
use crate::harness::*;

/// A state of the binding `b` of the instance `one`, how it comes to be, and the answers in the
/// order of [`columns`]. `reach` answers with the operation that runs or ran last.
struct Row {
    state: &'static str,
    reach: fn(&Broker) -> String,
    answers: [Cell; 6],
}

fn path() -> String {
    format!("{}/service_bindings/b", instance("one"))
}

fn columns() -> [Column; 6] {
    let polling = format!("{}?accepts_incomplete=true", path());
    let rotated = format!("{}/service_bindings/c?accepts_incomplete=true", instance("one"));
    let column = |name, method, path: &str, body| Column { name, method, path: path.into(), body };
    [
        column("GET", Method::GET, &path(), Value::Null),
        column("last_operation", Method::GET, &format!("{}/last_operation", path()), Value::Null),
        column("PUT identical", Method::PUT, &polling, bind()),
        column(
            "PUT different",
            Method::PUT,
            &polling,
            but(bind(), "parameters", json!({"read_only": true})),
        ),
        column("PUT a successor", Method::PUT, &rotated, json!({"predecessor_binding_id": "b"})),
        column("DELETE", Method::DELETE, &format!("{polling}&{IDS}"), Value::Null),
    ]
}

/// Each cell is asked of a binding of its own, since answers may change what is there.
fn check(rows: &[Row]) {
    for row in rows {
        for (column, cell) in columns().iter().zip(row.answers) {
            let broker = Broker::new();
            broker.provisioned("one");
            let operation = (row.reach)(&broker);
            ask(&broker, row.state, column, &operation, cell);
            for method in [Backend::Ensure, Backend::Remove] {
                broker.backend.release(method);
            }
            broker.engine.release();
            broker.settled(&path());
            broker.settled(&instance("one"));
            broker.deprovisioned_whatever("one");
            broker.assert_nothing_left();
        }
    }
}

fn binding(broker: &Broker) -> String {
    let polling = format!("{}?accepts_incomplete=true", path());
    broker.put(&polling, &bind()).is(202).operation().to_owned()
}

fn ready(broker: &Broker) -> String {
    let operation = binding(broker);
    assert_eq!(broker.settled(&path()).body["state"], "succeeded");
    operation
}

fn unbinding(broker: &Broker) -> String {
    let polling = format!("{}?{IDS}&accepts_incomplete=true", path());
    broker.delete(&polling).is(202).operation().to_owned()
}

fn called(broker: &Broker, call: Call) -> usize {
    broker.engine.calls().iter().filter(|(made, _)| *made == call).count()
}

/// Holds a call of the engine, and returns once what is asked for waits in it.
fn held_in(broker: &Broker, call: Call, asked: fn(&Broker) -> String) -> String {
    let before = called(broker, call);
    broker.engine.hold(call);
    let operation = asked(broker);
    Broker::until(|| called(broker, call) > before);
    operation
}

#[test]
fn r57_r90_r92_r105_r114_while_it_is_bound() {
    check(&[
        Row {
            state: "bind",
            reach: |broker| held_in(broker, Call::Grant, binding),
            answers: [Is(404), State("in progress"), Same, Is(409), Is(400), Begins],
        },
        Row {
            state: "bind, tried again after a fault",
            reach: |broker| {
                broker.engine.fail(Call::Grant, 1, When::After, FaultKind::Retry);
                let operation = binding(broker);
                Broker::until(|| called(broker, Call::Grant) > 0);
                broker.engine.hold(Call::Grant);
                operation
            },
            answers: [Is(404), State("in progress"), Same, Is(409), Is(400), Begins],
        },
        Row {
            state: "bind, being taken back",
            reach: |broker| {
                broker.engine.fail(Call::Grant, 1, When::After, FaultKind::Fatal);
                held_in(broker, Call::Revoke, binding)
            },
            answers: [Is(404), State("in progress"), Same, Is(409), Is(400), Begins],
        },
    ]);
}

#[test]
fn r89_r94_r104_when_it_is_there() {
    check(&[
        Row {
            state: "ready",
            reach: ready,
            answers: [Is(200), State("succeeded"), Is(200), Is(409), Begins, Begins],
        },
        Row {
            state: "ready, its instance being updated",
            reach: |broker| {
                let operation = ready(broker);
                broker.backend.hold(Backend::Ensure);
                let larger = json!({"service_id": OFFERING, "plan_id": LARGE});
                let polling = format!("{}?accepts_incomplete=true", instance("one"));
                broker.patch(&polling, &larger).is(202);
                operation
            },
            answers: [Is(200), State("succeeded"), Is(200), Is(409), BUSY, Begins],
        },
        Row {
            state: "ready, its instance on its way out",
            reach: |broker| {
                let operation = ready(broker);
                broker.backend.hold(Backend::Remove);
                broker
                    .delete(&format!("{}?{IDS}&accepts_incomplete=true", instance("one")))
                    .is(202);
                operation
            },
            answers: [Is(200), State("succeeded"), Is(200), Is(409), BUSY, Begins],
        },
    ]);
}

#[test]
fn r108_r112_while_it_is_unbound() {
    let answers = [BUSY, State("in progress"), BUSY, BUSY, Is(400), Same];
    check(&[
        Row {
            state: "unbind",
            reach: |broker| {
                ready(broker);
                held_in(broker, Call::Revoke, unbinding)
            },
            answers,
        },
        Row {
            state: "unbind, tried again after a fault",
            reach: |broker| {
                ready(broker);
                broker.engine.fail(Call::Revoke, 1, When::Before, FaultKind::Fatal);
                let operation = unbinding(broker);
                Broker::until(|| called(broker, Call::Revoke) > 0);
                broker.engine.hold(Call::Revoke);
                operation
            },
            answers,
        },
    ]);
}

#[test]
fn r55_r105_r110_when_there_is_none_or_it_failed() {
    check(&[
        Row {
            state: "nothing",
            reach: |_| String::new(),
            answers: [Is(404), Is(404), Begins, Begins, Is(400), Is(410)],
        },
        Row {
            state: "failed",
            reach: |broker| {
                broker.engine.fail(Call::Grant, 1, When::After, FaultKind::Fatal);
                let operation = binding(broker);
                assert_eq!(broker.settled(&path()).body["state"], "failed");
                operation
            },
            answers: [Is(404), State("failed"), Same, Is(409), Is(400), Begins],
        },
        Row {
            state: "unbound",
            reach: |broker| {
                ready(broker);
                let operation = unbinding(broker);
                broker.settled(&path());
                operation
            },
            answers: [Is(404), State("succeeded"), Begins, Begins, Is(400), Is(410)],
        },
        Row {
            state: "expired",
            reach: |broker| {
                let body = but(bind(), "parameters", json!({"expires_in_s": 1}));
                let polling = format!("{}?accepts_incomplete=true", path());
                let operation = broker.put(&polling, &body).is(202).operation().to_owned();
                Broker::until(|| called(broker, Call::Revoke) > 0);
                broker.settled(&path());
                operation
            },
            answers: [Is(404), State("succeeded"), Is(409), Is(409), Is(400), Begins],
        },
    ]);
}
