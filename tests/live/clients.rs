//! The clients that apps use, in their own languages, with the credentials as they are.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};

use serde_json::Value;
use tokio::io::AsyncWriteExt as _;
use tokio::process::Command;

use crate::broker::{Broker, copy};
use crate::osb::{postgresql, redis};

/// How long packages may take to arrive over a slow line.
const INSTALL: Duration = Duration::from_mins(3);
/// How long a client may take.
const TRY: Duration = Duration::from_mins(1);

#[tokio::test(flavor = "multi_thread")]
async fn credentials_work_unchanged_in_common_clients() {
    let broker = Broker::started(&[]).await;
    let (cache, database) = (redis("r"), postgresql("p"));
    let ((), (), python, node, java) = tokio::join!(
        broker.platform.create(cache, "small"),
        broker.platform.create(database, "small"),
        python(),
        node(),
        java(),
    );
    let cache = broker.platform.credentials(cache, "clients").await;
    let database = broker.platform.credentials(database, "clients").await;
    let shell = folder("shell");
    let interpreter = python.join("venv/bin/python").display().to_string();
    let drivers = java.join("drivers/*").display().to_string();
    tokio::join!(
        works(&shell, ["./redis-cli"], &cache),
        works(&shell, ["./psql"], &database),
        works(&python, [&interpreter, "redis_py.py"], &cache),
        works(&python, [&interpreter, "psycopg2_client.py"], &database),
        works(&node, ["node", "redis.js"], &cache),
        works(&node, ["node", "pg.js"], &database),
        works(&java, ["java", "-cp", &drivers, "Jdbc.java"], &database),
    );
}

/// Runs a client that must like what it is given.
async fn works<const N: usize>(folder: &Path, command: [&str; N], credentials: &Value) {
    let begin = Instant::now();
    run(folder, &command, &credentials.to_string(), TRY).await;
    println!("{:?} {command:?}", begin.elapsed());
}

fn folder(language: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/clients").join(language)
}

async fn python() -> PathBuf {
    installed(
        "python",
        "requirements.txt",
        &[
            &["python3", "-m", "venv", "--clear", "venv"],
            &["venv/bin/pip", "install", "--quiet", "--requirement", "requirements.txt"],
        ],
    )
    .await
}

async fn node() -> PathBuf {
    installed("node", "package-lock.json", &[&["npm", "ci", "--silent"]]).await
}

async fn java() -> PathBuf {
    let copy = ["mvn", "-q", "-B", "dependency:copy-dependencies", "-DoutputDirectory=drivers"];
    installed("java", "pom.xml", &[&copy]).await
}

/// A copy of a language's folder with the packages that its `manifest` names, which are fetched
/// when the manifest is another than last time.
async fn installed(language: &str, manifest: &str, commands: &[&[&str]]) -> PathBuf {
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).join("clients").join(language);
    fs::create_dir_all(&target).unwrap();
    copy(&folder(language), &target);
    let wanted = fs::read(target.join(manifest)).unwrap();
    let done = target.join("installed");
    if fs::read(&done).is_ok_and(|installed| installed == wanted) {
        return target;
    }
    for command in commands {
        run(&target, command, "", INSTALL).await;
    }
    fs::write(done, wanted).unwrap();
    target
}

async fn run(folder: &Path, command: &[&str], input: &str, limit: Duration) {
    let (program, arguments) = command.split_first().unwrap();
    let child = Command::new(program)
        .args(arguments)
        .current_dir(folder)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn();
    let mut child = child.unwrap_or_else(|error| {
        panic!(
            "{program} does not start ({error}); Debian's packages for all clients: redis-tools \
             postgresql-client python3-venv nodejs npm default-jdk-headless maven"
        )
    });
    let mut stdin = child.stdin.take().unwrap();
    // Whoever does not read it fails in other ways.
    let _ = stdin.write_all(input.as_bytes()).await;
    drop(stdin);
    let output = tokio::time::timeout(limit, child.wait_with_output()).await;
    let output = output.unwrap_or_else(|_| panic!("{command:?} takes over {limit:?}")).unwrap();
    let text = [output.stdout, output.stderr].concat();
    let text = String::from_utf8_lossy(&text);
    assert!(output.status.success(), "{command:?}: {}\n{text}", output.status);
}
