//! SAP's Service Manager: no organization, a signed context, and 15 seconds of patience.

use axum::http::Method;
use serde_json::{Value, json};

use super::platform::{Plans, Platform, Session, identity, ids};

pub(super) struct ServiceManager;

/// Its signature differs with every request, and counts for nothing.
fn context(signature: &str) -> Value {
    json!({
        "platform": "service-manager",
        "instance_name": "db",
        "subaccount_id": "subaccount",
        "service_instance_id": "5f0f3c1e-0000-4000-8000-000000000001",
        "signature": signature,
    })
}

impl Platform for ServiceManager {
    fn version(&self) -> (&'static str, &'static str) {
        ("X-Broker-API-Version", "2.14")
    }

    fn headers(&self) -> Vec<(&'static str, String)> {
        vec![
            ("Content-Type", "application/json".into()),
            ("X-CorrelationID", "9a1c".into()),
            identity("service-manager", &json!({"user": "jane"})),
        ]
    }

    fn provision(&self, plan: &str) -> Value {
        let guids = json!({
            "organization_guid": "-",
            "space_guid": "-",
            "context": context("b2xk"),
        });
        ids(plan, guids)
    }

    fn update(&self, plans: Plans) -> Value {
        ids(plans.second, json!({"context": context("bmV3"), "parameters": null}))
    }

    fn bind(&self, plan: &str) -> Value {
        ids(plan, json!({"bind_resource": {}, "context": context("YmluZA")}))
    }

    /// The tenant is the subaccount; the same request with another signature is the same.
    fn at_leisure(&self, session: &Session<'_>, path: &str, plans: Plans) {
        let id = path.rsplit('/').next().unwrap();
        assert_eq!(session.broker.row(id).unwrap().tenant.as_str(), "cf/subaccount");
        let again = ids(
            plans.second,
            json!({"organization_guid": "-", "space_guid": "-", "context": context("cmV0cnk")}),
        );
        let path = format!("{path}?accepts_incomplete=true");
        session.send(Method::PUT, &path, &again).is(200);
    }
}
