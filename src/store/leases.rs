//! Workers claim operations by lease. Every later write names the lease's token, so that a worker
//! that was thought dead writes nothing; no transaction is open while a worker works.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;

use sqlx::any::{AnyArguments, AnyRow};
use sqlx::query::Query;
use sqlx::{Any, AnyConnection};

use super::attempt::Attempt as _;
use super::codec::Columns;
use super::{Result, Store, bindings, instances, locks, operations, ports, subnets};
use crate::clock::Millis;
use crate::model::{Binding, Instance, Operation};
use crate::secret::seal::Seal;

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
    /// Whatever else runs on the bindings is called off.
    ForgetInstance,
    /// The binding's row goes.
    ForgetBinding,
}

/// $3 is now. A called-off operation may still be at work on the instance: until its worker lets
/// go, nothing else is claimed there.
macro_rules! most_urgent {
    () => {
        "SELECT due.id FROM operations due \
         WHERE due.state = 'running' AND due.run_after <= $3 AND due.lease_until <= $3 \
         AND NOT EXISTS (SELECT 1 FROM operations held WHERE held.instance = due.instance \
             AND held.state <> 'running' AND held.lease_until > 0 AND held.lease_until > $3) \
         ORDER BY due.run_after, due.id LIMIT 1"
    };
}

const CLAIM: &str = concat!(
    "UPDATE operations SET lease_token = $1, lease_until = $2, attempts = attempts + 1 \
     WHERE id = (",
    most_urgent!(),
    ") AND state = 'running' AND run_after <= $3 AND lease_until <= $3 RETURNING ",
    operations::columns!()
);

/// For each running operation the latest of when it is due, when its lease ends, and when those of
/// called-off operations of its instance end.
const NEXT_DUE: &str = "SELECT MIN(CASE \
        WHEN held_until > run_after AND held_until > lease_until THEN held_until \
        WHEN lease_until > run_after THEN lease_until ELSE run_after END) AS due \
    FROM (SELECT run_after, lease_until, COALESCE((SELECT MAX(held.lease_until) \
            FROM operations held WHERE held.instance = running.instance \
            AND held.state <> 'running' AND held.lease_until > 0), 0) AS held_until \
        FROM operations running WHERE running.state = 'running') waiting";

/// Also of a called-off operation: its worker still works, and keeps others off its instance.
const RENEW: &str = "UPDATE operations SET lease_until = $3, \
        description = CASE WHEN state = 'running' AND $4 <> '' THEN $4 ELSE description END \
    WHERE id = $1 AND lease_token = $2 RETURNING state";
const RECORD: &str = "UPDATE operations SET target = $3, state = $4, phase = $5, step = $6, \
        attempts = $7, run_after = $8, deadline = $9, description = $10, instance_usable = $11, \
        update_repeatable = $12, finished_at = $13, lease_token = '', lease_until = 0 \
    WHERE id = $1 AND lease_token = $2 AND state = 'running'";
const GUARD: &str = "UPDATE operations SET lease_token = lease_token \
    WHERE id = $1 AND lease_token = $2 AND state = 'running'";
const LET_GO: &str = "UPDATE operations SET lease_token = '', lease_until = 0 \
    WHERE id = $1 AND lease_token = $2";
const RELEASE_ALL: &str =
    "UPDATE operations SET lease_token = '', lease_until = 0 WHERE lease_until > 0";

impl Store {
    /// Claims the most urgent running operation that is due and that nobody holds, for `lease_ms`.
    /// Operations of an instance wait while a called-off one of the same instance is still held.
    pub async fn claim(&self, now: Millis, lease_ms: Millis) -> Result<Option<Lease>> {
        // Several workers may go for the same row on PostgreSQL; those who come too late are told
        // nothing and look again. Each round gives the row to one of them, so it ends.
        loop {
            let token = uuid::Uuid::now_v7().simple().to_string();
            let claim = sqlx::query(CLAIM)
                .bind(token.as_str())
                .bind(now.saturating_add(lease_ms))
                .bind(now);
            if let Some(row) = self.write_returning(claim, "claiming an operation").await? {
                let operation = operations::read(&row, &self.seal)?;
                return Ok(Some(Lease { operation, token }));
            }
            if self.next_due().await?.is_none_or(|due| due > now) {
                return Ok(None);
            }
        }
    }

    /// Holds on to a lease and writes what is being done, unless `note` is empty; false: it was
    /// lost or called off. A called-off operation stays held and its note unwritten, so that a
    /// worker that needs a while to leave keeps its successor waiting.
    pub async fn renew(
        &self,
        lease: &Lease,
        now: Millis,
        lease_ms: Millis,
        note: &str,
    ) -> Result<bool> {
        let renewal = sqlx::query(RENEW)
            .bind(lease.operation.id.as_str())
            .bind(lease.token.as_str())
            .bind(now.saturating_add(lease_ms))
            .bind(note);
        let row = self.write_returning(renewal, "renewing a lease").await?;
        let state = row.map(|row| Columns::of("operations", &row).text("state")).transpose()?;
        Ok(state.as_deref() == Some("running"))
    }

