//! Time and chance as parameters, so that tests hold both still.

use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

use crate::id::OperationId;

/// Milliseconds since 1970 (UTC), as stored.
pub type Millis = i64;

/// `yyyy-mm-ddThh:mm:ss.sZ`: the specification's form of a time, with one fractional digit
/// (requirement 100). Times that no calendar holds are at its end.
#[must_use]
pub fn utc(at: Millis) -> String {
    const FORM: &[time::format_description::BorrowedFormatItem<'_>] = time::macros::format_description!(
        "[year]-[month]-[day]T[hour]:[minute]:[second].[subsecond digits:1]Z"
    );
    let at = time::OffsetDateTime::from_unix_timestamp_nanos(i128::from(at) * 1_000_000);
    let at = at.unwrap_or(time::macros::datetime!(9999-12-31 23:59:59 UTC));
    at.format(FORM).expect("the form is made of what every time has")
}

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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_have_one_fractional_digit() {
        assert_eq!(utc(0), "1970-01-01T00:00:00.0Z");
        assert_eq!(utc(1_577_836_799_987), "2019-12-31T23:59:59.9Z");
        assert_eq!(utc(Millis::MAX), "9999-12-31T23:59:59.0Z");
    }
}
