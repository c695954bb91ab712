//! `GET /v2/service_instances/{instance_id}` and `GET …/service_bindings/{binding_id}`
//!
//! [Specification](https://github.com/openservicebrokerapi/servicebroker/blob/v2.17/spec.md#fetching-a-service-instance)

use serde_json::{Value, json};

use super::Version;
use super::bind::Access;
use super::metadata::Metadata;
use crate::id::{OfferingId, PlanId};
use crate::model::Object;

/// An instance as fetched (requirement 74).
#[derive(Clone, Debug, PartialEq)]
pub struct Instance {
    /// Its offering.
    pub offering_id: OfferingId,
    /// Its plan.
    pub plan_id: PlanId,
    /// As sent.
    pub parameters: Object,
    /// What it was made with or last upgraded to.
    pub maintenance_version: Option<String>,
    /// See [`Metadata`].
    pub metadata: Metadata,
}

/// A binding as fetched (requirement 106).
#[derive(Clone, Debug, PartialEq)]
pub struct Binding {
    /// What an app needs.
    pub access: Access,
    /// As sent.
    pub parameters: Object,
}

impl Instance {
    /// The body, with the fields that the version knows.
    #[must_use]
    pub fn body(&self, version: Version) -> Object {
        let mut body = Object::new();
        body.insert("service_id".into(), self.offering_id.as_str().into());
        body.insert("plan_id".into(), self.plan_id.as_str().into());
        body.insert("parameters".into(), Value::Object(self.parameters.clone()));
        if let Some(info) = self.maintenance_version.as_ref().filter(|_| version >= Version::V2_17)
        {
            body.insert("maintenance_info".into(), json!({"version": info}));
        }
        self.metadata.add_to(&mut body, version);
        body
    }
}

impl Binding {
    /// The body, with the fields that the version knows.
    #[must_use]
    pub fn body(&self, version: Version) -> Object {
        let mut body = self.access.body(version);
        body.insert("parameters".into(), Value::Object(self.parameters.clone()));
        body
    }
}
