//! Claims operations and runs their steps, several at once.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::Bell;
use super::advance::{Outcome, advance};
use super::perform::{Change, World, perform};
use crate::clock::Millis;
use crate::model::fault::chain;
use crate::model::{FaultKind, Operation, OperationState, Phase, Progress};
use crate::store::{Effect, Lease};

/// How long a claim holds, in ms. A process that died is taken over from after this long.
const LEASE: Millis = 15_000;
/// How often a held operation is looked after: its lease renewed, its progress written.
const HEARTBEAT: Duration = Duration::from_millis(500);
/// At most this long between two looks for work: other brokers may share the database.
const LOOK: Duration = Duration::from_secs(1);
/// How long a stop waits for steps to reach a safe point. Leases make an unclean end safe too.
const GRACE: Duration = Duration::from_secs(20);

/// Runs operations until it is stopped.
pub struct Worker {
    world: Arc<World>,
    bell: Arc<Bell>,
    slots: usize,
}

impl Worker {
    /// A worker of `slots` operations at once.
    #[must_use]
    pub fn new(world: Arc<World>, bell: Arc<Bell>, slots: usize) -> Self {
        Self { world, bell, slots }
    }

    /// Works until `stop` fires, then waits for what is at work to reach a safe point.
    pub async fn run(self, stop: CancellationToken) {
        let slots = Arc::new(Semaphore::new(self.slots));
        let tracker = TaskTracker::new();
        loop {
            let mut rung = std::pin::pin!(self.bell.rung());
            // Before looking, or a ring between the look and the wait is lost.
            rung.as_mut().enable();
            let slot = tokio::select! {
                slot = Arc::clone(&slots).acquire_owned() => slot.expect("it is never closed"),
                () = stop.cancelled() => break,
            };
            match self.world.store.claim(self.world.clock.now_ms(), LEASE).await {
                Ok(Some(lease)) => {
                    let (world, bell) = (Arc::clone(&self.world), Arc::clone(&self.bell));
                    let cancel = bell.hold(&lease.operation.id, &stop);
                    tracker.spawn(async move {
                        run(&world, &bell, &lease, cancel).await;
                        bell.let_go(&lease.operation.id);
                        drop(slot);
                        bell.ring();
                    });
                    continue;
                }
                Ok(None) => {}
                Err(error) => tracing::error!(error = chain(&error), "Could not look for work"),
            }
            drop(slot);
            tokio::select! {
                () = rung => {}
                () = tokio::time::sleep(self.until_due().await) => {}
                () = stop.cancelled() => break,
            }
        }
        tracker.close();
        let _ = tokio::time::timeout(GRACE, tracker.wait()).await;
    }

    async fn until_due(&self) -> Duration {
        let Ok(Some(due)) = self.world.store.next_due().await else { return LOOK };
        let wait = u64::try_from(due - self.world.clock.now_ms()).unwrap_or(0);
        // What is due already and was not claimed is held by another: no hot loop over it.
        Duration::from_millis(wait).clamp(Duration::from_millis(20), LOOK)
    }
}

/// Runs a claimed operation's steps until it ends, has to wait, or is taken away.
async fn run(world: &World, bell: &Bell, lease: &Lease, cancel: CancellationToken) {
    let progress = Progress::new(cancel);
    let mut operation = lease.operation.clone();
    loop {
        let result = attended(world, lease, &operation, &progress).await;
        let (outcome, change) = match result {
            Ok(change) => (Outcome::Done, change),
            Err(fault) => {
                log_fault(&operation, &fault);
                (Outcome::Fault(fault), Change { effect: Effect::None, target: None })
            }
        };
        let mut next = advance(&operation, &outcome, world.clock.now_ms());
        if let Some(target) = change.target {
            next.target = Some(target);
        } else if change.effect == Effect::None && goes_on(&outcome, &next, &progress) {
            operation = next;
            continue;
        }
        record(world, bell, lease, &next, change.effect).await;
        return;
    }
}

/// A step that changed no row needs no writing before the next one: run again, it does no harm.
fn goes_on(outcome: &Outcome, next: &Operation, progress: &Progress) -> bool {
    matches!(outcome, Outcome::Done)
        && next.state == OperationState::Running
        && !progress.cancel.is_cancelled()
}

async fn record(world: &World, bell: &Bell, lease: &Lease, next: &Operation, effect: Effect) {
    match world.store.record(lease, next, effect).await {
        Ok(true) if next.state != OperationState::Running => {
            log_end(next);
            bell.ended(&next.id);
        }
        Ok(true) => {}
        Ok(false) => {
            tracing::info!(operation.id = %next.id, "Operation `{}` was taken away", next.id);
        }
        // The lease runs out, and the step is run again.
        Err(error) => tracing::error!(
            operation.id = %next.id,
            error = chain(&error),
            "Could not write down what came of operation `{}`",
            next.id
        ),
    }
}

/// Performs the step while keeping the lease. The step is never dropped half-way: the container
/// engine would go on with a request whose client has left. A lost lease tells it to leave.
async fn attended(
    world: &World,
    lease: &Lease,
    operation: &Operation,
    progress: &Progress,
) -> Result<Change, crate::model::Fault> {
    let mut step = std::pin::pin!(perform(world, lease, operation, progress));
    let mut notes = progress.follow();
    let mut renewed_at = world.clock.now_ms();
    loop {
        tokio::select! {
            result = &mut step => return result,
            () = tokio::time::sleep(HEARTBEAT) => {}
        }
        let now = world.clock.now_ms();
        let news = notes.has_changed().unwrap_or(false);
        if !news && now - renewed_at < LEASE / 3 {
            continue;
        }
        let note = match operation.phase {
            Phase::Forward => notes.borrow_and_update().clone(),
            Phase::Undo => operation.description.clone(),
        };
        match world.store.renew(lease, now, LEASE, &note).await {
            Ok(true) => renewed_at = now,
            Ok(false) => progress.cancel.cancel(),
            Err(error) => tracing::warn!(
                operation.id = %operation.id,
                error = chain(&error),
                "Could not renew the lease of operation `{}`",
                operation.id
            ),
        }
    }
}

fn log_fault(operation: &Operation, fault: &crate::model::Fault) {
    if fault.kind == FaultKind::Cancelled {
        return;
    }
    tracing::warn!(
        operation.id = %operation.id,
        operation.kind = operation.kind.as_str(),
        operation.attempt = operation.attempts,
        step.name = operation.current().map(crate::model::Step::as_str),
        error = fault.chain(),
        "Step of operation `{}` failed",
        operation.id
    );
}

fn log_end(operation: &Operation) {
    tracing::info!(
        operation.id = %operation.id,
        operation.kind = operation.kind.as_str(),
        operation.state = operation.state.as_str(),
        instance.key = %operation.instance,
        duration_ms = operation.finished_at.unwrap_or(operation.created_at) - operation.created_at,
        description = operation.description,
        "Operation `{}` {}",
        operation.id,
        operation.state.as_str()
    );
}
