//! What Docker's backend does beyond the contract.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use banquet::backend::docker::{Docker, Settings, names};
use banquet::backend::{Backend, Observed};
use banquet::id::BrokerId;
use banquet::model::{FaultKind, Progress};
use banquet::secret::Secret;
use bollard::models::{ContainerCreateBody, Ipam, IpamConfig, NetworkCreateRequest};
use bollard::query_parameters::CreateContainerOptionsBuilder;

use crate::docker_rig::{DockerRig, settings, socket};
use crate::proxy::Proxy;
use crate::rig::{self, Rig, ensure, only};

#[tokio::test]
async fn a_container_is_locked_down_and_shows_no_secret() {
    let rig = DockerRig::up().await;
    let (place, mut workload) = (rig::place(), rig::workload(&rig.image()));
    let secret = Secret::generate();
    only(&mut workload).files[0].content = secret.clone();
    ensure(rig.backend(), &place, &workload).await;
    rig.starts(&place).await;

    let (uid, gid, mode, text) = rig.entry(&place, "/conf/secret").await.unwrap();
    assert_eq!((uid, gid, mode & 0o777, text.as_str()), (999, 999, 0o400, secret.expose()));
    let inspection = rig.inspect(&place).await.unwrap();
    let text = serde_json::to_string(&inspection).unwrap();
    assert!(!text.contains(secret.expose()));

    let labels = inspection.config.as_ref().unwrap().labels.clone().unwrap();
    assert_eq!(labels["banquet.broker"], rig.broker.as_str());
    assert_eq!(labels["banquet.tenant"], place.tenant.as_str());
    assert_eq!(labels["banquet.instance"], place.instance_id.as_str());
    assert_eq!(labels["banquet.name"], "orders");
    assert_eq!(labels["banquet.spec"].len(), 64);
    let config = inspection.config.unwrap();
    assert_eq!(config.hostname.as_deref(), Some(place.instance.as_str()));
    let signal = config.stop_signal.unwrap();
    assert!(["SIGTERM", "15"].contains(&signal.as_str()), "Podman has the number: {signal}");
    let host = inspection.host_config.unwrap();
    assert_eq!(host.log_config.unwrap().config.unwrap()["max-size"], "10m");
    let bindings = host.port_bindings.unwrap()["7000/tcp"].clone().unwrap();
    assert_eq!(bindings[0].host_ip.as_deref(), Some("127.0.0.1"));
    assert_eq!(bindings[0].host_port, Some(place.ports["main"].to_string()));

    let status = rig.file(&place, "/data/status").await.unwrap();
    assert!(status.contains("CapEff:\t0000000000000000"), "{status}");
    assert!(status.contains("NoNewPrivs:\t1"), "{status}");
    assert!(status.contains("Read-only file system"), "{status}");
}

#[tokio::test]
async fn what_is_not_ours_is_left_alone() {
    let rig = DockerRig::up().await;
    let (place, workload) = (rig::place(), rig::workload(&rig.image()));
    let name = rig.name(&place);
    let body = ContainerCreateBody {
        image: Some(workload.containers[0].image.resolved.clone().unwrap()),
        labels: Some(HashMap::from([("banquet.test".to_owned(), rig.broker.to_string())])),
        ..ContainerCreateBody::default()
    };
    let options = CreateContainerOptionsBuilder::default().name(&name).build();
    let id = rig.engine.create_container(Some(options), body).await.unwrap().id;

    let fault = rig.docker.ensure(&place, &workload, &Progress::default()).await.unwrap_err();
    assert_eq!(fault.kind, FaultKind::Fatal);
    assert!(fault.message.contains(&name), "{}", fault.message);
    rig.docker.remove(&place).await.unwrap();
    assert_eq!(rig.docker.observe(&place).await.unwrap(), Observed::Absent);
    assert_eq!(rig.id(&place).await, Some(id));
}

