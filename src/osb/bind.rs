//! `PUT /v2/service_instances/{instance_id}/service_bindings/{binding_id}`
//!
//! [Specification](https://github.com/openservicebrokerapi/servicebroker/blob/v2.17/spec.md#binding)

use serde_json::{Value, json};

use super::fields::{Fields, checked_id};
use super::{Refusal, Version};
use crate::clock::{Millis, utc};
use crate::id::{BindingId, OfferingId, OperationId, PlanId};
use crate::model::Object;

/// What is asked.
#[derive(Clone, Debug)]
pub struct Request {
    /// MUST be the instance's offering. Absent only in a rotation.
    pub offering_id: Option<OfferingId>,
    /// MUST be a plan of it. Absent only in a rotation.
    pub plan_id: Option<PlanId>,
    /// `predecessor_binding_id`: the binding to take over from (§Binding Rotation).
    pub predecessor: Option<BindingId>,
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
    /// When the credentials end, in ms.
    pub expires_at: Option<Millis>,
    /// By when they should be replaced, in ms.
    pub renew_before: Option<Millis>,
}

impl Request {
    /// Reads a body (requirement 91).
    pub fn parse(body: &[u8]) -> Result<Self, Refusal> {
        let fields = Fields::parse(body)?;
        let resource = fields.object("bind_resource")?.unwrap_or_default();
        let app = match resource.get("app_guid") {
            Some(Value::String(app)) => Some(checked_id("bind_resource.app_guid", app)?),
            None | Some(Value::Null) => fields.optional("app_guid")?,
            Some(_) => {
                return Err(Refusal::Invalid("bind_resource.app_guid must be a string".into()));
            }
        };
        let predecessor = fields.optional("predecessor_binding_id")?.filter(|id| !id.is_empty());
        let id = |name| match predecessor {
            Some(_) => Ok(fields.optional(name)?.filter(|id| !id.is_empty())),
            None => fields.required(name).map(Some),
        };
        Ok(Self {
            offering_id: id("service_id")?.map(Into::into),
            plan_id: id("plan_id")?.map(Into::into),
            predecessor: predecessor.clone().map(Into::into),
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
        let metadata = self.metadata(version);
        if !metadata.is_empty() {
            body.insert("metadata".into(), Value::Object(metadata));
        }
        body
    }

    /// `expires_at` came with 2.16, `renew_before` with 2.17; one fractional digit
    /// (requirement 100).
    fn metadata(&self, version: Version) -> Object {
        let since = [
            ("expires_at", self.expires_at, Version::V2_16),
            ("renew_before", self.renew_before, Version::V2_17),
        ];
        since
            .into_iter()
            .filter(|(_, _, first)| version >= *first)
            .filter_map(|(name, at, _)| Some((name.to_owned(), Value::String(utc(at?)))))
            .collect()
    }
}
