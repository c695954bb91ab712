//! Who waits for whom within one process. Everything here is a shortcut: the database is what
//! counts, and a missed ring costs a second, never a change.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use tokio::sync::futures::Notified;
use tokio::sync::{Notify, broadcast};
use tokio_util::sync::CancellationToken;

use crate::id::OperationId;

/// Ended operations that a slow listener may lag behind before it has to look for itself.
const BACKLOG: usize = 1024;

/// Rings when there is work, when an operation ended, and when one is called off.
#[derive(Debug)]
pub struct Bell {
    work: Notify,
    ended: broadcast::Sender<OperationId>,
    held: Mutex<BTreeMap<OperationId, CancellationToken>>,
}

impl Default for Bell {
    fn default() -> Self {
        Self { work: Notify::new(), ended: broadcast::Sender::new(BACKLOG), held: Mutex::default() }
    }
}

impl Bell {
    /// There is work.
    pub fn ring(&self) {
        self.work.notify_one();
    }

    /// Waits for work. Enable it before looking, or a ring in between is lost.
    pub fn rung(&self) -> Notified<'_> {
        self.work.notified()
    }

    /// An operation ended.
    pub fn ended(&self, id: &OperationId) {
        // No listener is no error.
        let _ = self.ended.send(id.clone());
    }

    /// Hears of every operation that ends from now on.
    #[must_use]
    pub fn listen(&self) -> broadcast::Receiver<OperationId> {
        self.ended.subscribe()
    }

    /// A worker here holds this operation; the token fires when it is called off or when `stop`
    /// does.
    #[must_use]
    pub fn hold(&self, id: &OperationId, stop: &CancellationToken) -> CancellationToken {
        let token = stop.child_token();
        self.lock().insert(id.clone(), token.clone());
        token
    }

    /// The worker let go.
    pub fn let_go(&self, id: &OperationId) {
        self.lock().remove(id);
    }

    /// Tells the worker that holds the operation, if it is one of ours, to leave it.
    pub fn call_off(&self, id: &OperationId) {
        if let Some(token) = self.lock().get(id) {
            token.cancel();
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, BTreeMap<OperationId, CancellationToken>> {
        // A map of tokens is never half-written, so a panic elsewhere does not spoil it.
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
