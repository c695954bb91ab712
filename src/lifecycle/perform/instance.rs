//! The steps of instances.

use super::{Change, Stage, kept, title};
use crate::model::{
    Fault, FaultKind, Instance, InstanceState, Kind, Phase, Step, Target, Workload,
};
use crate::store::Effect;

impl Stage<'_> {
    /// Finds the images and writes down which they are, so that every later recreate runs the same.
    pub(super) async fn image(&self, mut instance: Instance) -> Result<Change, Fault> {
        let mut target = self.operation.target.clone();
        let workload = match &mut target {
            Some(target) => &mut target.workload,
            None => &mut instance.workload,
        };
        for container in &mut workload.containers {
            let image = &mut container.image;
            image.resolved = Some(self.world.backend.image(image, self.progress).await?);
        }
        Ok(match target {
            Some(target) => Change { effect: Effect::None, target: Some(target) },
            None => Change::effect(Effect::Instance(Box::new(instance))),
        })
    }

    /// Lets the engine refuse what is to come, at the price of a look: an engine that does not
    /// answer cannot, and must not keep an update from mending it.
    pub(super) async fn prepare(&self, instance: &Instance) -> Result<Change, Fault> {
        let Some(next) = &self.operation.target else { return Ok(Change::NONE) };
        let engine = self.engine(&instance.workload)?;
        let target = self.target(instance, &instance.workload).await?;
        match engine.prepare(&target, &next.workload.settings).await {
            Ok(()) => Ok(Change::NONE),
            Err(fault) if fault.kind == FaultKind::Fatal => Err(fault),
            Err(fault) => {
                tracing::warn!(
                    instance.id = %instance.id,
                    operation.id = %self.operation.id,
                    error = fault.chain(),
                    "Could not ask the engine before the update; going on"
                );
                Ok(Change::NONE)
            }
        }
    }

    pub(super) async fn ensure(&self, instance: &Instance) -> Result<Change, Fault> {
        self.progress.say("starting its containers");
        let workload = self.wanted(instance);
        let mut place = self.place(instance).await?;
        let mut exchanges = 0;
        loop {
            let fault = match self.converge(&place, workload).await {
                Ok(()) => return Ok(Change::NONE),
                Err(fault) => fault,
            };
            // A port that an app may know is never exchanged.
            let FaultKind::PortTaken(port) = fault.kind else { return Err(fault) };
            if instance.was_ready || exchanges == 16 {
                return Err(fault);
            }
            exchanges += 1;
            let (store, now) = (&self.world.store, self.world.clock.now_ms());
            let range = &self.world.ports;
            let ports = kept(store.exchange_port(self.lease, port, range, now).await)?;
            place.ports = ports.ok_or_else(Fault::cancelled)?;
        }
    }

    pub(super) async fn await_ready(&self, mut instance: Instance) -> Result<Change, Fault> {
        self.progress.say(format!("waiting for {} to answer", title(&instance)));
        let workload = self.wanted(&instance).clone();
        self.until_ready(&instance, &workload).await?;
        if instance.was_ready {
            return Ok(Change::NONE);
        }
        instance.was_ready = true;
        Ok(Change::effect(Effect::Instance(Box::new(instance))))
    }

    pub(super) async fn bootstrap(&self, mut instance: Instance) -> Result<Change, Fault> {
        self.progress.say(format!("setting up {}", title(&instance)));
        let workload = self.wanted(&instance);
        self.engine(workload)?.bootstrap(&self.target(&instance, workload).await?).await?;
        if self.operation.phase == Phase::Forward
            && let Some(target) = &self.operation.target
        {
            become_target(&mut instance, target);
        }
        instance.state = InstanceState::Ready;
        instance.updated_at = self.world.clock.now_ms();
        Ok(Change::effect(Effect::Instance(Box::new(instance))))
    }

    /// Containers and volumes go first, then the tenant's network if nobody else stays on it. Of
    /// several that go at once the last to come here finds it free.
    pub(super) async fn remove(&self, mut instance: Instance) -> Result<Change, Fault> {
        let place = self.place(&instance).await?;
        self.world.backend.remove(&place).await?;
        let others = self.world.store.count_others(&instance.tenant, &instance.key).await;
        if kept(others)? == 0 {
            self.world.backend.remove_network(&instance.tenant).await?;
        }
        if self.operation.kind == Kind::Deprovision {
            return Ok(Change::NONE);
        }
        instance.state = InstanceState::Failed;
        instance.ports.clear();
        instance.updated_at = self.world.clock.now_ms();
        Ok(Change::effect(Effect::Instance(Box::new(instance))))
    }

    /// What the instance is to be: the target on the way forward, the last good one on the way back.
    pub(super) fn wanted<'a>(&'a self, instance: &'a Instance) -> &'a Workload {
        match (&self.operation.target, self.operation.phase) {
            (Some(target), Phase::Forward) => &target.workload,
            _ => &instance.workload,
        }
    }

    /// How long the current step may take in all, in ms.
    pub(super) fn patience(&self) -> i64 {
        super::super::advance::patience(self.operation.current().unwrap_or(Step::Ensure))
    }
}

fn become_target(instance: &mut Instance, target: &Target) {
    instance.plan_id.clone_from(&target.plan_id);
    instance.parameters.clone_from(&target.parameters);
    instance.context.clone_from(&target.context);
    instance.name.clone_from(&target.name);
    instance.maintenance_version.clone_from(&target.maintenance_version);
    instance.workload = target.workload.clone();
}
