//! Does one step in the world outside. Every step is idempotent: after a crash it is run again.

mod instance;
mod reach;
mod renew;

use std::collections::BTreeMap;
use std::ops::RangeInclusive;
use std::sync::Arc;

use ipnet::Ipv4Net;

use crate::backend::{Backend, Place};
use crate::clock::Clock;
use crate::engine::{self, Engine, Engines, Grant};
use crate::model::{
    Binding, BindingState, Fault, Instance, Kind, Operation, Phase, Progress, Step, Target,
    Workload,
};
use crate::store::{Effect, Lease, Store, StoreError};

/// Everything that steps need.
pub struct World {
    /// What is kept.
    pub store: Store,
    /// Where workloads run.
    pub backend: Arc<dyn Backend>,
    /// What runs in them.
    pub engines: Engines,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// The host that apps are given.
    pub advertise_host: String,
    /// Host ports to hand out.
    pub ports: RangeInclusive<u16>,
}

/// What a step that is done changes.
#[derive(Debug)]
pub struct Change {
    /// In the rows beside the operation's.
    pub effect: Effect,
    /// In the operation's target, for an update whose image was found.
    pub target: Option<Target>,
}

impl Change {
    const NONE: Self = Self { effect: Effect::None, target: None };

    const fn effect(effect: Effect) -> Self {
        Self { effect, target: None }
    }
}

/// One step at work: the world, the operation, and how to say how far it is.
struct Stage<'a> {
    world: &'a World,
    lease: &'a Lease,
    operation: &'a Operation,
    progress: &'a Progress,
}

/// Does the operation's current step.
///
/// # Errors
/// A [`Fault`] of the backend or the engine; a failing database counts as worth a retry.
pub async fn perform(
    world: &World,
    lease: &Lease,
    operation: &Operation,
    progress: &Progress,
) -> Result<Change, Fault> {
    let stage = Stage { world, lease, operation, progress };
    let step = operation.current().ok_or_else(|| Fault::fatal("there is no such step"))?;
    let Some(instance) = kept(world.store.instance(&operation.instance).await)? else {
        return match step {
            Step::Forget => Ok(Change::effect(forgets(operation))),
            Step::Revoke | Step::Remove => Ok(Change::NONE),
            Step::Image
            | Step::Prepare
            | Step::Ensure
            | Step::AwaitReady
            | Step::Bootstrap
            | Step::Renew
            | Step::Grant => Err(Fault::fatal("the instance is no longer there")),
        };
    };
    match step {
        Step::Image => stage.image(instance).await,
        Step::Prepare => stage.prepare(&instance).await,
        Step::Ensure => stage.ensure(&instance).await,
        Step::AwaitReady => stage.await_ready(instance).await,
        Step::Bootstrap => stage.bootstrap(instance).await,
        Step::Renew => stage.renew(&instance).await,
        Step::Remove => stage.remove(instance).await,
        Step::Grant => stage.grant(&instance).await,
        Step::Revoke => stage.revoke(&instance).await,
        Step::Forget => Ok(Change::effect(forgets(operation))),
    }
}

fn forgets(operation: &Operation) -> Effect {
    match operation.binding {
        Some(_) => Effect::ForgetBinding,
        None => Effect::ForgetInstance,
    }
}

