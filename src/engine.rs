//! What runs inside a workload, spoken to over its own protocol. One trait, [`Engine`].

pub mod fake;
pub mod kafka;
pub mod mysql;
pub mod nats;
pub mod postgres;
pub mod rabbitmq;
pub mod redis;
pub mod scripted;
mod tls;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;

use crate::clock::Millis;
use crate::model::inside::Inside;
use crate::model::scripts::Scripts;
use crate::model::workload::Admin;
use crate::model::{Fault, Object};
use crate::secret::Secret;

/// Speaks to one kind of engine.
///
/// # Guarantees
/// Every method is idempotent and has a time-out of its own (seconds, not minutes): the caller
/// tries again. `Retry` faults mean "not yet", `Fatal` ones "never".
#[async_trait]
pub trait Engine: Send + Sync {
    /// Readiness is truth: does the operation that a binding would do, with the admin's password,
    /// at the address that apps are given, through the real client.
    async fn ready(&self, target: &Target) -> Result<(), Fault>;

    /// Before an update takes effect: refuses (`Fatal`, in words for the user) what cannot be, such
    /// as less memory than is in use, and gives back early what the next settings no longer allow.
    async fn prepare(&self, target: &Target, next: &Object) -> Result<(), Fault>;

    /// Makes databases and groups, and brings [`Target::settings`] into force.
    async fn bootstrap(&self, target: &Target) -> Result<(), Fault>;

    /// Makes the user, or sets its password and rights again. Durable when it returns.
    async fn grant(&self, target: &Target, grant: &Grant) -> Result<(), Fault>;

    /// Removes the user and cuts its live connections; what it made stays usable by the others.
    /// A user that is not there is fine. Durable when it returns.
    async fn revoke(&self, target: &Target, user: &str) -> Result<(), Fault>;

    /// The files of the instance's certificate hold another one: has the engine show that to
    /// clients from now on, if it can while it runs. Connections that are there stay.
    async fn renew(&self, target: &Target) -> Result<Renewal, Fault> {
        let _ = target;
        Ok(Renewal::Restart)
    }
}

/// An instance to speak to.
#[derive(Clone, Debug)]
pub struct Target {
    /// The host that apps are given.
    pub host: String,
    /// Port name → host port, as apps are given them.
    pub ports: BTreeMap<String, u16>,
    /// The broker's own login.
    pub admin: Admin,
    /// Live settings from the plan.
    pub settings: Object,
    /// Its containers, for what their protocol does not offer.
    pub inside: Arc<dyn Inside>,
    /// What the offering brings along for the engine `scripted`.
    pub scripts: Scripts,
    /// How it is reached over TLS, where it is.
    pub tls: Option<Tls>,
}

/// The way to an instance over TLS.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tls {
    /// The certificate in PEM by which the instance is verified, with its name.
    pub authority: String,
    /// Whether there is no other way. Where there is one, the broker's own login takes it: what
    /// keeps an instance from being looked after must not be its certificate.
    pub required: bool,
}

/// What it takes to bring a new certificate into force.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Renewal {
    /// Nothing more.
    Done,
    /// The containers that hold it are started anew.
    Restart,
}

/// A user to be made.
#[derive(Clone, Debug)]
pub struct Grant {
    /// Letters and digits.
    pub user: String,
    /// Letters and digits.
    pub password: Secret,
    /// The binding's parameters with the schema's defaults: `read_only`, `connection_limit` …
    pub parameters: Object,
    /// When logging in ends, in ms since 1970, for engines that can hold that themselves; the
    /// broker revokes the user then in any case.
    pub expires_at: Option<Millis>,
}

/// The engines that the program knows, by the name that offerings use.
pub type Engines = BTreeMap<String, Arc<dyn Engine>>;

/// The engines that are code of ours, by the names that offerings use.
#[must_use]
pub fn engines() -> Engines {
    let kafka: Arc<dyn Engine> = Arc::new(kafka::Kafka);
    let redis: Arc<dyn Engine> = Arc::new(redis::Redis);
    let mysql: Arc<dyn Engine> = Arc::new(mysql::Mysql);
    let nats: Arc<dyn Engine> = Arc::new(nats::Nats);
    let postgres: Arc<dyn Engine> = Arc::new(postgres::Postgres);
    let rabbitmq: Arc<dyn Engine> = Arc::new(rabbitmq::RabbitMq);
    let scripted: Arc<dyn Engine> = Arc::new(scripted::Scripted);
    [
        ("kafka", kafka),
        ("mysql", mysql),
        ("nats", nats),
        ("postgres", postgres),
        ("rabbitmq", rabbitmq),
        ("redis", redis),
        ("scripted", scripted),
    ]
    .map(|(name, engine)| (name.to_owned(), engine))
    .into()
}

