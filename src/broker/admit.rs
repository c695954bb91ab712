//! (what exists, what runs, what is asked) → what to do: the specification's idempotency and
//! concurrency tables (`docs/OSB.md`, §3.3 and §3.7 of the requirements). Pure.

use crate::id::OperationId;
use crate::model::{
    Binding, BindingState, Instance, InstanceState, Kind, Operation, OperationState, Phase,
};
use crate::osb::Refusal;

/// What is known of the thing asked about, read in one transaction.
#[derive(Debug)]
pub struct Present<'a, T> {
    /// Its row.
    pub row: Option<&'a T>,
    /// What runs on it.
    pub running: Option<&'a Operation>,
    /// The newest operation on it, running or not.
    pub latest: Option<&'a Operation>,
}

impl<T> Clone for Present<'_, T> {
    fn clone(&self) -> Self {
        *self
    }
}

// Derived, it would ask for `T: Copy`, though only references are held.
impl<T> Copy for Present<'_, T> {}

impl<'a, T> Present<'a, T> {
    /// From the row and the newest operation on it.
    #[must_use]
    pub fn new(row: Option<&'a T>, latest: Option<&'a Operation>) -> Self {
        let running = latest.filter(|operation| operation.state == OperationState::Running);
        Self { row, running, latest }
    }
}

/// What to do about a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Begin it.
    New,
    /// Call this operation off, then begin.
    CallOff(OperationId),
    /// It is just so already.
    Unchanged,
    /// It was asked for before, and this is its operation, running or failed.
    Same(OperationId),
    /// No.
    Refused(Refusal),
}

use Verdict::{CallOff, New, Refused, Same, Unchanged};

/// How a repeated PUT compares with what is there, and whether its caller will poll.
#[derive(Clone, Copy, Debug)]
pub struct Repeat {
    /// All attributes are the same.
    pub identical: bool,
    /// The request may be answered 202.
    pub may_poll: bool,
}

/// PUT of an instance.
#[must_use]
pub fn provision(present: Present<'_, Instance>, repeat: Repeat) -> Verdict {
    let Some(instance) = present.row else { return New };
    let kind = present.running.map(|operation| operation.kind);
    match (kind, instance.state) {
        (Some(Kind::Deprovision), _) => Refused(Refusal::Concurrency),
        _ if !repeat.identical => Refused(conflict("an instance")),
        (Some(Kind::Provision), _) => same(present.running),
        (_, InstanceState::Ready) => Unchanged,
        (_, InstanceState::Failed | InstanceState::Creating) => failed(present.latest, repeat),
    }
}

/// PATCH of an instance. `changes`: whether anything would be different; `as_running`: whether it
/// asks for what a running update does.
#[must_use]
pub fn update(present: Present<'_, Instance>, changes: bool, as_running: bool) -> Verdict {
    let Some(instance) = present.row else {
        return Refused(Refusal::NotFound("there is no such instance".into()));
    };
    match (present.running.map(|operation| operation.kind), instance.state) {
        (Some(Kind::Update), _) if as_running => same(present.running),
        (Some(_), _) => Refused(Refusal::Concurrency),
        (None, InstanceState::Failed | InstanceState::Creating) => {
            Refused(Refusal::unsupported_update("the instance could not be created: delete it"))
        }
        (None, InstanceState::Ready) if changes => New,
        (None, InstanceState::Ready) => Unchanged,
    }
}

/// DELETE of an instance: works on any remains (requirement 127) and stops a creation
/// (requirement 123). It stops an update that is being taken back, too: what is gone need not be
/// mended first, and an engine that will not start again must not keep its instance for ever.
#[must_use]
pub fn deprovision(present: Present<'_, Instance>) -> Verdict {
    if present.row.is_none() {
        return Refused(Refusal::Gone("there is no such instance".into()));
    }
    match present.running {
        Some(running) => match running.kind {
            Kind::Provision | Kind::Renew => CallOff(running.id.clone()),
            Kind::Deprovision => Same(running.id.clone()),
            Kind::Update if running.phase == Phase::Undo => CallOff(running.id.clone()),
            Kind::Update | Kind::Bind | Kind::Unbind | Kind::Expire => {
                Refused(Refusal::Concurrency)
            }
        },
        None => New,
    }
}

/// PUT of a binding. What exists is answered for whatever runs on the instance; something new
/// waits until nothing does.
#[must_use]
pub fn bind(
    instance: Present<'_, Instance>,
    binding: Present<'_, Binding>,
    repeat: Repeat,
) -> Verdict {
    let Some(row) = instance.row else {
        return Refused(Refusal::NotFound("there is no such instance".into()));
    };
    if let Some(existing) = binding.row {
        let verdict = match (binding.running.map(|operation| operation.kind), existing.state) {
            (Some(Kind::Unbind | Kind::Expire), _) => Refused(Refusal::Concurrency),
            _ if !repeat.identical => Refused(conflict("a binding")),
            (Some(_), _) => same(binding.running),
            (None, BindingState::Ready) => Unchanged,
            (None, BindingState::Expired) => Refused(Refusal::Conflict(
                "the binding's time is over: unbind it, or rotate it earlier next time".into(),
            )),
            (None, BindingState::Failed | BindingState::Creating) => failed(binding.latest, repeat),
        };
        if verdict != New {
            return verdict;
        }
    }
    // The exchange of a certificate is nothing that a new user would have to wait for.
    let running = instance.running.filter(|operation| operation.kind != Kind::Renew);
    match (running, row.state) {
        (Some(_), _) => Refused(Refusal::Concurrency),
        (None, InstanceState::Ready) => New,
        (None, InstanceState::Failed | InstanceState::Creating) => {
            Refused(Refusal::unprocessable("the instance could not be created: delete it"))
        }
    }
}

/// DELETE of a binding, whatever runs on the instance.
#[must_use]
pub fn unbind(binding: Present<'_, Binding>) -> Verdict {
    if binding.row.is_none() {
        return Refused(Refusal::Gone("there is no such binding".into()));
    }
    match binding.running {
        Some(running) if running.kind == Kind::Unbind => Same(running.id.clone()),
        Some(running) => CallOff(running.id.clone()),
        None => New,
    }
}

fn same(running: Option<&Operation>) -> Verdict {
    running.map_or(New, |operation| Same(operation.id.clone()))
}

/// A creation that failed is told again to who polls: Korifi repeats its PUT before every poll and
/// would never see the failure if each began anew. Who cannot poll was told, and tries again.
fn failed(latest: Option<&Operation>, repeat: Repeat) -> Verdict {
    match latest {
        Some(operation) if repeat.may_poll => Same(operation.id.clone()),
        _ => New,
    }
}

fn conflict(what: &str) -> Refusal {
    Refusal::Conflict(format!("{what} with this id exists with other attributes"))
}

#[cfg(test)]
mod tests;
