//! What is asked of an instance in each of its states.

use std::sync::Arc;

use axum::http::Method;
use banquet::backend::fake::{Method as Backend, Moment};
use banquet::engine::fake::{Call, When};
use banquet::model::{Fault, FaultKind};
use serde_json::{Value, json};

use super::cells::{BUSY, Begins, Cell, Column, Is, Same, State, ask};
use crate::catalog::without_small;
use crate::harness::*;

/// A state, how it comes to be, and the answers in the order of [`columns`]. `reach` answers with
/// the operation that runs or ran last.
struct Row {
    state: &'static str,
    reach: fn(&Broker) -> String,
    answers: [Cell; 11],
}

fn columns() -> [Column; 11] {
    let path = instance("one");
    let polling = format!("{path}?accepts_incomplete=true");
    let changing = |changes: Value| but(changes, "service_id", json!(OFFERING));
    let column = |name, method, path: &str, body| Column { name, method, path: path.into(), body };
    let deletion = format!("{polling}&{IDS}");
    let binding = format!("{path}/service_bindings/b");
    let unbinding = format!("{path}/service_bindings/never?{IDS}");
    [
        column("GET", Method::GET, &path, Value::Null),
        column("last_operation", Method::GET, &format!("{path}/last_operation"), Value::Null),
        column("PUT different", Method::PUT, &polling, provision(LARGE)),
        column("PUT identical", Method::PUT, &polling, provision(SMALL)),
        column("PATCH nothing new", Method::PATCH, &polling, changing(json!({"plan_id": SMALL}))),
        column("DELETE binding", Method::DELETE, &unbinding, Value::Null),
        column("GET binding", Method::GET, &format!("{path}/service_bindings/never"), Value::Null),
        column("PATCH as running", Method::PATCH, &polling, changing(json!({"plan_id": LARGE}))),
        column(
            "PATCH other",
            Method::PATCH,
            &polling,
            changing(json!({"parameters": {"policy": "drop"}})),
        ),
        column("PUT binding", Method::PUT, &format!("{binding}?accepts_incomplete=true"), bind()),
        column("DELETE", Method::DELETE, &deletion, Value::Null),
    ]
}

/// Each cell is asked of an instance of its own, since answers may change what is there.
fn check(rows: &[Row]) {
    for row in rows {
        for (column, cell) in columns().iter().zip(row.answers) {
            let broker = Broker::new();
            let operation = (row.reach)(&broker);
            ask(&broker, row.state, column, &operation, cell);
            let_go(&broker);
            broker.settled(&instance("one"));
            broker.deprovisioned_whatever("one");
            broker.assert_nothing_left();
        }
    }
}

fn let_go(broker: &Broker) {
    for method in [Backend::Image, Backend::Ensure, Backend::Remove] {
        broker.backend.release(method);
    }
    broker.engine.release();
}

fn provisioning(broker: &Broker) -> String {
    let path = format!("{}?accepts_incomplete=true", instance("one"));
    broker.put(&path, &provision(SMALL)).is(202).operation().to_owned()
}

fn ready(broker: &Broker) -> String {
    let operation = provisioning(broker);
    assert_eq!(broker.settled(&instance("one")).body["state"], "succeeded");
    operation
}

fn updating(broker: &Broker) -> String {
    let path = format!("{}?accepts_incomplete=true", instance("one"));
    let larger = json!({"service_id": OFFERING, "plan_id": LARGE});
    broker.patch(&path, &larger).is(202).operation().to_owned()
}

fn deprovisioning(broker: &Broker) -> String {
    let path = format!("{}?{IDS}&accepts_incomplete=true", instance("one"));
    broker.delete(&path).is(202).operation().to_owned()
}

fn polled(broker: &Broker) -> Value {
    broker.get(&format!("{}/last_operation", instance("one"))).body
}

/// A provision that is held at a step of the backend.
fn provisioning_at(broker: &Broker, step: Backend) -> String {
    broker.backend.hold(step);
    let operation = provisioning(broker);
    broker.wait(broker.backend.held(step));
    operation
}

/// A provision that is held at a step within the engine.
fn provisioning_in(broker: &Broker, call: Call) -> String {
    broker.engine.hold(call);
    let operation = provisioning(broker);
    Broker::until(|| broker.engine.calls().iter().any(|(made, _)| *made == call));
    operation
}

fn updating_in(broker: &Broker, call: Call) -> String {
    ready(broker);
    let before = broker.engine.calls().len();
    broker.engine.hold(call);
    let operation = updating(broker);
    Broker::until(|| broker.engine.calls()[before..].iter().any(|(made, _)| *made == call));
    operation
}

fn failed(broker: &Broker) -> String {
    broker.backend.fail(Backend::Ensure, 1, Moment::Halfway, Fault::fatal("no room"));
    let operation = provisioning(broker);
    assert_eq!(broker.settled(&instance("one")).body["state"], "failed");
    operation
}

