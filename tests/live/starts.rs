//! Starts that cannot succeed end at once, with one line that says why.

use std::fs;
use std::net::TcpListener;
use std::process::Stdio;
use std::time::{Duration, Instant};

use banquet::secret::seal::Seal;
use rustix::process::Signal;
use sqlx::{Connection as _, SqliteConnection};

use crate::broker::{Broker, catalog_copy, edit};

/// How long a start that cannot succeed may take: a database that is away gets some time to come.
const LIMIT: Duration = Duration::from_secs(15);

/// The line that a start ends with.
async fn refusal(broker: &Broker) -> String {
    let begin = Instant::now();
    let output = broker.serve().stderr(Stdio::piped()).output();
    let output = tokio::time::timeout(LIMIT, output).await.expect("it ends quickly").unwrap();
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert!(matches!(output.status.code(), Some(1 | 2)), "{:?}: {stderr}", output.status);
    assert!(!stderr.contains("panicked"), "{stderr}");
    let lines: Vec<&str> = stderr.lines().filter(|line| line.starts_with("error: ")).collect();
    let [line] = lines.as_slice() else { panic!("not one line: {stderr}") };
    println!("{:?}: {line}", begin.elapsed());
    (*line).to_owned()
}

/// One that ran once and was stopped in good order.
async fn founded() -> Broker {
    let mut broker = Broker::started(&[]).await;
    broker.signal(Signal::TERM);
    assert!(broker.ended(LIMIT).await.success());
    broker
}

#[tokio::test(flavor = "multi_thread")]
async fn with_a_wrong_or_lost_master_key() {
    let broker = founded().await;
    let key = broker.data_dir().join("master.key");
    fs::write(&key, Seal::generate_key().expose()).unwrap();
    let line = refusal(&broker).await;
    assert!(line.contains("the master key does not open this database"), "{line}");
    fs::write(&key, "not a key").unwrap();
    let line = refusal(&broker).await;
    assert!(line.contains("64 hexadecimal digits") && line.contains("master.key"), "{line}");
    fs::remove_file(&key).unwrap();
    let line = refusal(&broker).await;
    assert!(line.contains("master.key"), "{line}");
    assert!(!key.exists(), "a new key would lock the old data away");
}

#[tokio::test(flavor = "multi_thread")]
async fn with_a_database_of_a_newer_version_or_none() {
    let mut broker = founded().await;
    let file = broker.data_dir().join("banquet.db");
    let url = format!("sqlite://{}", file.display());
    let mut database = SqliteConnection::connect(&url).await.unwrap();
    let newer = "INSERT INTO schema_versions (version, name) VALUES (9999, 'from the future')";
    sqlx::raw_sql(newer).execute(&mut database).await.unwrap();
    database.close().await.unwrap();
    let line = refusal(&broker).await;
    assert!(line.contains("9999") && line.contains("use a newer banquet"), "{line}");

    fs::write(&file, "this is no database, however long one reads in it").unwrap();
    let line = refusal(&broker).await;
    assert!(line.contains("file is not a database"), "{line}");

    broker.set("BANQUET_DATABASE_URL", "postgres://me:DatabasePassword@127.0.0.1:1/banquet");
    let line = refusal(&broker).await;
    assert!(line.contains("Connection refused"), "{line}");
    assert!(!line.contains("DatabasePassword"), "{line}");
}

#[tokio::test(flavor = "multi_thread")]
async fn beside_another_broker_or_program() {
    let mut broker = Broker::started(&[]).await;
    let free = broker.ground.listen(1);
    let taken = broker.ground.listen(0);

    broker.set("BANQUET_LISTEN", &free);
    let line = refusal(&broker).await;
    assert!(line.contains(broker.data_dir().to_str().unwrap()) && line.contains(&taken), "{line}");

    broker.set("BANQUET_LISTEN", &taken);
    broker.set("BANQUET_DATA_DIR", broker.folder.path().join("other").to_str().unwrap());
    let line = refusal(&broker).await;
    assert!(line.contains(&format!("could not listen on {taken}")), "{line}");
    let _other_program = TcpListener::bind(&free).unwrap();
    broker.set("BANQUET_LISTEN", &free);
    let line = refusal(&broker).await;
    assert!(line.contains(&format!("could not listen on {free}")), "{line}");
    assert_eq!(broker.platform.get("/healthz").await.unwrap().status, 200, "the first goes on");
}

#[tokio::test(flavor = "multi_thread")]
async fn with_mistakes_in_catalog_or_settings() {
    let catalog = catalog_copy();
    let offering = catalog.path().join("redis/offering.yaml");
    let mut broker = Broker::new(&[("BANQUET_CATALOG", catalog.path().to_str().unwrap())]);
    edit(&offering, "memory: 64Mi", "memory: plenty");
    let output = broker.serve().stderr(Stdio::piped()).output().await.unwrap();
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{stderr}");
    assert!(stderr.contains("error: the catalog has mistakes"), "{stderr}");
    assert!(stderr.contains("redis/offering.yaml:") && stderr.contains("plenty"), "{stderr}");

    broker.set("BANQUET_CATALOG", catalog.path().join("nowhere").to_str().unwrap());
    let line = refusal(&broker).await;
    assert!(line.contains("nowhere"), "{line}");

    broker.set("BANQUET_CATALOG", catalog.path().to_str().unwrap());
    broker.set("BANQUET_WORKERS", "many");
    let line = refusal(&broker).await;
    assert!(line.contains("BANQUET_WORKERS") && line.contains("many"), "{line}");
}

#[tokio::test(flavor = "multi_thread")]
async fn with_a_data_folder_that_can_not_be_written() {
    let mut broker = Broker::new(&[]);
    let password = broker.folder.path().join("password/data");
    broker.set("BANQUET_DATA_DIR", password.to_str().unwrap());
    let line = refusal(&broker).await;
    assert!(line.contains(password.to_str().unwrap()), "{line}");

    let data = broker.folder.path().join("disk");
    fs::create_dir(&data).unwrap();
    let data = data.to_str().unwrap();
    broker.set("BANQUET_DATA_DIR", data);
    broker.disk = Some("ro,mode=700");
    let line = refusal(&broker).await;
    assert!(line.contains(data) && line.contains("Read-only file system"), "{line}");
    // Room for the keys, and none for the database.
    broker.disk = Some("size=60k,mode=700");
    let line = refusal(&broker).await;
    assert!(line.contains("the database could not be opened"), "{line}");
    assert!(line.contains("full"), "{line}");
}
