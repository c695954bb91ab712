//! One decision, one transaction.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;

use ipnet::Ipv4Net;
use sqlx::{Any, Transaction};

use super::attempt::Attempt as _;
use super::{AuditEntry, Result, audit, bindings, instances, locks, operations, ports, subnets};
use crate::clock::Millis;
use crate::id::{BindingKey, InstanceKey, OperationId, PlanId, TenantId};
use crate::model::{Binding, Instance, Operation};
use crate::secret::seal::Seal;

/// One decision: a transaction that holds the instance's row against every other decision.
/// Dropped without [`Decision::commit`], it leaves nothing.
#[derive(Debug)]
pub struct Decision<'a> {
    transaction: Transaction<'static, Any>,
    seal: &'a Seal,
    instance: InstanceKey,
}

impl<'a> Decision<'a> {
    /// The transaction already holds the instance.
    pub(super) fn new(
        transaction: Transaction<'static, Any>,
        seal: &'a Seal,
        instance: InstanceKey,
    ) -> Self {
        Self { transaction, seal, instance }
    }
}

impl Decision<'_> {
    /// The instance that the decision is about.
    pub async fn instance(&mut self) -> Result<Option<Instance>> {
        instances::one(&mut self.transaction, self.seal, &self.instance).await
    }

    /// One of its bindings.
    pub async fn binding(&mut self, key: &BindingKey) -> Result<Option<Binding>> {
        bindings::one(&mut self.transaction, self.seal, key).await
    }

    /// The newest operation of a subject.
    pub async fn latest(&mut self, subject: &str) -> Result<Option<Operation>> {
        operations::latest(&mut self.transaction, self.seal, subject).await
    }

    /// Every running operation on the instance and its bindings, in the order in which they were
    /// begun.
    pub async fn running(&mut self) -> Result<Vec<Operation>> {
        operations::running_of(&mut self.transaction, self.seal, &self.instance).await
    }

    /// How many instances a tenant has, of one plan if given; those being made included. Nobody
    /// else counts before this decision ends, so that two cannot share the last place of a quota.
    pub async fn count_instances(
        &mut self,
        tenant: &TenantId,
        plan: Option<&PlanId>,
    ) -> Result<u64> {
        locks::hold_shared(&mut self.transaction).await?;
        instances::count(&mut self.transaction, tenant, plan).await
    }

    /// Writes the instance's row; its ports are taken and freed as [`Instance::ports`] says.
    ///
    /// # Errors
    /// [`super::StoreError::Conflict`] if another instance has one of the ports.
    pub async fn put_instance(&mut self, instance: &Instance) -> Result<()> {
        instances::put(&mut self.transaction, self.seal, instance).await?;
        instances::unremember_removal(&mut self.transaction, &instance.key).await
    }

    /// Writes a binding's row.
    pub async fn put_binding(&mut self, binding: &Binding) -> Result<()> {
        bindings::put(&mut self.transaction, self.seal, binding).await
    }

    /// Begins an operation.
    ///
    /// # Errors
    /// [`super::StoreError::Conflict`] if one runs on its subject; the decision is lost then.
    pub async fn begin(&mut self, operation: &Operation) -> Result<()> {
        operations::insert(&mut self.transaction, self.seal, operation).await
    }

    /// Calls a running operation off: it ends as `failed` with `description`. A worker that holds
    /// it keeps its lease until it lets go, and writes nothing more.
    pub async fn call_off(
        &mut self,
        id: &OperationId,
        description: &str,
        now: Millis,
    ) -> Result<()> {
        operations::call_off(&mut self.transaction, &self.instance, id, description, now).await
    }

    /// A free host port of the range for each name. They are taken by [`Self::put_instance`].
    ///
    /// # Errors
    /// [`super::StoreError::NoPortLeft`].
    pub async fn free_ports(
        &mut self,
        names: &[&str],
        range: &RangeInclusive<u16>,
        now: Millis,
    ) -> Result<BTreeMap<String, u16>> {
        ports::free(&mut self.transaction, names, range, now).await
    }

    /// The tenant's network range: the one it has, or a free one of `prefix` bits from the pool.
    ///
    /// # Errors
    /// [`super::StoreError::NoSubnetLeft`].
    pub async fn subnet(
        &mut self,
        tenant: &TenantId,
        pool: Ipv4Net,
        prefix: u8,
    ) -> Result<Ipv4Net> {
        subnets::of_or_take(&mut self.transaction, tenant, pool, prefix).await
    }

    /// Adds to the audit log.
    pub async fn audit(&mut self, entry: &AuditEntry) -> Result<()> {
        audit::insert(&mut self.transaction, entry).await
    }

    /// Makes it so.
    pub async fn commit(self) -> Result<()> {
        self.transaction.commit().attempting("committing a decision").await
    }
}
