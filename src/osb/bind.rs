//! `PUT /v2/service_instances/{instance_id}/service_bindings/{binding_id}`
//!
//! [Specification](https://github.com/openservicebrokerapi/servicebroker/blob/v2.17/spec.md#binding)

use serde_json::{Value, json};

use super::fields::Fields;
use super::{Refusal, Version};
use crate::id::{OfferingId, OperationId, PlanId};
use crate::model::Object;

/// What is asked.
#[derive(Clone, Debug)]
pub struct Request {
    /// MUST be the instance's offering.
    pub offering_id: OfferingId,
    /// MUST be a plan of it.
    pub plan_id: PlanId,
    /// Where it is asked for.
    pub context: Object,
    /// `bind_resource.app_guid`, else `app_guid`; empty counts as absent (Korifi's service keys).
    pub app_guid: Option<String>,
    /// For the offering; absent, `null` and `{}` are the same.
    pub parameters: Object,
}

/// What is answered.
#[derive(Clone, Debug, PartialEq)]
pub enum Response {
    /// 201: made by this request.
    Created(Access),
    /// 200: it was there already, just so.
    Exists(Access),
    /// 202: being made. No credentials (requirement 90).
    Accepted(OperationId),
}

/// What an app needs.
#[derive(Clone, Debug, PartialEq)]
pub struct Access {
    /// From the offering's template.
    pub credentials: Object,
    /// The host, and every port on it (requirement 99).
    pub host: String,
    /// Host ports.
    pub ports: Vec<u16>,
}

impl Request {
    /// Reads a body (requirement 91).
    pub fn parse(body: &[u8]) -> Result<Self, Refusal> {
        let fields = Fields::parse(body)?;
        let resource = fields.object("bind_resource")?.unwrap_or_default();
        let app = match resource.get("app_guid") {
            Some(Value::String(app)) => Some(app.clone()),
            None | Some(Value::Null) => fields.optional("app_guid")?,
            Some(_) => {
                return Err(Refusal::Invalid("bind_resource.app_guid must be a string".into()));
            }
        };
        Ok(Self {
            offering_id: fields.required("service_id")?.into(),
            plan_id: fields.required("plan_id")?.into(),
            context: fields.object("context")?.unwrap_or_default(),
            app_guid: app.filter(|app| !app.is_empty()),
            parameters: fields.object("parameters")?.unwrap_or_default(),
        })
    }
}

impl Access {
    /// The binding's body. `endpoints` only to 2.15 and later: service-catalog asks with 2.14 and
    /// fails to parse their ports, which are strings.
    #[must_use]
    pub fn body(&self, version: Version) -> Object {
        let mut body = Object::new();
        body.insert("credentials".into(), Value::Object(self.credentials.clone()));
        if version >= Version::V2_15 {
            let ports: Vec<String> = self.ports.iter().map(u16::to_string).collect();
            let endpoint = json!({"host": self.host, "ports": ports, "protocol": "tcp"});
            body.insert("endpoints".into(), json!([endpoint]));
        }
        body
    }
}