#[tokio::test]
async fn two_brokers_on_one_engine_do_not_see_each_other() {
    let (one, other) = (DockerRig::up().await, DockerRig::up().await);
    let (place, workload) = (rig::place(), rig::workload(&one.image()));
    ensure(one.backend(), &place, &workload).await;
    assert_eq!(other.docker.found().await.unwrap(), []);
    assert_eq!(other.docker.observe(&place).await.unwrap(), Observed::Absent);
    other.docker.remove(&place).await.unwrap();
    other.docker.remove_network(&place.tenant).await.unwrap();
    assert_eq!(one.docker.observe(&place).await.unwrap(), Observed::Running);
    assert_eq!(one.docker.found().await.unwrap().len(), 4);
}

#[tokio::test]
async fn a_container_that_can_not_start_says_why() {
    let rig = DockerRig::up().await;
    let (place, mut workload) = (rig::place(), rig::workload(&rig.image()));
    only(&mut workload).command = vec!["fail".to_owned()];
    ensure(rig.backend(), &place, &workload).await;
    let why = down(&rig, &place).await;
    assert!(why.contains("it can not start"), "{why}");
    // The engine starts it again and again: each attempt of ours has fresh volumes all the same.
    only(&mut workload).command = vec!["serve".to_owned()];
    ensure(rig.backend(), &place, &workload).await;
    assert_eq!(rig.docker.observe(&place).await.unwrap(), Observed::Running);
    assert_eq!(rig.starts(&place).await, 1);

    rig.engine.pause_container(&rig.name(&place)).await.unwrap();
    assert!(down(&rig, &place).await.contains("is paused"));
    ensure(rig.backend(), &place, &workload).await;
    assert_eq!(rig.docker.observe(&place).await.unwrap(), Observed::Running);
    rig.end(&place).await;
    assert!(down(&rig, &place).await.contains("ended with exit code 137"));
}

