//! The life of an instance, from the first request to the last trace.

use std::fs;
use std::path::Path;
use std::time::Duration;

use serde_json::{Value, json};

use crate::apps::{App, is_refused, log_in_soon};
use crate::broker::{ADMIN_TOKEN, Broker, PLATFORM_PASSWORD};
use crate::osb::{Instance, postgresql, redis};
use crate::things::{NOTHING, ONE_INSTANCE, docker, inspect};

/// An id that must not end up in a name, a path or a filter.
const ID: &str = "a/b c";
const MIB: u64 = 1024 * 1024;

#[tokio::test(flavor = "multi_thread")]
async fn redis_from_the_first_request_to_the_last_trace() {
    let mut broker = Broker::started(&[("BANQUET_LOG", "trace")]).await;
    let instance = redis(ID);
    let (first, second) = begin(&broker, instance).await;
    let mut app = App::noting(&first, "greeting", "hello").await;
    let (container, number) = (container_id(&broker).await, app.number().await);
    assert_eq!(app.memory().await, (64 * MIB * 60 / 100).to_string());

    upgrade(&broker, instance).await;
    assert_eq!(container_id(&broker).await, container, "the same container");
    assert_eq!(app.number().await, number, "the same connection");
    assert_eq!(app.memory().await, (256 * MIB * 60 / 100).to_string());

    let app = restart(&broker, &first).await;
    end(&mut broker, instance, app, [first, second]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn postgresql_from_the_first_request_to_the_last_trace() {
    let mut broker = Broker::started(&[("BANQUET_LOG", "trace")]).await;
    let instance = postgresql(ID);
    let (first, second) = begin(&broker, instance).await;
    let mut app = App::noting(&first, "greeting", "hello").await;
    assert_eq!(app.memory().await, "64MB");

    upgrade(&broker, instance).await;
    let again = broker.platform.credentials(instance, "first").await;
    assert_eq!(again, first, "the same address, user and password");
    let mut app = App::log_in(&first).await.unwrap().still("greeting", "hello").await;
    assert_eq!(app.memory().await, "128MB");

    let app = restart(&broker, &first).await;
    end(&mut broker, instance, app, [first, second]).await;
}

/// An instance with two bindings, the second of which sees the first one's data.
async fn begin(broker: &Broker, instance: Instance<'_>) -> (Value, Value) {
    let platform = &broker.platform;
    platform.create(instance, "small").await;
    let fetched = platform.fetch(instance).await.answers(&[200]).body;
    assert_eq!(fetched["maintenance_info"], json!({"version": "1.1.0"}));
    assert_eq!(broker.things().await.counts(), ONE_INSTANCE);

    let first = platform.bind(instance, "first").await.answers(&[201]).body;
    let first = first["credentials"].clone();
    App::noting(&first, "greeting", "hello").await;
    let second = platform.credentials(instance, "second").await;
    assert_ne!(first["username"], second["username"]);
    assert_ne!(first["password"], second["password"]);
    App::log_in(&second).await.unwrap().still("greeting", "hello").await;

    let seen = inspect(broker.things().await.container()).await;
    assert_labels(broker, &seen);
    assert_locked_down(&seen, if instance.offering == "redis" { 64 * MIB } else { 256 * MIB });
    (first, second)
}

fn assert_labels(broker: &Broker, seen: &Value) {
    let labels = &seen["Config"]["Labels"];
    assert_eq!(labels["banquet.broker"], broker.id.as_str());
    assert_eq!(labels["banquet.tenant"], "default/org-1");
    assert_eq!(labels["banquet.instance"], ID);
    assert_eq!(labels["banquet.name"], "my data");
    assert_eq!(labels["banquet.organization"], "Ada's \"org\"");
}

/// What the container may not do, and what it may use.
fn assert_locked_down(seen: &Value, memory: u64) {
    let host = &seen["HostConfig"];
    assert_eq!(host["CapDrop"], json!(["ALL"]));
    assert!(host["CapAdd"].as_array().is_none_or(Vec::is_empty), "{}", host["CapAdd"]);
    assert_eq!(host["SecurityOpt"], json!(["no-new-privileges"]));
    assert_eq!(host["ReadonlyRootfs"], true);
    assert_eq!(host["Privileged"], false);
    assert_eq!((&host["Memory"], &host["MemorySwap"]), (&json!(memory), &json!(memory)));
    assert!(host["PidsLimit"].as_u64().is_some_and(|pids| (1..=100).contains(&pids)));
    assert_eq!(host["CpuQuota"], 50_000);
    assert_eq!(host["LogConfig"]["Type"], "json-file");
    assert_eq!(host["LogConfig"]["Config"], json!({"max-file": "2", "max-size": "10m"}));
    assert_eq!(seen["Config"]["User"], "999:999");
    let bindings = host["PortBindings"].as_object().unwrap().values();
    let addresses: Vec<_> = bindings.flat_map(|list| list.as_array().unwrap()).collect();
    assert!(addresses.iter().all(|address| address["HostIp"] == "127.0.0.1"), "{addresses:?}");
}

async fn container_id(broker: &Broker) -> Value {
    inspect(broker.things().await.container()).await["Id"].clone()
}

/// From small to medium.
async fn upgrade(broker: &Broker, instance: Instance<'_>) {
    broker.platform.update(instance, "medium").await.answers(&[200, 202]);
    broker.platform.ended(instance).await.succeeded();
    let memory = if instance.offering == "redis" { 256 } else { 512 };
    let seen = inspect(broker.things().await.container()).await;
    assert_eq!(seen["HostConfig"]["Memory"], memory * MIB);
    assert_eq!(seen["HostConfig"]["MemorySwap"], memory * MIB);
}

/// The machine restarts the container; users and data outlive that.
async fn restart(broker: &Broker, credentials: &Value) -> App {
    docker(&["container", "restart", broker.things().await.container()]).await;
    log_in_soon(credentials).await.still("greeting", "hello").await
}

/// Takes everything back, looking for secrets just before.
async fn end(broker: &mut Broker, instance: Instance<'_>, mut app: App, credentials: [Value; 2]) {
    let [first, second] = credentials;
    assert_no_secrets(broker, instance, &[&first, &second]).await;
    let platform = &broker.platform;
    platform.unbind(instance, "first").await.answers(&[200]);
    app.read("greeting").await.expect_err("the live connection is cut");
    is_refused(&first).await;
    App::log_in(&second).await.unwrap().still("greeting", "hello").await;
    platform.fetch_binding(instance, "first").await.answers(&[404]);
    platform.unbind(instance, "first").await.answers(&[410]);

    platform.remove(instance).await;
    assert_eq!(broker.things().await.counts(), NOTHING);
    platform.deprovision(instance).await.answers(&[410]);

    broker.signal(rustix::process::Signal::TERM);
    assert!(broker.ended(Duration::from_secs(10)).await.success());
    let secrets = [PLATFORM_PASSWORD, ADMIN_TOKEN].map(str::to_owned);
    assert_not_in(&secrets, "the log", &broker.log());
}

/// None of the passwords that exist, in any place where others than their owner may look.
async fn assert_no_secrets(broker: &Broker, instance: Instance<'_>, credentials: &[&Value]) {
    let mut secrets = vec![PLATFORM_PASSWORD.to_owned(), ADMIN_TOKEN.to_owned()];
    secrets.push(broker.kept(instance.id).await.workload.admin.password.expose().to_owned());
    secrets.extend(credentials.iter().map(|one| one["password"].as_str().unwrap().to_owned()));
    assert!(secrets.iter().all(|secret| secret.len() >= 24), "too short to be looked for");

    let things = broker.things().await;
    for (kind, names) in [
        ("container", &things.containers),
        ("volume", &things.volumes),
        ("network", &things.networks),
    ] {
        for name in names {
            assert_not_in(&secrets, name, &docker(&[kind, "inspect", name]).await);
        }
    }
    let logs = docker(&["container", "logs", things.container()]).await;
    assert!(!logs.is_empty(), "the server logs");
    assert_not_in(&secrets, "the container's log", &logs);
    assert!(broker.log().contains("TRACE"), "all there is to log is logged");
    assert_not_in(&secrets, "the broker's log", &broker.log());
    for arguments in [
        vec!["instance", "show", ID, "--json"],
        vec!["instance", "list"],
        vec!["binding", "list", ID, "--json"],
        vec!["binding", "show", ID, "first"],
        vec!["config", "show"],
    ] {
        assert_not_in(&secrets, &format!("{arguments:?}"), &broker.banquet(&arguments).await);
    }
    assert_not_in_files(&secrets, &broker.data_dir());
    assert_not_in_processes(&secrets);
}

fn assert_not_in_files(secrets: &[String], folder: &Path) {
    let files: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    assert!(files.iter().any(|file| file.ends_with("banquet.db")), "{files:?}");
    for file in files {
        assert_not_in(secrets, &file.display().to_string(), &lossy(&fs::read(&file).unwrap()));
    }
}

/// Arguments and environment of every process of the machine, as `ps` shows them to root.
fn assert_not_in_processes(secrets: &[String]) {
    let processes = fs::read_dir("/proc").unwrap().map(|entry| entry.unwrap().path());
    for file in processes.flat_map(|process| ["cmdline", "environ"].map(|name| process.join(name)))
    {
        // Threads of the kernel and processes that just ended have none.
        let Ok(bytes) = fs::read(&file) else { continue };
        assert_not_in(secrets, &file.display().to_string(), &lossy(&bytes));
    }
}

fn lossy(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[track_caller]
fn assert_not_in(secrets: &[String], place: &str, text: &str) {
    for (number, secret) in secrets.iter().enumerate() {
        assert!(!text.contains(secret.as_str()), "secret {number} is in {place}");
    }
}
