//! An engine without a network, for fast tests: it holds users, and fails as it is told to.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use tokio::sync::watch;

use super::{Engine, Grant, Target};
use crate::model::{Fault, FaultKind, Object};

/// The methods of [`Engine`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Call {
    /// [`Engine::ready`].
    Ready,
    /// [`Engine::prepare`].
    Prepare,
    /// [`Engine::bootstrap`].
    Bootstrap,
    /// [`Engine::grant`].
    Grant,
    /// [`Engine::revoke`].
    Revoke,
}

impl Call {
    /// All of them.
    pub const ALL: [Self; 5] =
        [Self::Ready, Self::Prepare, Self::Bootstrap, Self::Grant, Self::Revoke];
}

/// Whether a planned fault leaves something behind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum When {
    /// Nothing was done.
    Before,
    /// All was done; only the answer is lost.
    After,
}

/// Holds instances by the address that apps are given (`127.0.0.1:18500`, the lowest of its ports).
#[derive(Debug)]
pub struct Fake {
    state: Mutex<State>,
    held: watch::Sender<Option<Call>>,
}

#[derive(Debug, Default)]
struct State {
    instances: BTreeMap<String, Instance>,
    calls: Vec<(Call, String)>,
    faults: Vec<PlannedFault>,
    not_ready: u32,
}

/// What a fake instance was told.
#[derive(Clone, Debug, Default)]
pub struct Instance {
    /// How often it was bootstrapped.
    pub bootstraps: u32,
    /// The settings in force.
    pub settings: Object,
    /// Its users by name.
    pub users: BTreeMap<String, Grant>,
}

#[derive(Debug)]
struct PlannedFault {
    call: Call,
    /// How many calls are let through first.
    after: usize,
    when: When,
    kind: FaultKind,
}

impl Default for Fake {
    fn default() -> Self {
        Self { state: Mutex::default(), held: watch::Sender::new(None) }
    }
}

impl Fake {
    /// The next `tries` of [`Engine::ready`] answer `Retry`.
    pub fn not_ready_for(&self, tries: u32) {
        self.state().not_ready = tries;
    }

    /// Makes the `nth` coming `call` (1: the next one) fail, once.
    pub fn fail(&self, call: Call, nth: usize, when: When, kind: FaultKind) {
        let after = nth.saturating_sub(1);
        self.state().faults.push(PlannedFault { call, after, when, kind });
    }

    /// Lets every coming `call` wait before it does anything, until [`Fake::release`].
    pub fn hold(&self, call: Call) {
        self.held.send_replace(Some(call));
    }

    /// Lets go what [`Fake::hold`] holds.
    pub fn release(&self) {
        self.held.send_replace(None);
    }

    /// What is known at an address; nothing was done there yet: the default.
    #[must_use]
    pub fn instance(&self, address: &str) -> Instance {
        self.state().instances.get(address).cloned().unwrap_or_default()
    }

    /// Every user that there is, as address and name.
    #[must_use]
    pub fn users(&self) -> Vec<(String, String)> {
        let state = self.state();
        let of = |(address, instance): (&String, &Instance)| {
            instance.users.keys().map(|user| (address.clone(), user.clone())).collect::<Vec<_>>()
        };
        state.instances.iter().flat_map(of).collect()
    }

    /// Every call so far with its address, also those that failed.
    #[must_use]
    pub fn calls(&self) -> Vec<(Call, String)> {
        self.state().calls.clone()
    }

    /// Does a call's effect, unless a fault is planned before it; reports one planned after it.
    async fn call(
        &self,
        call: Call,
        target: &Target,
        effect: impl FnOnce(&mut Instance) + Send,
    ) -> Result<(), Fault> {
        let address = address(target);
        self.state().calls.push((call, address.clone()));
        self.held
            .subscribe()
            .wait_for(|held| *held != Some(call))
            .await
            .expect("the sender lives as long as self");
        let mut state = self.state();
        let fault = state.due(call);
        if !matches!(fault, Some((When::Before, _))) {
            effect(state.instances.entry(address).or_default());
        }
        fault.map_or(Ok(()), |(_, kind)| Err(planned(call, kind)))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // A test that failed elsewhere is reported there.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// Takes the planned fault whose turn it is; all others of this call come one nearer.
    fn due(&mut self, call: Call) -> Option<(When, FaultKind)> {
        let due = self.faults.iter().position(|fault| fault.call == call && fault.after == 0);
        let due = due.map(|index| self.faults.remove(index));
        for fault in self.faults.iter_mut().filter(|fault| fault.call == call) {
            fault.after = fault.after.saturating_sub(1);
        }
        due.map(|fault| (fault.when, fault.kind))
    }
}

#[async_trait]
impl Engine for Fake {
    async fn ready(&self, target: &Target) -> Result<(), Fault> {
        self.call(Call::Ready, target, |_| ()).await?;
        let mut state = self.state();
        if state.not_ready > 0 {
            state.not_ready -= 1;
            return Err(Fault::retry("the fake engine is still starting"));
        }
        Ok(())
    }

