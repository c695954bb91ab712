//! The pools: one that reads and one that writes.

use std::fs::OpenOptions;
use std::future::ready;
use std::io;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;
use std::time::Duration;

use sqlx::any::{AnyConnectOptions, AnyPoolOptions};
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{AnyConnection, AnyPool, ConnectOptions as _, Connection as _};

use super::readers::Readers;
use super::{Result, StoreError};

const ATTEMPTING: &str = "opening it";

/// How long a call waits for a connection: shorter than a platform waits for its answer.
pub(super) const ACQUIRE: Duration = Duration::from_secs(8);

/// A reader never waits for the writer; a crash loses nothing that was committed.
const SQLITE_WRITER: &str = "PRAGMA busy_timeout = 5000; PRAGMA journal_mode = WAL; \
     PRAGMA synchronous = FULL; PRAGMA journal_size_limit = 67108864";
/// Fails at once where the file is none of SQLite's.
const SQLITE_LOOK: &str = "PRAGMA busy_timeout = 5000; SELECT count(*) FROM sqlite_schema";
/// How many read at once. Each has a thread and a cache of its own.
const SQLITE_READERS: usize = 4;
const SQLITE_READER: &str = "PRAGMA busy_timeout = 5000; PRAGMA query_only = ON";

/// What the server or its administrator may have set otherwise. Decisions rely on seeing what was
/// committed before they took their lock, which is what READ COMMITTED does.
const POSTGRES_SESSION: &str = "SET SESSION CHARACTERISTICS AS TRANSACTION ISOLATION LEVEL READ COMMITTED; \
     SET synchronous_commit = on; SET client_min_messages = warning; SET lock_timeout = '5s'; \
     SET statement_timeout = '15s'; SET idle_in_transaction_session_timeout = '30s'";

/// The pool that reads and the pool that writes, of the database at `url`.
pub(super) async fn pools(url: &str) -> Result<(Readers, AnyPool)> {
    sqlx::any::install_default_drivers();
    match url.split_once(':') {
        Some(("sqlite", _)) => sqlite(url).await,
        Some(("postgres" | "postgresql", _)) => postgres(url).await,
        Some(_) | None => Err(refused(
            "the database's address must begin with sqlite:// or postgres:// (it is not shown here, as it may hold a password)",
        )),
    }
}

async fn sqlite(url: &str) -> Result<(Readers, AnyPool)> {
    let file: SqliteConnectOptions = url.parse().map_err(failed)?;
    keep_private(file.get_filename())?;
    let address = AnyConnectOptions::from_url(&file.to_url_lossy()).map_err(failed)?;
    try_out(&address, SQLITE_LOOK).await?;
    let writer = AnyPoolOptions::new()
        .max_connections(1)
        .idle_timeout(None)
        .max_lifetime(None)
        .test_before_acquire(false)
        // A full disk ends a transaction behind the driver's back. It would take the next one for a
        // part of it, and never commit it: such a connection is closed.
        .before_acquire(|connection, _| Box::pin(ready(Ok(!connection.is_in_transaction()))))
        .acquire_timeout(ACQUIRE)
        .after_connect(|connection, _| {
            Box::pin(async { sqlx::raw_sql(SQLITE_WRITER).execute(connection).await.map(drop) })
        });
    let writer = writer.connect_lazy_with(address.clone());
    // The writer first: it brings the file into WAL mode.
    connect(&writer, &address, SQLITE_WRITER).await?;
    let mut readers = Vec::with_capacity(SQLITE_READERS);
    for _ in 0..SQLITE_READERS {
        let mut reader = address.connect().await.map_err(failed)?;
        sqlx::raw_sql(SQLITE_READER).execute(&mut reader).await.map_err(failed)?;
        readers.push(reader);
    }
    Ok((Readers::keep(readers), writer))
}

async fn postgres(url: &str) -> Result<(Readers, AnyPool)> {
    let address: AnyConnectOptions = url.parse().map_err(failed)?;
    let pool = AnyPoolOptions::new()
        .max_connections(10)
        .acquire_timeout(ACQUIRE)
        .after_connect(|connection, _| {
            Box::pin(async { sqlx::raw_sql(POSTGRES_SESSION).execute(connection).await.map(drop) })
        })
        .connect_lazy_with(address.clone());
    connect(&pool, &address, POSTGRES_SESSION).await?;
    Ok((Readers::Pooled(pool.clone()), pool))
}

/// Makes a pool's first connection, for which a database that is being started has some time.
async fn connect(pool: &AnyPool, address: &AnyConnectOptions, session: &'static str) -> Result<()> {
    match pool.acquire().await {
        Ok(_) => Ok(()),
        Err(sqlx::Error::PoolTimedOut) => try_out(address, session).await,
        Err(error) => Err(failed(error)),
    }
}

/// Connects once outside of any pool: a pool tries until its patience ends, and then does not say
/// what was wrong.
async fn try_out(address: &AnyConnectOptions, session: &'static str) -> Result<()> {
    let connecting = async {
        let mut connection = AnyConnection::connect_with(address).await?;
        sqlx::raw_sql(session).execute(&mut connection).await?;
        connection.close().await
    };
    let late = |_| failed(sqlx::Error::PoolTimedOut);
    tokio::time::timeout(ACQUIRE, connecting).await.map_err(late)?.map_err(failed)
}

/// Makes the file before SQLite does, which would let everyone on the machine read it. The files
/// that SQLite puts beside it take over its mode.
fn keep_private(file: &Path) -> Result<()> {
    match OpenOptions::new().write(true).create_new(true).mode(0o600).open(file) {
        Ok(_) => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        Err(error) => Err(failed(sqlx::Error::Io(io::Error::new(
            error.kind(),
            format!("cannot make the database file {}: {error}", file.display()),
        )))),
    }
}

fn refused(reason: &'static str) -> StoreError {
    failed(sqlx::Error::Configuration(reason.into()))
}

fn failed(source: sqlx::Error) -> StoreError {
    StoreError::Database { attempting: ATTEMPTING, source }
}
