//! How a long step says how far it is, and hears that it was called off.

use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

/// Handed to everything that may take long.
#[derive(Clone, Debug)]
pub struct Progress {
    /// Fires when the operation was called off or the program stops: leave at the next safe point.
    pub cancel: CancellationToken,
    note: watch::Sender<String>,
}

impl Default for Progress {
    fn default() -> Self {
        Self::new(CancellationToken::new())
    }
}

impl Progress {
    /// Nothing said yet.
    #[must_use]
    pub fn new(cancel: CancellationToken) -> Self {
        Self { cancel, note: watch::Sender::new(String::new()) }
    }

    /// Says what is being done now, for people: "fetching the image", "waiting for PostgreSQL".
    pub fn say(&self, note: impl Into<String>) {
        let note = note.into();
        self.note.send_if_modified(|last| {
            let changed = *last != note;
            *last = note;
            changed
        });
    }

    /// Follows what is said.
    #[must_use]
    pub fn follow(&self) -> watch::Receiver<String> {
        self.note.subscribe()
    }
}
