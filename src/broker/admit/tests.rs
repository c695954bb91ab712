//! The tables of §3.3 and §3.7, row by row.

use super::*;
use crate::model::{Workload, workload::Admin};

fn operation(id: &str, kind: Kind, state: OperationState) -> Operation {
    Operation {
        id: id.into(),
        kind,
        instance: "i".into(),
        binding: None,
        target: None,
        state,
        phase: Phase::Forward,
        step: 0,
        attempts: 0,
        run_after: 0,
        deadline: 0,
        description: String::new(),
        instance_usable: None,
        update_repeatable: None,
        created_at: 0,
        finished_at: None,
    }
}

fn running(kind: Kind) -> Operation {
    operation("running", kind, OperationState::Running)
}

fn instance(state: InstanceState) -> Instance {
    Instance {
        key: "i".into(),
        platform: "p".into(),
        id: "i".into(),
        tenant: "t".into(),
        name: String::new(),
        offering_id: "o".into(),
        plan_id: "p".into(),
        organization_guid: String::new(),
        space_guid: String::new(),
        parameters: crate::model::Object::new(),
        context: crate::model::Object::new(),
        maintenance_version: None,
        state,
        workload: Workload {
            engine: String::new(),
            admin: Admin { user: String::new(), password: "".into(), database: None },
            settings: crate::model::Object::new(),
            credentials: String::new(),
            bind_defaults: crate::model::Object::new(),
            scripts: std::collections::BTreeMap::new(),
            tls: crate::model::tls::Mode::Off,
            identity: None,
            containers: Vec::new(),
            volumes: std::collections::BTreeMap::new(),
        },
        ports: std::collections::BTreeMap::new(),
        was_ready: true,
        created_at: 0,
        updated_at: 0,
    }
}

fn binding(state: BindingState) -> Binding {
    Binding {
        key: "b".into(),
        instance: "i".into(),
        id: "b".into(),
        offering_id: "o".into(),
        plan_id: "p".into(),
        app_guid: None,
        parameters: crate::model::Object::new(),
        context: crate::model::Object::new(),
        user: String::new(),
        password: "".into(),
        state,
        created_at: 0,
        predecessor: None,
        expires_at: None,
        renew_before: None,
    }
}

const POLLING: bool = true;
const WAITING: bool = false;

fn conflicting() -> Verdict {
    Refused(conflict("an instance"))
}

fn busy() -> Verdict {
    Refused(Refusal::Concurrency)
}

#[test]
fn put_of_an_instance() {
    use InstanceState::{Creating, Failed, Ready};
    let failed = operation("failed", Kind::Provision, OperationState::Failed);
    let succeeded = operation("done", Kind::Provision, OperationState::Succeeded);
    let run = |kind| Some(running(kind));
    for (what, state, latest, may_poll, identical, different) in [
        (
            "being made",
            Creating,
            run(Kind::Provision),
            POLLING,
            Same("running".into()),
            conflicting(),
        ),
        (
            "being made",
            Creating,
            run(Kind::Provision),
            WAITING,
            Same("running".into()),
            conflicting(),
        ),
        ("ready", Ready, Some(succeeded.clone()), POLLING, Unchanged, conflicting()),
        ("ready, forgotten", Ready, None, WAITING, Unchanged, conflicting()),
        ("being updated", Ready, run(Kind::Update), POLLING, Unchanged, conflicting()),
        ("being removed", Ready, run(Kind::Deprovision), POLLING, busy(), busy()),
        ("failed", Failed, Some(failed.clone()), POLLING, Same("failed".into()), conflicting()),
        ("failed, cannot poll", Failed, Some(failed.clone()), WAITING, New, conflicting()),
        ("failed, being removed", Failed, run(Kind::Deprovision), POLLING, busy(), busy()),
    ] {
        let row = instance(state);
        let present = Present::new(Some(&row), latest.as_ref());
        let put = |identical| provision(present, Repeat { identical, may_poll });
        assert_eq!(put(true), identical, "{what}: identical PUT");
        assert_eq!(put(false), different, "{what}: different PUT");
    }
    let nothing = Present::new(None, Some(&succeeded));
    assert_eq!(provision(nothing, Repeat { identical: false, may_poll: true }), New);
}

