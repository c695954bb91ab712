//! What runs inside a workload, spoken to over its own protocol. One trait, [`Engine`].

pub mod fake;
pub mod postgres;
pub mod redis;

use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;

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
}

/// The engines that the program knows, by the name that offerings use.
pub type Engines = BTreeMap<String, Arc<dyn Engine>>;
