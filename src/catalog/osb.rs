//! The body of `GET /v2/catalog` (requirements 28 to 38).

use serde::Serialize;
use serde_json::{Value, json};

use super::{Offering, Plan, Schema};
use crate::model::Object;

#[derive(Serialize)]
struct Body<'a> {
    services: Vec<ServiceOffering<'a>>,
}

#[derive(Serialize)]
#[expect(clippy::struct_excessive_bools, reason = "the specification's fields")]
struct ServiceOffering<'a> {
    name: &'a str,
    id: &'a str,
    description: &'a str,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    tags: &'a [String],
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    requires: &'a [String],
    bindable: bool,
    instances_retrievable: bool,
    bindings_retrievable: bool,
    allow_context_updates: bool,
    /// The specification's spelling.
    plan_updateable: bool,
    #[serde(skip_serializing_if = "Object::is_empty")]
    metadata: &'a Object,
    #[serde(skip_serializing_if = "Option::is_none")]
    dashboard_client: Option<&'a Object>,
    plans: Vec<ServicePlan<'a>>,
}

#[derive(Serialize)]
#[expect(clippy::struct_excessive_bools, reason = "the specification's fields")]
struct ServicePlan<'a> {
    id: &'a str,
    name: &'a str,
    description: &'a str,
    free: bool,
    bindable: bool,
    binding_rotatable: bool,
    plan_updateable: bool,
    #[serde(skip_serializing_if = "Object::is_empty")]
    metadata: &'a Object,
    schemas: Value,
    #[serde(skip_serializing_if = "Option::is_none")]
    maximum_polling_duration: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    maintenance_info: Option<MaintenanceInfo<'a>>,
}

#[derive(Serialize)]
struct MaintenanceInfo<'a> {
    version: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<&'a str>,
}

/// The same bytes for the same offerings, always.
pub(super) fn body(offerings: &[Offering]) -> Vec<u8> {
    let services = offerings.iter().map(ServiceOffering::from).collect();
    serde_json::to_vec(&Body { services }).expect("texts, numbers and maps serialise")
}

/// A strong ETag.
pub(super) fn etag(body: &[u8]) -> String {
    format!("\"{}\"", super::sha256_hex(body))
}

impl<'a> From<&'a Offering> for ServiceOffering<'a> {
    fn from(offering: &'a Offering) -> Self {
        Self {
            name: &offering.name,
            id: offering.id.as_str(),
            description: &offering.description,
            tags: &offering.tags,
            requires: &offering.requires,
            bindable: offering.bindable,
            instances_retrievable: true,
            bindings_retrievable: true,
            allow_context_updates: true,
            plan_updateable: offering.plans.iter().any(|plan| plan.plan_updateable),
            metadata: &offering.metadata,
            dashboard_client: offering.dashboard_client.as_ref(),
            plans: offering.plans.iter().map(ServicePlan::from).collect(),
        }
    }
}

impl<'a> From<&'a Plan> for ServicePlan<'a> {
    fn from(plan: &'a Plan) -> Self {
        Self {
            id: plan.id.as_str(),
            name: &plan.name,
            description: &plan.description,
            free: plan.free,
            bindable: plan.bindable,
            binding_rotatable: plan.binding_rotatable,
            plan_updateable: plan.plan_updateable,
            metadata: &plan.metadata,
            schemas: schemas(plan),
            maximum_polling_duration: plan.maximum_polling_duration_s,
            maintenance_info: plan.maintenance_version.as_deref().map(|version| MaintenanceInfo {
                version,
                description: plan.maintenance_description.as_deref(),
            }),
        }
    }
}

fn schemas(plan: &Plan) -> Value {
    let parameters = |schema: &Schema| json!({ "parameters": schema.document() });
    let mut schemas = json!({
        "service_instance": {
            "create": parameters(&plan.schemas.create),
            "update": parameters(&plan.schemas.update),
        },
    });
    if plan.bindable {
        schemas["service_binding"] = json!({ "create": parameters(&plan.schemas.bind) });
    }
    schemas
}
