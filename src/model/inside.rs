//! Acting inside the containers of an instance, for engines that cannot do all by their protocol.

use std::fmt;
use std::time::Duration;

use async_trait::async_trait;

use super::Fault;
use super::workload::File;
use crate::secret::Secret;

/// The containers of one instance, by role, from the inside.
///
/// # Guarantees
/// Nothing secret is seen by who inspects the container or lists its processes: secrets go by
/// standard input and in files. A container that does not run is a fault worth a retry.
#[async_trait]
pub trait Inside: Send + Sync + fmt::Debug {
    /// Runs a command as the container's user and waits for its end. One that takes longer than
    /// `limit` (to whole seconds, rounded up) is killed there, by the image's `timeout`.
    ///
    /// # Errors
    /// `Retry` where it was killed; an exit status is no error here.
    async fn run(
        &self,
        role: &str,
        command: &[String],
        stdin: &Secret,
        limit: Duration,
    ) -> Result<Output, Fault>;

    /// Writes a file with its owner and mode into one of the container's mounts.
    async fn write(&self, role: &str, file: &File) -> Result<(), Fault>;

    /// Sends a signal to the container's first process: `SIGHUP`.
    async fn signal(&self, role: &str, signal: &str) -> Result<(), Fault>;

    /// Stops the container in its own way and starts it again.
    async fn restart(&self, role: &str) -> Result<(), Fault>;
}

/// What a command left.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Output {
    /// Its exit status.
    pub status: i64,
    /// The first 64 KiB of what it printed.
    pub stdout: String,
    /// The same of its complaints.
    pub stderr: String,
}

/// Containers that cannot be entered, for tests of engines that have no need to.
#[derive(Clone, Copy, Debug, Default)]
pub struct Closed;

impl Closed {
    fn refuse<T>() -> Result<T, Fault> {
        Err(Fault::fatal("these containers cannot be entered"))
    }
}

#[async_trait]
impl Inside for Closed {
    async fn run(
        &self,
        _role: &str,
        _command: &[String],
        _stdin: &Secret,
        _limit: Duration,
    ) -> Result<Output, Fault> {
        Self::refuse()
    }

    async fn write(&self, _role: &str, _file: &File) -> Result<(), Fault> {
        Self::refuse()
    }

    async fn signal(&self, _role: &str, _signal: &str) -> Result<(), Fault> {
        Self::refuse()
    }

    async fn restart(&self, _role: &str) -> Result<(), Fault> {
        Self::refuse()
    }
}
