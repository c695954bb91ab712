//! MariaDB: the contract, and what is its own.

use std::time::Duration;

use banquet::engine::mysql::Mysql;
use banquet::engine::{Engine, Target};
use banquet::model::FaultKind;
use banquet::model::inside::Closed;
use banquet::model::workload::Admin;
use banquet::secret::Secret;
use serde_json::json;
use sqlx::mysql::{MySqlConnectOptions, MySqlConnection, MySqlSslMode};
use sqlx::{AssertSqlSafe, Connection, Row};

use crate::contract::{Product, bound, contract, serving};
use crate::live::{self, Container, File, Live, Plan, grant};

pub(crate) struct Server;

contract!(Server);

const CONF: &str = "[mariadbd]
datadir = /var/lib/mysql
socket = /run/mysqld/mysqld.sock
bind-address = *
skip-name-resolve
innodb_buffer_pool_size = 48M
innodb_buffer_pool_size_max = 256M
innodb_log_file_size = 48M
performance_schema = OFF
general_log = ON
general_log_file = /var/lib/mysql/general.log
";

impl Product for Server {
    type Engine = Mysql;
    type App = MySqlConnection;

    fn engine() -> Mysql {
        Mysql
    }

    fn create() -> Live {
        let password = Secret::generate();
        let host_port = live::free_port();
        let file = |name, content: &str| File { volume: "conf", name, content: content.to_owned() };
        let container = Container::create(&Plan {
            image: live::MARIADB,
            host_port,
            port: 3306,
            mounts: &[("data", "/var/lib/mysql"), ("conf", "/conf")],
            files: vec![file("password", password.expose()), file("my.cnf", CONF)],
            options: &[
                "--tmpfs=/tmp:mode=1777",
                "--tmpfs=/run/mysqld:uid=999,gid=999",
                "--env=MARIADB_ROOT_PASSWORD_FILE=/conf/password",
                "--memory=256m",
                "--memory-swap=256m",
            ],
            command: &["mariadbd", "--defaults-file=/conf/my.cnf"],
        });
        let admin = Admin { user: "root".to_owned(), password, database: Some("app".to_owned()) };
        let settings = json!({"disk_bytes": 1 << 30, "max_connections": 40});
        let target = Target {
            host: "127.0.0.1".to_owned(),
            ports: [("mysql".to_owned(), host_port)].into(),
            admin,
            settings: settings.as_object().expect("an object").clone(),
            inside: std::sync::Arc::new(Closed),
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
        value(app, &format!("SELECT value FROM {name}")).await
    }

    async fn fill(app: &mut Self::App) -> Result<(), String> {
        let rows = "SELECT repeat('x', 1000) AS value FROM seq_1_to_8000";
        ask(app, &format!("CREATE TABLE large AS {rows}")).await
    }
}

async fn connect(
    target: &Target,
    database: &str,
    user: &str,
    password: &str,
) -> Result<MySqlConnection, String> {
    let options = MySqlConnectOptions::new()
        .host(&target.host)
        .port(target.ports["mysql"])
        .username(user)
        .password(password)
        .database(database)
        .ssl_mode(MySqlSslMode::Disabled);
    MySqlConnection::connect_with(&options).await.map_err(|error| error.to_string())
}

async fn ask(app: &mut MySqlConnection, statements: &str) -> Result<(), String> {
    let sql = AssertSqlSafe(statements.to_owned());
    sqlx::raw_sql(sql).execute(app).await.map(drop).map_err(|error| error.to_string())
}

async fn value(app: &mut MySqlConnection, query: &str) -> Result<String, String> {
    sqlx::raw_sql(AssertSqlSafe(query.to_owned()))
        .fetch_one(app)
        .await
        .map(|row| row.get(0))
        .map_err(|error| error.to_string())
}

async fn root(live: &Live) -> MySqlConnection {
    connect(&live.target, "mysql", "root", live.target.admin.password.expose()).await.unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_app_may_do_all_within_its_database() {
    let live = serving::<Server>().await;
    let mut root = root(&live).await;
    ask(&mut root, "CREATE DATABASE ap1; CREATE TABLE ap1.t (v int)").await.unwrap();
    let mut app = bound::<Server>(&live, "b1", json!({})).await;
    for allowed in [
        "CREATE TABLE t (id int AUTO_INCREMENT PRIMARY KEY, v text, INDEX (v(10)))",
        "CREATE VIEW v AS SELECT * FROM t",
        "CREATE PROCEDURE p() INSERT INTO t (v) VALUES ('p')",
        "CREATE TRIGGER tr BEFORE INSERT ON t FOR EACH ROW SET NEW.v = concat(NEW.v, '!')",
        "CREATE TEMPORARY TABLE tmp (v int)",
        "CALL p()",
        "ALTER TABLE t ADD COLUMN w int",
        "DROP VIEW v",
    ] {
        ask(&mut app, allowed).await.unwrap_or_else(|error| panic!("{allowed}: {error}"));
    }
    for refused in [
        "SELECT * FROM ap1.t",
        "SELECT * FROM mysql.user",
        "CREATE DATABASE other",
        "CREATE USER x",
        "GRANT SELECT ON app.* TO b1",
        "SET GLOBAL max_connections = 1",
        "SET SESSION sql_log_bin = 0",
        "SELECT 1 INTO OUTFILE '/tmp/x'",
        "LOAD DATA INFILE '/conf/password' INTO TABLE t (v)",
        "CREATE DEFINER = root@localhost VIEW w AS SELECT 1",
        "FLUSH PRIVILEGES",
        "SHUTDOWN",
    ] {
        ask(&mut app, refused).await.expect_err(refused);
    }
    // It ends those that the app may end, which are its own.
    ask(&mut app, "KILL USER root").await.unwrap();
    ask(&mut root, "SELECT 1").await.unwrap();
    let seen =
        value(&mut app, "SELECT group_concat(DISTINCT USER) FROM information_schema.PROCESSLIST");
    assert_eq!(seen.await.unwrap(), "b1", "others' connections are not shown");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_removed_user_defined_goes_on_working() {
    let live = serving::<Server>().await;
    let mut leaving = bound::<Server>(&live, "b1", json!({})).await;
    let mut staying = bound::<Server>(&live, "b2", json!({})).await;
    for statement in [
        "CREATE TABLE t (v text)",
        "CREATE VIEW v AS SELECT * FROM t",
        "CREATE TRIGGER tr BEFORE INSERT ON t FOR EACH ROW SET NEW.v = concat(NEW.v, '!')",
        "CREATE FUNCTION f() RETURNS text READS SQL DATA RETURN (SELECT max(v) FROM t)",
    ] {
        ask(&mut leaving, statement).await.unwrap();
    }
    Mysql.revoke(&live.target, "b1").await.unwrap();
    Mysql.revoke(&live.target, "b1").await.unwrap();
    ask(&mut staying, "INSERT INTO t VALUES ('x')").await.unwrap();
    assert_eq!(value(&mut staying, "SELECT v FROM v").await.unwrap(), "x!");
    assert_eq!(value(&mut staying, "SELECT f()").await.unwrap(), "x!");
    ask(&mut leaving, "SELECT 1").await.expect_err("its connection is cut");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn revoke_ends_statements_and_transactions() {
    let live = serving::<Server>().await;
    let mut one = bound::<Server>(&live, "b1", json!({})).await;
    let login = grant("b3", json!({}));
    Mysql.grant(&live.target, &login).await.unwrap();
    let password = login.password.expose();
    let mut sleeping = Server::login(&live.target, "b3", password).await.unwrap();
    let mut amid = Server::login(&live.target, "b3", password).await.unwrap();
    ask(&mut one, "CREATE TABLE t (v int)").await.unwrap();
    ask(&mut amid, "START TRANSACTION; INSERT INTO t VALUES (1)").await.unwrap();
    let asleep = tokio::spawn(async move { ask(&mut sleeping, "SELECT sleep(60)").await });
    tokio::time::sleep(Duration::from_millis(200)).await;
    Mysql.revoke(&live.target, "b3").await.unwrap();
    asleep.await.unwrap().expect_err("it is cut in its statement");
    ask(&mut amid, "COMMIT").await.expect_err("it is cut in its transaction");
    assert_eq!(value(&mut one, "SELECT cast(count(*) AS char) FROM t").await.unwrap(), "0");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn connections_are_limited_and_settings_come_into_force() {
    let live = serving::<Server>().await;
    let login = grant("b1", json!({"connection_limit": 2}));
    Mysql.grant(&live.target, &login).await.unwrap();
    let open = || Server::login(&live.target, "b1", login.password.expose());
    let (_one, _two) = (open().await.unwrap(), open().await.unwrap());
    open().await.expect_err("a third");

    let mut target = live.target.clone();
    target.settings.insert("max_connections".into(), json!(77));
    target.settings.insert("innodb_buffer_pool_size".into(), json!(96 << 20));
    Mysql.bootstrap(&target).await.unwrap();
    let mut root = root(&live).await;
    let setting = |name: &str| format!("SELECT cast(@@GLOBAL.{name} AS char)");
    assert_eq!(value(&mut root, &setting("max_connections")).await.unwrap(), "77");
    let pool = value(&mut root, &setting("innodb_buffer_pool_size")).await.unwrap();
    assert_eq!(pool, (96 << 20).to_string());
    target.settings.insert("datadir".into(), json!(1));
    assert_eq!(Mysql.bootstrap(&target).await.unwrap_err().kind, FaultKind::Fatal);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_comes_without_a_password_and_none_is_logged() {
    let live = serving::<Server>().await;
    let login = grant("b1", json!({}));
    Mysql.grant(&live.target, &login).await.unwrap();
    for user in ["root", "b1", "mysql", "mariadb.sys", ""] {
        connect(&live.target, "mysql", user, "").await.expect_err(user);
    }
    let log = live.container.exec(&["cat", "/var/lib/mysql/general.log"]);
    assert!(log.contains("Connect\troot@"), "the log is on: {log}");
    assert!(!log.contains(login.password.expose()), "{log}");
}
