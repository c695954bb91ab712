//! Rows of operations. Who may write them while they run is in [`super::leases`].

use sqlx::AnyConnection;
use sqlx::any::AnyRow;

use super::attempt::Attempt as _;
use super::codec::{Columns, to_json};
use super::{Result, StoreError};
use crate::clock::Millis;
use crate::id::{InstanceKey, OperationId};
use crate::model::{Kind, Operation, OperationState, Phase};
use crate::secret::seal::Seal;

/// What [`read`] needs.
macro_rules! columns {
    () => {
        "id, kind, instance, binding, target, state, phase, step, attempts, run_after, deadline, \
         description, instance_usable, update_repeatable, created_at, finished_at"
    };
}
pub(super) use columns;

macro_rules! select {
    ($tail:literal) => {
        concat!("SELECT ", columns!(), " FROM operations ", $tail)
    };
}

const ONE: &str = select!("WHERE id = $1");
const LATEST: &str = select!("WHERE subject = $1 ORDER BY seq DESC LIMIT 1");
const RUNNING: &str = select!("WHERE subject = $1 AND state = 'running'");
const RUNNING_OF_INSTANCE: &str = select!("WHERE instance = $1 AND state = 'running' ORDER BY seq");
const COUNT_RUNNING: &str = "SELECT COUNT(*) AS count FROM operations WHERE state = 'running'";
const NEWEST: &str = select!("ORDER BY created_at DESC, seq DESC, id DESC LIMIT $1");
const NEWEST_OF_INSTANCE: &str = select!("WHERE instance = $1 ORDER BY seq DESC LIMIT $2");

/// `seq` counts on from the newest that is remembered: the instance is held, so nobody else does.
const INSERT: &str = "INSERT INTO operations (id, subject, kind, instance, binding, target, state, \
        phase, step, attempts, run_after, deadline, description, instance_usable, \
        update_repeatable, created_at, finished_at, seq) \
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, \
        (SELECT COALESCE(MAX(seq), 0) + 1 FROM operations WHERE instance = $4))";
const CALL_OFF: &str = "UPDATE operations SET state = 'failed', description = $3, finished_at = $4 \
    WHERE instance = $1 AND id = $2 AND state = 'running'";
const CALL_OFF_OTHERS: &str = "UPDATE operations \
    SET state = 'failed', description = $3, finished_at = $4 \
    WHERE instance = $1 AND id <> $2 AND state = 'running'";

pub(super) async fn count_running(connection: &mut AnyConnection) -> Result<u64> {
    let row = sqlx::query(COUNT_RUNNING)
        .fetch_one(connection)
        .attempting("counting running operations")
        .await?;
    Columns::of("operations", &row).number("count")
}

pub(super) async fn one(
    connection: &mut AnyConnection,
    seal: &Seal,
    id: &OperationId,
) -> Result<Option<Operation>> {
    let row = sqlx::query(ONE)
        .bind(id.as_str())
        .fetch_optional(connection)
        .attempting("reading an operation")
        .await?;
    row.map(|row| read(&row, seal)).transpose()
}

pub(super) async fn latest(
    connection: &mut AnyConnection,
    seal: &Seal,
    subject: &str,
) -> Result<Option<Operation>> {
    let row = sqlx::query(LATEST)
        .bind(subject)
        .fetch_optional(connection)
        .attempting("reading the newest operation")
        .await?;
    row.map(|row| read(&row, seal)).transpose()
}

pub(super) async fn running(
    connection: &mut AnyConnection,
    seal: &Seal,
    subject: &str,
) -> Result<Option<Operation>> {
    let row = sqlx::query(RUNNING)
        .bind(subject)
        .fetch_optional(connection)
        .attempting("reading the running operation")
        .await?;
    row.map(|row| read(&row, seal)).transpose()
}

/// Of the instance and its bindings, in the order in which they were begun.
pub(super) async fn running_of(
    connection: &mut AnyConnection,
    seal: &Seal,
    instance: &InstanceKey,
) -> Result<Vec<Operation>> {
    let rows = sqlx::query(RUNNING_OF_INSTANCE)
        .bind(instance.as_str())
        .fetch_all(connection)
        .attempting("reading the running operations")
        .await?;
    rows.iter().map(|row| read(row, seal)).collect()
}

