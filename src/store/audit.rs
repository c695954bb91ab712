//! Who did what.

use sqlx::AnyConnection;
use sqlx::any::AnyRow;

use super::Result;
use super::attempt::Attempt as _;
use super::codec::Columns;
use crate::clock::Millis;

/// Who did what, for the audit log.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AuditEntry {
    /// In ms.
    pub at: Millis,
    /// Which platform, or the administrator.
    pub platform: String,
    /// Originating identity as sent, decoded; empty if none (requirement 7).
    pub identity: String,
    /// Request identity as sent; empty if none (requirement 9).
    pub request: String,
    /// `provision`, `bind` …
    pub action: String,
    /// The platform's id.
    pub instance: String,
    /// The platform's id; empty if none.
    pub binding: String,
    /// The operation that it began; empty if none.
    pub operation: String,
}

const INSERT: &str = "INSERT INTO audit (id, recorded_at, platform, identity, request, action, \
    instance, binding, operation) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)";
const NEWEST: &str = "SELECT recorded_at, platform, identity, request, action, instance, binding, \
    operation FROM audit ORDER BY recorded_at DESC, id DESC LIMIT $1";
const FORGET: &str = "DELETE FROM audit WHERE recorded_at < $1";

pub(super) async fn insert(connection: &mut AnyConnection, entry: &AuditEntry) -> Result<()> {
    // Ordered by time, so that entries of the same millisecond keep their order.
    let id = uuid::Uuid::now_v7().to_string();
    sqlx::query(INSERT)
        .bind(id)
        .bind(entry.at)
        .bind(entry.platform.as_str())
        .bind(entry.identity.as_str())
        .bind(entry.request.as_str())
        .bind(entry.action.as_str())
        .bind(entry.instance.as_str())
        .bind(entry.binding.as_str())
        .bind(entry.operation.as_str())
        .execute(connection)
        .attempting("writing the audit log")
        .await
        .map(drop)
}

pub(super) async fn newest(connection: &mut AnyConnection, limit: u32) -> Result<Vec<AuditEntry>> {
    let rows = sqlx::query(NEWEST)
        .bind(i64::from(limit))
        .fetch_all(connection)
        .attempting("reading the audit log")
        .await?;
    rows.iter().map(read).collect()
}

pub(super) async fn forget(connection: &mut AnyConnection, before: Millis) -> Result<()> {
    sqlx::query(FORGET)
        .bind(before)
        .execute(connection)
        .attempting("forgetting old audit entries")
        .await
        .map(drop)
}

fn read(row: &AnyRow) -> Result<AuditEntry> {
    let columns = Columns::of("audit", row);
    Ok(AuditEntry {
        at: columns.number("recorded_at")?,
        platform: columns.text("platform")?,
        identity: columns.text("identity")?,
        request: columns.text("request")?,
        action: columns.text("action")?,
        instance: columns.text("instance")?,
        binding: columns.text("binding")?,
        operation: columns.text("operation")?,
    })
}
