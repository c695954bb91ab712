//! Getting an answer from an instance, and mending it where it gives none.

use std::future::Future;
use std::time::Duration;

use super::{Stage, title};
use crate::backend::{Observed, Place};
use crate::model::{Fault, FaultKind, Instance, Workload};

/// Between two looks at an instance that starts.
const LOOK: Duration = Duration::from_millis(25);
/// Looks at the engine's protocol for each look at the container: the latter costs more.
const LOOKS_A_GLANCE: u32 = 8;
/// How often a container that ends by itself is started anew before that counts as its nature.
const FALLS: u32 = 3;

impl Stage<'_> {
    /// Waits until the engine answers as a binding would need it, watching that the container
    /// still runs; one that fell is started anew, which is where an interrupted first start heals.
    pub(super) async fn until_ready(
        &self,
        instance: &Instance,
        workload: &Workload,
    ) -> Result<(), Fault> {
        let engine = self.engine(workload)?;
        let target = self.target(instance, workload).await?;
        let end = self.world.clock.now_ms() + self.patience();
        let (mut falls, mut looks) = (0, 0);
        loop {
            let fault = match engine.ready(&target).await {
                Ok(()) => return Ok(()),
                Err(fault) if fault.kind == FaultKind::Fatal => return Err(fault),
                Err(fault) => fault,
            };
            if self.world.clock.now_ms() >= end {
                return Err(Fault::fatal(format!(
                    "{} did not become ready in time: {}",
                    title(instance),
                    fault.message
                ))
                .because(fault));
            }
            looks += 1;
            if looks % LOOKS_A_GLANCE == 0 && self.raise(instance, workload, falls).await? {
                falls += 1;
            }
            tokio::select! {
                () = tokio::time::sleep(LOOK) => {}
                () = self.progress.cancel.cancelled() => return Err(Fault::cancelled()),
            }
        }
    }

    /// Starts containers that are down or absent; true if there were any.
    async fn raise(
        &self,
        instance: &Instance,
        workload: &Workload,
        falls: u32,
    ) -> Result<bool, Fault> {
        let place = self.place(instance).await?;
        match self.world.backend.observe(&place).await? {
            Observed::Running => return Ok(false),
            Observed::Down(why) if falls >= FALLS => {
                let name = title(instance);
                return Err(Fault::fatal(format!("{name} ended by itself: {why}")));
            }
            Observed::Down(_) | Observed::Absent => {}
        }
        self.converge(&place, workload).await?;
        Ok(true)
    }

    /// Has the workload run there, its files with the address that apps are given.
    pub(super) async fn converge(&self, place: &Place, workload: &Workload) -> Result<(), Fault> {
        let workload = workload.addressed(&self.world.advertise_host, &place.ports)?;
        self.world.backend.ensure(place, &workload, self.progress).await
    }

    /// Does something inside an instance; where that fails and its container turns out not to run,
    /// starts it, waits until it is ready, and does it again.
    pub(super) async fn healing<F, D>(&self, instance: &Instance, action: D) -> Result<(), Fault>
    where
        D: Fn() -> F,
        F: Future<Output = Result<(), Fault>>,
    {
        let Err(fault) = action().await else { return Ok(()) };
        if fault.kind == FaultKind::Fatal {
            return Err(fault);
        }
        let mended = self.raise(instance, &instance.workload, 0).await?;
        if !mended && instance_answers(self, instance).await {
            return Err(fault);
        }
        self.progress.say(format!("waiting for {} to answer", title(instance)));
        self.until_ready(instance, &instance.workload).await?;
        action().await
    }
}

async fn instance_answers(stage: &Stage<'_>, instance: &Instance) -> bool {
    let target = stage.target(instance, &instance.workload).await;
    match (stage.engine(&instance.workload), target) {
        (Ok(engine), Ok(target)) => engine.ready(&target).await.is_ok(),
        (Err(_), _) | (_, Err(_)) => false,
    }
}
