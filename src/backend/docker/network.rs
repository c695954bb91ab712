//! A tenant's network.

use std::time::Duration;

use bollard::models::{Ipam, IpamConfig, NetworkCreateRequest, NetworkInspect};

use super::connection::{bounded, message, status};
use super::{Docker, names};
use crate::backend::Place;
use crate::id::TenantId;
use crate::model::Fault;

impl Docker {
    /// Makes the tenant's network unless it is there.
    pub(super) async fn ensure_network(&self, place: &Place) -> Result<(), Fault> {
        let name = names::network(&self.broker, &place.tenant);
        if self.own_network(&name).await?.is_some_and(|network| has_subnet(&network, place)) {
            return Ok(());
        }
        let _alone = self.networking.lock().await;
        if let Some(network) = self.own_network(&name).await? {
            // One with another range is left from a tenant that was forgotten and came back. It
            // goes, unless it is still used: then it serves as well as the new one would.
            if has_subnet(&network, place) || !self.drop_network(&name).await? {
                return Ok(());
            }
        }
        self.create_network(place, name).await
    }

    async fn create_network(&self, place: &Place, name: String) -> Result<(), Fault> {
        let engine = self.connection.engine().await?;
        let request = NetworkCreateRequest {
            name: name.clone(),
            driver: Some("bridge".to_owned()),
            ipam: Some(Ipam {
                config: Some(vec![IpamConfig {
                    subnet: Some(place.subnet.to_string()),
                    ..IpamConfig::default()
                }]),
                ..Ipam::default()
            }),
            labels: Some(names::network_labels(&self.broker, &place.tenant)),
            ..NetworkCreateRequest::default()
        };
        let Err(error) = bounded(engine.create_network(request)).await else { return Ok(()) };
        let taken = message(&error).contains("overlap") || message(&error).contains("already used");
        if !taken && status(&error) != Some(409) {
            return Err(self.connection.fault("make the tenant's network", error));
        }
        // Another process of ours may be making the very same, or a broker that ended was.
        for _ in 0..5 {
            if self.own_network(&name).await?.is_some() {
                return Ok(());
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        let subnet = place.subnet;
        Err(Fault::fatal(format!(
            "the range {subnet} for the tenant's network is in use by another network of the \
             container engine's machine; give the broker a range of its own"
        ))
        .because(error))
    }

    /// The network of this name. Fatal if it is somebody else's.
    async fn own_network(&self, name: &str) -> Result<Option<NetworkInspect>, Fault> {
        let engine = self.connection.engine().await?;
        let doing = "look for the tenant's network";
        let network = self.connection.ask_for(doing, engine.inspect_network(name, None)).await?;
        if let Some(network) = &network {
            let owner = network.labels.as_ref().and_then(|labels| labels.get(names::BROKER));
            self.must_own(owner, "network", name)?;
        }
        Ok(network)
    }

    /// Whether it is gone: it stays while something is attached to it.
    async fn drop_network(&self, name: &str) -> Result<bool, Fault> {
        let engine = self.connection.engine().await?;
        match bounded(engine.remove_network(name)).await {
            Ok(()) => Ok(true),
            Err(error) if status(&error) == Some(404) => Ok(true),
            Err(error) if is_in_use(message(&error)) => Ok(false),
            Err(error) => Err(self.connection.fault("remove the tenant's network", error)),
        }
    }

    /// Removes a tenant's network; see [`crate::backend::Backend::remove_network`].
    pub(super) async fn remove_tenant_network(&self, tenant: &TenantId) -> Result<(), Fault> {
        let name = names::network(&self.broker, tenant);
        if self.own_network(&name).await?.is_some() {
            self.drop_network(&name).await?;
        }
        Ok(())
    }

    /// What has our name and not our label is never touched.
    pub(super) fn must_own(
        &self,
        owner: Option<&String>,
        what: &str,
        name: &str,
    ) -> Result<(), Fault> {
        if owner.map(String::as_str) == Some(self.broker.as_str()) {
            return Ok(());
        }
        Err(Fault::fatal(format!(
            "the {what} {name} on the container engine was not made by this broker; it is left \
             alone: remove or rename it, or give this broker another id"
        )))
    }
}

fn has_subnet(network: &NetworkInspect, place: &Place) -> bool {
    let wanted = place.subnet.to_string();
    let ranges = network.ipam.as_ref().and_then(|ipam| ipam.config.as_ref());
    ranges.is_some_and(|ranges| ranges.iter().any(|range| range.subnet.as_ref() == Some(&wanted)))
}

/// Docker: "has active endpoints"; Podman: "has associated containers with it … is being used".
fn is_in_use(message: &str) -> bool {
    ["active endpoints", "associated containers", "being used", "in use"]
        .iter()
        .any(|words| message.contains(words))
}
