//! PostgreSQL: the contract, and what is its own.

use std::time::Duration;

use banquet::engine::postgres::Postgres;
use banquet::engine::{Engine, Target};
use banquet::model::FaultKind;
use banquet::model::workload::Admin;
use banquet::secret::Secret;
use serde_json::json;
use sqlx::postgres::{PgConnectOptions, PgConnection};
use sqlx::{AssertSqlSafe, Connection, Row};

use crate::contract::{Product, bound, contract, serving};
use crate::live::{self, Container, File, Live, Plan, grant};

pub(crate) struct Server;

contract!(Server);

const CONF: &str = "listen_addresses = '*'
hba_file = '/conf/pg_hba.conf'
shared_buffers = 16MB
max_connections = 30
max_prepared_transactions = 5
password_encryption = scram-sha-256
log_statement = 'all'
";
const HBA: &str = "local all all scram-sha-256\nhost all all all scram-sha-256\n";

impl Product for Server {
    type Engine = Postgres;
    type App = PgConnection;

    fn engine() -> Postgres {
        Postgres
    }

    fn create() -> Live {
        let password = Secret::generate();
        let host_port = live::free_port();
        let file = |name, content: &str| File { volume: "conf", name, content: content.to_owned() };
        let container = Container::create(&Plan {
            image: live::POSTGRES,
            host_port,
            port: 5432,
            mounts: &[("data", "/var/lib/postgresql/data"), ("conf", "/conf")],
            files: vec![
                file("password", password.expose()),
                file("postgresql.conf", CONF),
                file("pg_hba.conf", HBA),
            ],
            options: &[
                "--tmpfs=/tmp:mode=1777",
                "--tmpfs=/var/run/postgresql:uid=999,gid=999,mode=2775",
                "--env=POSTGRES_PASSWORD_FILE=/conf/password",
            ],
            command: &["-c", "config_file=/conf/postgresql.conf"],
        });
        let admin =
            Admin { user: "postgres".to_owned(), password, database: Some("app".to_owned()) };
        let target = Target {
            host: "127.0.0.1".to_owned(),
            ports: [("postgresql".to_owned(), host_port)].into(),
            admin,
            settings: json!({"disk_bytes": 1 << 30}).as_object().expect("an object").clone(),
            inside: std::sync::Arc::new(banquet::model::inside::Closed),
            scripts: std::collections::BTreeMap::new(),
            tls: None,
        };
        Live { target, container }
    }

    fn too_small() -> serde_json::Value {
        json!({"disk_bytes": 4 << 20})
    }

    async fn login(target: &Target, user: &str, password: &str) -> Result<Self::App, String> {
        connect(target, "app", user, password).await
    }

    async fn write(app: &mut Self::App, name: &str, value: &str) -> Result<(), String> {
        ask(app, &format!("CREATE TABLE IF NOT EXISTS {name} (value text)")).await?;
        ask(app, &format!("DELETE FROM {name}; INSERT INTO {name} VALUES ('{value}')")).await
    }

    async fn read(app: &mut Self::App, name: &str) -> Result<String, String> {
        sqlx::raw_sql(AssertSqlSafe(format!("SELECT value FROM {name}")))
            .fetch_one(app)
            .await
            .map(|row| row.get(0))
            .map_err(|error| error.to_string())
    }

    async fn fill(app: &mut Self::App) -> Result<(), String> {
        ask(app, "CREATE TABLE large AS SELECT repeat('x', 1000) FROM generate_series(1, 4000)")
            .await
    }
}

async fn connect(
    target: &Target,
    database: &str,
    user: &str,
    password: &str,
) -> Result<PgConnection, String> {
    let options = PgConnectOptions::new_without_pgpass()
        .host(&target.host)
        .port(target.ports["postgresql"])
        .username(user)
        .password(password)
        .database(database);
    PgConnection::connect_with(&options).await.map_err(|error| error.to_string())
}

async fn admin(target: &Target, database: &str) -> PgConnection {
    connect(target, database, "postgres", target.admin.password.expose()).await.expect("the admin")
}