impl Stage<'_> {
    async fn grant(&self, instance: &Instance) -> Result<Change, Fault> {
        let Some(binding) = self.binding().await? else {
            return Err(Fault::fatal("the binding is no longer there"));
        };
        let grant = Grant {
            user: binding.user.clone(),
            password: binding.password.clone(),
            parameters: instance.workload.bind_parameters(&binding.parameters),
            expires_at: binding.expires_at,
        };
        let engine = self.engine(&instance.workload)?;
        let target = self.target(instance, &instance.workload).await?;
        self.healing(instance, || engine.grant(&target, &grant)).await?;
        let ready = Binding { state: BindingState::Ready, ..binding };
        Ok(Change::effect(Effect::Binding(Box::new(ready))))
    }

    /// Nothing is to be revoked in an instance that never was, or that is on its way out as a
    /// whole.
    async fn revoke(&self, instance: &Instance) -> Result<Change, Fault> {
        let Some(binding) = self.binding().await? else { return Ok(Change::NONE) };
        let running = kept(self.world.store.running(instance.key.as_str()).await)?;
        let leaving = running.is_some_and(|other| other.kind == Kind::Deprovision);
        if instance.was_ready && !leaving {
            let engine = self.engine(&instance.workload)?;
            let target = self.target(instance, &instance.workload).await?;
            self.healing(instance, || engine.revoke(&target, &binding.user)).await?;
        }
        let state = match (self.operation.kind, self.operation.phase) {
            (Kind::Bind, Phase::Undo) => BindingState::Failed,
            (Kind::Expire, _) => BindingState::Expired,
            _ => return Ok(Change::NONE),
        };
        Ok(Change::effect(Effect::Binding(Box::new(Binding { state, ..binding }))))
    }

    async fn binding(&self) -> Result<Option<Binding>, Fault> {
        match &self.operation.binding {
            Some(key) => kept(self.world.store.binding(key).await),
            None => Ok(None),
        }
    }

    fn engine(&self, workload: &Workload) -> Result<&dyn Engine, Fault> {
        let engine = self.world.engines.get(&workload.engine).map(AsRef::as_ref);
        engine.ok_or_else(|| {
            Fault::fatal(format!("this version of banquet knows no engine `{}`", workload.engine))
        })
    }

    async fn target(
        &self,
        instance: &Instance,
        workload: &Workload,
    ) -> Result<engine::Target, Fault> {
        let place = self.place(instance).await?;
        Ok(engine::Target {
            host: self.world.advertise_host.clone(),
            ports: instance.ports.clone(),
            admin: workload.admin.clone(),
            settings: workload.settings.clone(),
            inside: self.world.backend.inside(&place, workload),
            scripts: workload.scripts.clone(),
            tls: tls(workload),
        })
    }

    async fn place(&self, instance: &Instance) -> Result<Place, Fault> {
        let subnet = kept(self.world.store.subnet(&instance.tenant).await)?;
        let subnet = subnet.ok_or_else(|| Fault::fatal("the tenant has no network range"))?;
        Ok(place(instance, subnet))
    }
}

fn tls(workload: &Workload) -> Option<engine::Tls> {
    let identity = workload.identity.as_ref().filter(|_| workload.tls.is_on())?;
    let required = workload.tls.is_required();
    Some(engine::Tls { authority: identity.authority.clone(), required })
}

/// What people call an instance, and what it is.
fn title(instance: &Instance) -> String {
    format!("`{}` ({})", instance.name, instance.workload.engine)
}

/// Where an instance's workload goes.
#[must_use]
pub fn place(instance: &Instance, subnet: Ipv4Net) -> Place {
    let mut labels = BTreeMap::from([
        ("banquet.name".to_owned(), instance.name.clone()),
        ("banquet.platform".to_owned(), instance.platform.to_string()),
    ]);
    for (label, key) in [
        ("banquet.organization", "organization_name"),
        ("banquet.space", "space_name"),
        ("banquet.namespace", "namespace"),
    ] {
        if let Some(name) = instance.context.get(key).and_then(serde_json::Value::as_str) {
            labels.insert(label.to_owned(), name.to_owned());
        }
    }
    Place {
        instance: instance.key.clone(),
        instance_id: instance.id.clone(),
        tenant: instance.tenant.clone(),
        subnet,
        labels,
        ports: instance.ports.clone(),
        was_ready: instance.was_ready,
    }
}

/// A failing database is worth another try; what it said is for the log.
fn kept<T>(answer: Result<T, StoreError>) -> Result<T, Fault> {
    answer.map_err(|error| Fault::retry("the broker's database did not answer").because(error))
}
