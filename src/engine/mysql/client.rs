//! The connection, and what its errors mean for an operation.

use sqlx::mysql::{MySqlConnectOptions, MySqlConnection, MySqlDatabaseError, MySqlSslMode};
use sqlx::{AssertSqlSafe, ConnectOptions, Connection};

use crate::engine::Target;
use crate::model::Fault;

/// A connection as `root`, for one call. None is kept: it would count against `max_connections` and
/// outlive its instance.
pub(super) struct Session(MySqlConnection);

/// Statements hold passwords, whatever the server would log; none may wait for an app for ever.
const ON_ENTRY: &str = "SET SESSION sql_log_off = ON, slow_query_log = OFF, \
    lock_wait_timeout = 5, innodb_lock_wait_timeout = 5, max_statement_time = 10";

impl Session {
    /// Logs in over the address that apps are given.
    pub(super) async fn open(target: &Target) -> Result<Self, Fault> {
        let doing = "log in to MariaDB";
        let options = MySqlConnectOptions::new()
            .host(&target.host)
            .port(target.port("mysql")?)
            .username(&target.admin.user)
            .password(target.admin.password.expose());
        let options = secured(options, target).disable_statement_logging();
        let connection = MySqlConnection::connect_with(&options).await;
        let mut session = Self(connection.map_err(|error| fault(doing, error))?);
        session.run(ON_ENTRY.to_owned(), doing).await?;
        Ok(session)
    }

    /// Runs statements that take no parameters. They come from [`super::sql`], which quotes what
    /// goes into them.
    pub(super) async fn run(&mut self, statements: String, doing: &str) -> Result<(), Fault> {
        sqlx::raw_sql(AssertSqlSafe(statements))
            .execute(&mut self.0)
            .await
            .map(drop)
            .map_err(|error| fault(doing, error))
    }

    /// How much the tables of a database take on the disk, in bytes.
    pub(super) async fn size_of(&mut self, database: &str) -> Result<u64, Fault> {
        sqlx::query_scalar(
            "SELECT CAST(coalesce(sum(FILE_SIZE), 0) AS UNSIGNED) \
             FROM information_schema.INNODB_SYS_TABLESPACES \
             WHERE substring_index(NAME, '/', 1) = ?",
        )
        .bind(database)
        .fetch_one(&mut self.0)
        .await
        .map_err(|error| fault("ask MariaDB for its size", error))
    }

    /// Whether there is a user of this name.
    pub(super) async fn has_user(&mut self, user: &str) -> Result<bool, Fault> {
        self.is("EXISTS (SELECT 1 FROM mysql.user WHERE User = ?)", user).await
    }

    /// Whether a user has a connection.
    pub(super) async fn is_connected(&mut self, user: &str) -> Result<bool, Fault> {
        self.is("EXISTS (SELECT 1 FROM information_schema.PROCESSLIST WHERE USER = ?)", user).await
    }

    /// Whether something is carried out with a user's rights.
    pub(super) async fn defines_something(&mut self, user: &str) -> Result<bool, Fault> {
        self.is(
            "concat(?, '@%') IN (\
               SELECT DEFINER FROM information_schema.VIEWS \
               UNION ALL SELECT DEFINER FROM information_schema.ROUTINES \
               UNION ALL SELECT DEFINER FROM information_schema.TRIGGERS \
               UNION ALL SELECT DEFINER FROM information_schema.EVENTS)",
            user,
        )
        .await
    }

    async fn is(&mut self, condition: &str, user: &str) -> Result<bool, Fault> {
        let answer: i64 = sqlx::query_scalar(AssertSqlSafe(format!("SELECT {condition}")))
            .bind(user)
            .fetch_one(&mut self.0)
            .await
            .map_err(|error| fault("look for the user", error))?;
        Ok(answer != 0)
    }

    /// Says good-bye, so that the server counts no broken connection. Failing to is no failure of
    /// the call.
    pub(super) async fn close(self) {
        if let Err(error) = self.0.close().await {
            tracing::debug!(%error, "could not close a MariaDB connection");
        }
    }
}

/// In the clear where there is that way, else over TLS with the name verified.
fn secured(options: MySqlConnectOptions, target: &Target) -> MySqlConnectOptions {
    match &target.tls {
        Some(tls) if tls.required => options
            .ssl_mode(MySqlSslMode::VerifyIdentity)
            .ssl_ca_from_pem(tls.authority.clone().into_bytes()),
        Some(_) | None => options.ssl_mode(MySqlSslMode::Disabled),
    }
}

/// Says what could not be done. MariaDB's own words may repeat a statement: they go to the log only.
pub(super) fn fault(doing: &str, error: sqlx::Error) -> Fault {
    let number = error
        .as_database_error()
        .and_then(|error| error.try_downcast_ref::<MySqlDatabaseError>())
        .map(MySqlDatabaseError::number);
    let retry = |why: &str| Fault::retry(format!("could not {doing}: {why}"));
    let fault = match number {
        None => retry("the connection failed"),
        Some(1045 | 1698) => retry(
            "it refused the broker's password; if it is not just starting, its data was made with \
             another password",
        ),
        Some(1040 | 1203 | 1226) => retry("it has no connection left"),
        Some(1021 | 1114) => retry("its disk is full"),
        Some(1205 | 1213 | 1969) => retry("an app holds a lock that it needs"),
        Some(1053 | 1158..=1161 | 1927 | 2000..) => retry("MariaDB cannot now"),
        Some(number) => Fault::fatal(format!("could not {doing}: MariaDB refused it ({number})")),
    };
    fault.because(error)
}
