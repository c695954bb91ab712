//! What things are called on a container engine: derived from our keys, never from what others
//! sent, and led by the broker's id so that several brokers may share one engine.

use crate::id::{BrokerId, InstanceKey, TenantId};

/// A container.
#[must_use]
pub fn container(broker: &BrokerId, instance: &InstanceKey, role: &str) -> String {
    format!("banquet-{broker}-{instance}-{role}")
}

/// What an instance's container is reached by within its tenant's network. The role alone would
/// stand for every instance of the tenant at once.
#[must_use]
pub fn alias(instance: &InstanceKey, role: &str) -> String {
    format!("{instance}-{role}")
}

/// A volume.
#[must_use]
pub fn volume(broker: &BrokerId, instance: &InstanceKey, name: &str) -> String {
    format!("banquet-{broker}-{instance}-{name}")
}

/// A tenant's network.
#[must_use]
pub fn network(broker: &BrokerId, tenant: &TenantId) -> String {
    format!("banquet-{broker}-net-{}", tenant.key())
}