pub(super) async fn newest(
    connection: &mut AnyConnection,
    seal: &Seal,
    instance: Option<&InstanceKey>,
    limit: u32,
) -> Result<Vec<Operation>> {
    let query = match instance {
        Some(key) => sqlx::query(NEWEST_OF_INSTANCE).bind(key.as_str()).bind(i64::from(limit)),
        None => sqlx::query(NEWEST).bind(i64::from(limit)),
    };
    let rows = query.fetch_all(connection).attempting("reading the newest operations").await?;
    rows.iter().map(|row| read(row, seal)).collect()
}

/// [`StoreError::Conflict`] if one runs on its subject already.
pub(super) async fn insert(
    connection: &mut AnyConnection,
    seal: &Seal,
    operation: &Operation,
) -> Result<()> {
    sqlx::query(INSERT)
        .bind(operation.id.as_str())
        .bind(operation.subject())
        .bind(operation.kind.as_str())
        .bind(operation.instance.as_str())
        .bind(operation.binding.as_ref().map(|key| key.as_str()))
        .bind(sealed_target(operation, seal))
        .bind(operation.state.as_str())
        .bind(operation.phase.as_str())
        .bind(step(operation))
        .bind(i64::from(operation.attempts))
        .bind(operation.run_after)
        .bind(operation.deadline)
        .bind(operation.description.as_str())
        .bind(operation.instance_usable.map(i64::from))
        .bind(operation.update_repeatable.map(i64::from))
        .bind(operation.created_at)
        .bind(operation.finished_at)
        .execute(connection)
        .attempting("beginning an operation")
        .await
        .map(drop)
        .map_err(StoreError::or_conflict)
}

/// Ends a running operation as failed and leaves its lease to whoever holds it.
pub(super) async fn call_off(
    connection: &mut AnyConnection,
    instance: &InstanceKey,
    id: &OperationId,
    description: &str,
    now: Millis,
) -> Result<()> {
    end_as_failed(connection, CALL_OFF, (instance, id), description, now).await
}

/// The same for all of an instance's but one.
pub(super) async fn call_off_others(
    connection: &mut AnyConnection,
    but: &Operation,
    description: &str,
    now: Millis,
) -> Result<()> {
    end_as_failed(connection, CALL_OFF_OTHERS, (&but.instance, &but.id), description, now).await
}

async fn end_as_failed(
    connection: &mut AnyConnection,
    sql: &'static str,
    (instance, id): (&InstanceKey, &OperationId),
    description: &str,
    now: Millis,
) -> Result<()> {
    sqlx::query(sql)
        .bind(instance.as_str())
        .bind(id.as_str())
        .bind(description)
        .bind(now)
        .execute(connection)
        .attempting("calling an operation off")
        .await
        .map(drop)
}

pub(super) fn sealed_target(operation: &Operation, seal: &Seal) -> Option<String> {
    let target = operation.target.as_ref()?;
    Some(seal.seal(&to_json(target), &place(&operation.id)))
}

pub(super) fn step(operation: &Operation) -> i64 {
    i64::try_from(operation.step).expect("no kind has that many steps")
}

fn place(id: &OperationId) -> String {
    format!("operation/{id}/target")
}

pub(super) fn read(row: &AnyRow, seal: &Seal) -> Result<Operation> {
    let columns = Columns::of("operations", row);
    let id = OperationId::from(columns.text("id")?);
    let target = match columns.optional_text("target")? {
        Some(_) => Some(columns.sealed_json("target", seal, &place(&id))?),
        None => None,
    };
    Ok(Operation {
        kind: columns.word("kind", Kind::parse)?,
        instance: columns.text("instance")?.into(),
        binding: columns.optional_text("binding")?.map(Into::into),
        target,
        state: columns.word("state", OperationState::parse)?,
        phase: columns.word("phase", Phase::parse)?,
        step: columns.number("step")?,
        attempts: columns.number("attempts")?,
        run_after: columns.number("run_after")?,
        deadline: columns.number("deadline")?,
        description: columns.text("description")?,
        instance_usable: columns.optional_flag("instance_usable")?,
        update_repeatable: columns.optional_flag("update_repeatable")?,
        created_at: columns.number("created_at")?,
        finished_at: columns.optional_number("finished_at")?,
        id,
    })
}