#[test]
fn patch_of_an_instance() {
    use InstanceState::{Creating, Ready};
    let run = |kind| Some(running(kind));
    for (what, state, latest, as_running, changes, unchanged) in [
        ("being made", Creating, run(Kind::Provision), false, busy(), busy()),
        ("being removed", Ready, run(Kind::Deprovision), false, busy(), busy()),
        ("other update", Ready, run(Kind::Update), false, busy(), busy()),
        ("a certificate being exchanged", Ready, run(Kind::Renew), false, busy(), busy()),
        (
            "same update",
            Ready,
            run(Kind::Update),
            true,
            Same("running".into()),
            Same("running".into()),
        ),
        ("ready", Ready, None, false, New, Unchanged),
    ] {
        let row = instance(state);
        let present = Present::new(Some(&row), latest.as_ref());
        assert_eq!(update(present, true, as_running), changes, "{what}: changes");
        assert_eq!(update(present, false, as_running), unchanged, "{what}: no change");
    }
    let refused =
        |verdict, status| matches!(verdict, Refused(refusal) if refusal.status() == status);
    assert!(refused(update(Present::new(None, None), true, false), 404), "unknown (#752)");
    let row = instance(InstanceState::Failed);
    assert!(refused(update(Present::new(Some(&row), None), true, false), 422), "failed");
}

#[test]
fn delete_of_an_instance() {
    for (latest, verdict) in [
        (Some(running(Kind::Provision)), CallOff("running".into())),
        (Some(running(Kind::Update)), busy()),
        (Some(running(Kind::Renew)), CallOff("running".into())),
        (
            Some(Operation { phase: Phase::Undo, ..running(Kind::Update) }),
            CallOff("running".into()),
        ),
        (Some(running(Kind::Deprovision)), Same("running".into())),
        (Some(operation("old", Kind::Provision, OperationState::Failed)), New),
        (None, New),
    ] {
        let row = instance(InstanceState::Ready);
        assert_eq!(deprovision(Present::new(Some(&row), latest.as_ref())), verdict);
    }
    let verdict = deprovision(Present::new(None, None));
    assert!(matches!(verdict, Refused(Refusal::Gone(_))), "nothing there: 410 (119)");
}

#[test]
fn put_of_a_binding() {
    use BindingState::{Creating, Failed, Ready};
    let failed = operation("failed", Kind::Bind, OperationState::Failed);
    let other = || Refused(conflict("a binding"));
    let run = |kind| Some(running(kind));
    let parent = instance(InstanceState::Ready);
    let idle = Present::new(Some(&parent), None);
    for (what, state, latest, may_poll, identical, different) in [
        ("being made", Creating, run(Kind::Bind), POLLING, Same("running".into()), other()),
        ("ready", Ready, None, POLLING, Unchanged, other()),
        ("being removed", Ready, run(Kind::Unbind), POLLING, busy(), busy()),
        ("failed", Failed, Some(failed.clone()), POLLING, Same("failed".into()), other()),
        ("failed, cannot poll", Failed, Some(failed), WAITING, New, other()),
    ] {
        let row = binding(state);
        let present = Present::new(Some(&row), latest.as_ref());
        let put = |identical| bind(idle, present, Repeat { identical, may_poll });
        assert_eq!(put(true), identical, "{what}: identical PUT");
        assert_eq!(put(false), different, "{what}: different PUT");
    }
}

#[test]
fn put_of_a_binding_while_its_instance_is_at_work() {
    let repeat = Repeat { identical: true, may_poll: true };
    let parent = instance(InstanceState::Ready);
    let ready = binding(BindingState::Ready);
    for kind in [Kind::Provision, Kind::Update, Kind::Deprovision] {
        let at_work = running(kind);
        let on = Present::new(Some(&parent), Some(&at_work));
        assert_eq!(bind(on, Present::new(None, None), repeat), busy(), "{kind:?}: a new one");
        assert_eq!(
            bind(on, Present::new(Some(&ready), None), repeat),
            Unchanged,
            "{kind:?}: there"
        );
    }
    let nothing = bind(Present::new(None, None), Present::new(None, None), repeat);
    assert!(matches!(nothing, Refused(Refusal::NotFound(_))));
    let failed = instance(InstanceState::Failed);
    let refused = bind(Present::new(Some(&failed), None), Present::new(None, None), repeat);
    assert!(matches!(refused, Refused(Refusal::Unprocessable { .. })));
}

#[test]
fn delete_of_a_binding() {
    for (latest, verdict) in [
        (Some(running(Kind::Bind)), CallOff("running".into())),
        (Some(running(Kind::Unbind)), Same("running".into())),
        (None, New),
    ] {
        let row = binding(BindingState::Ready);
        assert_eq!(unbind(Present::new(Some(&row), latest.as_ref())), verdict);
    }
    let verdict = unbind(Present::new(None, None));
    assert!(matches!(verdict, Refused(Refusal::Gone(_))), "nothing there: 410 (110)");
}
