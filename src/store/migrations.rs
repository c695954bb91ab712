//! The schema and its history. A migration is never edited once released; a new one is added, with
//! sample rows in `tests/store/migrations` for those that come after it.

use sqlx::{Any, AnyConnection, AnyPool, Transaction};

use super::attempt::Attempt as _;
use super::codec::Columns;
use super::{Result, StoreError};

/// One step of the schema.
#[derive(Clone, Copy, Debug)]
pub struct Migration {
    /// One more than that of the migration before it; leads the file's name.
    pub version: i64,
    /// The file in `migrations/`, without `.sql`.
    pub name: &'static str,
    /// Any number of statements that both databases understand.
    pub sql: &'static str,
}

/// Every migration, in order.
pub const ALL: &[Migration] = &[
    Migration {
        version: 1,
        name: "0001_foundation",
        sql: include_str!("../../migrations/0001_foundation.sql"),
    },
    Migration {
        version: 2,
        name: "0002_binding_rotation",
        sql: include_str!("../../migrations/0002_binding_rotation.sql"),
    },
];

/// A number of our own in the server's lock space: "banquet" in ASCII.
const POSTGRES_LOCK: &str = "SELECT pg_advisory_xact_lock(27691674695460212)";
const TABLE: &str = "CREATE TABLE IF NOT EXISTS schema_versions \
    (version BIGINT NOT NULL PRIMARY KEY, name TEXT NOT NULL)";
const CURRENT: &str = "SELECT COALESCE(MAX(version), 0) AS version FROM schema_versions";
const DONE: &str = "INSERT INTO schema_versions (version, name) VALUES ($1, $2)";

const ATTEMPTING: &str = "migrating it";

/// Begins a transaction beside which no other broker migrates. `CREATE TABLE IF NOT EXISTS` is no
/// such protection on PostgreSQL, and SQLite refuses a transaction that reads first and then finds
/// that another process wrote.
pub async fn begin(pool: &AnyPool) -> Result<Transaction<'static, Any>> {
    if pool.connect_options().database_url.scheme() == "sqlite" {
        return pool.begin_with("BEGIN IMMEDIATE").attempting(ATTEMPTING).await;
    }
    let mut transaction = pool.begin().attempting(ATTEMPTING).await?;
    sqlx::query(POSTGRES_LOCK).execute(&mut *transaction).attempting(ATTEMPTING).await?;
    Ok(transaction)
}

/// Brings the schema up to the last of `known`, inside a transaction of [`begin`].
///
/// # Errors
/// [`StoreError::Newer`] if the database is past it.
pub async fn run(connection: &mut AnyConnection, known: &[Migration]) -> Result<()> {
    sqlx::query(TABLE).execute(&mut *connection).attempting(ATTEMPTING).await?;
    let row = sqlx::query(CURRENT).fetch_one(&mut *connection).attempting(ATTEMPTING).await?;
    let found = Columns::of("schema_versions", &row).number("version")?;
    let newest = known.last().map_or(0, |migration| migration.version);
    if found > newest {
        return Err(StoreError::Newer { found, known: newest });
    }
    for migration in known.iter().filter(|migration| migration.version > found) {
        sqlx::raw_sql(migration.sql).execute(&mut *connection).attempting(ATTEMPTING).await?;
        sqlx::query(DONE)
            .bind(migration.version)
            .bind(migration.name)
            .execute(&mut *connection)
            .attempting(ATTEMPTING)
            .await?;
    }
    Ok(())
}
