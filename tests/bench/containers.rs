//! The container engine without the broker: the same container by the fewest calls that make it.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, ensure};
use banquet::catalog::{Catalog, Files, Inputs};
use banquet::engine::{Engine, Target, engines};
use banquet::model::inside::Closed;
use banquet::model::workload::{File, Workload};
use banquet::secret::Secret;
use bollard::Docker;
use bollard::models::{
    ContainerCreateBody, ContainerInspectResponse, NetworkingConfig, PortBinding,
};
use bollard::query_parameters::{
    CreateContainerOptionsBuilder, ListContainersOptionsBuilder, ListNetworksOptionsBuilder,
    ListVolumesOptionsBuilder, RemoveContainerOptionsBuilder, RemoveVolumeOptions,
    UploadToContainerOptionsBuilder,
};
use tokio::time::{Instant, sleep};

use crate::broker::{Broker, free_address};
use crate::http::{Connection, request};
use crate::platform::Instance;

/// Which broker something is of.
const BROKER: &str = "banquet.broker";
/// Beside which broker something was made by hand.
const BY_HAND: &str = "banquet.bench";
/// Which instance something is of.
const INSTANCE: &str = "banquet.instance";
/// Between two questions whether it is ready: as the broker asks.
const LOOK: Duration = Duration::from_millis(25);
const LIMIT: Duration = Duration::from_mins(1);

pub(crate) struct Containers {
    docker: Docker,
    /// The broker whose containers these are held against.
    broker: String,
}

/// A container as a broker made it, to be made by hand.
pub(crate) struct ByHand {
    name: String,
    body: ContainerCreateBody,
    volumes: Vec<String>,
    /// Mount → what is written into it before the start.
    archives: Vec<(String, bytes::Bytes)>,
    engine: Arc<dyn Engine>,
    target: Target,
}

impl Containers {
    pub(crate) async fn connect(broker: &Broker) -> anyhow::Result<Self> {
        let docker = Docker::connect_with_defaults()?.negotiate_version().await?;
        let token = format!("Bearer {}", broker.secret("admin.token")?);
        let status = request("GET /admin/v1/status", &[("Authorization", &token)], "");
        let answer = Connection::open(broker.address).await?.ask(&status).await?;
        let status: serde_json::Value = serde_json::from_slice(&answer.body)?;
        let broker = status["broker_id"].as_str().context("the broker has no id")?.to_owned();
        Ok(Self { docker, broker })
    }

    /// Takes an instance's container for a model. What is in its files is made anew from the
    /// catalog, because the admin's password is the broker's secret.
    pub(crate) async fn like(&self, model: &Instance) -> anyhow::Result<ByHand> {
        let seen = self.inspect(model).await?;
        let name = by_hand_name(&self.broker);
        let (mut body, volumes, port) = body(seen, &name)?;
        body.labels = Some(HashMap::from([(BY_HAND.to_owned(), self.broker.clone())]));
        let workload = workload(model.offering)?;
        let engine = engines().remove(&workload.engine).context("no such engine")?;
        let ports = workload.port_names().map(|name| (name.to_owned(), port)).collect();
        let (admin, settings) = (workload.admin.clone(), workload.settings.clone());
        let scripts = workload.scripts.clone();
        let inside = Arc::new(Closed);
        let host = "127.0.0.1".to_owned();
        let target = Target { host, ports, admin, settings, inside, scripts, tls: None };
        Ok(ByHand { name, body, volumes, archives: archives(&workload)?, engine, target })
    }

    async fn inspect(&self, instance: &Instance) -> anyhow::Result<ContainerInspectResponse> {
        let labels = [format!("{BROKER}={}", self.broker), format!("{INSTANCE}={}", instance.id)];
        let filters = HashMap::from([("label", labels.to_vec())]);
        let options = ListContainersOptionsBuilder::default().filters(&filters).build();
        let found = self.docker.list_containers(Some(options)).await?;
        let id = found.first().and_then(|one| one.id.as_deref()).context("no container")?;
        Ok(self.docker.inspect_container(id, None).await?)
    }

    /// Makes it, starts it, and waits until it is ready.
    pub(crate) async fn make(&self, by_hand: &ByHand) -> anyhow::Result<Duration> {
        let (name, body) = (&by_hand.name, by_hand.body.clone());
        let began = Instant::now();
        let options = CreateContainerOptionsBuilder::default().name(name).build();
        self.docker.create_container(Some(options), body).await?;
        for (mount, archive) in &by_hand.archives {
            let options = UploadToContainerOptionsBuilder::default().path(mount).build();
            let archive = bollard::body_full(archive.clone());
            self.docker.upload_to_container(name, Some(options), archive).await?;
        }
        self.docker.start_container(name, None).await?;
        while let Err(fault) = by_hand.engine.ready(&by_hand.target).await {
            ensure!(began.elapsed() < LIMIT, "{name} did not become ready: {}", fault.message);
            sleep(LOOK).await;
        }
        Ok(began.elapsed())
    }

    pub(crate) async fn remove(&self, by_hand: &ByHand) -> anyhow::Result<()> {
        let options = RemoveContainerOptionsBuilder::default().force(true).build();
        self.docker.remove_container(&by_hand.name, Some(options)).await?;
        for volume in &by_hand.volumes {
            self.docker.remove_volume(volume, None::<RemoveVolumeOptions>).await?;
        }
        Ok(())
    }

