//! The connection, and what its errors mean for an operation.

use sqlx::error::DatabaseError;
use sqlx::postgres::types::Oid;
use sqlx::postgres::{PgConnectOptions, PgConnection, PgSslMode};
use sqlx::{AssertSqlSafe, ConnectOptions, Connection};

use crate::engine::Target;
use crate::model::Fault;

/// A connection as the superuser, for one call. None is kept: it would count against
/// `max_connections` and outlive its instance.
pub(super) struct Session(PgConnection);

impl Session {
    /// Logs in over the address that apps are given.
    pub(super) async fn open(target: &Target, database: &str) -> Result<Self, Fault> {
        let options = PgConnectOptions::new_without_pgpass()
            .host(&target.host)
            .port(target.port("postgresql")?)
            .username(&target.admin.user)
            .password(target.admin.password.expose())
            .database(database)
            .application_name("banquet")
            .options([
                // What apps put into their schemas must not be found by a superuser's statements.
                ("search_path", "pg_catalog"),
                // Statements hold password verifiers, whatever the server would log.
                ("log_statement", "none"),
                ("log_min_duration_statement", "-1"),
                ("log_min_error_statement", "panic"),
                // To take away what was never given is worth no warning, there or here.
                ("log_min_messages", "error"),
                ("client_min_messages", "error"),
                ("lock_timeout", "5s"),
                ("statement_timeout", "10s"),
            ])
            .disable_statement_logging();
        let connection = PgConnection::connect_with(&secured(options, target))
            .await
            .map_err(|error| fault("log in to PostgreSQL", error))?;
        Ok(Self(connection))
    }

    /// For statements with parameters.
    pub(super) fn connection(&mut self) -> &mut PgConnection {
        &mut self.0
    }

    /// Runs statements that take no parameters, as one transaction. They come from [`super::sql`],
    /// which quotes what goes into them.
    pub(super) async fn run(&mut self, statements: String, doing: &str) -> Result<(), Fault> {
        sqlx::raw_sql(AssertSqlSafe(statements))
            .execute(&mut self.0)
            .await
            .map(drop)
            .map_err(|error| fault(doing, error))
    }

    /// Whether there is a database of this name.
    pub(super) async fn has_database(&mut self, name: &str) -> Result<bool, Fault> {
        sqlx::query_scalar("SELECT EXISTS (SELECT FROM pg_database WHERE datname = $1)")
            .bind(name)
            .fetch_one(&mut self.0)
            .await
            .map_err(|error| fault("look for the database", error))
    }

    /// The number of a role, if there is one of this name.
    pub(super) async fn role(&mut self, name: &str) -> Result<Option<Oid>, Fault> {
        sqlx::query_scalar("SELECT oid FROM pg_roles WHERE rolname = $1")
            .bind(name)
            .fetch_optional(&mut self.0)
            .await
            .map_err(|error| fault("look for the user", error))
    }

    /// The databases beside this session's where a role owns something or holds a right.
    pub(super) async fn other_databases_of(&mut self, role: Oid) -> Result<Vec<String>, Fault> {
        sqlx::query_scalar(
            "SELECT datname::text FROM pg_database \
             WHERE datallowconn AND datname <> current_database() AND EXISTS (SELECT \
             FROM pg_shdepend WHERE dbid = pg_database.oid \
             AND refclassid = 'pg_authid'::regclass AND refobjid = $1)",
        )
        .bind(role)
        .fetch_all(&mut self.0)
        .await
        .map_err(|error| fault("look for what the user owns", error))
    }

    /// Says good-bye, so that the server's log holds no broken connection. Failing to is no failure
    /// of the call.
    pub(super) async fn close(self) {
        if let Err(error) = self.0.close().await {
            tracing::debug!(%error, "could not close a PostgreSQL connection");
        }
    }
}

/// In the clear where that is open, else over TLS with the name verified.
fn secured(options: PgConnectOptions, target: &Target) -> PgConnectOptions {
    match &target.tls {
        Some(tls) if tls.required => options
            .ssl_mode(PgSslMode::VerifyFull)
            .ssl_root_cert_from_pem(tls.authority.clone().into_bytes()),
        Some(_) => options.ssl_mode(PgSslMode::Disable),
        None => options.ssl_mode(PgSslMode::Prefer),
    }
}

/// Says what could not be done. PostgreSQL's own words go to the log only.
pub(super) fn fault(doing: &str, error: sqlx::Error) -> Fault {
    let code = error.as_database_error().and_then(DatabaseError::code).unwrap_or_default();
    let retry = |why: &str| Fault::retry(format!("could not {doing}: {why}"));
    let fault = match &*code {
        "" => retry("the connection failed"),
        "28P01" | "28000" => retry(
            "it refused the broker's password; if it is not just starting, its data was made with \
             another password",
        ),
        "57P03" => retry("it is still starting"),
        "53300" => retry("it has no connection left"),
        "53100" => retry("its disk is full"),
        "55P03" => retry("an app holds a lock that it needs"),
        // Connection trouble, resources, operator intervention, things in use or just changed by
        // another session: all of these pass.
        code if ["08", "40", "53", "55", "57", "58", "2B", "XX"]
            .iter()
            .any(|class| code.starts_with(class)) =>
        {
            retry("PostgreSQL cannot now")
        }
        code => Fault::fatal(format!("could not {doing}: PostgreSQL refused it ({code})")),
    };
    fault.because(error)
}