#[test]
fn r60_r61_r64_r72_r123_while_it_is_provisioned() {
    let answers = [
        Is(404),
        State("in progress"),
        Is(409),
        Same,
        BUSY,
        Is(410),
        Is(404),
        BUSY,
        BUSY,
        BUSY,
        Begins,
    ];
    check(&[
        Row {
            state: "provision, at its image",
            reach: |broker| provisioning_at(broker, Backend::Image),
            answers,
        },
        Row {
            state: "provision, at its containers",
            reach: |broker| provisioning_at(broker, Backend::Ensure),
            answers,
        },
        Row {
            state: "provision, not ready",
            reach: |broker| provisioning_in(broker, Call::Ready),
            answers,
        },
        Row {
            state: "provision, being set up",
            reach: |broker| provisioning_in(broker, Call::Bootstrap),
            answers,
        },
        Row {
            state: "provision, tried again after a fault",
            reach: |broker| {
                broker.engine.fail(Call::Bootstrap, 1, When::After, FaultKind::Retry);
                provisioning_in(broker, Call::Bootstrap)
            },
            answers,
        },
    ]);
}

#[test]
fn r71_r74_r76_when_it_is_ready() {
    let as_it_is = |patch| {
        [
            Is(200),
            State("succeeded"),
            Is(409),
            Is(200),
            Is(200),
            Is(410),
            Is(404),
            patch,
            Begins,
            Begins,
            Begins,
        ]
    };
    check(&[
        Row { state: "ready", reach: ready, answers: as_it_is(Begins) },
        Row {
            state: "ready, after a failed update",
            reach: |broker| {
                ready(broker);
                broker.backend.fail(Backend::Ensure, 1, Moment::Halfway, Fault::fatal("no room"));
                let operation = updating(broker);
                assert_eq!(broker.settled(&instance("one")).body["state"], "failed");
                operation
            },
            answers: {
                let mut answers = as_it_is(Begins);
                answers[1] = State("failed");
                answers
            },
        },
        Row {
            state: "ready, its plan gone from the catalog",
            reach: |broker| {
                let operation = ready(broker);
                broker.replace_catalog(Arc::new(without_small()));
                operation
            },
            answers: [
                Is(200),
                State("succeeded"),
                Is(409),
                Is(400),
                Is(400),
                Is(410),
                Is(404),
                Begins,
                Is(422),
                Begins,
                Begins,
            ],
        },
    ]);
}

/// While an update is on its way forward.
const UPDATING: [Cell; 11] =
    [BUSY, State("in progress"), Is(409), Is(200), BUSY, Is(410), Is(404), Same, BUSY, BUSY, BUSY];

#[test]
fn r73_r77_r121_while_it_is_updated() {
    let answers = UPDATING;
    check(&[
        Row {
            state: "update, being prepared",
            reach: |broker| updating_in(broker, Call::Prepare),
            answers,
        },
        Row {
            state: "update, at its containers",
            reach: |broker| {
                ready(broker);
                broker.backend.hold(Backend::Ensure);
                let operation = updating(broker);
                broker.wait(broker.backend.held(Backend::Ensure));
                operation
            },
            answers,
        },
        Row {
            state: "update, being set up",
            reach: |broker| updating_in(broker, Call::Bootstrap),
            answers,
        },
    ]);
}

#[test]
fn r78_r121_while_an_update_is_taken_back() {
    // What is gone need not be mended first.
    let mut answers = UPDATING;
    answers[10] = Begins;
    check(&[Row {
        state: "update, being taken back",
        reach: |broker| {
            ready(broker);
            broker.backend.fail(Backend::Ensure, 1, Moment::After, Fault::fatal("no room"));
            broker.engine.hold(Call::Ready);
            let operation = updating(broker);
            Broker::until(|| polled(broker)["description"] == "no room");
            operation
        },
        answers,
    }]);
}

#[test]
fn r117_r121_while_it_is_deprovisioned() {
    let answers =
        [BUSY, State("in progress"), BUSY, BUSY, BUSY, Is(410), Is(404), BUSY, BUSY, BUSY, Same];
    check(&[
        Row {
            state: "deprovision",
            reach: |broker| {
                ready(broker);
                broker.backend.hold(Backend::Remove);
                deprovisioning(broker)
            },
            answers,
        },
        Row {
            state: "deprovision, failing and tried again",
            reach: |broker| {
                ready(broker);
                let fault = Fault::retry("the disk is busy");
                broker.backend.fail(Backend::Remove, 1, Moment::Halfway, fault);
                let operation = deprovisioning(broker);
                Broker::until(|| polled(broker)["description"] == "the disk is busy");
                broker.backend.hold(Backend::Remove);
                operation
            },
            answers,
        },
    ]);
}

#[test]
fn r50_r70_r119_r127_when_there_is_nothing_or_remains() {
    check(&[
        Row {
            state: "nothing",
            reach: |_| String::new(),
            answers: [
                Is(404),
                Is(404),
                Begins,
                Begins,
                Is(404),
                Is(410),
                Is(404),
                Is(404),
                Is(404),
                Is(404),
                Is(410),
            ],
        },
        Row {
            state: "provision failed",
            reach: failed,
            answers: [
                Is(404),
                State("failed"),
                Is(409),
                Same,
                Is(422),
                Is(410),
                Is(404),
                Is(422),
                Is(422),
                Is(422),
                Begins,
            ],
        },
        Row {
            state: "deprovisioned",
            reach: |broker| {
                ready(broker);
                let operation = deprovisioning(broker);
                broker.settled(&instance("one"));
                operation
            },
            answers: [
                Is(404),
                State("succeeded"),
                Begins,
                Begins,
                Is(404),
                Is(410),
                Is(404),
                Is(404),
                Is(404),
                Is(404),
                Is(410),
            ],
        },
    ]);
}
