//! A service instance.

use std::collections::BTreeMap;

use super::{Object, Workload};
use crate::clock::Millis;
use crate::id::{InstanceId, InstanceKey, OfferingId, PlanId, PlatformName, TenantId};

/// A row of ours for a service instance. It exists from the answer to PUT until the last of its
/// remains is gone (requirement 127).
#[derive(Clone, Debug, PartialEq)]
pub struct Instance {
    /// Derived from `platform` and `id`.
    pub key: InstanceKey,
    /// Which platform asked for it.
    pub platform: PlatformName,
    /// As the platform sent it.
    pub id: InstanceId,
    /// Who it belongs to.
    pub tenant: TenantId,
    /// For people: `context.instance_name`, or the id.
    pub name: String,
    /// Of the catalog.
    pub offering_id: OfferingId,
    /// Of the catalog.
    pub plan_id: PlanId,
    /// As sent.
    pub organization_guid: String,
    /// As sent.
    pub space_guid: String,
    /// As sent, without defaults.
    pub parameters: Object,
    /// As sent (§profile).
    pub context: Object,
    /// `maintenance_info.version` of the plan when it was made or last upgraded.
    pub maintenance_version: Option<String>,
    /// Where it stands.
    pub state: InstanceState,
    /// The last good workload, or the first one wanted.
    pub workload: Workload,
    /// Port name → host port. Never changes once an app may know it.
    pub ports: BTreeMap<String, u16>,
    /// Whether it ever was ready: from then on nothing but deprovision removes its volumes.
    pub was_ready: bool,
    /// In ms.
    pub created_at: Millis,
    /// In ms.
    pub updated_at: Millis,
}

impl Instance {
    /// The ports that its workload publishes, by name: after a change of plan they may be fewer
    /// than are kept for it.
    #[must_use]
    pub fn published(&self) -> BTreeMap<String, u16> {
        let names = self.workload.port_names();
        names.filter_map(|name| Some((name.to_owned(), *self.ports.get(name)?))).collect()
    }
}

/// Where an instance stands, apart from what is running on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InstanceState {
    /// Asked for and not yet there.
    Creating,
    /// Usable, though perhaps being updated or removed.
    Ready,
    /// It could not be made; everything but this row is gone. DELETE removes it.
    Failed,
}

impl InstanceState {
    /// As stored.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Creating => "creating",
            Self::Ready => "ready",
            Self::Failed => "failed",
        }
    }

    /// From what is stored.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Creating, Self::Ready, Self::Failed].into_iter().find(|s| s.as_str() == text)
    }
}
