//! An engine in memory, for tests: it keeps what it is told, decides as Docker's backend does, and
//! can be made to fail wherever a real one may.

mod inside;
mod state;

use std::sync::Arc;

use async_trait::async_trait;
use tokio::sync::watch;

use self::inside::Containers;
pub use self::state::{FakeContainer, FakeVolume};
use self::state::{Planned, State};
use super::{Backend, Found, Observed, Place, Thing};
use crate::id::{InstanceKey, TenantId};
use crate::model::inside::Inside;
use crate::model::workload::{Container, Image};
use crate::model::{Fault, Progress, Workload};

/// The methods of [`Backend`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Method {
    /// [`Backend::ping`].
    Ping,
    /// [`Backend::image`].
    Image,
    /// [`Backend::ensure`].
    Ensure,
    /// [`Backend::observe`].
    Observe,
    /// [`Inside::run`], [`Inside::signal`] and [`Inside::restart`].
    Run,
    /// [`Inside::write`].
    Write,
    /// [`Backend::remove`].
    Remove,
    /// [`Backend::remove_network`].
    RemoveNetwork,
    /// [`Backend::found`].
    Found,
}

/// When within a call something goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Moment {
    /// Nothing was done yet.
    Before,
    /// `ensure` has made network and volumes and no container; `remove` has removed the containers
    /// and no volume. For the others the same as [`Moment::Before`].
    Halfway,
    /// Everything was done, but the caller does not hear of it.
    After,
}

/// A [`Backend`] in memory. A clone is the same engine.
#[derive(Clone, Debug, Default)]
pub struct Fake {
    state: watch::Sender<State>,
}

/// How tests set it up and look into it.
impl Fake {
    /// An engine that is up and empty.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Whether the engine answers.
    pub fn set_reachable(&self, reachable: bool) {
        self.state.send_modify(|state| state.unreachable = !reachable);
    }

    /// Calls of the method wait from now on, at their beginning.
    pub fn hold(&self, method: Method) {
        self.change(|state| state.held.insert(method));
    }

    /// Lets waiting calls go on.
    pub fn release(&self, method: Method) {
        self.change(|state| state.held.remove(&method));
    }

    /// Returns once a call of the method waits.
    pub async fn held(&self, method: Method) {
        let waits = |state: &State| state.waiting.get(&method).is_some_and(|count| *count > 0);
        let mut state = self.state.subscribe();
        state.wait_for(waits).await.expect("self holds the sender");
    }

    /// Lets the `nth` next call of the method (1: the next one) end in a fault.
    pub fn fail(&self, method: Method, nth: usize, moment: Moment, fault: Fault) {
        self.state.send_modify(|state| {
            let call = state.calls.get(&method).copied().unwrap_or_default() + nth;
            state.planned.push(Planned { method, call, moment, fault });
        });
    }

    /// The instance's containers end by themselves.
    pub fn end(&self, instance: &InstanceKey, why: &str) {
        self.state.send_modify(|state| {
            for container in state.of(instance) {
                container.running = false;
                container.ended = true;
                why.clone_into(&mut container.why);
            }
        });
    }

    /// Somebody removes the instance's containers, and leaves its volumes.
    pub fn lose_containers(&self, instance: &InstanceKey) {
        self.state.send_modify(|state| state.containers.retain(|(key, _), _| key != instance));
    }

    /// Something that is not ours listens on a port of the host.
    pub fn take_port(&self, port: u16) {
        self.change(|state| state.foreign_ports.insert(port));
    }

    /// An image that can be had in no way.
    pub fn miss_image(&self, reference: &str) {
        self.change(|state| state.missing_images.insert(reference.to_owned()));
    }

    /// An image that can be had again.
    pub fn bring_image(&self, reference: &str) {
        self.change(|state| state.missing_images.remove(reference));
    }

