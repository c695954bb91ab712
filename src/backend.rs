//! Where workloads run. One trait, [`Backend`]; Docker behind it, and a fake for fast tests.

pub mod docker;
pub mod fake;
mod reconcile;

use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;
use ipnet::Ipv4Net;

use crate::id::{InstanceId, InstanceKey, TenantId};
use crate::model::inside::Inside;
use crate::model::workload::Image;
use crate::model::{Fault, Progress, Workload};

/// Runs workloads on a container engine.
///
/// # Guarantees
/// Every method is idempotent: run again after a crash at any point, it ends in the same state.
/// Everything made carries the labels `banquet.broker` and `banquet.tenant`, an instance's also
/// `banquet.instance`; nothing without our `banquet.broker` is ever changed or removed.
///
/// # Caveats
/// The future of a method is never dropped half-way by its caller, because the engine would go on
/// with a request whose client has left; long waits end early by [`Progress::cancel`].
#[async_trait]
pub trait Backend: Send + Sync {
    /// Whether the engine answers, quickly.
    async fn ping(&self) -> Result<(), Fault>;

    /// Makes sure that the image is on the engine: present, else pulled, else built where that is
    /// allowed. Answers with the engine's id of it, for [`Image::resolved`].
    async fn image(&self, image: &Image, progress: &Progress) -> Result<String, Fault>;

    /// Makes what runs be what the workload says: network, volumes, files, containers, started.
    ///
    /// Where only limits differ they are changed on the running container, if the engine can; any
    /// other difference stops it and makes it anew with the same volumes and ports. Before the
    /// first ready ([`Place::was_ready`] false) a container that ended, or that has to be stopped,
    /// is made anew with its volumes, because an interrupted first start never starts again; after
    /// it, volumes are never removed.
    async fn ensure(
        &self,
        place: &Place,
        workload: &Workload,
        progress: &Progress,
    ) -> Result<(), Fault>;

    /// How the workload's containers are.
    async fn observe(&self, place: &Place) -> Result<Observed, Fault>;

    /// The workload's containers from the inside, whether or not they run now.
    fn inside(&self, place: &Place, workload: &Workload) -> Arc<dyn Inside>;

    /// Removes containers and volumes; what is absent is fine.
    async fn remove(&self, place: &Place) -> Result<(), Fault>;

    /// Removes a tenant's network, unless something is still attached to it.
    async fn remove_network(&self, tenant: &TenantId) -> Result<(), Fault>;

    /// Everything on the engine that carries our `banquet.broker` label.
    async fn found(&self) -> Result<Vec<Found>, Fault>;
}

/// Where one instance's workload goes: its names, labels, ports and network.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// Names are derived from it.
    pub instance: InstanceKey,
    /// The platform's id, for the label `banquet.instance`.
    pub instance_id: InstanceId,
    /// Whose network; also the label `banquet.tenant`.
    pub tenant: TenantId,
    /// That network's range.
    pub subnet: Ipv4Net,
    /// Human names from the context, for labels beside ours (`banquet.name`, `banquet.plan` …).
    pub labels: BTreeMap<String, String>,
    /// Port name → host port.
    pub ports: BTreeMap<String, u16>,
    /// Whether the instance ever was ready.
    pub was_ready: bool,
}

/// What is seen of a workload's containers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Observed {
    /// All of them run.
    Running,
    /// At least one is not there.
    Absent,
    /// At least one is there and does not run; why, in words, with its last lines of log.
    Down(String),
}

/// Something of ours on the engine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// What it is.
    pub what: Thing,
    /// The engine's name for it.
    pub name: String,
    /// `banquet.tenant`.
    pub tenant: TenantId,
    /// The key in its name; none for a network.
    pub instance: Option<InstanceKey>,
}

/// The kinds of things that we make on an engine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Thing {
    /// A container.
    Container,
    /// A volume.
    Volume,
    /// A network.
    Network,
}