async fn ask(app: &mut PgConnection, statements: &str) -> Result<(), String> {
    let sql = AssertSqlSafe(statements.to_owned());
    sqlx::raw_sql(sql).execute(app).await.map(drop).map_err(|error| error.to_string())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_app_may_do_all_within_its_database() {
    let live = serving::<Server>().await;
    let mut app = bound::<Server>(&live, "b1", json!({})).await;
    let other = grant("b2", json!({}));
    Postgres.grant(&live.target, &other).await.unwrap();
    for allowed in [
        "CREATE SCHEMA own",
        "CREATE TABLE own.t (id serial PRIMARY KEY, v text)",
        "CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 1'",
        "CREATE TYPE mood AS ENUM ('good')",
        "CREATE MATERIALIZED VIEW m AS SELECT * FROM own.t",
        "CREATE EXTENSION pgcrypto",
        "CREATE EXTENSION citext",
        "CREATE TEMPORARY TABLE x (i int)",
        "SELECT lo_create(4711)",
        "RESET ROLE",
        "DISCARD ALL",
    ] {
        ask(&mut app, allowed).await.unwrap_or_else(|error| panic!("{allowed}: {error}"));
    }
    for refused in [
        "CREATE ROLE x",
        "ALTER ROLE b2 PASSWORD 'x'",
        "ALTER ROLE b1 SUPERUSER",
        "ALTER ROLE b1 CONNECTION LIMIT -1",
        "DROP ROLE b2",
        "COPY (SELECT 1) TO PROGRAM 'id'",
        "COPY pg_class TO '/tmp/x'",
        "SELECT pg_read_file('/conf/password')",
        "SELECT pg_ls_dir('/')",
        "SELECT lo_import('/etc/passwd')",
        "ALTER SYSTEM SET work_mem = '1GB'",
        "CREATE EXTENSION postgres_fdw",
        "CREATE DATABASE x",
        "SET ROLE b2",
        "SET ROLE postgres",
        "SET SESSION AUTHORIZATION postgres",
        "GRANT app_owner TO b2",
        "DROP DATABASE app",
        "ALTER DATABASE app SET work_mem = '1GB'",
        "ALTER DATABASE app RENAME TO x",
        "CREATE EVENT TRIGGER e ON ddl_command_end EXECUTE FUNCTION f()",
        "CREATE TABLESPACE x LOCATION '/tmp'",
        "SELECT pg_reload_conf()",
        "SELECT * FROM pg_authid",
        "SET log_statement = 'none'",
        "CREATE LANGUAGE plpython3u",
    ] {
        assert!(ask(&mut app, refused).await.is_err(), "{refused}");
    }
    for database in ["postgres", "template1"] {
        let password = other.password.expose();
        assert!(connect(&live.target, database, "b2", password).await.is_err(), "{database}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_group_owns_what_an_app_makes() {
    let live = serving::<Server>().await;
    let mut one = bound::<Server>(&live, "b1", json!({})).await;
    let mut two = bound::<Server>(&live, "b2", json!({})).await;
    let mut data = bound::<Server>(&live, "w1", json!({"access": "read_write"})).await;
    let mut reader = bound::<Server>(&live, "r1", json!({"access": "read_only"})).await;
    let schema = "CREATE SCHEMA s; CREATE TABLE s.t (id serial, v text);
                  CREATE FUNCTION s.f() RETURNS bigint LANGUAGE sql AS 'SELECT count(*) FROM s.t'";
    ask(&mut one, schema).await.unwrap();
    ask(&mut two, "ALTER TABLE s.t ADD w text; INSERT INTO s.t (v) VALUES ('x')").await.unwrap();
    ask(&mut data, "INSERT INTO s.t (v) VALUES ('y'); UPDATE s.t SET w = 'z'").await.unwrap();
    ask(&mut data, "SELECT s.f()").await.unwrap();
    for refused in ["CREATE TABLE public.n (i int)", "DROP TABLE s.t", "ALTER TABLE s.t ADD u int"]
    {
        assert!(ask(&mut data, refused).await.is_err(), "{refused}");
    }
    ask(&mut reader, "SELECT * FROM s.t; SELECT s.f()").await.unwrap();
    // The default can be switched off; the missing right can't.
    let write = "SET default_transaction_read_only = off; DELETE FROM s.t";
    ask(&mut reader, write).await.unwrap_err();
    ask(&mut reader, "SELECT nextval('s.t_id_seq')").await.unwrap_err();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn revoke_ends_transactions_and_keeps_what_was_made_around_the_group() {
    let live = serving::<Server>().await;
    let mut app = bound::<Server>(&live, "b1", json!({})).await;
    let mut staying = bound::<Server>(&live, "b2", json!({})).await;
    ask(&mut app, "SET ROLE NONE; CREATE TABLE alone (value text); INSERT INTO alone VALUES ('x')")
        .await
        .unwrap();
    Server::read(&mut staying, "alone").await.expect("usable even before the unbind");
    ask(&mut app, "BEGIN; INSERT INTO alone VALUES ('prepared'); PREPARE TRANSACTION 'it''s'")
        .await
        .unwrap();
    ask(&mut app, "BEGIN; INSERT INTO alone VALUES ('open')").await.unwrap();

    // Rights in other databases would keep the role from being dropped.
    let mut superuser = admin(&live.target, "postgres").await;
    ask(&mut superuser, "CREATE DATABASE extra").await.unwrap();
    let mut extra = admin(&live.target, "extra").await;
    ask(&mut extra, "CREATE TABLE given (i int); GRANT SELECT ON given TO b1").await.unwrap();

    Postgres.revoke(&live.target, "b1").await.unwrap();
    assert!(ask(&mut app, "COMMIT").await.is_err());
    let rows: Vec<String> =
        sqlx::query_scalar("SELECT value FROM alone").fetch_all(&mut staying).await.unwrap();
    assert_eq!(rows, ["x"]);
    ask(&mut staying, "ALTER TABLE alone ADD w int; DROP TABLE alone").await.unwrap();
    let left: i64 = sqlx::query_scalar("SELECT count(*) FROM pg_roles WHERE rolname = 'b1'")
        .fetch_one(&mut superuser)
        .await
        .unwrap();
    assert_eq!(left, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn revoke_waits_for_a_lock_no_longer_than_it_must() {
    let live = serving::<Server>().await;
    let mut app = bound::<Server>(&live, "b1", json!({})).await;
    let mut staying = bound::<Server>(&live, "b2", json!({})).await;
    ask(&mut app, "SET ROLE NONE; CREATE TABLE alone (v text)").await.unwrap();
    ask(&mut staying, "BEGIN; LOCK TABLE alone IN ACCESS SHARE MODE").await.unwrap();
    let revoke = tokio::time::timeout(Duration::from_secs(20), async {
        Postgres.revoke(&live.target, "b1").await
    });
    let fault = revoke.await.expect("bounded").unwrap_err();
    assert_eq!(fault.kind, FaultKind::Retry, "{}", fault.chain());
    ask(&mut staying, "COMMIT").await.unwrap();
    Postgres.revoke(&live.target, "b1").await.unwrap();
    ask(&mut staying, "DROP TABLE alone").await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bootstrap_goes_on_where_it_was_interrupted() {
    let live = Server::create();
    live.container.start();
    live.until_ready(&Postgres).await;
    let mut superuser = admin(&live.target, "postgres").await;
    ask(&mut superuser, "CREATE ROLE app_rw NOLOGIN").await.unwrap();
    ask(&mut superuser, "CREATE DATABASE app").await.unwrap();
    Postgres.bootstrap(&live.target).await.unwrap();
    let mut app = bound::<Server>(&live, "b1", json!({})).await;
    ask(&mut app, "CREATE SCHEMA own; CREATE TABLE own.t (i int); DROP SCHEMA public")
        .await
        .unwrap();
    Postgres.bootstrap(&live.target).await.expect("a dropped schema is the app's affair");
    ask(&mut app, "SELECT * FROM own.t").await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_binding_has_its_share_of_connections() {
    let live = serving::<Server>().await;
    let grant = grant("b1", json!({"connection_limit": 2}));
    Postgres.grant(&live.target, &grant).await.unwrap();
    let login = || Server::login(&live.target, "b1", grant.password.expose());
    let held = (login().await.unwrap(), login().await.unwrap());
    let error = login().await.expect_err("a third connection is refused");
    assert!(error.contains("too many connections"), "{error}");
    drop(held);
    let wrong = live::grant("b2", json!({"connection_limit": "many"}));
    let fault = Postgres.grant(&live.target, &wrong).await.unwrap_err();
    assert_eq!(fault.kind, FaultKind::Fatal);
    let wrong = live::grant("b2\"; DROP TABLE x; --", json!({}));
    let fault = Postgres.grant(&live.target, &wrong).await.unwrap_err();
    assert_eq!(fault.kind, FaultKind::Fatal);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_command_line_client_works() {
    let live = serving::<Server>().await;
    let grant = grant("b1", json!({}));
    Postgres.grant(&live.target, &grant).await.unwrap();
    let port = live.target.ports["postgresql"];
    let psql = |user: &str, sql: &str| {
        let url = format!("postgres://{user}@127.0.0.1:{port}/app?sslmode=disable");
        live::client("psql", &[&url, "-Atc", sql], ("PGPASSWORD", grant.password.expose()))
    };
    assert_eq!(psql("b1", "SELECT session_user, current_user").unwrap(), "b1|app_owner");
    assert_eq!(psql("b1", "SHOW server_encoding").unwrap(), "UTF8");
    psql("postgres", "SELECT 1").unwrap_err();
}