    /// How often a method was called, failed calls included.
    #[must_use]
    pub fn calls(&self, method: Method) -> usize {
        self.state.borrow().calls.get(&method).copied().unwrap_or_default()
    }

    /// All containers.
    #[must_use]
    pub fn containers(&self) -> Vec<FakeContainer> {
        self.state.borrow().containers.values().cloned().collect()
    }

    /// All volumes.
    #[must_use]
    pub fn volumes(&self) -> Vec<FakeVolume> {
        self.state.borrow().volumes.values().cloned().collect()
    }

    /// All networks.
    #[must_use]
    pub fn networks(&self) -> Vec<TenantId> {
        self.state.borrow().networks.iter().cloned().collect()
    }

    /// Whether there is exactly one of everything that the workload says: its containers, running
    /// and with its limits, its volumes, the tenant's network, and nothing more of the instance.
    #[must_use]
    pub fn has_exactly(&self, place: &Place, workload: &Workload) -> bool {
        let state = self.state.borrow();
        let containers = state.containers.iter().filter(|((key, _), _)| *key == place.instance);
        let volumes = state.volumes.keys().filter(|(key, _)| *key == place.instance);
        let as_wanted = |container: &&Container| {
            let found = state.containers.get(&(place.instance.clone(), container.role.clone()));
            found.is_some_and(|found| found.running && found.wanted == **container)
        };
        containers.count() == workload.containers.len()
            && workload.containers.iter().filter(as_wanted).count() == workload.containers.len()
            && volumes.map(|(_, name)| name).eq(workload.volumes.keys())
            && state.networks.contains(&place.tenant)
    }

    /// Whether there is nothing at all of the instance.
    #[must_use]
    pub fn has_nothing_of(&self, instance: &InstanceKey) -> bool {
        let state = self.state.borrow();
        !state.containers.keys().chain(state.volumes.keys()).any(|(key, _)| key == instance)
    }

    /// Whether there is nothing at all.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        let state = self.state.borrow();
        state.containers.is_empty() && state.volumes.is_empty() && state.networks.is_empty()
    }

    /// The beginning of every call. Answers with its number.
    async fn enter(&self, method: Method, progress: &Progress) -> Result<usize, Fault> {
        let (call, held) = self.change(|state| {
            let calls = state.calls.entry(method).or_default();
            *calls += 1;
            let held = state.held.contains(&method);
            *state.waiting.entry(method).or_default() += usize::from(held);
            (*calls, held)
        });
        if held {
            let mut state = self.state.subscribe();
            tokio::select! {
                released = state.wait_for(|state| !state.held.contains(&method)) => {
                    drop(released.expect("self holds the sender"));
                }
                () = progress.cancel.cancelled() => {}
            }
            self.change(|state| *state.waiting.entry(method).or_default() -= 1);
        }
        if progress.cancel.is_cancelled() {
            return Err(Fault::cancelled());
        }
        if self.state.borrow().unreachable {
            return Err(Fault::unreachable("the container engine does not answer; is it started?"));
        }
        self.moment(method, call, Moment::Before)?;
        Ok(call)
    }

    /// Fails if that was planned.
    fn moment(&self, method: Method, call: usize, moment: Moment) -> Result<(), Fault> {
        self.change(|state| {
            let planned = state.planned.iter().position(|planned| {
                (planned.method, planned.call, planned.moment) == (method, call, moment)
            });
            planned.map_or(Ok(()), |index| Err(state.planned.swap_remove(index).fault))
        })
    }

    /// A whole call whose effect is one change.
    async fn call<T>(
        &self,
        method: Method,
        change: impl FnOnce(&mut State) -> Result<T, Fault>,
    ) -> Result<T, Fault> {
        let call = self.enter(method, &Progress::default()).await?;
        self.moment(method, call, Moment::Halfway)?;
        let result = self.change(change)?;
        self.moment(method, call, Moment::After)?;
        Ok(result)
    }

    fn change<T>(&self, change: impl FnOnce(&mut State) -> T) -> T {
        let mut result = None;
        self.state.send_modify(|state| result = Some(change(state)));
        result.expect("send_modify calls what it is given")
    }
}

