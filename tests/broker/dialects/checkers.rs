//! The three public checkers of brokers.

use serde_json::{Value, json};

use super::platform::{Plans, Platform, identity, ids};
use crate::harness::*;

/// osb-checker in Go: empty objects everywhere, and the verb for an operation.
pub(super) struct Go;

impl Platform for Go {
    fn version(&self) -> (&'static str, &'static str) {
        ("X-Broker-API-Version", "2.14")
    }

    fn headers(&self) -> Vec<(&'static str, String)> {
        vec![("Content-Type", "application/json".into())]
    }

    fn provision(&self, plan: &str) -> Value {
        let guids = json!({
            "organization_guid": "org",
            "space_guid": "space",
            "maintenance_info": {},
            "context": {},
            "parameters": {},
        });
        ids(plan, guids)
    }

    fn update(&self, plans: Plans) -> Value {
        let empty = json!({
            "context": {},
            "parameters": {},
            "maintenance_info": {},
            "previous_values": {"maintenance_info": {}},
        });
        ids(plans.second, empty)
    }

    fn bind(&self, plan: &str) -> Value {
        ids(plan, json!({"bind_resource": {}, "context": {}, "parameters": {}}))
    }

    fn polling(&self, plan: &str, _operation: &str) -> String {
        format!("?service_id={OFFERING}&plan_id={plan}&operation=provision")
    }
}

/// osb-checker in JavaScript: bindings without polling.
pub(super) struct JavaScript;

impl Platform for JavaScript {
    fn version(&self) -> (&'static str, &'static str) {
        ("x-broker-api-version", "2.13")
    }

    fn headers(&self) -> Vec<(&'static str, String)> {
        vec![("Content-Type", "application/json".into())]
    }

    fn provision(&self, plan: &str) -> Value {
        let guids = json!({
            "organization_guid": "00000000-0000-4000-8000-00000000000a",
            "space_guid": "00000000-0000-4000-8000-00000000000b",
        });
        ids(plan, guids)
    }

    fn update(&self, plans: Plans) -> Value {
        ids(plans.second, json!({"previous_values": {"plan_id": plans.first}}))
    }

    fn bind(&self, plan: &str) -> Value {
        ids(plan, json!({"bind_resource": {"app_guid": "app"}, "parameters": {}}))
    }

    fn may_poll_bindings(&self) -> bool {
        false
    }

    fn polling(&self, _plan: &str, operation: &str) -> String {
        format!("?operation={operation}")
    }
}

/// osb-checker in Kotlin: groups as an object, and a query that says its offering twice.
pub(super) struct Kotlin;

impl Platform for Kotlin {
    fn version(&self) -> (&'static str, &'static str) {
        ("X-Broker-API-Version", "2.15")
    }

    fn headers(&self) -> Vec<(&'static str, String)> {
        let user = json!({"username": "u", "uid": "1", "groups": {"name": "g"}, "extra": {}});
        vec![("Content-Type", "application/json".into()), identity("kubernetes", &user)]
    }

    fn provision(&self, plan: &str) -> Value {
        ids(plan, json!({"organization_guid": "o", "space_guid": "s", "parameters": {}}))
    }

    fn update(&self, plans: Plans) -> Value {
        ids(plans.second, json!({}))
    }

    fn bind(&self, plan: &str) -> Value {
        ids(plan, json!({"parameters": {}}))
    }

    fn removal(&self, plan: &str) -> String {
        format!("service_id={OFFERING}&service_id={OFFERING}&plan_id={plan}")
    }
}
