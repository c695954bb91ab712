//! Kubernetes' service-catalog: asks with 2.14, waits for bindings, and uses ids again.

use axum::http::Method;
use banquet::backend::fake::{Method as Backend, Moment};
use banquet::model::Fault;
use serde_json::{Value, json};

use super::platform::{Plans, Platform, Session, identity, ids};
use crate::harness::*;

pub(super) struct ServiceCatalog;

fn context() -> Value {
    json!({
        "platform": "kubernetes",
        "namespace": "shop",
        "clusterid": "cluster",
        "instance_name": "db",
    })
}

impl Platform for ServiceCatalog {
    fn version(&self) -> (&'static str, &'static str) {
        ("X-Broker-API-Version", "2.14")
    }

    fn headers(&self) -> Vec<(&'static str, String)> {
        let user = json!({
            "username": "jane",
            "uid": "6f1a",
            "groups": ["system:authenticated"],
            "extra": {"scope": ["a"]},
        });
        vec![("Content-Type", "application/json".into()), identity("kubernetes", &user)]
    }

    fn provision(&self, plan: &str) -> Value {
        let guids = json!({
            "organization_guid": "cluster",
            "space_guid": "namespace-uid",
            "context": context(),
        });
        ids(plan, guids)
    }

    fn update(&self, plans: Plans) -> Value {
        ids(plans.second, json!({"context": context()}))
    }

    fn bind(&self, plan: &str) -> Value {
        let app = json!({"bind_resource": {"app_guid": "namespace-uid"}, "context": context()});
        ids(plan, app)
    }

    fn may_poll_bindings(&self) -> bool {
        false
    }

    /// A change of parameters without a plan; and another instance that fails, is cleaned up and
    /// made anew with its id.
    fn at_leisure(&self, session: &Session<'_>, path: &str, plans: Plans) {
        let broker = session.broker;
        let changes = json!({"service_id": OFFERING, "parameters": {"policy": "drop"}});
        let reply =
            session.send(Method::PATCH, &format!("{path}?accepts_incomplete=true"), &changes);
        assert!([200, 202].contains(&reply.status), "{reply:?}");
        broker.settled(path);
        if plans.first == SYNC {
            return;
        }
        let other = instance("again");
        let put = || {
            let polling = format!("{other}?accepts_incomplete=true");
            session.send(Method::PUT, &polling, &self.provision(plans.first)).status
        };
        broker.backend.fail(Backend::Ensure, 1, Moment::Halfway, Fault::fatal("no room"));
        assert_eq!(put(), 202);
        assert_eq!(broker.settled(&other).body["state"], "failed");
        broker.deprovisioned("again");
        assert!([201, 202].contains(&put()));
        assert_eq!(broker.settled(&other).body["state"], "succeeded");
        broker.deprovisioned("again");
    }
}
