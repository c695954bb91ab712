//! Why the database did not do it.

use ipnet::Ipv4Net;
use sqlx::postgres::PgDatabaseError;

use crate::secret::seal::SealError;

/// Why the database did not do it.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The database refused or is away; `attempting` says what was being done.
    #[error("the database failed while {attempting}")]
    Database {
        /// In words: "claiming an operation".
        attempting: &'static str,
        /// The driver's error.
        source: sqlx::Error,
    },
    /// Someone else was first: an operation runs on the subject already, or a port was taken.
    /// Decide again on what is there now.
    #[error("something else was faster while {attempting}: read again and decide anew")]
    Conflict {
        /// In words: "beginning an operation".
        attempting: &'static str,
    },
    /// It was written by a newer version of the program.
    #[error(
        "the database has schema version {found}; this program knows versions up to {known}: use a newer banquet, or restore the backup made before it was upgraded"
    )]
    Newer {
        /// In the database.
        found: i64,
        /// Ours.
        known: i64,
    },
    /// The master key is not the one that the database was sealed with.
    #[error("the master key does not open this database: {0}")]
    Seal(#[from] SealError),
    /// A row does not read: someone changed it by hand, or a bug.
    #[error("the database holds something unreadable: {0}")]
    Unreadable(String),
    /// The port range is used up.
    #[error("no host port is left in the range {0}-{1}: widen `ports`, or delete instances")]
    NoPortLeft(u16, u16),
    /// The subnet pool is used up.
    #[error("no subnet is left in {0}: widen `subnets`, or delete a tenant's last instance")]
    NoSubnetLeft(Ipv4Net),
}

impl StoreError {
    /// Whether the database is away, full, locked or overloaded, so that the same may succeed
    /// later: an answer of 503.
    #[must_use]
    pub fn is_unavailable(&self) -> bool {
        match self {
            Self::Database { source, .. } => is_unavailable(source),
            Self::Conflict { .. }
            | Self::Newer { .. }
            | Self::Seal(_)
            | Self::Unreadable(_)
            | Self::NoPortLeft(..)
            | Self::NoSubnetLeft(_) => false,
        }
    }

    /// [`StoreError::Conflict`] if that is what the driver's error means. Never told by the name of
    /// a constraint: SQLite gives none.
    pub(super) fn or_conflict(self) -> Self {
        match self {
            Self::Database { attempting, source: sqlx::Error::Database(error) }
                if error.is_unique_violation() =>
            {
                Self::Conflict { attempting }
            }
            other => other,
        }
    }
}

fn is_unavailable(error: &sqlx::Error) -> bool {
    use sqlx::Error as E;
    match error {
        E::Io(_) | E::Tls(_) | E::PoolTimedOut | E::PoolClosed | E::WorkerCrashed => true,
        E::Database(error) => {
            let code = error.code().unwrap_or_default();
            if error.try_downcast_ref::<PgDatabaseError>().is_some() {
                postgres_is_unavailable(&code)
            } else {
                sqlite_is_unavailable(&code)
            }
        }
        _ => false,
    }
}

/// Classes of <https://www.postgresql.org/docs/current/errcodes-appendix.html>: connection lost,
/// transaction rolled back (deadlock), out of resources, lock time-out, cancelled or shutting down,
/// system error.
fn postgres_is_unavailable(sqlstate: &str) -> bool {
    ["08", "40", "53", "55", "57", "58"].iter().any(|class| sqlstate.starts_with(class))
        || sqlstate == READ_ONLY_TRANSACTION
}

/// A standby that was not promoted yet.
const READ_ONLY_TRANSACTION: &str = "25006";

/// Primary codes of <https://www.sqlite.org/rescode.html>: BUSY, LOCKED, READONLY, IOERR, FULL,
/// CANTOPEN. The driver gives the extended code, whose lowest byte is the primary one.
fn sqlite_is_unavailable(code: &str) -> bool {
    code.parse::<u32>().is_ok_and(|code| matches!(code & 0xff, 5 | 6 | 8 | 10 | 13 | 14))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn database(source: sqlx::Error) -> StoreError {
        StoreError::Database { attempting: "testing", source }
    }

    #[test]
    fn a_full_disk_is_told_from_a_broken_rule() {
        let extended_ioerr_write = (10 | (3 << 8)).to_string();
        for code in ["5", "13", "14", &extended_ioerr_write] {
            assert!(sqlite_is_unavailable(code), "{code}");
        }
        let unique_violation = "2067";
        assert!(!sqlite_is_unavailable(unique_violation));
        for code in ["08006", "53100", "53300", "57P01", "57P03", "40P01", "55P03", "25006"] {
            assert!(postgres_is_unavailable(code), "{code}");
        }
        for code in ["23505", "42P01", "22021"] {
            assert!(!postgres_is_unavailable(code), "{code}");
        }
    }

    #[test]
    fn waiting_in_vain_is_unavailable_and_a_used_up_range_is_not() {
        assert!(database(sqlx::Error::PoolTimedOut).is_unavailable());
        assert!(!database(sqlx::Error::RowNotFound).is_unavailable());
        assert!(!StoreError::NoPortLeft(1, 2).is_unavailable());
    }
}
