//! What the dialects have in common: a life, told by what each says in it.

use std::time::Duration;

use axum::body::Body;
use axum::http::{HeaderValue, Method, Request, header};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde_json::{Value, json};

use crate::harness::*;

/// How the broker answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Way {
    /// 202 to everything that may be.
    Polled,
    /// At once where the work ends within the inline wait, as shipped.
    Waited,
    /// As polled, of a plan that says `synchronous: true`: who offers to poll may be taken up on it.
    Synchronous,
    /// At once, by that plan's word, to who does not offer to poll.
    Unpolled,
}

/// The plans of a life.
#[derive(Clone, Copy, Debug)]
pub(super) struct Plans {
    pub(super) first: &'static str,
    pub(super) second: &'static str,
}

const SYNC_LARGE: &str = "c0ffee00-0000-4000-8000-000000000014";

/// What a platform says, in its own words.
pub(super) trait Platform {
    /// The version header, as it is spelled and filled.
    fn version(&self) -> (&'static str, &'static str);

    /// Beside version and credentials.
    fn headers(&self) -> Vec<(&'static str, String)>;

    fn provision(&self, plan: &str) -> Value;

    /// From the first plan to the second.
    fn update(&self, plans: Plans) -> Value;

    fn bind(&self, plan: &str) -> Value;

    /// Whether bindings are asked for with `accepts_incomplete=true`.
    fn may_poll_bindings(&self) -> bool {
        true
    }

    /// The query of a poll; `plan`: the one from before an update.
    fn polling(&self, plan: &str, operation: &str) -> String {
        format!("?service_id={OFFERING}&plan_id={plan}&operation={operation}")
    }

    /// The query of DELETE, after `?`.
    fn removal(&self, plan: &str) -> String {
        format!("service_id={OFFERING}&plan_id={plan}")
    }

    /// What it does between two polls, to which nothing may come amiss.
    fn between(&self, _session: &Session<'_>, _request: &Asked) {}

    /// What it wants after a binding was made: its credentials.
    fn credentials(&self, session: &Session<'_>, bound: &Asked, first: Reply) -> Value {
        match first.status {
            202 => session.send(Method::GET, &bound.path, &Value::Null).is(200).body,
            _ => first.body,
        }
    }

    /// More that it does with an instance that is ready.
    fn at_leisure(&self, _session: &Session<'_>, _path: &str, _plans: Plans) {}
}

/// A request, for sending it again.
#[derive(Clone, Debug)]
pub(super) struct Asked {
    pub(super) method: Method,
    /// Without its query.
    pub(super) path: String,
    pub(super) query: String,
    pub(super) body: Value,
}

/// A platform at a broker.
pub(super) struct Session<'a> {
    pub(super) broker: &'a Broker,
    pub(super) platform: &'a dyn Platform,
}

impl Session<'_> {
    pub(super) fn send(&self, method: Method, path: &str, body: &Value) -> Reply {
        let (name, version) = self.platform.version();
        let mut request = Request::builder()
            .method(method)
            .uri(path)
            .header(header::AUTHORIZATION, basic("cf"))
            .header(name, version);
        for (name, value) in self.platform.headers() {
            request = request.header(name, HeaderValue::from_str(&value).unwrap());
        }
        let body = match body {
            Value::Null => Body::empty(),
            _ => Body::from(body.to_string()),
        };
        self.broker.send(request.body(body).unwrap())
    }

    pub(super) fn ask(&self, asked: &Asked) -> Reply {
        self.send(asked.method.clone(), &format!("{}?{}", asked.path, asked.query), &asked.body)
    }

    /// Asks, and polls to the end where the answer is 202. The answer is the first one.
    fn done(&self, asked: &Asked, plan: &str, at_once: &[u16]) -> Reply {
        let first = self.ask(asked);
        if first.status != 202 {
            assert!(at_once.contains(&first.status), "{asked:?}: {first:?}");
            return first;
        }
        let polling = self.platform.polling(plan, first.operation());
        let poll = format!("{}/last_operation{polling}", asked.path);
        Broker::until(|| {
            self.platform.between(self, asked);
            let reply = self.send(Method::GET, &poll, &Value::Null);
            assert_eq!(reply.status, 200, "{asked:?}: {reply:?}");
            std::thread::sleep(Duration::from_millis(5));
            match reply.body["state"].as_str().unwrap() {
                "in progress" => false,
                state => {
                    assert_eq!(state, "succeeded", "{asked:?}: {reply:?}");
                    true
                }
            }
        });
        first
    }

    fn removal(&self, path: &str, may_poll: bool, plan: &str) -> Asked {
        let query = if may_poll { "accepts_incomplete=true&" } else { "" };
        let query = format!("{query}{}", self.platform.removal(plan));
        Asked { method: Method::DELETE, path: path.into(), query, body: Value::Null }
    }
}

fn asked(method: Method, path: &str, may_poll: bool, body: Value) -> Asked {
    let query = if may_poll { "accepts_incomplete=true" } else { "" };
    Asked { method, path: path.into(), query: query.into(), body }
}

/// A life: catalog, provision, bind, update, bind, unbind, deprovision; in the end nothing is left.
pub(super) fn live(platform: &dyn Platform, way: Way) {
    let (broker, plans) = match way {
        Way::Polled => (Broker::new(), Plans { first: SMALL, second: LARGE }),
        Way::Waited => (Broker::waiting(), Plans { first: SMALL, second: LARGE }),
        Way::Synchronous | Way::Unpolled => {
            (Broker::new(), Plans { first: SYNC, second: SYNC_LARGE })
        }
    };
    let session = Session { broker: &broker, platform };
    let catalog = session.send(Method::GET, "/v2/catalog", &Value::Null).is(200).body;
    assert_eq!(catalog["services"][0]["id"], OFFERING);

    let path = instance("5f0f3c1e-0000-4000-8000-000000000001");
    let may_poll = way != Way::Unpolled;
    let provision = asked(Method::PUT, &path, may_poll, platform.provision(plans.first));
    let made = session.done(&provision, plans.first, &[201]);
    assert_eq!(made.status == 202, [Way::Polled, Way::Synchronous].contains(&way));
    assert_eq!(session.ask(&provision).status, 200, "asked again");
    assert_eq!(session.send(Method::GET, &path, &Value::Null).is(200).body["plan_id"], plans.first);

    bind_and_unbind(&session, &path, plans.first);
    let update = asked(Method::PATCH, &path, may_poll, platform.update(plans));
    session.done(&update, plans.first, &[200]);
    let fetched = session.send(Method::GET, &path, &Value::Null).is(200).body;
    assert_eq!(fetched["plan_id"], plans.second);
    bind_and_unbind(&session, &path, plans.second);
    platform.at_leisure(&session, &path, plans);

    let removal = session.removal(&path, may_poll, plans.second);
    session.done(&removal, plans.second, &[200]);
    session.ask(&removal).is(410);
    broker.assert_nothing_left();
}

fn bind_and_unbind(session: &Session<'_>, path: &str, plan: &str) {
    let platform = session.platform;
    let path = format!("{path}/service_bindings/5f0f3c1e-0000-4000-8000-000000000002");
    let bind = asked(Method::PUT, &path, platform.may_poll_bindings(), platform.bind(plan));
    let first = session.done(&bind, plan, &[201]);
    let credentials = platform.credentials(session, &bind, first)["credentials"].clone();
    let user = credentials["username"].as_str().expect("a user");
    assert!(session.broker.engine.users().iter().any(|(_, known)| known == user), "in the engine");
    let unbind = session.removal(&path, platform.may_poll_bindings(), plan);
    session.done(&unbind, plan, &[200]);
    assert_eq!(session.broker.engine.users(), []);
}

/// `<platform> <base64 of JSON>`.
pub(super) fn identity(platform: &str, user: &Value) -> (&'static str, String) {
    let encoded = BASE64.encode(user.to_string());
    ("X-Broker-API-Originating-Identity", format!("{platform} {encoded}"))
}

/// The ids that every body has.
pub(super) fn ids(plan: &str, more: Value) -> Value {
    but(but(more, "service_id", json!(OFFERING)), "plan_id", json!(plan))
}
