//! Why a command did not do it, and the exit code that tells so to scripts.

use std::io::{self, Write as _};
use std::process::ExitCode;

/// See `banquet --help`, which promises these numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Exit {
    /// Nobody reads what we print: `banquet … | head`.
    ClosedPipe = 0,
    Failed = 1,
    Usage = 2,
    Unreachable = 3,
    NotFound = 4,
    Refused = 5,
    TimedOut = 6,
    OperationFailed = 7,
}

/// One or several messages and what to do next.
#[derive(Debug)]
pub(super) struct Failure {
    exit: Exit,
    messages: Vec<String>,
    next: Option<String>,
}

impl Failure {
    pub(super) fn new(exit: Exit, message: impl Into<String>) -> Self {
        Self { exit, messages: vec![message.into()], next: None }
    }

    /// Wrong arguments or settings.
    pub(super) fn usage(message: impl Into<String>) -> Self {
        Self::new(Exit::Usage, message)
    }

    /// A line each.
    pub(super) fn several(exit: Exit, messages: Vec<String>) -> Self {
        Self { exit, messages, next: None }
    }

    /// Says what to do about it.
    pub(super) fn next(mut self, next: impl Into<String>) -> Self {
        self.next = Some(next.into());
        self
    }

    pub(super) fn exit(&self) -> Exit {
        self.exit
    }

    /// Tells it on standard error.
    pub(super) fn report(&self) -> ExitCode {
        let mut stderr = io::stderr().lock();
        for message in self.messages.iter().flat_map(|message| message.lines()) {
            // There is nowhere left to complain to.
            let _ = writeln!(stderr, "error: {message}");
        }
        if let Some(next) = &self.next {
            let _ = writeln!(stderr, "hint: {next}");
        }
        ExitCode::from(self.exit as u8)
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        if error.kind() == io::ErrorKind::BrokenPipe {
            return Self::several(Exit::ClosedPipe, Vec::new());
        }
        Self::new(Exit::Failed, format!("the result could not be written: {error}"))
    }
}
