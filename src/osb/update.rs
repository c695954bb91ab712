//! `PATCH /v2/service_instances/{instance_id}`
//!
//! [Specification](https://github.com/openservicebrokerapi/servicebroker/blob/v2.17/spec.md#updating-a-service-instance)

use super::Refusal;
use super::fields::Fields;
use crate::id::{OfferingId, OperationId, PlanId};
use crate::model::Object;

/// What is asked. `previous_values` is information only and not read.
#[derive(Clone, Debug)]
pub struct Request {
    /// MUST be the instance's offering.
    pub offering_id: OfferingId,
    /// Absent: the plan stays (requirement 83).
    pub plan_id: Option<PlanId>,
    /// Absent and `{}`: the parameters stay. A key given replaces, a key of `null` removes.
    pub parameters: Object,
    /// Absent and `{}`: the context stays.
    pub context: Option<Object>,
    /// `maintenance_info.version`: asks for the upgrade to it.
    pub maintenance_version: Option<String>,
}

/// What is answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Response {
    /// 200: it is so.
    Applied,
    /// 202: being changed.
    Accepted(OperationId),
}

impl Request {
    /// Reads a body (requirement 79).
    pub fn parse(body: &[u8]) -> Result<Self, Refusal> {
        let fields = Fields::parse(body)?;
        let plan_id = fields.optional("plan_id")?.filter(|id| !id.is_empty());
        Ok(Self {
            offering_id: fields.required("service_id")?.into(),
            plan_id: plan_id.map(Into::into),
            parameters: fields.object("parameters")?.unwrap_or_default(),
            context: fields.object("context")?.filter(|context| !context.is_empty()),
            maintenance_version: fields.maintenance_version()?,
        })
    }
}