    async fn prepare(&self, target: &Target, next: &Object) -> Result<(), Fault> {
        self.call(Call::Prepare, target, |instance| instance.settings.extend(next.clone())).await
    }

    async fn bootstrap(&self, target: &Target) -> Result<(), Fault> {
        self.call(Call::Bootstrap, target, |instance| {
            instance.bootstraps += 1;
            instance.settings.clone_from(&target.settings);
        })
        .await
    }

    async fn grant(&self, target: &Target, grant: &Grant) -> Result<(), Fault> {
        self.call(Call::Grant, target, |instance| {
            instance.users.insert(grant.user.clone(), grant.clone());
        })
        .await
    }

    async fn revoke(&self, target: &Target, user: &str) -> Result<(), Fault> {
        self.call(Call::Revoke, target, |instance| {
            instance.users.remove(user);
        })
        .await
    }
}

fn address(target: &Target) -> String {
    let port = target.ports.values().min().copied().unwrap_or_default();
    format!("{}:{port}", target.host)
}

fn planned(call: Call, kind: FaultKind) -> Fault {
    let message = format!("planned for {call:?}");
    match kind {
        FaultKind::Unreachable => Fault::unreachable(message),
        FaultKind::Retry => Fault::retry(message),
        FaultKind::PortTaken(port) => Fault::port_taken(port),
        FaultKind::Fatal => Fault::fatal(message),
        FaultKind::Cancelled => Fault::cancelled(),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::Duration;

    use super::*;
    use crate::model::inside::Closed;
    use crate::model::workload::Admin;

    const ADDRESS: &str = "127.0.0.1:18500";

    fn target() -> Target {
        Target {
            host: "127.0.0.1".to_owned(),
            ports: BTreeMap::from([("redis".to_owned(), 18500)]),
            admin: Admin { user: "banquet".to_owned(), password: "pw".into(), database: None },
            settings: Object::new(),
            inside: Arc::new(Closed),
            scripts: BTreeMap::new(),
            tls: None,
        }
    }

    fn grant() -> Grant {
        Grant {
            user: "b1".to_owned(),
            password: "pw".into(),
            parameters: Object::new(),
            expires_at: None,
        }
    }

    #[tokio::test]
    async fn users_come_and_go() {
        let fake = Fake::default();
        fake.grant(&target(), &grant()).await.unwrap();
        fake.grant(&target(), &grant()).await.unwrap();
        assert_eq!(fake.users(), [(ADDRESS.to_owned(), "b1".to_owned())]);
        fake.revoke(&target(), "b1").await.unwrap();
        fake.revoke(&target(), "b1").await.unwrap();
        assert!(fake.instance(ADDRESS).users.is_empty());
        assert_eq!(fake.calls().len(), 4);
    }

    #[tokio::test]
    async fn a_planned_fault_comes_once_and_in_its_turn() {
        let fake = Fake::default();
        fake.fail(Call::Grant, 2, When::After, FaultKind::Retry);
        fake.fail(Call::Grant, 1, When::Before, FaultKind::Fatal);
        let fault = fake.grant(&target(), &grant()).await.unwrap_err();
        assert_eq!(fault.kind, FaultKind::Fatal);
        assert!(fake.users().is_empty());
        let fault = fake.grant(&target(), &grant()).await.unwrap_err();
        assert_eq!(fault.kind, FaultKind::Retry);
        assert_eq!(fake.users().len(), 1);
        fake.grant(&target(), &grant()).await.unwrap();
    }

    #[tokio::test]
    async fn readiness_takes_as_many_tries_as_told() {
        let fake = Fake::default();
        fake.not_ready_for(2);
        for _ in 0..2 {
            assert_eq!(fake.ready(&target()).await.unwrap_err().kind, FaultKind::Retry);
        }
        fake.ready(&target()).await.unwrap();
    }

    #[tokio::test]
    async fn a_held_call_waits_and_others_do_not() {
        let fake = Arc::new(Fake::default());
        fake.hold(Call::Grant);
        let held = tokio::spawn({
            let fake = Arc::clone(&fake);
            async move { fake.grant(&target(), &grant()).await }
        });
        fake.bootstrap(&target()).await.unwrap();
        tokio::time::sleep(Duration::from_millis(20)).await;
        assert!(!held.is_finished() && fake.users().is_empty());
        fake.release();
        held.await.unwrap().unwrap();
        assert_eq!(fake.users().len(), 1);
    }
}
