//! `GET …/last_operation`

use super::{Broker, Caller};
use crate::id::{BindingId, BindingKey, InstanceId, InstanceKey, OperationId};
use crate::model::Operation;
use crate::osb::Refusal;

impl Broker {
    /// The operation that the platform names, else the newest on the instance; also after the
    /// instance is gone, for as long as it is remembered (requirement 53).
    pub async fn last_operation(
        &self,
        caller: &Caller,
        instance: &InstanceId,
        named: Option<&str>,
    ) -> Result<Operation, Refusal> {
        let key = InstanceKey::derive(&caller.platform, instance);
        self.last(key.as_str(), named, "instance").await
    }

    /// The same for a binding.
    pub async fn last_binding_operation(
        &self,
        caller: &Caller,
        (instance, binding): (&InstanceId, &BindingId),
        named: Option<&str>,
    ) -> Result<Operation, Refusal> {
        let key = InstanceKey::derive(&caller.platform, instance);
        let key = BindingKey::derive(&key, binding);
        self.last(key.as_str(), named, "binding").await
    }

    /// Platforms lose the token, or send one of their own making: an unknown one is as none.
    async fn last(
        &self,
        subject: &str,
        named: Option<&str>,
        what: &str,
    ) -> Result<Operation, Refusal> {
        if let Some(named) = named {
            let operation = self.operation_named(named).await?;
            if let Some(operation) = operation.filter(|operation| operation.subject() == subject) {
                return Ok(operation);
            }
        }
        let latest = self.store.latest(subject).await?;
        latest.ok_or_else(|| Refusal::NotFound(format!("there is no such {what}")))
    }

    /// The operation of a token. What is no token of ours is not looked for: PostgreSQL takes no
    /// text with a zero character.
    pub(super) async fn operation_named(&self, token: &str) -> Result<Option<Operation>, Refusal> {
        if !token.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-') {
            return Ok(None);
        }
        Ok(self.store.operation(&OperationId::from(token)).await?)
    }
}
