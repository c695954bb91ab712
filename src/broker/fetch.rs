//! `GET /v2/service_instances/{id}` and `GET …/service_bindings/{id}`

use std::collections::BTreeMap;

use super::{Broker, Caller};
use crate::id::{BindingId, BindingKey, InstanceId, InstanceKey};
use crate::model::{BindingState, Instance, InstanceState, Kind};
use crate::osb::metadata::Metadata;
use crate::osb::{Refusal, fetch};

impl Broker {
    /// An instance, unless it is not there yet (requirement 72) or is being changed
    /// (requirement 73).
    pub async fn instance(
        &self,
        caller: &Caller,
        id: &InstanceId,
    ) -> Result<fetch::Instance, Refusal> {
        let key = InstanceKey::derive(&caller.platform, id);
        let row = self.store.instance(&key).await?;
        let instance = row
            .filter(|row| row.state == InstanceState::Ready)
            .ok_or_else(|| Refusal::NotFound("there is no such instance".into()))?;
        let running = self.store.running(key.as_str()).await?;
        if running.is_some_and(|operation| operation.kind != Kind::Renew) {
            return Err(Refusal::Concurrency);
        }
        let metadata = self.metadata_of(&instance);
        Ok(fetch::Instance {
            metadata,
            offering_id: instance.offering_id,
            plan_id: instance.plan_id,
            parameters: instance.parameters,
            maintenance_version: instance.maintenance_version,
        })
    }

    /// What is told of an instance in the answers to PUT and PATCH, as it is now.
    pub async fn metadata(&self, caller: &Caller, id: &InstanceId) -> Result<Metadata, Refusal> {
        let key = InstanceKey::derive(&caller.platform, id);
        let row = self.store.instance(&key).await?;
        Ok(row.map(|row| self.metadata_of(&row)).unwrap_or_default())
    }

    fn metadata_of(&self, instance: &Instance) -> Metadata {
        let catalog = self.catalog.load();
        let offering = catalog.offering(&instance.offering_id);
        let plan = offering.and_then(|offering| offering.plan(&instance.plan_id));
        let labels = [
            ("banquet.tenant", Some(instance.tenant.to_string())),
            ("banquet.name", Some(instance.name.clone())),
            ("banquet.offering", offering.map(|one| one.name.clone())),
            ("banquet.plan", plan.map(|one| one.name.clone())),
        ];
        let attributes = [
            ("memory_bytes", plan.map(|one| one.memory_bytes.to_string())),
            ("cpu_millis", plan.map(|one| one.cpu_millis.to_string())),
            ("disk_bytes", plan.map(|one| one.disk_bytes.to_string())),
            ("connections", plan.map(|one| one.connections.to_string())),
        ];
        Metadata { labels: known(labels), attributes: known(attributes) }
    }

    /// A binding with its credentials, unless it is not there yet (requirement 105).
    pub async fn binding(
        &self,
        caller: &Caller,
        (instance, id): (&InstanceId, &BindingId),
    ) -> Result<fetch::Binding, Refusal> {
        let instance = InstanceKey::derive(&caller.platform, instance);
        let key = BindingKey::derive(&instance, id);
        let row = self.store.binding(&key).await?;
        let binding = row
            .filter(|row| row.state == BindingState::Ready)
            .ok_or_else(|| Refusal::NotFound("there is no such binding".into()))?;
        if self.store.running(key.as_str()).await?.is_some() {
            return Err(Refusal::Concurrency);
        }
        Ok(fetch::Binding {
            access: self.access(&instance, &key).await?,
            parameters: binding.parameters,
        })
    }
}

fn known<const N: usize>(pairs: [(&str, Option<String>); N]) -> BTreeMap<String, String> {
    pairs.into_iter().filter_map(|(key, value)| Some((key.to_owned(), value?))).collect()
}
