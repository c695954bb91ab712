//! MariaDB, from 10.11: a user for each binding, with rights on the one database that all share.
//! Nothing has an owner there, so that what one binding makes is everybody's.

mod client;
mod sql;

use std::time::Duration;

use async_trait::async_trait;

use self::client::Session;
use super::{
    CALL_LIMIT, Engine, Grant, READY_LIMIT, Renewal, Target, read_only, too_small, whole_number,
    within,
};
use crate::model::{Fault, Object};

/// Speaks to MariaDB as its `root`.
#[derive(Clone, Copy, Debug, Default)]
pub struct Mysql;

/// Per binding, unless it asks for another.
const CONNECTION_LIMIT: u64 = 20;

/// How long to wait until connections that were told to end are counted again.
const SESSION_POLL: Duration = Duration::from_millis(10);

/// What [`Engine::prepare`] looks after.
const DISK: &str = "disk_bytes";

#[async_trait]
impl Engine for Mysql {
    async fn ready(&self, target: &Target) -> Result<(), Fault> {
        // The server of a first start that sets itself up listens on no port.
        within(READY_LIMIT, "log in to MariaDB", async {
            let mut session = Session::open(target).await?;
            session.run("SELECT 1 FROM mysql.user LIMIT 1".to_owned(), "ask MariaDB").await?;
            session.close().await;
            Ok(())
        })
        .await
    }

    async fn prepare(&self, target: &Target, next: &Object) -> Result<(), Fault> {
        let Some(allowed) = whole_number(next, DISK)? else { return Ok(()) };
        let database = target.database()?;
        within(CALL_LIMIT, "prepare MariaDB for the new plan", async {
            let mut session = Session::open(target).await?;
            let held = session.size_of(database).await?;
            session.close().await;
            if held > allowed { Err(too_small(held, allowed)) } else { Ok(()) }
        })
        .await
    }

    async fn bootstrap(&self, target: &Target) -> Result<(), Fault> {
        let database = target.database()?;
        let settings = sql::settings(&target.settings, DISK)?;
        within(CALL_LIMIT, "set up MariaDB", async {
            let mut session = Session::open(target).await?;
            session.run(sql::create_database(database)?, "make the database").await?;
            if !settings.is_empty() {
                session.run(settings, "bring the plan's settings into force").await?;
            }
            session.close().await;
            Ok(())
        })
        .await
    }

    async fn grant(&self, target: &Target, grant: &Grant) -> Result<(), Fault> {
        let statements = sql::grant(&sql::Login {
            user: sql::user(&grant.user)?,
            password: grant.password.expose(),
            database: target.database()?,
            read_only: read_only(&grant.parameters)?,
            connection_limit: whole_number(&grant.parameters, "connection_limit")?
                .unwrap_or(CONNECTION_LIMIT),
        })?;
        within(CALL_LIMIT, "make a MariaDB user", async {
            let mut session = Session::open(target).await?;
            session.run(statements, "make a MariaDB user").await?;
            session.close().await;
            Ok(())
        })
        .await
    }

    async fn revoke(&self, target: &Target, user: &str) -> Result<(), Fault> {
        let name = sql::user(user)?;
        within(CALL_LIMIT, "remove a MariaDB user", async {
            let mut session = Session::open(target).await?;
            if session.has_user(user).await? {
                session.run(sql::lock(&name), "keep the user from logging in").await?;
                end_connections(&mut session, user, &name).await?;
                // Views, triggers and routines run as who made them, and fail once that user is
                // gone: one that made some stays, and can never log in again.
                if !session.defines_something(user).await? {
                    session.run(sql::drop_user(&name), "remove the user").await?;
                }
            }
            session.close().await;
            Ok(())
        })
        .await
    }

    async fn renew(&self, target: &Target) -> Result<Renewal, Fault> {
        within(CALL_LIMIT, "give MariaDB its new certificate", async {
            let mut session = Session::open(target).await?;
            session.run(sql::FLUSH_SSL.to_owned(), "have the certificate read again").await?;
            session.close().await;
            Ok(Renewal::Done)
        })
        .await
    }
}

/// Cuts every connection of a user, also in the middle of a statement, and waits until they are
/// gone: without, they go on reading and writing.
async fn end_connections(session: &mut Session, user: &str, name: &str) -> Result<(), Fault> {
    while session.is_connected(user).await? {
        session.run(sql::end_connections(name), "end the user's connections").await?;
        tokio::time::sleep(SESSION_POLL).await;
    }
    Ok(())
}
