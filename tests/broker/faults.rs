//! Every kind of operation × every step × every fault: at the end exactly one of everything, or
//! nothing.

use banquet::backend::fake::{Method as Backend, Moment};
use banquet::engine::fake::{Call, When};
use banquet::model::{Fault, FaultKind};
use serde_json::json;

use crate::harness::*;

/// A step's call into the world outside.
#[derive(Clone, Copy, Debug)]
pub enum Spot {
    Backend(Backend),
    Engine(Call),
}

use Spot::{Backend as B, Engine as E};

/// What each kind of operation calls, in order.
pub const PROVISION: &[Spot] =
    &[B(Backend::Image), B(Backend::Ensure), E(Call::Ready), E(Call::Bootstrap)];
pub const UPDATE: &[Spot] =
    &[B(Backend::Image), E(Call::Prepare), B(Backend::Ensure), E(Call::Ready), E(Call::Bootstrap)];
pub const DEPROVISION: &[Spot] = &[B(Backend::Remove), B(Backend::RemoveNetwork)];
pub const BIND: &[Spot] = &[E(Call::Grant)];
pub const UNBIND: &[Spot] = &[E(Call::Revoke)];

/// One thing that goes wrong, once.
#[derive(Clone, Copy, Debug)]
struct Case {
    spot: Spot,
    kind: FaultKind,
    moment: Moment,
}

impl Case {
    /// Each kind of fault at each of the spots, before, amid and after the effect.
    fn all(spots: &'static [Spot]) -> impl Iterator<Item = Self> {
        let kinds = [FaultKind::Retry, FaultKind::Fatal, FaultKind::Unreachable];
        let moments = [Moment::Before, Moment::Halfway, Moment::After];
        spots.iter().flat_map(move |spot| {
            kinds.into_iter().flat_map(move |kind| {
                moments.into_iter().map(move |moment| Self { spot: *spot, kind, moment })
            })
        })
    }

    fn plan(self, broker: &Broker) {
        let when = if self.moment == Moment::Before { When::Before } else { When::After };
        match self.spot {
            B(method) => broker.backend.fail(method, 1, self.moment, self.fault()),
            E(call) => broker.engine.fail(call, 1, when, self.kind),
        }
    }

    fn fault(self) -> Fault {
        match self.kind {
            FaultKind::Fatal => Fault::fatal("planned"),
            FaultKind::Unreachable => Fault::unreachable("planned"),
            FaultKind::Retry | FaultKind::PortTaken(_) | FaultKind::Cancelled => {
                Fault::retry("planned")
            }
        }
    }

    /// How what makes something ends: only a fatal fault is not outlived. That of `prepare` is the
    /// engine's refusal, and `ready` and `prepare` know no other effect than an answer.
    fn state(self) -> &'static str {
        if self.kind == FaultKind::Fatal { "failed" } else { "succeeded" }
    }
}

#[test]
fn provision() {
    for case in Case::all(PROVISION) {
        let broker = Broker::new();
        let path = instance("one");
        case.plan(&broker);
        let body = crate::harness::provision(SMALL);
        broker.put(&format!("{path}?accepts_incomplete=true"), &body).is(202);
        assert_eq!(broker.settled(&path).body["state"], case.state(), "{case:?}");
        if case.kind == FaultKind::Fatal {
            assert!(broker.backend.is_empty(), "{case:?}");
        } else {
            broker.assert_whole("one");
        }
        broker.deprovisioned("one");
        broker.assert_nothing_left();
    }
}

#[test]
fn update() {
    for case in Case::all(UPDATE) {
        let broker = Broker::new();
        let path = broker.provisioned("one");
        let binding = broker.bound(&path, "b");
        case.plan(&broker);
        let body = json!({"service_id": OFFERING, "plan_id": LARGE});
        broker.patch(&format!("{path}?accepts_incomplete=true"), &body).is(202);
        assert_eq!(broker.settled(&path).body["state"], case.state(), "{case:?}");
        broker.assert_whole("one");
        let plan = if case.kind == FaultKind::Fatal { SMALL } else { LARGE };
        assert_eq!(broker.get(&path).is(200).body["plan_id"], plan, "{case:?}");
        broker.get(&binding).is(200);
        broker.deprovisioned("one");
        broker.assert_nothing_left();
    }
}

#[test]
fn deprovision() {
    for case in Case::all(DEPROVISION) {
        let broker = Broker::new();
        let path = broker.provisioned("one");
        broker.bound(&path, "b");
        case.plan(&broker);
        broker.delete(&format!("{path}?{IDS}&accepts_incomplete=true")).is(202);
        assert_eq!(broker.settled(&path).body["state"], "succeeded", "{case:?}: never given up");
        broker.assert_nothing_left();
    }
}

#[test]
fn bind() {
    for case in Case::all(BIND) {
        let broker = Broker::new();
        let path = broker.provisioned("one");
        let binding = format!("{path}/service_bindings/b");
        case.plan(&broker);
        broker.put(&format!("{binding}?accepts_incomplete=true"), &crate::harness::bind()).is(202);
        assert_eq!(broker.settled(&binding).body["state"], case.state(), "{case:?}");
        let users = usize::from(case.kind != FaultKind::Fatal);
        assert_eq!(broker.engine.users().len(), users, "{case:?}");
        broker.delete(&format!("{binding}?{IDS}")).is(200);
        assert!(broker.engine.users().is_empty(), "{case:?}");
    }
}

#[test]
fn unbind() {
    for case in Case::all(UNBIND) {
        let broker = Broker::new();
        let path = broker.provisioned("one");
        let binding = broker.bound(&path, "b");
        case.plan(&broker);
        broker.delete(&format!("{binding}?{IDS}&accepts_incomplete=true")).is(202);
        assert_eq!(broker.settled(&binding).body["state"], "succeeded", "{case:?}: never given up");
        assert!(broker.engine.users().is_empty(), "{case:?}");
    }
}

#[test]
fn a_rollback_that_meets_faults_itself_is_not_given_up() {
    for kind in [FaultKind::Retry, FaultKind::Fatal, FaultKind::Unreachable] {
        let broker = Broker::new();
        let path = instance("one");
        broker.engine.fail(Call::Bootstrap, 1, When::After, FaultKind::Fatal);
        let undo = Case { spot: B(Backend::Remove), kind, moment: Moment::Halfway };
        undo.plan(&broker);
        let body = crate::harness::provision(SMALL);
        broker.put(&format!("{path}?accepts_incomplete=true"), &body).is(202);
        assert_eq!(broker.settled(&path).body["state"], "failed");
        assert!(broker.backend.is_empty(), "{kind:?}");
        assert!(broker.idle());
    }
}
