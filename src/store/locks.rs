//! What a transaction writes first. The row makes PostgreSQL let one transaction at a time decide
//! about a thing, and makes SQLite take its write lock at once instead of failing half-way.
//!
//! The order is always an instance, then what instances share: two transactions never wait for
//! each other.

use sqlx::AnyConnection;

use super::Result;
use super::attempt::Attempt as _;
use crate::id::InstanceKey;

/// Not an instance's key, which is 16 hexadecimal digits.
const SHARED: &str = "shared";

const HOLD: &str = "INSERT INTO subjects (key, seq) VALUES ($1, 1) \
    ON CONFLICT (key) DO UPDATE SET seq = subjects.seq + 1";

/// Rows of instances that are gone and of which no operation is remembered. A lock that is taken
/// at that moment still holds: its row is made anew, and there can be only one.
const PRUNE: &str = "DELETE FROM subjects WHERE key <> $1 \
    AND NOT EXISTS (SELECT 1 FROM instances WHERE instances.key = subjects.key) \
    AND NOT EXISTS (SELECT 1 FROM operations WHERE operations.instance = subjects.key)";

/// Holds an instance and its bindings until the end of the transaction.
pub(super) async fn hold_instance(
    connection: &mut AnyConnection,
    instance: &InstanceKey,
) -> Result<()> {
    hold(connection, instance.as_str()).await
}

/// Holds what instances share (ports, subnets, quotas) until the end of the transaction.
pub(super) async fn hold_shared(connection: &mut AnyConnection) -> Result<()> {
    hold(connection, SHARED).await
}

pub(super) async fn prune(connection: &mut AnyConnection) -> Result<()> {
    sqlx::query(PRUNE)
        .bind(SHARED)
        .execute(connection)
        .attempting("forgetting subjects")
        .await
        .map(drop)
}

async fn hold(connection: &mut AnyConnection, subject: &str) -> Result<()> {
    sqlx::query(HOLD)
        .bind(subject)
        .execute(connection)
        .attempting("waiting for its turn to decide")
        .await
        .map(drop)
}