    /// Writes the operation's next state and the step's effect and ends the lease, in one
    /// transaction; false: the lease was lost or the operation called off, and nothing was written
    /// but the end of the lease.
    pub async fn record(&self, lease: &Lease, next: &Operation, effect: Effect) -> Result<bool> {
        const ATTEMPTING: &str = "recording a step";
        let mut transaction = self.begin(ATTEMPTING).await?;
        locks::hold_instance(&mut transaction, &lease.operation.instance).await?;
        let held = write(&mut transaction, &self.seal, lease, next).await?;
        if held {
            apply(&mut transaction, &self.seal, next, effect).await?;
        } else {
            touch(&mut transaction, LET_GO, lease).await?;
        }
        transaction.commit().attempting(ATTEMPTING).await?;
        Ok(held)
    }

    /// Exchanges a host port that turned out to be taken for another, for an instance that was
    /// never ready; the taken one is not handed out for an hour. Answers with the instance's new
    /// ports; none if the lease was lost. An instance that was ever ready keeps its ports, as does
    /// one that does not have the taken port (any more).
    pub async fn exchange_port(
        &self,
        lease: &Lease,
        taken: u16,
        range: &RangeInclusive<u16>,
        now: Millis,
    ) -> Result<Option<BTreeMap<String, u16>>> {
        const ATTEMPTING: &str = "exchanging a port";
        let key = &lease.operation.instance;
        let mut transaction = self.begin(ATTEMPTING).await?;
        locks::hold_instance(&mut transaction, key).await?;
        if !touch(&mut transaction, GUARD, lease).await? {
            return Ok(None);
        }
        let Some(mut instance) = instances::one(&mut transaction, &self.seal, key).await? else {
            return Ok(None);
        };
        let name = instance.ports.iter().find(|(_, port)| **port == taken).map(|(name, _)| name);
        if let (Some(name), false) = (name.cloned(), instance.was_ready) {
            ports::hold_back(&mut transaction, taken, now).await?;
            let free = ports::free(&mut transaction, &[&name], range, now).await?;
            instance.ports.extend(free);
            ports::put(&mut transaction, key, &instance.ports).await?;
        }
        transaction.commit().attempting(ATTEMPTING).await?;
        Ok(Some(instance.ports))
    }

    /// Ends every lease: at the start of a process that is alone on its database.
    pub async fn release_all(&self) -> Result<u64> {
        let done = sqlx::query(RELEASE_ALL)
            .execute(&self.write)
            .attempting("ending the leases of the process before")
            .await?;
        Ok(done.rows_affected())
    }

    /// The one row, if any, that a statement wrote. It is read to the end: `fetch_optional` comes
    /// back with the row before the statement is committed.
    async fn write_returning(
        &self,
        statement: Query<'_, Any, AnyArguments>,
        attempting: &'static str,
    ) -> Result<Option<AnyRow>> {
        Ok(statement.fetch_all(&self.write).attempting(attempting).await?.pop())
    }
}

pub(super) async fn next_due(connection: &mut AnyConnection) -> Result<Option<Millis>> {
    let row = sqlx::query(NEXT_DUE)
        .fetch_one(connection)
        .attempting("looking for the next operation")
        .await?;
    Columns::of("operations", &row).optional_number("due")
}

/// Whether the lease still was good.
async fn write(
    connection: &mut AnyConnection,
    seal: &Seal,
    lease: &Lease,
    next: &Operation,
) -> Result<bool> {
    let done = sqlx::query(RECORD)
        .bind(lease.operation.id.as_str())
        .bind(lease.token.as_str())
        .bind(operations::sealed_target(next, seal))
        .bind(next.state.as_str())
        .bind(next.phase.as_str())
        .bind(operations::step(next))
        .bind(i64::from(next.attempts))
        .bind(next.run_after)
        .bind(next.deadline)
        .bind(next.description.as_str())
        .bind(next.instance_usable.map(i64::from))
        .bind(next.update_repeatable.map(i64::from))
        .bind(next.finished_at)
        .execute(connection)
        .attempting("recording a step")
        .await?;
    Ok(done.rows_affected() == 1)
}

/// Whether a row has the lease's token, and is as `sql` demands.
async fn touch(connection: &mut AnyConnection, sql: &'static str, lease: &Lease) -> Result<bool> {
    let done = sqlx::query(sql)
        .bind(lease.operation.id.as_str())
        .bind(lease.token.as_str())
        .execute(connection)
        .attempting("looking after a lease")
        .await?;
    Ok(done.rows_affected() == 1)
}

async fn apply(
    connection: &mut AnyConnection,
    seal: &Seal,
    next: &Operation,
    effect: Effect,
) -> Result<()> {
    match effect {
        Effect::None => Ok(()),
        Effect::Instance(instance) => instances::put(connection, seal, &instance).await,
        Effect::Binding(binding) => bindings::put(connection, seal, &binding).await,
        Effect::ForgetInstance => forget_instance(connection, next).await,
        Effect::ForgetBinding => match &next.binding {
            Some(key) => bindings::delete(connection, key).await,
            None => Ok(()),
        },
    }
}

async fn forget_instance(connection: &mut AnyConnection, removal: &Operation) -> Result<()> {
    let key = &removal.instance;
    let now = removal.finished_at.unwrap_or(removal.run_after);
    locks::hold_shared(connection).await?;
    operations::call_off_others(connection, removal, "the instance was deprovisioned", now).await?;
    bindings::delete_of(connection, key).await?;
    ports::free_all(connection, key).await?;
    if let Some(tenant) = instances::delete(connection, key).await?
        && instances::count(connection, &tenant, None).await? == 0
    {
        subnets::free(connection, &tenant).await?;
    }
    instances::remember_removal(connection, key, now).await
}
