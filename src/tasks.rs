//! What the broker does by itself, without input: each task looks, acts on what it sees, and is
//! run again at its next time. Nothing here is retried; the next time is the retry.

pub mod certificates;
pub mod expiry;
pub mod health;
pub mod orphans;
pub mod retention;

use std::time::Duration;

use async_trait::async_trait;
use tokio_util::sync::CancellationToken;
use tracing::Instrument as _;

/// One reconciler.
#[async_trait]
pub trait Task: Send + Sync {
    /// For the log: every line that it writes carries it.
    fn name(&self) -> &'static str;

    /// How long from one run to the next.
    fn period(&self) -> Duration;

    /// Looks and acts. Errors are logged where they happen.
    async fn run(&self);
}

/// Runs a task at its times until `stop` fires.
pub async fn every_period(task: impl Task, stop: CancellationToken) {
    let mut ticks = tokio::time::interval(task.period());
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            _ = ticks.tick() => {
                task.run().instrument(tracing::info_span!("task", task.name = task.name())).await;
            }
            () = stop.cancelled() => return,
        }
    }
}
