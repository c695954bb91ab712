//! Forgets what ended long ago: operations are remembered for at least 72 hours (requirement 53).

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;

use super::Task;
use crate::clock::{Clock, Millis};
use crate::model::fault::chain;
use crate::store::Store;

/// Forgets once an hour.
pub struct Retention {
    /// What is kept.
    pub store: Store,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// How long ended operations are kept, in ms.
    pub keep_ms: Millis,
}

#[async_trait]
impl Task for Retention {
    fn name(&self) -> &'static str {
        "retention"
    }

    fn period(&self) -> Duration {
        Duration::from_hours(1)
    }

    async fn run(&self) {
        match self.store.forget_ended(self.clock.now_ms() - self.keep_ms).await {
            Ok(0) => {}
            Ok(count) => tracing::info!(operations.count = count, "Forgot ended operations"),
            Err(error) => {
                tracing::error!(error = chain(&error), "Could not forget ended operations");
            }
        }
    }
}
