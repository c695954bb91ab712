//! `DELETE /v2/service_instances/{id}/service_bindings/{id}`

use super::admit::{self, Present, Verdict};
use super::wait::Ended;
use super::{Admitted, Broker, Caller};
use crate::id::{BindingId, BindingKey, InstanceId, InstanceKey};
use crate::model::Kind;
use crate::osb::Refusal;
use crate::osb::unbind::Response;

impl Broker {
    /// Removes a binding and cuts its connections (§Unbinding). Never needs `accepts_incomplete`.
    pub async fn unbind(
        &self,
        caller: &Caller,
        ids: (&InstanceId, &BindingId),
        accepts_incomplete: bool,
    ) -> Result<Response, Refusal> {
        let operation = match self.begin_unbind(caller, ids).await? {
            Admitted::Unchanged => return Ok(Response::Removed),
            Admitted::Same(operation) if accepts_incomplete => {
                return Ok(Response::Accepted(operation));
            }
            Admitted::Begun(operation) | Admitted::Same(operation) => operation,
        };
        match self.ended(&operation, self.patience(accepts_incomplete)).await? {
            // It fails only where the deletion of the whole instance takes the binding with it.
            Ended::Succeeded | Ended::Failed(_) => Ok(Response::Removed),
            Ended::Not if accepts_incomplete => Ok(Response::Accepted(operation)),
            Ended::Not => Err(self.take_back(&operation).await?),
        }
    }

    /// Decides and begins; waits for nothing.
    pub(super) async fn begin_unbind(
        &self,
        caller: &Caller,
        (id, binding_id): (&InstanceId, &BindingId),
    ) -> Result<Admitted, Refusal> {
        let key = InstanceKey::derive(&caller.platform, id);
        let binding_key = BindingKey::derive(&key, binding_id);
        let mut decision = self.store.decide(&key).await?;
        let row = decision.binding(&binding_key).await?;
        let latest = decision.latest(binding_key.as_str()).await?;
        let present = Present::new(row.as_ref(), latest.as_ref());
        let off = match admit::unbind(present) {
            Verdict::New => None,
            Verdict::CallOff(operation) => Some(operation),
            Verdict::Unchanged => return Ok(Admitted::Unchanged),
            Verdict::Same(operation) => return Ok(Admitted::Same(operation)),
            Verdict::Refused(refusal) => return Err(refusal),
        };
        if let Some(off) = &off {
            let why = "called off: the binding is being deleted";
            decision.call_off(off, why, self.now()).await?;
        }
        let operation = self.operation(Kind::Unbind, &key, Some(&binding_key));
        decision.begin(&operation).await?;
        decision.audit(&caller.entry(&operation, id.as_str(), binding_id.as_str())).await?;
        decision.commit().await?;
        if let Some(off) = &off {
            self.bell.call_off(off);
            self.bell.ended(off);
        }
        self.bell.ring();
        Ok(Admitted::Begun(operation.id))
    }
}
