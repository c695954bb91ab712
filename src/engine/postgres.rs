//! PostgreSQL, from 14: apps log in with a role each and work as a group role that owns all objects,
//! so that what one binding makes outlives it.

mod access;
mod client;
mod sql;

use std::time::Duration;

use async_trait::async_trait;
use postgres_protocol::password::scram_sha_256;
use sqlx::postgres::PgConnection;
use sqlx::postgres::types::Oid;

use self::access::Access;
use self::client::{Session, fault};
use super::{
    CALL_LIMIT, Engine, Grant, READY_LIMIT, Renewal, Target, too_small, whole_number, within,
};
use crate::clock;
use crate::model::{Fault, Object};

/// Speaks to PostgreSQL as its superuser.
#[derive(Clone, Copy, Debug, Default)]
pub struct Postgres;

/// The database that is always there.
const MAINTENANCE: &str = "postgres";

/// Per binding, unless it asks for another.
const CONNECTION_LIMIT: u64 = 20;

/// How long to wait until sessions that were told to end are counted again.
const SESSION_POLL: Duration = Duration::from_millis(10);

/// What [`Engine::prepare`] and the workload's files look after; everything else that changes while
/// the server runs is a line of `postgresql.conf`, which bootstrap has it read again.
const SETTINGS: [&str; 2] = ["disk_bytes", "max_connections"];

#[async_trait]
impl Engine for Postgres {
    async fn ready(&self, target: &Target) -> Result<(), Fault> {
        within(READY_LIMIT, "log in to PostgreSQL", async {
            let mut session = Session::open(target, MAINTENANCE).await?;
            let recovering: bool = sqlx::query_scalar("SELECT pg_is_in_recovery()")
                .fetch_one(session.connection())
                .await
                .map_err(|error| fault("ask PostgreSQL whether it is ready", error))?;
            session.close().await;
            if recovering {
                return Err(Fault::retry("PostgreSQL is still recovering"));
            }
            Ok(())
        })
        .await
    }

    async fn prepare(&self, target: &Target, next: &Object) -> Result<(), Fault> {
        let Some(allowed) = whole_number(next, "disk_bytes")? else { return Ok(()) };
        within(CALL_LIMIT, "prepare PostgreSQL for the new plan", async {
            let mut session = Session::open(target, MAINTENANCE).await?;
            let held: i64 = sqlx::query_scalar(
                "SELECT sum(pg_database_size(oid))::bigint FROM pg_database WHERE datallowconn",
            )
            .fetch_one(session.connection())
            .await
            .map_err(|error| fault("ask PostgreSQL for its size", error))?;
            session.close().await;
            match u64::try_from(held) {
                Ok(held) if held > allowed => Err(too_small(held, allowed)),
                _ => Ok(()),
            }
        })
        .await
    }

    async fn bootstrap(&self, target: &Target) -> Result<(), Fault> {
        if let Some(name) = target.settings.keys().find(|name| !SETTINGS.contains(&name.as_str())) {
            return Err(Fault::fatal(format!(
                "PostgreSQL takes no setting {name:?} this way: put it into postgresql.conf"
            )));
        }
        let database = target.database()?;
        within(CALL_LIMIT, "set up PostgreSQL", async {
            let mut session = Session::open(target, MAINTENANCE).await?;
            session.run(sql::groups(), "make the group roles").await?;
            if !session.has_database(database).await? {
                session.run(sql::create_database(database), "make the database").await?;
            }
            session.run(sql::database_rights(database), "set the database's rights").await?;
            session.run(sql::RELOAD.to_owned(), "have the settings read again").await?;
            session.close().await;

            let mut session = Session::open(target, database).await?;
            session.run(sql::schema_rights(), "set the schema's rights").await?;
            session.close().await;
            Ok(())
        })
        .await
    }

    async fn grant(&self, target: &Target, grant: &Grant) -> Result<(), Fault> {
        let database = target.database()?;
        let login = sql::Login {
            role: sql::role(&grant.user)?,
            database,
            access: Access::of(&grant.parameters)?,
            valid_until: grant.expires_at.map_or_else(|| "infinity".to_owned(), clock::utc),
            connection_limit: whole_number(&grant.parameters, "connection_limit")?
                .unwrap_or(CONNECTION_LIMIT),
            // The server never sees the password, only what it needs to check it.
            verifier: &scram_sha_256(grant.password.expose().as_bytes()),
        };
        within(CALL_LIMIT, "make a PostgreSQL user", async {
            let mut session = Session::open(target, database).await?;
            session.run(sql::grant(&login), "make a PostgreSQL user").await?;
            session.close().await;
            Ok(())
        })
        .await
    }

    async fn revoke(&self, target: &Target, user: &str) -> Result<(), Fault> {
        let role = sql::role(user)?;
        within(CALL_LIMIT, "remove a PostgreSQL user", async {
            let mut session = Session::open(target, MAINTENANCE).await?;
            let Some(id) = session.role(user).await? else {
                session.close().await;
                return Ok(());
            };
            session.run(sql::no_login(&role), "keep the user from logging in").await?;
            end_sessions(session.connection(), id).await?;
            for database in session.other_databases_of(id).await? {
                let mut session = Session::open(target, &database).await?;
                hand_over(&mut session, &role, id).await?;
                session.close().await;
            }
            hand_over(&mut session, &role, id).await?;
            session.run(sql::drop_role(&role), "remove the user").await?;
            // A login that was checked before it was forbidden may have become a session since.
            end_sessions(session.connection(), id).await?;
            session.close().await;
            Ok(())
        })
        .await
    }

    async fn renew(&self, target: &Target) -> Result<Renewal, Fault> {
        within(CALL_LIMIT, "give PostgreSQL its new certificate", async {
            let mut session = Session::open(target, MAINTENANCE).await?;
            session.run(sql::RELOAD.to_owned(), "have the certificate read again").await?;
            session.close().await;
            Ok(Renewal::Done)
        })
        .await
    }
}

/// Ends every session of a role, also in the middle of a transaction, and waits until they are gone:
/// dropping the role alone leaves them reading and writing.
async fn end_sessions(connection: &mut PgConnection, role: Oid) -> Result<(), Fault> {
    loop {
        // By number, because the name is unknown to a session whose role was dropped.
        let ended: Vec<bool> = sqlx::query_scalar(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usesysid = $1",
        )
        .bind(role)
        .fetch_all(&mut *connection)
        .await
        .map_err(|error| fault("end the user's sessions", error))?;
        if ended.is_empty() {
            return Ok(());
        }
        tokio::time::sleep(SESSION_POLL).await;
    }
}

/// Gives what a role owns in the session's database to the group, and takes away its rights there.
async fn hand_over(session: &mut Session, role: &str, id: Oid) -> Result<(), Fault> {
    let doing = "hand over what the user owns";
    let prepared: Vec<String> = sqlx::query_scalar(
        "SELECT gid FROM pg_prepared_xacts JOIN pg_roles ON rolname = owner \
         WHERE pg_roles.oid = $1 AND database = current_database()",
    )
    .bind(id)
    .fetch_all(session.connection())
    .await
    .map_err(|error| fault(doing, error))?;
    for transaction in prepared {
        session.run(sql::rollback_prepared(&transaction), doing).await?;
    }
    session.run(sql::hand_over(role), doing).await
}
