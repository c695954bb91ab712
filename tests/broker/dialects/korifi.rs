//! Korifi: a controller that repeats its request before every poll, and takes a binding's
//! credentials from the repeated PUT.

use axum::http::Method;
use serde_json::{Value, json};

use super::platform::{Asked, Plans, Platform, Session, ids};
use crate::harness::*;

pub(super) struct Korifi;

impl Platform for Korifi {
    fn version(&self) -> (&'static str, &'static str) {
        ("X-Broker-API-Version", "2.17")
    }

    fn headers(&self) -> Vec<(&'static str, String)> {
        vec![("Content-Type", "application/json".into())]
    }

    fn provision(&self, plan: &str) -> Value {
        let guids = json!({"organization_guid": "org", "space_guid": "space"});
        with_null_parameters(ids(plan, guids))
    }

    fn update(&self, plans: Plans) -> Value {
        with_null_parameters(ids(plans.second, json!({})))
    }

    /// A service key: an app that is empty.
    fn bind(&self, plan: &str) -> Value {
        let app = json!({"app_guid": "", "bind_resource": {"app_guid": ""}});
        with_null_parameters(ids(plan, app))
    }

    fn between(&self, session: &Session<'_>, request: &Asked) {
        let again = session.ask(request);
        let allowed: &[u16] = match request.method {
            Method::PUT | Method::PATCH => &[200, 202],
            _ => &[200, 202, 410],
        };
        assert!(allowed.contains(&again.status), "{request:?}: {again:?}");
        if request.method != Method::DELETE && again.status == 200 {
            let poll = format!("{}/last_operation", request.path);
            let told = session.send(Method::GET, &poll, &Value::Null).is(200).body;
            assert_eq!(told["state"], "succeeded", "200 before it is done: {request:?}");
        }
    }

    fn credentials(&self, session: &Session<'_>, bound: &Asked, _first: Reply) -> Value {
        session.ask(bound).is(200).body
    }
}

fn with_null_parameters(mut body: Value) -> Value {
    body["parameters"] = Value::Null;
    body
}
