//! Cloud Foundry's Cloud Controller: always willing to poll, and at it at once.

use axum::http::Method;
use serde_json::{Value, json};

use super::platform::{Plans, Platform, Session, identity, ids};
use crate::harness::*;

pub(super) struct CloudController;

fn context(name: &str) -> Value {
    json!({
        "platform": "cloudfoundry",
        "organization_guid": "org",
        "organization_name": "acme",
        "organization_annotations": {},
        "space_guid": "space",
        "space_name": "dev",
        "space_annotations": {},
        "instance_name": name,
        "instance_annotations": {},
    })
}

impl Platform for CloudController {
    fn version(&self) -> (&'static str, &'static str) {
        ("X-Broker-Api-Version", "2.15")
    }

    fn headers(&self) -> Vec<(&'static str, String)> {
        vec![
            ("Accept", "application/json".into()),
            ("Content-Type", "application/json".into()),
            ("X-VCAP-Request-ID", "6e7a2d1c-0000-4000-8000-000000000009::1".into()),
            ("X-Broker-API-Request-Identity", "6e7a2d1c-0000-4000-8000-000000000009".into()),
            ("X-Api-Info-Location", "api.example.com/v2/info".into()),
            ("X-B3-TraceId", "80f198ee56343ba8".into()),
            identity("cloudfoundry", &json!({"user_id": "683ea748-3092-4ff4-b656-39cacc4d5360"})),
        ]
    }

    fn provision(&self, plan: &str) -> Value {
        let guids = json!({
            "organization_guid": "org",
            "space_guid": "space",
            "context": context("db"),
            "maintenance_info": {"version": "1.0.0"},
        });
        ids(plan, guids)
    }

    fn update(&self, plans: Plans) -> Value {
        let changes = json!({
            "parameters": {},
            "context": context("db"),
            "maintenance_info": {"version": "1.0.0"},
            "previous_values": {
                "plan_id": plans.first,
                "service_id": OFFERING,
                "organization_id": "org",
                "space_id": "space",
                "maintenance_info": {"version": "1.0.0"},
            },
        });
        ids(plans.second, changes)
    }

    fn bind(&self, plan: &str) -> Value {
        let app = json!({
            "app_guid": "app",
            "bind_resource": {"app_guid": "app", "space_guid": "space", "app_annotations": {}},
            "context": context("db"),
        });
        ids(plan, app)
    }

    /// A rename, a key without an app, and a DELETE whose 202 nobody follows.
    fn at_leisure(&self, session: &Session<'_>, path: &str, plans: Plans) {
        let rename = json!({"context": context("renamed"), "service_id": OFFERING});
        let polling = format!("{path}?accepts_incomplete=true");
        session.send(Method::PATCH, &polling, &rename).is(200);
        let id = path.rsplit('/').next().unwrap();
        assert_eq!(session.broker.row(id).unwrap().name, "renamed");

        let key = ids(plans.second, json!({"bind_resource": {"credential_client_id": "x"}}));
        let binding = format!("{path}/service_bindings/key");
        let made = session.send(Method::PUT, &format!("{binding}?accepts_incomplete=true"), &key);
        assert!([201, 202].contains(&made.status), "{made:?}");
        session.broker.settled(&binding);
        let removal = format!("{binding}?accepts_incomplete=true&{}", self.removal(plans.second));
        let mitigation = session.send(Method::DELETE, &removal, &Value::Null);
        assert!([200, 202].contains(&mitigation.status), "{mitigation:?}");
        Broker::until(|| session.broker.engine.users().is_empty());
    }
}
