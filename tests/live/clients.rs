//! The clients that apps use, in their own languages, with the credentials as they are.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::broker::Broker;
use crate::osb::{postgresql, redis};
use crate::programs::{folder, installed, python, run};

/// How long a client may take.
const TRY: Duration = Duration::from_mins(1);

#[tokio::test(flavor = "multi_thread")]
async fn credentials_work_unchanged_in_common_clients() {
    let broker = Broker::started(&[]).await;
    let (cache, database) = (redis("r"), postgresql("p"));
    let ((), (), python, java) = tokio::join!(
        broker.platform.create(cache, "small"),
        broker.platform.create(database, "small"),
        python(),
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
        works(&java, ["java", "-cp", &drivers, "Jdbc.java"], &database),
    );
}

/// Runs a client that must like what it is given.
async fn works<const N: usize>(folder: &Path, command: [&str; N], credentials: &Value) {
    let begin = Instant::now();
    run(folder, &command, &credentials.to_string(), TRY).await;
    println!("{:?} {command:?}", begin.elapsed());
}

async fn java() -> PathBuf {
    let copy = ["mvn", "-q", "-B", "dependency:copy-dependencies", "-DoutputDirectory=drivers"];
    installed("java", "pom.xml", &[&copy]).await
}
