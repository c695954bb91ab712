//! eden, a command line: binds without polling, and encodes nothing.

use serde_json::{Value, json};

use super::platform::{Plans, Platform, ids};
use crate::harness::*;

pub(super) struct Eden;

impl Platform for Eden {
    fn version(&self) -> (&'static str, &'static str) {
        ("X-Broker-API-Version", "2.13")
    }

    fn headers(&self) -> Vec<(&'static str, String)> {
        vec![("Content-Type", "application/json".into())]
    }

    fn provision(&self, plan: &str) -> Value {
        ids(plan, json!({"organization_guid": "eden", "space_guid": "eden"}))
    }

    fn update(&self, plans: Plans) -> Value {
        ids(plans.second, json!({}))
    }

    fn bind(&self, plan: &str) -> Value {
        ids(plan, json!({"app_guid": "eden"}))
    }

    fn may_poll_bindings(&self) -> bool {
        false
    }

    fn polling(&self, plan: &str, operation: &str) -> String {
        let unreserved = |c: char| c.is_ascii_alphanumeric() || "-._~".contains(c);
        assert!(operation.chars().all(unreserved), "it is not encoded: {operation}");
        format!("?operation={operation}&service_id={OFFERING}&plan_id={plan}")
    }
}
