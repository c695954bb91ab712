//! What the broker decides, one verb a file. A request never calls a container or an engine: it
//! decides, writes one transaction, wakes the worker, and waits a while for the end.

pub mod admin;
pub mod admit;
pub mod attributes;
mod bind;
mod certificates;
mod deprovision;
mod expire;
mod fetch;
mod last_operation;
mod provision;
pub mod tenant;
mod terms;
mod unbind;
mod update;
mod wait;

use std::ops::RangeInclusive;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use ipnet::Ipv4Net;

use crate::authority::Authority;
use crate::catalog::{Catalog, Offering, Plan, Schema};
use crate::clock::{Clock, Ids, Millis};
use crate::id::{BindingKey, BrokerId, InstanceKey, OfferingId, OperationId, PlanId, PlatformName};
use crate::lifecycle::{Bell, advance};
use crate::model::fault::chain;
use crate::model::{Kind, Object, Operation, OperationState, Phase, Target};
use crate::osb::{Refusal, Version};
use crate::store::{AuditEntry, Store, StoreError};

/// What the broker is told once.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The host that apps are given.
    pub advertise_host: String,
    /// Host ports to hand out.
    pub ports: RangeInclusive<u16>,
    /// Where tenants' networks are cut from.
    pub subnets: Ipv4Net,
    /// How many bits each has.
    pub subnet_prefix: u8,
    /// How long an answer waits for the end before it is 202; zero: not at all.
    pub inline_wait: Duration,
    /// How long an answer waits that may not be 202.
    pub longest_wait: Duration,
    /// How long the certificate of an instance is good for.
    pub certificate_life: Duration,
}

/// The broker.
pub struct Broker {
    /// Which broker it is.
    pub id: BrokerId,
    /// What is kept.
    pub store: Store,
    /// What is offered; exchanged whole.
    pub catalog: Arc<ArcSwap<Catalog>>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Who vouches for the instances.
    pub authority: Authority,
    /// New ids.
    pub ids: Ids,
    /// Wakes the worker, and whoever waits for it.
    pub bell: Arc<Bell>,
    /// What it was told.
    pub settings: Settings,
}

/// Who asks.
#[derive(Clone, Debug)]
pub struct Caller {
    /// Whose instances it sees.
    pub platform: PlatformName,
    /// Which version of the API it speaks.
    pub version: Version,
    /// Originating identity, decoded (requirement 7).
    pub identity: Option<String>,
    /// Request identity (requirement 9).
    pub request: Option<String>,
}

/// What a request that may begin something came to.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Admitted {
    /// There is nothing to do.
    Unchanged,
    /// It was begun.
    Begun(OperationId),
    /// It was begun before, by the same request.
    Same(OperationId),
}

impl Broker {
    /// An offering and a plan of it, as a request names them (requirement 67).
    fn plan<'a>(
        catalog: &'a Catalog,
        offering: &OfferingId,
        plan: &PlanId,
    ) -> Result<(&'a Offering, &'a Plan), Refusal> {
        let offering = Self::offering(catalog, offering)?;
        let plan = offering.plan(plan).ok_or_else(|| {
            Refusal::Invalid(format!("plan_id is not a plan of the offering `{}`", offering.name))
        })?;
        Ok((offering, plan))
    }

    fn offering<'a>(catalog: &'a Catalog, id: &OfferingId) -> Result<&'a Offering, Refusal> {
        let found = catalog.offering(id);
        found.ok_or_else(|| Refusal::Invalid("service_id is not in the catalog".into()))
    }

    /// A new operation that is due at once.
    fn operation(
        &self,
        kind: Kind,
        instance: &InstanceKey,
        binding: Option<&BindingKey>,
    ) -> Operation {
        let now = self.clock.now_ms();
        let first = kind.steps(Phase::Forward).first().copied();
        let patience = first.map_or(0, advance::patience);
        Operation {
            id: self.ids.operation(),
            kind,
            instance: instance.clone(),
            binding: binding.cloned(),
            target: None::<Target>,
            state: OperationState::Running,
            phase: Phase::Forward,
            step: 0,
            attempts: 0,
            run_after: now,
            deadline: now.saturating_add(patience),
            description: String::new(),
            instance_usable: None,
            update_repeatable: None,
            created_at: now,
            finished_at: None,
        }
    }

    fn now(&self) -> Millis {
        self.clock.now_ms()
    }
}

impl Caller {
    /// What the audit log keeps of a decision that begins an operation.
    fn entry(&self, operation: &Operation, instance: &str, binding: &str) -> AuditEntry {
        AuditEntry {
            binding: binding.to_owned(),
            operation: operation.id.to_string(),
            ..self.entry_at_once(operation.kind, operation.created_at, instance)
        }
    }

    /// The same of a decision that is all there is to do.
    fn entry_at_once(&self, action: Kind, at: Millis, instance: &str) -> AuditEntry {
        AuditEntry {
            at,
            platform: self.platform.to_string(),
            identity: self.identity.clone().unwrap_or_default(),
            request: self.request.clone().unwrap_or_default(),
            action: action.as_str().to_owned(),
            instance: instance.to_owned(),
            binding: String::new(),
            operation: String::new(),
        }
    }
}

/// Parameters against a schema: 400 with the path of every fault.
fn check(schema: &Schema, parameters: &Object) -> Result<(), Refusal> {
    schema.check(parameters).map_err(|faults| do_not_fit(&faults))
}

fn do_not_fit(faults: &[String]) -> Refusal {
    Refusal::Invalid(format!("the parameters do not fit: {}", faults.join("; ")))
}

impl From<StoreError> for Refusal {
    /// A failing database is logged here, where it stops being passed on.
    fn from(error: StoreError) -> Self {
        match &error {
            StoreError::NoPortLeft(..) | StoreError::NoSubnetLeft(..) => {
                tracing::error!(error = %error, "The broker has run out of room");
                Self::unprocessable(error.to_string())
            }
            StoreError::Conflict { .. } => {
                tracing::info!(error = %error, "Two decisions met");
                Self::Concurrency
            }
            StoreError::Database { .. } if error.is_unavailable() => {
                tracing::error!(error = chain(&error), "The database failed");
                Self::Unavailable("the broker's database does not answer: try again later".into())
            }
            StoreError::Database { .. }
            | StoreError::Newer { .. }
            | StoreError::Seal(_)
            | StoreError::Unreadable(_) => {
                tracing::error!(error = chain(&error), "The database cannot be used");
                Self::Internal("the broker cannot use its database: ask its operator".into())
            }
        }
    }
}
