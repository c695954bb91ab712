//! Time and chance as parameters, so that tests hold both still.

use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

use crate::id::OperationId;

/// Milliseconds since 1970 (UTC), as stored.
pub type Millis = i64;

/// Where the time comes from.
pub trait Clock: Send + Sync {
    /// The time now, in ms since 1970.
    fn now_ms(&self) -> Millis;
}

/// The machine's clock.
#[derive(Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now_ms(&self) -> Millis {
        let nanos = time::OffsetDateTime::now_utc().unix_timestamp_nanos();
        Millis::try_from(nanos / 1_000_000).expect("a time before the year 292 million")
    }
}

/// A clock that only tests move.
#[derive(Debug)]
pub struct ManualClock(AtomicI64);

impl ManualClock {
    /// Starts at `now_ms`.
    #[must_use]
    pub fn at(now_ms: Millis) -> Self {
        Self(AtomicI64::new(now_ms))
    }

    /// Moves the time on by `by_ms`.
    pub fn advance(&self, by_ms: Millis) {
        self.0.fetch_add(by_ms, Ordering::SeqCst);
    }
}

impl Clock for ManualClock {
    fn now_ms(&self) -> Millis {
        self.0.load(Ordering::SeqCst)
    }
}

/// Where new ids come from.
#[derive(Debug)]
pub enum Ids {
    /// UUIDs, ordered by time.
    Random,
    /// `op-1`, `op-2` …, so that tests can compare whole answers.
    Counted(AtomicU64),
}

impl Ids {
    /// A new operation id: letters, digits and `-` only (some platforms do not escape it).
    #[must_use]
    pub fn operation(&self) -> OperationId {
        self.next("op").into()
    }

    /// A new id for something an administrator makes, who gives none.
    #[must_use]
    pub fn next(&self, prefix: &str) -> String {
        match self {
            Self::Random => format!("{prefix}-{}", uuid::Uuid::now_v7()),
            Self::Counted(last) => format!("{prefix}-{}", last.fetch_add(1, Ordering::SeqCst) + 1),
        }
    }
}
