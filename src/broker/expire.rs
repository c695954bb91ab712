//! Bindings whose time is over: decided by the broker itself, carried out as any operation.

use super::Broker;
use crate::model::{Binding, BindingState, Kind};
use crate::osb::Refusal;
use crate::store::AuditEntry;

impl Broker {
    /// Begins to revoke every binding whose time is over. Answers how many.
    pub async fn expire_bindings(&self) -> Result<usize, Refusal> {
        let mut begun = 0;
        for binding in self.store.expired_bindings(self.now()).await? {
            begun += usize::from(self.expire(&binding).await?);
        }
        Ok(begun)
    }

    /// Looks again within the decision: it may have been unbound meanwhile.
    async fn expire(&self, binding: &Binding) -> Result<bool, Refusal> {
        let mut decision = self.store.decide(&binding.instance).await?;
        let row = decision.binding(&binding.key).await?;
        let ready = row.is_some_and(|row| row.state == BindingState::Ready);
        let running = decision.running().await?;
        if !ready || running.iter().any(|one| one.binding.as_ref() == Some(&binding.key)) {
            return Ok(false);
        }
        let Some(instance) = decision.instance().await? else { return Ok(false) };
        let operation = self.operation(Kind::Expire, &binding.instance, Some(&binding.key));
        decision.begin(&operation).await?;
        decision
            .audit(&AuditEntry {
                at: operation.created_at,
                platform: instance.platform.to_string(),
                action: operation.kind.as_str().to_owned(),
                instance: instance.id.to_string(),
                binding: binding.id.to_string(),
                operation: operation.id.to_string(),
                ..AuditEntry::default()
            })
            .await?;
        decision.commit().await?;
        self.bell.ring();
        Ok(true)
    }
}
