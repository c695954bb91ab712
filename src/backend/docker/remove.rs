//! Taking things away again, and finding what is there.

use std::collections::HashMap;

use bollard::models::{ContainerSummary, Network, Volume};
use bollard::query_parameters::{
    ListContainersOptionsBuilder, ListNetworksOptionsBuilder, ListVolumesOptionsBuilder,
    RemoveContainerOptionsBuilder, RemoveVolumeOptions,
};
use futures_util::future::join_all;

use super::{Docker, names};
use crate::backend::{Found, Place, Thing};
use crate::model::Fault;

/// What becomes of the volumes that an image declares and the workload does not mount: the engine
/// makes one without a name for each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Anonymous {
    /// The instance goes, or never was.
    Remove,
    /// The instance stays: should its data be there by mistake, an operator can still find it.
    Keep,
}

impl Docker {
    /// Removes containers, then volumes; see [`crate::backend::Backend::remove`].
    pub(super) async fn remove_instance(&self, place: &Place) -> Result<(), Fault> {
        let ours = self.labels_of(place);
        let (containers, volumes) =
            tokio::join!(self.containers_with(&ours), self.volumes_with(&ours));
        let (containers, volumes) = (containers?, volumes?);
        let containers: Vec<_> = containers.iter().filter_map(container_name).collect();
        let removals = containers.iter().map(|name| self.drop_container(name, Anonymous::Remove));
        all(join_all(removals).await)?;
        all(join_all(volumes.iter().map(|volume| self.drop_volume(&volume.name))).await)
    }

    /// Kills and removes a container of ours; absent is fine.
    pub(super) async fn drop_container(
        &self,
        name: &str,
        anonymous: Anonymous,
    ) -> Result<(), Fault> {
        let engine = self.connection.engine().await?;
        let with_anonymous = anonymous == Anonymous::Remove;
        let options =
            RemoveContainerOptionsBuilder::default().force(true).v(with_anonymous).build();
        let removal = engine.remove_container(name, Some(options));
        self.connection.ask_for(&format!("remove the container {name}"), removal).await.map(drop)
    }

    /// Removes a volume of ours; absent is fine.
    pub(super) async fn drop_volume(&self, name: &str) -> Result<(), Fault> {
        let engine = self.connection.engine().await?;
        let removal = engine.remove_volume(name, None::<RemoveVolumeOptions>);
        self.connection.ask_for(&format!("remove the volume {name}"), removal).await.map(drop)
    }

    /// Everything of ours; see [`crate::backend::Backend::found`].
    pub(super) async fn find_all(&self) -> Result<Vec<Found>, Fault> {
        let ours = [(names::BROKER, self.broker.as_str())];
        let (containers, volumes, networks) = tokio::join!(
            self.containers_with(&ours),
            self.volumes_with(&ours),
            self.networks_with(&ours),
        );
        let mut all = Vec::new();
        for container in containers? {
            if let (Some(name), Some(labels)) = (container_name(&container), &container.labels) {
                all.push(found(Thing::Container, name, labels));
            }
        }
        all.extend(volumes?.into_iter().map(|v| found(Thing::Volume, v.name, &v.labels)));
        for network in networks? {
            if let (Some(name), Some(labels)) = (network.name, &network.labels) {
                all.push(found(Thing::Network, name, labels));
            }
        }
        Ok(all)
    }

    /// The labels that all of an instance's things carry.
    pub(super) fn labels_of<'a>(&'a self, place: &'a Place) -> [(&'a str, &'a str); 2] {
        [(names::BROKER, self.broker.as_str()), (names::KEY, place.instance.as_str())]
    }

    /// All containers with these labels, those that do not run included.
    pub(super) async fn containers_with(
        &self,
        labels: &[(&str, &str)],
    ) -> Result<Vec<ContainerSummary>, Fault> {
        let engine = self.connection.engine().await?;
        let filters = names::labelled(labels);
        let options = ListContainersOptionsBuilder::default().all(true).filters(&filters).build();
        let list = || engine.list_containers(Some(options.clone()));
        Ok(self.connection.look("list containers", list).await?.unwrap_or_default())
    }

    async fn volumes_with(&self, labels: &[(&str, &str)]) -> Result<Vec<Volume>, Fault> {
        let engine = self.connection.engine().await?;
        let filters = names::labelled(labels);
        let options = ListVolumesOptionsBuilder::default().filters(&filters).build();
        let listed = self.connection.ask("list volumes", engine.list_volumes(Some(options))).await;
        Ok(listed?.volumes.unwrap_or_default())
    }

    async fn networks_with(&self, labels: &[(&str, &str)]) -> Result<Vec<Network>, Fault> {
        let engine = self.connection.engine().await?;
        let filters = names::labelled(labels);
        let options = ListNetworksOptionsBuilder::default().filters(&filters).build();
        self.connection.ask("list networks", engine.list_networks(Some(options))).await
    }
}

/// The first fault, once all have ended.
pub(super) fn all(results: Vec<Result<(), Fault>>) -> Result<(), Fault> {
    results.into_iter().collect()
}

/// The engine puts a slash before names.
pub(super) fn container_name(container: &ContainerSummary) -> Option<String> {
    let name = container.names.as_ref()?.first()?;
    Some(name.trim_start_matches('/').to_owned())
}

fn found(what: Thing, name: String, labels: &HashMap<String, String>) -> Found {
    let label = |name: &str| labels.get(name).map(String::as_str);
    Found {
        what,
        name,
        tenant: label(names::TENANT).unwrap_or_default().into(),
        instance: label(names::KEY).map(Into::into),
    }
}
