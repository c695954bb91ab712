//! `PUT /v2/service_instances/{instance_id}`
//!
//! [Specification](https://github.com/openservicebrokerapi/servicebroker/blob/v2.17/spec.md#provisioning)

use super::Refusal;
use super::fields::Fields;
use crate::id::{OfferingId, OperationId, PlanId};
use crate::model::Object;

/// What is asked.
#[derive(Clone, Debug)]
pub struct Request {
    /// MUST be the id of an offering in the catalog (requirement 67).
    pub offering_id: OfferingId,
    /// MUST be the id of a plan of that offering.
    pub plan_id: PlanId,
    /// Deprecated, and still required.
    pub organization_guid: String,
    /// Deprecated, and still required.
    pub space_guid: String,
    /// Where it is asked for (§profile).
    pub context: Object,
    /// For the offering; absent, `null` and `{}` are the same.
    pub parameters: Object,
    /// `maintenance_info.version`.
    pub maintenance_version: Option<String>,
}

/// What is answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Response {
    /// 201: made by this request.
    Created,
    /// 200: it was there already, just so.
    Exists,
    /// 202: being made.
    Accepted(OperationId),
}

impl Request {
    /// Reads a body (requirement 62).
    pub fn parse(body: &[u8]) -> Result<Self, Refusal> {
        let fields = Fields::parse(body)?;
        Ok(Self {
            offering_id: fields.required("service_id")?.into(),
            plan_id: fields.required("plan_id")?.into(),
            organization_guid: fields.required("organization_guid")?,
            space_guid: fields.required("space_guid")?,
            context: fields.object("context")?.unwrap_or_default(),
            parameters: fields.object("parameters")?.unwrap_or_default(),
            maintenance_version: fields.maintenance_version()?,
        })
    }
}
