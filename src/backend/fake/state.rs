//! What the fake engine holds, and how that changes.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, Ipv4Addr};

use super::{Method, Moment};
use crate::backend::Place;
use crate::backend::reconcile::{self, Action, Limits, Seen, Status, Writing};
use crate::id::{InstanceKey, TenantId};
use crate::model::workload::Container;
use crate::model::{Fault, Workload};
use crate::secret::Secret;

const ADDRESS: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

/// A container of the fake engine.
#[derive(Clone, Debug, PartialEq)]
pub struct FakeContainer {
    /// New with every creation.
    pub id: u64,
    /// Whose.
    pub instance: InstanceKey,
    /// Whose tenant's.
    pub tenant: TenantId,
    /// Whether it runs.
    pub running: bool,
    /// Why it does not.
    pub why: String,
    /// As it was wanted, with its present limits.
    pub wanted: Container,
    /// Port name → host port.
    pub ports: BTreeMap<String, u16>,
    spec: String,
    pub(super) ended: bool,
}

/// A volume of the fake engine.
#[derive(Clone, Debug, PartialEq)]
pub struct FakeVolume {
    /// New with every creation.
    pub id: u64,
    /// Whose.
    pub instance: InstanceKey,
    /// Whose tenant's.
    pub tenant: TenantId,
    /// The name that mounts use.
    pub name: String,
    /// Absolute path in the container → content.
    pub files: BTreeMap<String, Secret>,
    /// How often a container with it was started.
    pub starts: usize,
}

#[derive(Debug)]
pub(super) struct Planned {
    pub(super) method: Method,
    /// Which call, counted from the first.
    pub(super) call: usize,
    pub(super) moment: Moment,
    pub(super) fault: Fault,
}

#[derive(Debug, Default)]
pub(super) struct State {
    pub(super) unreachable: bool,
    pub(super) containers: BTreeMap<(InstanceKey, String), FakeContainer>,
    pub(super) volumes: BTreeMap<(InstanceKey, String), FakeVolume>,
    pub(super) networks: BTreeSet<TenantId>,
    pub(super) missing_images: BTreeSet<String>,
    pub(super) foreign_ports: BTreeSet<u16>,
    pub(super) last_id: u64,
    pub(super) calls: BTreeMap<Method, usize>,
    pub(super) held: BTreeSet<Method>,
    pub(super) waiting: BTreeMap<Method, usize>,
    pub(super) planned: Vec<Planned>,
}

impl State {
    pub(super) fn of(
        &mut self,
        instance: &InstanceKey,
    ) -> impl Iterator<Item = &mut FakeContainer> {
        let ours = move |(key, _): &(&(InstanceKey, String), _)| key.0 == *instance;
        self.containers.iter_mut().filter(ours).map(|(_, container)| container)
    }

    fn next_id(&mut self) -> u64 {
        self.last_id += 1;
        self.last_id
    }

    /// Network and volumes; starts over after an interrupted first start. Answers with the volumes
    /// that are new.
    pub(super) fn ensure_volumes(
        &mut self,
        place: &Place,
        workload: &Workload,
    ) -> BTreeSet<String> {
        self.networks.insert(place.tenant.clone());
        let ours = |(key, _): &(InstanceKey, String)| *key == place.instance;
        let renew = |one: &Container| self.decide(place, one) == Action::Renew;
        let orphaned = !self.containers.keys().any(ours) && self.volumes.keys().any(ours);
        if !place.was_ready && (orphaned || workload.containers.iter().any(renew)) {
            self.containers.retain(|key, _| !ours(key));
            self.volumes.retain(|key, _| !ours(key));
        }
        let mut fresh = BTreeSet::new();
        for name in workload.volumes.keys() {
            let key = (place.instance.clone(), name.clone());
            if !self.volumes.contains_key(&key) {
                let volume = FakeVolume {
                    id: self.next_id(),
                    instance: place.instance.clone(),
                    tenant: place.tenant.clone(),
                    name: name.clone(),
                    files: BTreeMap::new(),
                    starts: 0,
                };
                self.volumes.insert(key, volume);
                fresh.insert(name.clone());
            }
        }
        fresh
    }

    fn decide(&self, place: &Place, container: &Container) -> Action {
        let key = (place.instance.clone(), container.role.clone());
        let seen = self.containers.get(&key).map(|found| Seen {
            spec: found.spec.clone(),
            status: if found.running { Status::Running } else { Status::Stopped },
            ended: found.ended,
            limits: Limits::from(&found.wanted.resources),
        });
        let spec = reconcile::spec(container, place, ADDRESS);
        reconcile::decide(seen.as_ref(), &spec, &container.resources, place.was_ready)
    }

    pub(super) fn converge(
        &mut self,
        place: &Place,
        container: &Container,
        fresh: &BTreeSet<String>,
    ) -> Result<(), Fault> {
        let key = (place.instance.clone(), container.role.clone());
        let action = self.decide(place, container);
        let (writing, start) = match action {
            Action::Keep { status, .. } => (Writing::Live, status != Status::Running),
            Action::Create | Action::Renew | Action::Recreate => {
                let intact = !container.mounts.keys().any(|volume| fresh.contains(volume));
                self.containers.remove(&key);
                (if place.was_ready && intact { Writing::Again } else { Writing::First }, true)
            }
        };
        if start && let Some(port) = self.taken_port(place, container) {
            self.containers.remove(&key);
            return Err(Fault::port_taken(port));
        }
        self.write(place, container, writing)?;
        let old = self.containers.remove(&key);
        let container = FakeContainer {
            id: old.as_ref().map_or_else(|| self.next_id(), |old| old.id),
            instance: place.instance.clone(),
            tenant: place.tenant.clone(),
            running: true,
            why: String::new(),
            wanted: container.clone(),
            ports: place.ports.clone(),
            spec: reconcile::spec(container, place, ADDRESS),
            ended: old.is_some_and(|old| old.ended),
        };
        for volume in container.wanted.mounts.keys().filter(|_| start) {
            if let Some(volume) = self.volumes.get_mut(&(place.instance.clone(), volume.clone())) {
                volume.starts += 1;
            }
        }
        self.containers.insert(key, container);
        Ok(())
    }

    fn taken_port(&self, place: &Place, container: &Container) -> Option<u16> {
        let taken = |port: &u16| {
            let others = self.containers.values().filter(|one| one.instance != place.instance);
            self.foreign_ports.contains(port)
                || others
                    .into_iter()
                    .any(|one| one.running && one.ports.values().any(|p| p == port))
        };
        reconcile::host_ports(container, place).filter_map(|(_, host)| host).find(taken)
    }

    fn write(
        &mut self,
        place: &Place,
        container: &Container,
        writing: Writing,
    ) -> Result<(), Fault> {
        for file in container.files.iter().filter(|file| writing.takes(file)) {
            let volume = reconcile::home(container, file)?.volume.to_owned();
            if let Some(volume) = self.volumes.get_mut(&(place.instance.clone(), volume)) {
                volume.files.insert(file.path.clone(), file.content.clone());
            }
        }
        Ok(())
    }
}
