//! What can go wrong in the world outside: whoever knows whether to try again says so.

use std::error::Error;

/// A failure of a backend or an engine.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub struct Fault {
    /// What to do about it.
    pub kind: FaultKind,
    /// For the user of a platform: what could not be done and why, in words; no secrets.
    pub message: String,
    /// For the log.
    #[source]
    pub cause: Option<Box<dyn Error + Send + Sync>>,
}

/// What a failure means for the operation that met it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FaultKind {
    /// The container engine does not answer: wait for it, however long; it is not the operation's fault.
    Unreachable,
    /// Trying again may help, until the operation's deadline.
    Retry,
    /// This host port is in use by something that is not ours.
    PortTaken(u16),
    /// Trying again will not help.
    Fatal,
    /// The operation was called off while it ran.
    Cancelled,
}

impl Fault {
    fn new(kind: FaultKind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into(), cause: None }
    }

    /// See [`FaultKind::Unreachable`].
    pub fn unreachable(message: impl Into<String>) -> Self {
        Self::new(FaultKind::Unreachable, message)
    }

    /// See [`FaultKind::Retry`].
    pub fn retry(message: impl Into<String>) -> Self {
        Self::new(FaultKind::Retry, message)
    }

    /// See [`FaultKind::Fatal`].
    pub fn fatal(message: impl Into<String>) -> Self {
        Self::new(FaultKind::Fatal, message)
    }

    /// See [`FaultKind::PortTaken`].
    #[must_use]
    pub fn port_taken(port: u16) -> Self {
        Self::new(FaultKind::PortTaken(port), format!("port {port} of the host is already in use"))
    }

    /// See [`FaultKind::Cancelled`].
    #[must_use]
    pub fn cancelled() -> Self {
        Self::new(FaultKind::Cancelled, "called off")
    }

    /// Adds what the log should know.
    #[must_use]
    pub fn because(mut self, cause: impl Error + Send + Sync + 'static) -> Self {
        self.cause = Some(Box::new(cause));
        self
    }

    /// The message with its causes, for the log.
    #[must_use]
    pub fn chain(&self) -> String {
        chain(self)
    }
}

/// An error with its causes, for the log.
#[must_use]
pub fn chain(error: &(dyn Error + 'static)) -> String {
    let causes = std::iter::successors(Some(error), |&error| error.source());
    causes.map(ToString::to_string).collect::<Vec<_>>().join(": ")
}
