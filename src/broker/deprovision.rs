//! `DELETE /v2/service_instances/{id}`

use super::admit::{self, Present, Verdict};
use super::wait::Ended;
use super::{Admitted, Broker, Caller};
use crate::id::{InstanceId, InstanceKey};
use crate::model::Kind;
use crate::osb::Refusal;
use crate::osb::deprovision::{Request, Response};

impl Broker {
    /// Removes an instance with all its bindings (§Deprovisioning).
    pub async fn deprovision(
        &self,
        caller: &Caller,
        id: &InstanceId,
        request: &Request,
        accepts_incomplete: bool,
    ) -> Result<Response, Refusal> {
        let catalog = self.catalog.load_full();
        let plan = Self::plan(&catalog, &request.offering_id, &request.plan_id).ok();
        if !accepts_incomplete && !plan.is_some_and(|(_, plan)| plan.synchronous) {
            return Err(Refusal::AsyncRequired);
        }
        let operation = match self.begin_deprovision(caller, id).await? {
            Admitted::Unchanged => return Ok(Response::Removed),
            Admitted::Same(operation) if accepts_incomplete => {
                return Ok(Response::Accepted(operation));
            }
            Admitted::Begun(operation) | Admitted::Same(operation) => operation,
        };
        match self.ended(&operation, self.patience(accepts_incomplete)).await? {
            Ended::Succeeded => Ok(Response::Removed),
            Ended::Failed(_) | Ended::Not if accepts_incomplete => {
                Ok(Response::Accepted(operation))
            }
            Ended::Failed(_) | Ended::Not => Err(self.take_back(&operation).await?),
        }
    }

    /// Decides and begins; waits for nothing.
    pub(super) async fn begin_deprovision(
        &self,
        caller: &Caller,
        id: &InstanceId,
    ) -> Result<Admitted, Refusal> {
        let key = InstanceKey::derive(&caller.platform, id);
        let mut decision = self.store.decide(&key).await?;
        let row = decision.instance().await?;
        let latest = decision.latest(key.as_str()).await?;
        let present = Present::new(row.as_ref(), latest.as_ref());
        match admit::deprovision(present) {
            Verdict::New | Verdict::CallOff(_) => {}
            Verdict::Unchanged => return Ok(Admitted::Unchanged),
            Verdict::Same(operation) => return Ok(Admitted::Same(operation)),
            Verdict::Refused(refusal) => return Err(refusal),
        }
        // Bindings go with the instance (requirement 124), so whatever runs on them is over too.
        let off = decision.running().await?;
        for operation in &off {
            let why = "called off: the instance is being deleted";
            decision.call_off(&operation.id, why, self.now()).await?;
        }
        let operation = self.operation(Kind::Deprovision, &key, None);
        decision.begin(&operation).await?;
        decision.audit(&caller.entry(&operation, id.as_str(), "")).await?;
        decision.commit().await?;
        for called in &off {
            self.bell.call_off(&called.id);
            self.bell.ended(&called.id);
        }
        self.bell.ring();
        Ok(Admitted::Begun(operation.id))
    }
}
