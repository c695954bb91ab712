//! `DELETE /v2/service_instances/{instance_id}`
//!
//! [Specification](https://github.com/openservicebrokerapi/servicebroker/blob/v2.17/spec.md#deprovisioning)

use super::Refusal;
use super::fields::Query;
use crate::id::{OfferingId, OperationId, PlanId};

/// What is asked. The ids are required (requirement 118), but an instance is removed whatever
/// they say: after an update a platform may still name the old plan.
#[derive(Clone, Debug)]
pub struct Request {
    /// As the platform believes.
    pub offering_id: OfferingId,
    /// As the platform believes.
    pub plan_id: PlanId,
}

/// What is answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Response {
    /// 200: it is gone.
    Removed,
    /// 202: being removed.
    Accepted(OperationId),
}

impl Request {
    /// Reads a query.
    pub fn parse(query: &Query) -> Result<Self, Refusal> {
        Ok(Self {
            offering_id: query.required("service_id")?.into(),
            plan_id: query.required("plan_id")?.into(),
        })
    }
}