#[async_trait]
impl Backend for Fake {
    async fn ping(&self) -> Result<(), Fault> {
        self.call(Method::Ping, |_| Ok(())).await
    }

    async fn image(&self, image: &Image, progress: &Progress) -> Result<String, Fault> {
        let call = self.enter(Method::Image, progress).await?;
        self.moment(Method::Image, call, Moment::Halfway)?;
        let reference = &image.reference;
        if self.state.borrow().missing_images.contains(reference) {
            return Err(Fault::fatal(format!("the image {reference} could not be had")));
        }
        self.moment(Method::Image, call, Moment::After)?;
        Ok(format!("sha256:{reference}"))
    }

    async fn ensure(
        &self,
        place: &Place,
        workload: &Workload,
        progress: &Progress,
    ) -> Result<(), Fault> {
        let call = self.enter(Method::Ensure, progress).await?;
        let fresh = self.change(|state| state.ensure_volumes(place, workload));
        self.moment(Method::Ensure, call, Moment::Halfway)?;
        self.change(|state| {
            let wanted = |role: &str| workload.containers.iter().any(|one| one.role == role);
            state.containers.retain(|(key, role), _| *key != place.instance || wanted(role));
            let mut containers = workload.containers.iter();
            containers.try_for_each(|container| state.converge(place, container, &fresh))
        })?;
        self.moment(Method::Ensure, call, Moment::After)
    }

    async fn observe(&self, place: &Place) -> Result<Observed, Fault> {
        self.call(Method::Observe, |state| {
            let mut containers = state.of(&place.instance).peekable();
            if containers.peek().is_none() {
                return Ok(Observed::Absent);
            }
            let down = containers.find(|one| !one.running || (one.ended && !place.was_ready));
            Ok(down.map_or(Observed::Running, |container| Observed::Down(container.why.clone())))
        })
        .await
    }

    fn inside(&self, place: &Place, _workload: &Workload) -> Arc<dyn Inside> {
        Arc::new(Containers { fake: self.clone(), instance: place.instance.clone() })
    }

    async fn remove(&self, place: &Place) -> Result<(), Fault> {
        let call = self.enter(Method::Remove, &Progress::default()).await?;
        self.change(|state| state.containers.retain(|(key, _), _| *key != place.instance));
        self.moment(Method::Remove, call, Moment::Halfway)?;
        self.change(|state| state.volumes.retain(|(key, _), _| *key != place.instance));
        self.moment(Method::Remove, call, Moment::After)
    }

    async fn remove_network(&self, tenant: &TenantId) -> Result<(), Fault> {
        self.call(Method::RemoveNetwork, |state| {
            if !state.containers.values().any(|container| container.tenant == *tenant) {
                state.networks.remove(tenant);
            }
            Ok(())
        })
        .await
    }

    async fn found(&self) -> Result<Vec<Found>, Fault> {
        self.call(Method::Found, |state| {
            let found = |what, name, tenant: &TenantId, instance: Option<&InstanceKey>| Found {
                what,
                name,
                tenant: tenant.clone(),
                instance: instance.cloned(),
            };
            let containers = state.containers.iter().map(|((key, role), one)| {
                found(Thing::Container, format!("{key}-{role}"), &one.tenant, Some(key))
            });
            let volumes = state.volumes.iter().map(|((key, name), one)| {
                found(Thing::Volume, format!("{key}-{name}"), &one.tenant, Some(key))
            });
            let networks = state
                .networks
                .iter()
                .map(|tenant| found(Thing::Network, format!("net-{}", tenant.key()), tenant, None));
            Ok(containers.chain(volumes).chain(networks).collect())
        })
        .await
    }
}
