//! What the broker knows, kept: SQLite in the data folder, or PostgreSQL, with one SQL text.
//!
//! Reads go to a pool; whatever decides goes through [`Decision`], one transaction that begins by
//! writing the row that it decides about; whatever a worker learns goes through [`Store::record`],
//! guarded by its [`Lease`].

use std::collections::BTreeMap;
use std::ops::RangeInclusive;

use ipnet::Ipv4Net;

use crate::clock::Millis;
use crate::id::{BindingKey, BrokerId, InstanceKey, OperationId, PlanId, PlatformName, TenantId};
use crate::model::{Binding, Instance, Operation};
use crate::secret::seal::{Seal, SealError};

/// The database. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Store {}

/// Why the database did not do it.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The database refused or is away; `attempting` says what was being done.
    #[error("the database failed while {attempting}")]
    Database {
        /// In words: "claiming an operation".
        attempting: &'static str,
        /// The driver's error.
        source: sqlx::Error,
    },
    /// It was written by a newer version of the program.
    #[error(
        "the database has schema version {found}; this program knows versions up to {known}: use a newer banquet, or restore the backup made before it was upgraded"
    )]
    Newer {
        /// In the database.
        found: i64,
        /// Ours.
        known: i64,
    },
    /// The master key is not the one that the database was sealed with.
    #[error("the master key does not open this database: {0}")]
    Seal(#[from] SealError),
    /// A row does not read: someone changed it by hand, or a bug.
    #[error("the database holds something unreadable: {0}")]
    Unreadable(String),
    /// The port range is used up.
    #[error("no host port is left in the range {0}-{1}: widen `ports`, or delete instances")]
    NoPortLeft(u16, u16),
    /// The subnet pool is used up.
    #[error("no subnet is left in {0}: widen `subnets`, or delete a tenant's last instance")]
    NoSubnetLeft(Ipv4Net),
}

/// A worker's right to one operation, for a while: every later write names its token.
#[derive(Clone, Debug)]
pub struct Lease {
    /// As it was when claimed.
    pub operation: Operation,
    /// Random.
    pub token: String,
}

/// What the end of a step changes besides its operation, in the same transaction.
#[derive(Clone, Debug, PartialEq)]
pub enum Effect {
    /// Nothing.
    None,
    /// The instance's row; its ports are taken and freed as [`Instance::ports`] says.
    Instance(Box<Instance>),
    /// The binding's row.
    Binding(Box<Binding>),
    /// Instance, bindings and ports go; the tenant's subnet too if it was its last instance.
    ForgetInstance,
    /// The binding's row goes.
    ForgetBinding,
}

/// Who did what, for the audit log.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AuditEntry {
    /// In ms.
    pub at: Millis,
    /// Which platform, or the administrator.
    pub platform: String,
    /// Originating identity as sent, decoded; empty if none (requirement 7).
    pub identity: String,
    /// Request identity as sent; empty if none (requirement 9).
    pub request: String,
    /// `provision`, `bind` …
    pub action: String,
    /// The platform's id.
    pub instance: String,
    /// The platform's id; empty if none.
    pub binding: String,
    /// The operation that it began; empty if none.
    pub operation: String,
}

/// One decision: a transaction that holds the instance's row against every other decision.
/// Dropped without [`Decision::commit`], it leaves nothing.
pub struct Decision<'a> {
    _a: std::marker::PhantomData<&'a ()>,
}

type Result<T> = std::result::Result<T, StoreError>;

impl Store {
    /// Opens, makes or migrates the database at `url` (`sqlite:///path/file.db`, `postgres://…`).
    pub async fn open(url: &str, seal: Seal) -> Result<Self> {
        todo!()
    }
    /// Whether the database answers.
    pub async fn ping(&self) -> Result<()> {
        todo!()
    }
    /// Made at the first start, kept for ever.
    pub async fn broker_id(&self) -> Result<BrokerId> {
        todo!()
    }
    /// One instance.
    pub async fn instance(&self, key: &InstanceKey) -> Result<Option<Instance>> {
        todo!()
    }
    /// All instances, the oldest first.
    pub async fn instances(&self) -> Result<Vec<Instance>> {
        todo!()
    }
    /// One binding.
    pub async fn binding(&self, key: &BindingKey) -> Result<Option<Binding>> {
        todo!()
    }
    /// An instance's bindings, the oldest first.
    pub async fn bindings(&self, instance: &InstanceKey) -> Result<Vec<Binding>> {
        todo!()
    }
    /// One operation, running or ended.
    pub async fn operation(&self, id: &OperationId) -> Result<Option<Operation>> {
        todo!()
    }
    /// The newest operation of a subject ([`Operation::subject`]).
    pub async fn latest(&self, subject: &str) -> Result<Option<Operation>> {
        todo!()
    }
    /// The running operation of a subject, if any.
    pub async fn running(&self, subject: &str) -> Result<Option<Operation>> {
        todo!()
    }
    /// The newest operations, of one instance (its bindings' included) or of all.
    pub async fn operations(
        &self,
        instance: Option<&InstanceKey>,
        limit: u32,
    ) -> Result<Vec<Operation>> {
        todo!()
    }
    /// When the next running operation is due, in ms; none if none runs. May be in the past.
    pub async fn next_due(&self) -> Result<Option<Millis>> {
        todo!()
    }
    /// How many operations run or wait.
    pub async fn count_running(&self) -> Result<u64> {
        todo!()
    }
    /// How many instances a tenant has, those being made included.
    pub async fn count_instances(&self, tenant: &TenantId) -> Result<u64> {
        todo!()
    }
    /// A tenant's network range, if it has one.
    pub async fn subnet(&self, tenant: &TenantId) -> Result<Option<Ipv4Net>> {
        todo!()
    }
    /// The newest audit entries.
    pub async fn audit(&self, limit: u32) -> Result<Vec<AuditEntry>> {
        todo!()
    }