/// One try at readiness: the caller asks again every 50–100 ms.
const READY_LIMIT: Duration = Duration::from_secs(2);

/// Any other call; the largest is a revoke that waits for sessions to end.
const CALL_LIMIT: Duration = Duration::from_secs(15);

impl Target {
    /// The host port behind a port name of the workload.
    ///
    /// # Errors
    /// `Fatal` when the workload publishes no such port.
    fn port(&self, name: &str) -> Result<u16, Fault> {
        self.ports.get(name).copied().ok_or_else(|| {
            Fault::fatal(format!(
                "the instance publishes no port named {name}: add it to the offering's workload"
            ))
        })
    }

    /// Whether there is no way to the instance but TLS.
    fn needs_tls(&self) -> bool {
        self.tls.as_ref().is_some_and(|tls| tls.required)
    }

    /// What apps share: a database, or what the engine has in its place.
    ///
    /// # Errors
    /// `Fatal` when the workload names none.
    fn database(&self) -> Result<&str, Fault> {
        self.admin.database.as_deref().ok_or_else(|| {
            Fault::fatal("the instance has no database: name one in the offering's workload")
        })
    }
}

/// Bounds one call, so that a server that hangs never holds a worker.
async fn within<T>(
    limit: Duration,
    doing: &str,
    work: impl Future<Output = Result<T, Fault>>,
) -> Result<T, Fault> {
    tokio::time::timeout(limit, work).await.unwrap_or_else(|_| {
        Err(Fault::retry(format!("could not {doing}: no answer within {limit:?}")))
    })
}

/// A setting or parameter that is a whole number, also when it is written as text.
///
/// # Errors
/// `Fatal` when it is there and no such number.
fn whole_number(object: &Object, name: &str) -> Result<Option<u64>, Fault> {
    let Some(value) = object.get(name) else { return Ok(None) };
    let number = value.as_u64().or_else(|| value.as_str()?.parse().ok());
    number.map(Some).ok_or_else(|| Fault::fatal(format!("{name} is not a whole number: {value}")))
}

/// Whether a binding asked to read only; unless it says so, it did not.
///
/// # Errors
/// `Fatal` when it is there and not a boolean.
fn read_only(parameters: &Object) -> Result<bool, Fault> {
    let Some(value) = parameters.get("read_only") else { return Ok(false) };
    value.as_bool().ok_or_else(|| Fault::fatal(format!("read_only is not a boolean: {value}")))
}

/// Refuses a plan that holds less than the instance does.
fn too_small(held_bytes: u64, allowed_bytes: u64) -> Fault {
    const MIB: u64 = 1 << 20;
    // Rounded apart, so that the words never say that 24 MiB do not fit into 24.
    let (held, allowed) = (held_bytes.div_ceil(MIB), allowed_bytes / MIB);
    Fault::fatal(format!(
        "the instance holds {held} MiB; the plan allows {allowed} MiB: delete data first"
    ))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::model::FaultKind;

    #[test]
    fn numbers_may_be_written_as_text() {
        let settings = json!({"a": 1, "b": "2", "c": "64mb", "d": -1});
        let settings = settings.as_object().expect("an object");
        assert_eq!(whole_number(settings, "a").unwrap(), Some(1));
        assert_eq!(whole_number(settings, "b").unwrap(), Some(2));
        assert_eq!(whole_number(settings, "absent").unwrap(), None);
        for name in ["c", "d"] {
            assert_eq!(whole_number(settings, name).unwrap_err().kind, FaultKind::Fatal);
        }
    }

    #[test]
    fn read_only_is_a_boolean() {
        for (parameters, asked) in [
            (json!({}), Some(false)),
            (json!({"read_only": true}), Some(true)),
            (json!({"read_only": false}), Some(false)),
            (json!({"read_only": "yes"}), None),
            (json!({"read_only": 1}), None),
        ] {
            let answer = read_only(parameters.as_object().expect("an object"));
            assert_eq!(answer.ok(), asked, "{parameters}");
        }
    }

    #[test]
    fn a_plan_that_is_too_small_is_named_with_both_sizes() {
        assert_eq!(
            too_small((24 << 20) + 1, 24 << 20).message,
            "the instance holds 25 MiB; the plan allows 24 MiB: delete data first"
        );
    }

    #[tokio::test]
    async fn no_call_lasts_for_ever() {
        let limit = Duration::from_millis(10);
        let fault = within::<()>(limit, "do it", std::future::pending()).await.unwrap_err();
        assert_eq!(fault.kind, FaultKind::Retry);
        assert_eq!(fault.message, "could not do it: no answer within 10ms");
    }
}
