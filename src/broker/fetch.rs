//! `GET /v2/service_instances/{id}` and `GET …/service_bindings/{id}`

use super::{Broker, Caller};
use crate::id::{BindingId, BindingKey, InstanceId, InstanceKey};
use crate::model::{BindingState, InstanceState};
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
        if self.store.running(key.as_str()).await?.is_some() {
            return Err(Refusal::Concurrency);
        }
        Ok(fetch::Instance {
            offering_id: instance.offering_id,
            plan_id: instance.plan_id,
            parameters: instance.parameters,
            maintenance_version: instance.maintenance_version,
        })
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
