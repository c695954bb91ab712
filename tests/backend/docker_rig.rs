//! Docker under the contract. Everything that a rig makes carries its own broker id, by which it
//! is removed again, also after a panic.

use std::collections::{BTreeMap, HashMap};
use std::io::Read;
use std::net::{IpAddr, TcpListener};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use banquet::backend::docker::{Docker, Settings, names};
use banquet::backend::{Backend, Place};
use banquet::id::BrokerId;
use banquet::model::Progress;
use banquet::model::workload::{Image, Resources};
use bollard::models::ContainerInspectResponse;
use bollard::query_parameters::{
    DownloadFromContainerOptionsBuilder, InspectContainerOptions, ListContainersOptionsBuilder,
    ListImagesOptionsBuilder, ListNetworksOptionsBuilder, ListVolumesOptionsBuilder,
    RemoveContainerOptionsBuilder, RemoveImageOptions, RemoveVolumeOptions,
};
use bytes::Bytes;
use futures_util::TryStreamExt;
use tokio::sync::OnceCell;

use crate::rig::Rig;

const DOCKERFILE: &str = "FROM banquet-local/debian:trixie
RUN mkdir /data && chown 999:999 /data
COPY entrypoint /entrypoint
ENTRYPOINT [\"/entrypoint\"]
";

/// Counts its starts in its volume, then runs until it is stopped, or fails when told to.
const ENTRYPOINT: &str = "#!/bin/sh
echo start >> /data/starts
grep -E '^(CapEff|NoNewPrivs)' /proc/self/status > /data/status
touch /written 2>> /data/status
echo \"started with $*\"
if [ \"$1\" = fail ]; then echo 'it can not start' >&2; exit 3; fi
trap 'exit 0' TERM
sleep infinity & wait $!
";

pub(crate) struct DockerRig {
    pub(crate) broker: BrokerId,
    pub(crate) docker: Docker,
    pub(crate) engine: bollard::Docker,
    image: String,
    listeners: Mutex<Vec<TcpListener>>,
}

/// The engine's socket: of `DOCKER_HOST`, as the `docker` command has it, so that the same tests
/// run against Podman.
#[expect(clippy::disallowed_methods, reason = "tests have no settings")]
pub(crate) fn socket() -> String {
    let host = std::env::var("DOCKER_HOST").unwrap_or_default();
    host.strip_prefix("unix://").unwrap_or("/var/run/docker.sock").to_owned()
}

pub(crate) fn settings(broker: &BrokerId) -> Settings {
    Settings {
        broker: broker.clone(),
        host: Some(format!("unix://{}", socket())),
        publish_address: IpAddr::from([127, 0, 0, 1]),
        pull: false,
        build: false,
        makings: Arc::new(|_| None),
        // Port 9 (discard) refuses at once, everywhere.
        maven: "http://127.0.0.1:9".to_owned(),
    }
}

/// The files of an image that runs `ENTRYPOINT`.
pub(crate) fn image_files() -> BTreeMap<String, Bytes> {
    BTreeMap::from([
        ("Dockerfile".to_owned(), Bytes::from(DOCKERFILE)),
        ("entrypoint".to_owned(), Bytes::from(ENTRYPOINT)),
    ])
}

/// Built once for all tests; later runs find its layers.
async fn built(docker: &Docker) -> String {
    static IMAGE: OnceCell<String> = OnceCell::const_new();
    let build = || async {
        let (files, progress) = (image_files(), Progress::default());
        let images = docker.images();
        images
            .build("backend-contract", "banquet.test/contract:1", &files.into(), &progress)
            .await
            .unwrap()
    };
    IMAGE.get_or_init(build).await.clone()
}

impl DockerRig {
    pub(crate) fn name(&self, place: &Place) -> String {
        names::container(&self.broker, &place.instance, "server")
    }

    pub(crate) async fn inspect(&self, place: &Place) -> Option<ContainerInspectResponse> {
        let options = None::<InspectContainerOptions>;
        self.engine.inspect_container(&self.name(place), options).await.ok()
    }

    /// Owner, group, mode and content of a file in the container.
    pub(crate) async fn entry(&self, place: &Place, path: &str) -> Option<(u64, u64, u32, String)> {
        let options = DownloadFromContainerOptionsBuilder::default().path(path).build();
        let download = self.engine.download_from_container(&self.name(place), Some(options));
        let chunks: Vec<Bytes> = download.try_collect().await.ok()?;
        let bytes = chunks.concat();
        let mut tar = tar::Archive::new(&bytes[..]);
        let mut entry = tar.entries().unwrap().next()?.unwrap();
        let mut text = String::new();
        entry.read_to_string(&mut text).unwrap();
        let header = entry.header();
        Some((header.uid().unwrap(), header.gid().unwrap(), header.mode().unwrap(), text))
    }
}

#[async_trait]
impl Rig for DockerRig {
    async fn up() -> Self {
        static NEXT: AtomicUsize = AtomicUsize::new(0);
        let number = NEXT.fetch_add(1, Ordering::SeqCst);
        let broker = BrokerId::from(format!("test-{}-{number}", std::process::id()));
        let docker = Docker::connect(settings(&broker)).unwrap();
        let image = built(&docker).await;
        let engine = bollard::Docker::connect_with_defaults().unwrap();
        Self { broker, docker, engine, image, listeners: Mutex::default() }
    }

    fn backend(&self) -> &dyn Backend {
        &self.docker
    }

    fn image(&self) -> Image {
        Image {
            reference: "banquet.test/contract:1".to_owned(),
            build: Some("backend-contract".to_owned()),
            resolved: Some(self.image.clone()),
        }
    }

    fn unreachable(&self) -> Box<dyn Backend> {
        // A socket that nobody listens on, as an engine leaves it behind.
        let folder = std::env::temp_dir().join(self.broker.as_str());
        std::fs::create_dir_all(&folder).unwrap();
        let path = folder.join("dead.sock");
        drop(std::os::unix::net::UnixListener::bind(&path).unwrap());
        let host = Some(format!("unix://{}", path.display()));
        Box::new(Docker::connect(Settings { host, ..settings(&self.broker) }).unwrap())
    }

    async fn id(&self, place: &Place) -> Option<String> {
        self.inspect(place).await?.id
    }

    async fn starts(&self, place: &Place) -> usize {
        // The program writes a moment after the engine says that it runs.
        for _ in 0..100 {
            if let Some((_, _, _, text)) = self.entry(place, "/data/status").await
                && text.contains("touch")
            {
                break;
            }
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
        self.file(place, "/data/starts").await.map_or(0, |text| text.lines().count())
    }

    async fn file(&self, place: &Place, path: &str) -> Option<String> {
        self.entry(place, path).await.map(|(_, _, _, text)| text)
    }

    async fn limits(&self, place: &Place) -> Resources {
        let config = self.inspect(place).await.unwrap().host_config.unwrap();
        let number = |value: Option<i64>| u64::try_from(value.unwrap()).unwrap();
        assert_eq!(config.memory, config.memory_swap);
        Resources {
            memory_bytes: number(config.memory),
            cpu_millis: (number(config.cpu_quota) * 1000 / number(config.cpu_period))
                .try_into()
                .unwrap(),
            pids: number(config.pids_limit).try_into().unwrap(),
            shm_bytes: 0,
        }
    }

    async fn end(&self, place: &Place) {
        self.starts(place).await;
        self.engine.kill_container(&self.name(place), None).await.unwrap();
    }

    async fn lose_container(&self, place: &Place) {
        self.starts(place).await;
        let options = RemoveContainerOptionsBuilder::default().force(true).build();
        self.engine.remove_container(&self.name(place), Some(options)).await.unwrap();
    }

    async fn take_port(&self, port: u16) {
        let listener = TcpListener::bind(("127.0.0.1", port)).unwrap();
        self.listeners.lock().unwrap().push(listener);
    }
}

impl Drop for DockerRig {
    fn drop(&mut self) {
        let (broker, engine) = (self.broker.clone(), self.engine.clone());
        // A runtime of its own: a test that panics gives no chance to wait.
        let cleaning = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            runtime.unwrap().block_on(clean(&engine, &broker));
        });
        let _ = cleaning.join();
        let _ = std::fs::remove_dir_all(std::env::temp_dir().join(self.broker.as_str()));
    }
}

/// Removes everything with one of this rig's labels, through the engine and not the backend.
async fn clean(engine: &bollard::Docker, broker: &BrokerId) {
    for label in ["banquet.broker", "banquet.test"] {
        let filters = HashMap::from([("label", vec![format!("{label}={broker}")])]);
        let options = ListContainersOptionsBuilder::default().all(true).filters(&filters).build();
        for one in engine.list_containers(Some(options)).await.unwrap_or_default() {
            let options = RemoveContainerOptionsBuilder::default().force(true).v(true).build();
            let _ = engine.remove_container(&one.id.unwrap(), Some(options)).await;
        }
        let options = ListVolumesOptionsBuilder::default().filters(&filters).build();
        for one in engine.list_volumes(Some(options)).await.unwrap().volumes.unwrap_or_default() {
            let _ = engine.remove_volume(&one.name, None::<RemoveVolumeOptions>).await;
        }
        let options = ListNetworksOptionsBuilder::default().filters(&filters).build();
        for one in engine.list_networks(Some(options)).await.unwrap() {
            let _ = engine.remove_network(&one.id.unwrap()).await;
        }
    }
    let filters = HashMap::from([("label", vec![format!("banquet.image=own-{broker}")])]);
    let options = ListImagesOptionsBuilder::default().filters(&filters).build();
    for one in engine.list_images(Some(options)).await.unwrap() {
        let _ = engine.remove_image(&one.id, None::<RemoveImageOptions>, None).await;
    }
}