async fn down(rig: &DockerRig, place: &banquet::backend::Place) -> String {
    let begun = Instant::now();
    loop {
        match rig.docker.observe(place).await.unwrap() {
            Observed::Down(why) => return why,
            other => assert!(begun.elapsed() < Duration::from_secs(10), "{other:?}"),
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_crash_between_create_and_start_is_made_good() {
    let rig = DockerRig::up().await;
    let (mut place, workload) = (rig::place(), rig::workload(&rig.image()));
    let progress = Progress::default();
    let mut notes = progress.follow();
    let cancel = progress.cancel.clone();
    let watcher = tokio::spawn(async move {
        notes.wait_for(|note| note.starts_with("creating")).await.unwrap();
        cancel.cancel();
    });
    let fault = rig.docker.ensure(&place, &workload, &progress).await.unwrap_err();
    watcher.await.unwrap();
    assert_eq!(fault.kind, FaultKind::Cancelled);
    let id = rig.id(&place).await;
    assert!(id.is_some(), "it was created");
    assert!(down(&rig, &place).await.contains("has not been started"));
    for was_ready in [false, true] {
        place.was_ready = was_ready;
        ensure(rig.backend(), &place, &workload).await;
        assert_eq!((rig.id(&place).await, rig.starts(&place).await), (id.clone(), 1));
    }
    assert_eq!(rig.file(&place, "/conf/seed").await.as_deref(), Some("seed-1"));
}

#[tokio::test]
async fn a_range_in_use_elsewhere_is_told() {
    let rig = DockerRig::up().await;
    let (place, workload) = (rig::place(), rig::workload(&rig.image()));
    let request = NetworkCreateRequest {
        name: format!("{}-foreign", rig.broker),
        labels: Some(HashMap::from([("banquet.test".to_owned(), rig.broker.to_string())])),
        ipam: Some(Ipam {
            config: Some(vec![IpamConfig {
                subnet: Some(place.subnet.to_string()),
                ..IpamConfig::default()
            }]),
            ..Ipam::default()
        }),
        ..NetworkCreateRequest::default()
    };
    rig.engine.create_network(request).await.unwrap();
    let fault = rig.docker.ensure(&place, &workload, &Progress::default()).await.unwrap_err();
    assert_eq!(fault.kind, FaultKind::Fatal, "{}", fault.chain());
    assert!(fault.message.contains(&place.subnet.to_string()), "{}", fault.message);
}

#[tokio::test]
async fn a_network_of_another_range_is_replaced_once_it_is_unused() {
    let rig = DockerRig::up().await;
    let (mut place, workload) = (rig::place(), rig::workload(&rig.image()));
    ensure(rig.backend(), &place, &workload).await;
    place.subnet = rig::place().subnet;
    ensure(rig.backend(), &place, &workload).await;
    rig.docker.remove(&place).await.unwrap();
    ensure(rig.backend(), &place, &workload).await;
    let name = names::network(&rig.broker, &place.tenant);
    let network = rig.engine.inspect_network(&name, None).await.unwrap();
    let ranges = network.ipam.unwrap().config.unwrap();
    assert_eq!(ranges[0].subnet, Some(place.subnet.to_string()));
}

fn through(proxy: &Proxy, broker: &BrokerId) -> Docker {
    Docker::connect(Settings { host: Some(proxy.host()), ..settings(broker) }).unwrap()
}

#[tokio::test]
async fn an_engine_that_can_not_change_limits_gets_a_new_container() {
    let rig = DockerRig::up().await;
    let proxy = Proxy::new(|call| call.ends_with("/update").then_some(404));
    let docker = through(&proxy, &rig.broker);
    let (mut place, mut workload) = (rig::place(), rig::workload(&rig.image()));
    ensure(&docker, &place, &workload).await;
    rig.starts(&place).await;
    place.was_ready = true;
    let id = rig.id(&place).await;
    only(&mut workload).resources.memory_bytes = 48 << 20;
    ensure(&docker, &place, &workload).await;
    assert!(proxy.seen().iter().any(|call| call.ends_with("/update")));
    assert_ne!(rig.id(&place).await, id);
    assert_eq!(rig.limits(&place).await.memory_bytes, 48 << 20);
    assert_eq!(rig.starts(&place).await, 2);
}

#[tokio::test]
async fn a_provision_makes_no_needless_calls_and_none_of_a_newer_api() {
    let rig = DockerRig::up().await;
    let proxy = Proxy::new(|_| None);
    let docker = through(&proxy, &rig.broker);
    docker.ping().await.unwrap();
    assert_eq!(proxy.seen(), ["GET /version", "GET /_ping"]);
    let version = rig.engine.version().await.unwrap().api_version.unwrap();

    let (place, workload) = (rig::place(), rig::workload(&rig.image()));
    ensure(&docker, &place, &workload).await;
    let seen = proxy.seen();
    for call in &seen {
        let path = call.split(' ').nth(1).unwrap();
        let versioned = path.strip_prefix("/v").and_then(|rest| rest.split('/').next());
        let known = ["volumes", "version"].iter().any(|word| path[1..].starts_with(word));
        assert!(known || versioned.is_none_or(|asked| asked <= version.as_str()), "{path}");
    }
    let count = |method: &str| seen.iter().filter(|call| call.starts_with(method)).count();
    // Network, two volumes, container, start.
    assert_eq!(count("POST"), 5, "{seen:#?}");
    assert_eq!(count("PUT"), 1, "{seen:#?}");
    // Network (twice when it is made), container, two volumes, strays.
    assert_eq!(count("GET"), 6, "{seen:#?}");
}

#[tokio::test]
async fn the_engine_may_come_later_than_we() {
    let rig = DockerRig::up().await;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("engine.sock");
    let host = Some(format!("unix://{}", path.display()));
    let docker = Docker::connect(Settings { host, ..settings(&rig.broker) }).unwrap();
    let fault = docker.ping().await.unwrap_err();
    assert_eq!(fault.kind, FaultKind::Unreachable);
    assert!(fault.message.contains(&path.display().to_string()), "{}", fault.message);
    std::os::unix::fs::symlink(socket(), &path).unwrap();
    docker.ping().await.unwrap();
}
