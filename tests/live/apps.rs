//! Apps that work with what they were given, and a look at an instance's users from within.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use banquet::model;
use redis::TlsCertificates;
use redis::aio::MultiplexedConnection;
use serde_json::Value;
use sqlx::postgres::{PgConnectOptions, PgConnection, PgSslMode};
use sqlx::{AssertSqlSafe, Connection as _};

/// How long an app waits for a connection or an answer.
const LIMIT: Duration = Duration::from_secs(5);

/// A connection with which an app keeps notes, in either kind of database.
pub(crate) enum App {
    Redis(MultiplexedConnection),
    Postgresql(PgConnection),
}

/// Why it could not.
type Failed = Box<dyn std::error::Error + Send + Sync>;

impl App {
    /// Logs in with the credentials' `uri`, verifying by `ca_certificate` what comes over TLS.
    pub(crate) async fn log_in(credentials: &Value) -> Result<Self, Failed> {
        let uri = credentials["uri"].as_str().unwrap();
        let authority = credentials["ca_certificate"].as_str().map(|pem| pem.as_bytes().to_vec());
        within(async {
            if uri.starts_with("rediss:") {
                let trusted = TlsCertificates { client_tls: None, root_cert: authority };
                let client = redis::Client::build_with_tls(uri, trusted)?;
                return Ok(Self::Redis(client.get_multiplexed_async_connection().await?));
            }
            if uri.starts_with("redis:") {
                let client = redis::Client::open(uri)?;
                return Ok(Self::Redis(client.get_multiplexed_async_connection().await?));
            }
            let mut options: PgConnectOptions = uri.parse()?;
            if let Some(pem) = authority {
                options = options.ssl_mode(PgSslMode::VerifyFull).ssl_root_cert_from_pem(pem);
            }
            Ok(Self::Postgresql(PgConnection::connect_with(&options).await?))
        })
        .await
    }

    /// Logs in and keeps a note.
    pub(crate) async fn noting(credentials: &Value, name: &str, note: &str) -> Self {
        let mut app = Self::log_in(credentials).await.unwrap();
        app.write(name, note).await.unwrap();
        app
    }

    pub(crate) async fn write(&mut self, name: &str, note: &str) -> Result<(), Failed> {
        within(async {
            match self {
                Self::Redis(connection) => {
                    redis::cmd("SET").arg(name).arg(note).exec_async(connection).await?;
                }
                Self::Postgresql(connection) => {
                    let table =
                        "CREATE TABLE IF NOT EXISTS notes (name text PRIMARY KEY, note text)";
                    sqlx::raw_sql(table).execute(&mut *connection).await?;
                    sqlx::query(
                        "INSERT INTO notes VALUES ($1, $2) \
                         ON CONFLICT (name) DO UPDATE SET note = excluded.note",
                    )
                    .bind(name)
                    .bind(note)
                    .execute(connection)
                    .await?;
                }
            }
            Ok(())
        })
        .await
    }

    pub(crate) async fn read(&mut self, name: &str) -> Result<Option<String>, Failed> {
        within(async {
            Ok(match self {
                Self::Redis(connection) => {
                    redis::cmd("GET").arg(name).query_async(connection).await?
                }
                Self::Postgresql(connection) => {
                    sqlx::query_scalar("SELECT note FROM notes WHERE name = $1")
                        .bind(name)
                        .fetch_optional(connection)
                        .await?
                }
            })
        })
        .await
    }

    /// A note that was kept before must be there.
    pub(crate) async fn still(mut self, name: &str, note: &str) -> Self {
        assert_eq!(self.read(name).await.unwrap().as_deref(), Some(note), "{name}");
        self
    }

    /// What the server calls this connection: another after a reconnection.
    pub(crate) async fn number(&mut self) -> i64 {
        match self {
            Self::Redis(connection) => {
                redis::cmd("CLIENT").arg("ID").query_async(connection).await.unwrap()
            }
            Self::Postgresql(connection) => sqlx::query_scalar("SELECT pg_backend_pid()::bigint")
                .fetch_one(connection)
                .await
                .unwrap(),
        }
    }

    /// How much memory the plan lets the server keep data in, in its own words.
    pub(crate) async fn memory(&mut self) -> String {
        match self {
            Self::Redis(connection) => {
                let info: String =
                    redis::cmd("INFO").arg("memory").query_async(connection).await.unwrap();
                let line = info.lines().find_map(|line| line.strip_prefix("maxmemory:"));
                line.unwrap().to_owned()
            }
            Self::Postgresql(connection) => {
                sqlx::query_scalar("SHOW shared_buffers").fetch_one(connection).await.unwrap()
            }
        }
    }
}

/// Logs in, trying again while the server starts.
pub(crate) async fn log_in_soon(credentials: &Value) -> App {
    let begin = Instant::now();
    loop {
        match App::log_in(credentials).await {
            Ok(app) => return app,
            Err(error) if begin.elapsed() > Duration::from_secs(30) => panic!("{error}"),
            Err(_) => tokio::time::sleep(Duration::from_millis(50)).await,
        }
    }
}

/// A login must fail because of who asks, not because nobody is there.
pub(crate) async fn is_refused(credentials: &Value) {
    let error = App::log_in(credentials).await.err().expect("the user is gone").to_string();
    let words = ["invalid username-password", "AuthenticationFailed", "password authentication"];
    assert!(words.iter().any(|word| error.contains(word)), "{error}");
}

/// The users that bindings made, as the server tells its administrator.
pub(crate) async fn users(instance: &model::Instance) -> BTreeSet<String> {
    let admin = &instance.workload.admin;
    let password = admin.password.expose();
    let port = *instance.ports.values().next().unwrap();
    let names: Vec<String> = if instance.workload.engine == "redis" {
        let uri = format!("redis://{}:{password}@127.0.0.1:{port}", admin.user);
        let client = redis::Client::open(uri).unwrap();
        let mut connection = client.get_multiplexed_async_connection().await.unwrap();
        redis::cmd("ACL").arg("USERS").query_async(&mut connection).await.unwrap()
    } else {
        let options = PgConnectOptions::new_without_pgpass()
            .host("127.0.0.1")
            .port(port)
            .username(&admin.user)
            .password(password)
            .database("postgres");
        let mut connection = PgConnection::connect_with(&options).await.unwrap();
        let roles = "SELECT rolname::text FROM pg_roles WHERE rolname !~ '^(pg_|app_)'";
        sqlx::query_scalar(AssertSqlSafe(roles)).fetch_all(&mut connection).await.unwrap()
    };
    names.into_iter().filter(|name| *name != admin.user && name != "default").collect()
}

async fn within<T>(work: impl Future<Output = Result<T, Failed>>) -> Result<T, Failed> {
    tokio::time::timeout(LIMIT, work).await.map_err(|_| "no answer in time")?
}
