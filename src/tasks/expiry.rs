//! Ends bindings whose time is over (`metadata.expires_at`): in the engine, not only in the record.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;

use super::Task;
use crate::broker::Broker;

/// Looks every second.
pub struct Expiry {
    /// Decides.
    pub broker: Arc<Broker>,
}

#[async_trait]
impl Task for Expiry {
    fn name(&self) -> &'static str {
        "expiry"
    }

    fn period(&self) -> Duration {
        Duration::from_secs(1)
    }

    async fn run(&self) {
        // What failed was logged where it did, and is tried again at the next look.
        if let Ok(count @ 1..) = self.broker.expire_bindings().await {
            tracing::info!(bindings.count = count, "Bindings whose time is over are being revoked");
        }
    }
}
