//! A real PostgreSQL for tests: one container for a test binary, a database for each test.
//!
//! Include it with `#[path = "../support/postgres.rs"] mod postgres;`.

use std::io::Write as _;
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use sqlx::{AnyConnection, AssertSqlSafe, Connection as _};

const IMAGE: &str = "banquet-local/postgresql:17";
const PASSWORD: &str = "MadeForOneTestRun";

/// The server of this test binary.
struct Server {
    /// `postgres://…` without a database.
    address: String,
    databases: AtomicU32,
    /// Removes the container as soon as this process is gone, however it ends.
    _remover: Child,
}

/// The address of a new, empty database.
pub async fn database() -> String {
    static SERVER: OnceLock<Server> = OnceLock::new();
    let server = tokio::task::spawn_blocking(|| SERVER.get_or_init(Server::start)).await.unwrap();
    let name = format!("test_{}", server.databases.fetch_add(1, Ordering::SeqCst));
    let mut admin = connect(&format!("{}/postgres", server.address)).await;
    let create = AssertSqlSafe(format!("CREATE DATABASE {name}"));
    sqlx::raw_sql(create).execute(&mut admin).await.unwrap();
    admin.close().await.unwrap();
    format!("{}/{name}", server.address)
}

impl Server {
    fn start() -> Self {
        build_image_if_absent();
        let name = format!("banquet-test-store-{}", std::process::id());
        let remover = remove_when_we_are_gone(&name);
        docker(&[
            "run",
            "--detach",
            "--rm",
            "--name",
            &name,
            "--label",
            "banquet.test=store",
            "--env",
            &format!("POSTGRES_PASSWORD={PASSWORD}"),
            "--publish",
            "127.0.0.1::5432",
            "--user",
            "999:999",
            IMAGE,
            "-c",
            "fsync=off",
            "-c",
            "max_connections=300",
            "-c",
            "listen_addresses=*",
        ]);
        let published = docker(&["port", &name, "5432/tcp"]);
        let host = published.lines().next().expect("a published port").trim();
        let address = format!("postgres://postgres:{PASSWORD}@{host}");
        Self { address, databases: AtomicU32::new(0), _remover: remover }
    }
}

/// Its own process group, so that an interrupt of the tests does not reach it.
fn remove_when_we_are_gone(container: &str) -> Child {
    let script = r#"cat >/dev/null; docker rm --force --volumes "$0""#;
    Command::new("sh")
        .args(["-c", script, container])
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .process_group(0)
        .spawn()
        .expect("a shell")
}

fn build_image_if_absent() {
    let inspect = Command::new("docker").args(["image", "inspect", IMAGE]).output().unwrap();
    if inspect.status.success() {
        return;
    }
    let context = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/support/postgres");
    docker(&["build", "--tag", IMAGE, "--label", "banquet.test=store", context.to_str().unwrap()]);
}

fn docker(arguments: &[&str]) -> String {
    let output = Command::new("docker")
        .env("DOCKER_BUILDKIT", "0")
        .args(arguments)
        .output()
        .expect("the docker client is installed");
    if !output.status.success() {
        std::io::stderr().write_all(&output.stdout).unwrap();
        panic!("docker {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    }
    String::from_utf8(output.stdout).unwrap()
}

/// Waits for the server to be up.
async fn connect(address: &str) -> AnyConnection {
    sqlx::any::install_default_drivers();
    let start = Instant::now();
    loop {
        match AnyConnection::connect(address).await {
            Ok(connection) => return connection,
            Err(error) if start.elapsed() > Duration::from_secs(60) => panic!("{error}"),
            Err(_) => tokio::time::sleep(Duration::from_millis(100)).await,
        }
    }
}