    /// Removes everything that was made by the broker or by hand: by now there is something only if
    /// measuring ended half-way.
    pub(crate) async fn remove_all(&self) -> anyhow::Result<()> {
        let label = |name: &str| ("label", format!("{name}={}", self.broker));
        for filter in [label(BROKER), label(BY_HAND)] {
            self.remove_containers(filter).await?;
        }
        // Those made by hand have no labels.
        for filter in [label(BROKER), ("name", by_hand_name(&self.broker))] {
            self.remove_volumes(filter).await?;
        }
        let filters = filters(label(BROKER));
        let options = ListNetworksOptionsBuilder::default().filters(&filters).build();
        for network in self.docker.list_networks(Some(options)).await? {
            self.docker.remove_network(&network.id.context("a network without an id")?).await?;
        }
        Ok(())
    }

    async fn remove_containers(&self, filter: (&'static str, String)) -> anyhow::Result<()> {
        let filters = filters(filter);
        let options = ListContainersOptionsBuilder::default().all(true).filters(&filters).build();
        let force = RemoveContainerOptionsBuilder::default().force(true).build();
        for container in self.docker.list_containers(Some(options)).await? {
            let id = container.id.context("a container without an id")?;
            self.docker.remove_container(&id, Some(force.clone())).await?;
        }
        Ok(())
    }

    async fn remove_volumes(&self, filter: (&'static str, String)) -> anyhow::Result<()> {
        let options = ListVolumesOptionsBuilder::default().filters(&filters(filter)).build();
        for volume in self.docker.list_volumes(Some(options)).await?.volumes.unwrap_or_default() {
            self.docker.remove_volume(&volume.name, None::<RemoveVolumeOptions>).await?;
        }
        Ok(())
    }
}

fn filters((kind, value): (&'static str, String)) -> HashMap<&'static str, Vec<String>> {
    HashMap::from([(kind, vec![value])])
}

fn by_hand_name(broker: &str) -> String {
    format!("{broker}-by-hand")
}

/// What makes the like of a container, with volumes and a port of its own: the volumes' names, and
/// the port.
fn body(
    seen: ContainerInspectResponse,
    name: &str,
) -> anyhow::Result<(ContainerCreateBody, Vec<String>, u16)> {
    let config = seen.config.context("a container without settings")?;
    let mut host = seen.host_config.context("a container without settings of its host")?;
    let mut volumes = Vec::new();
    for mount in host.mounts.iter_mut().flatten() {
        let volume = format!("{name}-{}", volumes.len());
        mount.source = Some(volume.clone());
        volumes.push(volume);
    }
    let port = free_address()?.port();
    for binding in host.port_bindings.iter_mut().flatten().flat_map(|(_, bindings)| bindings) {
        let host_ip = Some("127.0.0.1".to_owned());
        *binding = vec![PortBinding { host_ip, host_port: Some(port.to_string()) }];
    }
    let networks = seen.network_settings.and_then(|settings| settings.networks);
    let endpoints = networks.into_iter().flatten().map(|(network, mut endpoint)| {
        endpoint.aliases = Some(vec![name.to_owned()]);
        (network, endpoint)
    });
    let body = ContainerCreateBody {
        image: config.image,
        hostname: config.hostname,
        user: config.user,
        cmd: config.cmd,
        env: config.env,
        exposed_ports: config.exposed_ports,
        stop_signal: config.stop_signal,
        stop_timeout: config.stop_timeout,
        host_config: Some(host),
        networking_config: Some(NetworkingConfig { endpoints_config: Some(endpoints.collect()) }),
        ..ContainerCreateBody::default()
    };
    Ok((body, volumes, port))
}

/// The workload of an offering's first plan.
fn workload(offering: &str) -> anyhow::Result<Workload> {
    let engines: Vec<String> = engines().into_keys().collect();
    let engines: Vec<&str> = engines.iter().map(String::as_str).collect();
    let catalog = Catalog::load(Files::shipped(), &engines)
        .map_err(|mistakes| anyhow::anyhow!("the catalog has mistakes: {mistakes:?}"))?;
    let offering = catalog.offering_named(offering).context("no such offering")?;
    let plan = offering.plans.first().context("no plan")?;
    let (key, parameters) = ("0123456789abcdef", &serde_json::Map::new());
    let inputs = Inputs { key, parameters, admin_password: &Secret::generate() };
    Ok(offering.workload(plan, &inputs)?)
}

/// The files of a workload's container, for each mount.
fn archives(workload: &Workload) -> anyhow::Result<Vec<(String, bytes::Bytes)>> {
    let container = workload.containers.first().context("a workload without containers")?;
    let mut by_mount: BTreeMap<&str, tar::Builder<Vec<u8>>> = BTreeMap::new();
    for file in &container.files {
        let (mount, inside) = container
            .mounts
            .values()
            .find_map(|mount| Some((mount, file.path.strip_prefix(mount)?.strip_prefix('/')?)))
            .with_context(|| format!("{} lies in no volume", file.path))?;
        let tar = by_mount.entry(mount).or_insert_with(|| tar::Builder::new(Vec::new()));
        append(tar, inside, file)?;
    }
    let pack = |(mount, tar): (&str, tar::Builder<Vec<u8>>)| {
        Ok((mount.to_owned(), tar.into_inner()?.into()))
    };
    by_mount.into_iter().map(pack).collect()
}

fn append(tar: &mut tar::Builder<Vec<u8>>, path: &str, file: &File) -> anyhow::Result<()> {
    let content = file.content.expose().as_bytes();
    let mut header = tar::Header::new_gnu();
    header.set_size(u64::try_from(content.len())?);
    header.set_mode(file.mode);
    header.set_uid(file.uid.into());
    header.set_gid(file.gid.into());
    tar.append_data(&mut header, path, content)?;
    Ok(())
}