    /// Begins a decision about an instance (which need not exist) or its bindings.
    pub async fn decide(&self, instance: &InstanceKey) -> Result<Decision<'_>> {
        todo!()
    }

    /// Claims the most urgent running operation that is due and that nobody holds, for `lease_ms`.
    /// Operations of an instance wait while a called-off one of the same instance is still held.
    pub async fn claim(&self, now: Millis, lease_ms: Millis) -> Result<Option<Lease>> {
        todo!()
    }
    /// Holds on to a lease and writes what is being done; false: it was lost or called off.
    pub async fn renew(
        &self,
        lease: &Lease,
        now: Millis,
        lease_ms: Millis,
        note: &str,
    ) -> Result<bool> {
        todo!()
    }
    /// Writes the operation's next state and the step's effect and ends the lease, in one
    /// transaction; false: the lease was lost or the operation called off, and nothing was written
    /// but the end of the lease.
    pub async fn record(&self, lease: &Lease, next: &Operation, effect: Effect) -> Result<bool> {
        todo!()
    }
    /// Exchanges a host port that turned out to be taken for another, for an instance that was
    /// never ready; the taken one is not handed out for an hour. Answers with the instance's new
    /// ports; none if the lease was lost.
    pub async fn exchange_port(
        &self,
        lease: &Lease,
        taken: u16,
        range: &RangeInclusive<u16>,
        now: Millis,
    ) -> Result<Option<BTreeMap<String, u16>>> {
        todo!()
    }
    /// Ends every lease: at the start of a process that is alone on its database.
    pub async fn release_all(&self) -> Result<u64> {
        todo!()
    }
    /// Forgets operations that ended before `before` and whose subject is gone or has a newer one,
    /// and audit entries of before it. Answers how many operations.
    pub async fn forget_ended(&self, before: Millis) -> Result<u64> {
        todo!()
    }
    /// Whether an instance was deprovisioned here: its remains on the engine may be removed.
    pub async fn was_removed(&self, instance: &InstanceKey) -> Result<bool> {
        todo!()
    }
}

impl Decision<'_> {
    /// The instance that the decision is about.
    pub async fn instance(&mut self) -> Result<Option<Instance>> {
        todo!()
    }
    /// One of its bindings.
    pub async fn binding(&mut self, key: &BindingKey) -> Result<Option<Binding>> {
        todo!()
    }
    /// The newest operation of a subject.
    pub async fn latest(&mut self, subject: &str) -> Result<Option<Operation>> {
        todo!()
    }
    /// Every running operation on the instance and its bindings.
    pub async fn running(&mut self) -> Result<Vec<Operation>> {
        todo!()
    }
    /// How many instances a tenant has, of one plan if given; those being made included.
    pub async fn count_instances(
        &mut self,
        tenant: &TenantId,
        plan: Option<&PlanId>,
    ) -> Result<u64> {
        todo!()
    }
    /// Writes the instance's row; its ports are taken and freed as [`Instance::ports`] says.
    pub async fn put_instance(&mut self, instance: &Instance) -> Result<()> {
        todo!()
    }
    /// Writes a binding's row.
    pub async fn put_binding(&mut self, binding: &Binding) -> Result<()> {
        todo!()
    }
    /// Begins an operation.
    pub async fn begin(&mut self, operation: &Operation) -> Result<()> {
        todo!()
    }
    /// Calls a running operation off: it ends as `failed` with `description`. A worker that holds
    /// it keeps its lease until it lets go, and writes nothing more.
    pub async fn call_off(
        &mut self,
        id: &OperationId,
        description: &str,
        now: Millis,
    ) -> Result<()> {
        todo!()
    }
    /// A free host port of the range for each name. They are taken by [`Self::put_instance`].
    pub async fn free_ports(
        &mut self,
        names: &[&str],
        range: &RangeInclusive<u16>,
        now: Millis,
    ) -> Result<BTreeMap<String, u16>> {
        todo!()
    }
    /// The tenant's network range: the one it has, or a free one of `prefix` bits from the pool.
    pub async fn subnet(
        &mut self,
        tenant: &TenantId,
        pool: Ipv4Net,
        prefix: u8,
    ) -> Result<Ipv4Net> {
        todo!()
    }
    /// Adds to the audit log.
    pub async fn audit(&mut self, entry: &AuditEntry) -> Result<()> {
        todo!()
    }
    /// Makes it so.
    pub async fn commit(self) -> Result<()> {
        todo!()
    }
}
