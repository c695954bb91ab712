//! Docker, and Podman by its Docker API, through `bollard`.
//!
//! | what | called |
//! | --- | --- |
//! | container | `banquet-<broker>-<instance key>-<role>` |
//! | volume | `banquet-<broker>-<instance key>-<volume>` |
//! | network | `banquet-<broker>-net-<tenant key>` |
//!
//! All of them carry labels (see [`names`]), by which they are found again.

mod body;
mod connection;
mod container;
mod ensure;
mod files;
pub mod images;
mod inside;
pub mod names;
mod network;
mod observe;
mod remove;

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use tokio::sync::{Mutex, Semaphore};

use self::body::House;
use self::connection::Connection;
use self::images::{Images, MakingsOf};
use self::inside::Containers;
use super::{Backend, Found, Observed, Place};
use crate::id::{BrokerId, TenantId};
use crate::model::inside::Inside;
use crate::model::workload::Image;
use crate::model::{Fault, Progress, Workload};

/// How many containers are started at once. A start is most of a provision's time and the engine
/// does one after the other (20 at once took 150 ms each): more at once only delays the others.
const STARTS: usize = 6;
/// How long a ping may take.
const PING: Duration = Duration::from_secs(3);

/// How to use an engine.
#[derive(Clone)]
pub struct Settings {
    /// Whose containers these are.
    pub broker: BrokerId,
    /// As in `DOCKER_HOST`; `None`: `unix:///var/run/docker.sock`.
    pub host: Option<String>,
    /// Which address of the host ports are published on.
    pub publish_address: IpAddr,
    /// Whether images that are not there may be pulled.
    pub pull: bool,
    /// Whether images that can't be pulled may be built.
    pub build: bool,
    /// What they are built from.
    pub makings: MakingsOf,
    /// Base of the Maven repository that jars for them come from.
    pub maven: String,
}

/// A Docker engine as a [`Backend`].
pub struct Docker {
    broker: BrokerId,
    publish_address: IpAddr,
    connection: Arc<Connection>,
    images: Images,
    /// Held while a network is made: two makers of one network must not meet, or the one who
    /// comes second takes the first one's network for somebody else's.
    networking: Mutex<()>,
    starts: Semaphore,
}

impl Docker {
    /// Prepares to use an engine, which need not be up: [`Backend::ping`] tells.
    ///
    /// # Errors
    /// Fatal where the address can never work.
    pub fn connect(settings: Settings) -> Result<Self, Fault> {
        let connection = Arc::new(Connection::new(settings.host.as_deref())?);
        let images = Images::new(
            Arc::clone(&connection),
            images::Ways { pull: settings.pull, build: settings.build },
            settings.makings,
            settings.maven,
        );
        Ok(Self {
            broker: settings.broker,
            publish_address: settings.publish_address,
            connection,
            images,
            networking: Mutex::new(()),
            starts: Semaphore::new(STARTS),
        })
    }

    /// The engine's images.
    #[must_use]
    pub fn images(&self) -> &Images {
        &self.images
    }

    fn house(&self) -> House<'_> {
        House { broker: &self.broker, publish_address: self.publish_address }
    }
}

#[async_trait]
impl Backend for Docker {
    async fn ping(&self) -> Result<(), Fault> {
        let engine = self.connection.engine_within(PING).await?;
        self.connection.ask("answer a ping", engine.ping()).await.map(drop)
    }

    async fn image(&self, image: &Image, progress: &Progress) -> Result<String, Fault> {
        self.images.acquire(image, progress).await
    }

    async fn ensure(
        &self,
        place: &Place,
        workload: &Workload,
        progress: &Progress,
    ) -> Result<(), Fault> {
        self.ensure_workload(place, workload, progress).await
    }

    async fn observe(&self, place: &Place) -> Result<Observed, Fault> {
        self.observe_containers(place).await
    }

    fn inside(&self, place: &Place, workload: &Workload) -> Arc<dyn Inside> {
        Arc::new(Containers::of(&self.connection, &self.broker, place, workload))
    }

    async fn remove(&self, place: &Place) -> Result<(), Fault> {
        self.remove_instance(place).await
    }

    async fn remove_network(&self, tenant: &TenantId) -> Result<(), Fault> {
        self.remove_tenant_network(tenant).await
    }

    async fn found(&self) -> Result<Vec<Found>, Fault> {
        self.find_all().await
    }
}
