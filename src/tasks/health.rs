//! Watches whether the container engine answers, so that no request has to ask.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use tokio::sync::watch;

use super::Task;
use crate::backend::Backend;

/// Asks the engine every two seconds.
pub struct Health {
    backend: Arc<dyn Backend>,
    reachable: watch::Sender<Option<String>>,
}

impl Health {
    /// Not asked yet: counts as reachable, since nothing says otherwise.
    #[must_use]
    pub fn new(backend: Arc<dyn Backend>) -> Self {
        Self { backend, reachable: watch::Sender::new(None) }
    }

    /// Why the engine does not answer; none while it does.
    #[must_use]
    pub fn follow(&self) -> watch::Receiver<Option<String>> {
        self.reachable.subscribe()
    }
}

#[async_trait]
impl Task for Health {
    fn name(&self) -> &'static str {
        "health"
    }

    fn period(&self) -> Duration {
        Duration::from_secs(2)
    }

    async fn run(&self) {
        let answer = self.backend.ping().await;
        let why = answer.as_ref().err().map(|fault| fault.message.clone());
        let changed = self.reachable.send_if_modified(|known| {
            let changed = known.is_some() != why.is_some();
            *known = why;
            changed
        });
        match answer {
            Ok(()) if changed => tracing::info!("The container engine answers again"),
            Err(fault) if changed => tracing::error!(
                error = fault.chain(),
                "The container engine does not answer: changes wait until it does"
            ),
            Ok(()) | Err(_) => {}
        }
    }
}
