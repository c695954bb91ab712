//! Renews certificates of instances before they end, and at once where the instances are to be
//! reached by another name.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;

use super::Task;
use crate::broker::Broker;

/// Looks every ten minutes.
pub struct Certificates {
    /// Decides.
    pub broker: Arc<Broker>,
}

#[async_trait]
impl Task for Certificates {
    fn name(&self) -> &'static str {
        "certificates"
    }

    fn period(&self) -> Duration {
        Duration::from_mins(10)
    }

    async fn run(&self) {
        // What failed was logged where it did, and is tried again at the next look.
        if let Ok(count @ 1..) = self.broker.renew_certificates().await {
            tracing::info!(instances.count = count, "Certificates of instances are being renewed");
        }
    }
}
