//! What things are called on the engine, and how ours are told from others'.

use std::collections::HashMap;

use crate::backend::Place;
use crate::id::{BrokerId, TenantId};

pub use crate::model::names::{alias, container, network, volume};

/// Whose it is. Nothing without our value is ever changed or removed.
pub const BROKER: &str = "banquet.broker";
/// Which tenant it belongs to.
pub const TENANT: &str = "banquet.tenant";
/// Which instance, as the platform named it.
pub const INSTANCE: &str = "banquet.instance";
/// Which instance, as we name it.
pub(super) const KEY: &str = "banquet.key";
/// See [`crate::backend::reconcile::spec`].
pub(super) const SPEC: &str = "banquet.spec";
/// How many containers the workload has that this one was made for.
pub(super) const COUNT: &str = "banquet.containers";

/// The labels of a tenant's network.
pub(super) fn network_labels(broker: &BrokerId, tenant: &TenantId) -> HashMap<String, String> {
    HashMap::from([
        (BROKER.to_owned(), broker.to_string()),
        (TENANT.to_owned(), tenant.to_string()),
    ])
}

/// The labels of an instance's volumes and, with a few more, containers. Ours win over the
/// context's.
pub(super) fn instance_labels(broker: &BrokerId, place: &Place) -> HashMap<String, String> {
    let mut labels: HashMap<_, _> = place.labels.clone().into_iter().collect();
    labels.extend(network_labels(broker, &place.tenant));
    labels.insert(INSTANCE.to_owned(), place.instance_id.to_string());
    labels.insert(KEY.to_owned(), place.instance.to_string());
    labels
}

/// A filter that lets through what carries all these labels.
pub(super) fn labelled(labels: &[(&str, &str)]) -> HashMap<String, Vec<String>> {
    let terms = labels.iter().map(|(name, value)| format!("{name}={value}")).collect();
    HashMap::from([("label".to_owned(), terms)])
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::id::InstanceKey;

    #[test]
    fn names_are_made_of_broker_key_and_role() {
        let broker = BrokerId::from("b1");
        let key = InstanceKey::from("0123456789abcdef");
        assert_eq!(container(&broker, &key, "server"), "banquet-b1-0123456789abcdef-server");
        assert_eq!(volume(&broker, &key, "data"), "banquet-b1-0123456789abcdef-data");
        let name = network(&broker, &TenantId::from("cf/org 1"));
        assert!(name.starts_with("banquet-b1-net-") && name.len() == "banquet-b1-net-".len() + 16);
    }

    #[test]
    fn a_context_cannot_forge_our_labels() {
        let place = Place {
            instance: "00aa".into(),
            instance_id: "i".into(),
            tenant: "t".into(),
            subnet: "10.0.0.0/28".parse().unwrap(),
            labels: [("banquet.broker", "evil"), ("banquet.name", "db")]
                .map(|(name, value)| (name.to_owned(), value.to_owned()))
                .into(),
            ports: BTreeMap::new(),
            was_ready: false,
        };
        let labels = instance_labels(&"b1".into(), &place);
        assert_eq!(labels[BROKER], "b1");
        assert_eq!(labels["banquet.name"], "db");
        assert_eq!(labels[KEY], "00aa");
    }
}
