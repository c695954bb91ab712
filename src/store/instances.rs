//! Rows of service instances.

use std::collections::BTreeMap;

use sqlx::AnyConnection;
use sqlx::any::AnyRow;

use super::attempt::Attempt as _;
use super::codec::{Columns, to_json};
use super::{Result, ports};
use crate::clock::Millis;
use crate::id::{InstanceKey, PlanId, TenantId};
use crate::model::{Instance, InstanceState};
use crate::secret::seal::Seal;

/// Ports have one home, their own table: a line `6379=redis` for each.
macro_rules! select {
    ($tail:literal) => {
        concat!(
            "SELECT key, platform, id, tenant, name, offering_id, plan_id, organization_guid, \
             space_guid, parameters, context, maintenance_version, state, workload, \
             was_ready, created_at, updated_at, \
             (SELECT string_agg(CAST(port AS TEXT) || '=' || ports.name, '\n') FROM ports \
             WHERE ports.instance = instances.key) AS ports FROM instances ",
            $tail
        )
    };
}

const ONE: &str = select!("WHERE key = $1");
const ALL: &str = select!("ORDER BY created_at, key");
const COUNT: &str = "SELECT COUNT(*) AS count FROM instances \
    WHERE tenant = $1 AND ($2 IS NULL OR plan_id = $2)";
/// Of those that go at the same time, each has removed what it is before it asks.
const COUNT_OTHERS: &str = "SELECT COUNT(*) AS count FROM instances \
    WHERE tenant = $1 AND key <> $2 AND NOT EXISTS (SELECT 1 FROM operations \
        WHERE operations.instance = instances.key AND kind = 'deprovision' AND \
        operations.state = 'running')";
const PUT: &str = "INSERT INTO instances (key, platform, id, tenant, name, offering_id, plan_id, \
        organization_guid, space_guid, parameters, context, maintenance_version, state, workload, \
        was_ready, created_at, updated_at) \
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17) \
    ON CONFLICT (key) DO UPDATE SET platform = excluded.platform, id = excluded.id, \
        tenant = excluded.tenant, name = excluded.name, offering_id = excluded.offering_id, \
        plan_id = excluded.plan_id, organization_guid = excluded.organization_guid, \
        space_guid = excluded.space_guid, parameters = excluded.parameters, \
        context = excluded.context, maintenance_version = excluded.maintenance_version, \
        state = excluded.state, workload = excluded.workload, \
        was_ready = excluded.was_ready, created_at = excluded.created_at, \
        updated_at = excluded.updated_at";
const DELETE: &str = "DELETE FROM instances WHERE key = $1 RETURNING tenant";
const REMEMBER_REMOVAL: &str = "INSERT INTO removed_instances (instance, removed_at) \
    VALUES ($1, $2) ON CONFLICT (instance) DO UPDATE SET removed_at = excluded.removed_at";
const UNREMEMBER_REMOVAL: &str = "DELETE FROM removed_instances WHERE instance = $1";

pub(super) async fn one(
    connection: &mut AnyConnection,
    seal: &Seal,
    key: &InstanceKey,
) -> Result<Option<Instance>> {
    let row = sqlx::query(ONE)
        .bind(key.as_str())
        .fetch_optional(connection)
        .attempting("reading an instance")
        .await?;
    row.map(|row| read(&row, seal)).transpose()
}

pub(super) async fn all(connection: &mut AnyConnection, seal: &Seal) -> Result<Vec<Instance>> {
    let rows = sqlx::query(ALL).fetch_all(connection).attempting("reading the instances").await?;
    rows.iter().map(|row| read(row, seal)).collect()
}

pub(super) async fn count(
    connection: &mut AnyConnection,
    tenant: &TenantId,
    plan: Option<&PlanId>,
) -> Result<u64> {
    let row = sqlx::query(COUNT)
        .bind(tenant.as_str())
        .bind(plan.map(PlanId::as_str))
        .fetch_one(connection)
        .attempting("counting a tenant's instances")
        .await?;
    Columns::of("instances", &row).number("count")
}

pub(super) async fn count_others(
    connection: &mut AnyConnection,
    tenant: &TenantId,
    key: &InstanceKey,
) -> Result<u64> {
    let row = sqlx::query(COUNT_OTHERS)
        .bind(tenant.as_str())
        .bind(key.as_str())
        .fetch_one(connection)
        .attempting("counting a tenant's other instances")
        .await?;
    Columns::of("instances", &row).number("count")
}

/// Writes the row and its ports.
pub(super) async fn put(
    connection: &mut AnyConnection,
    seal: &Seal,
    instance: &Instance,
) -> Result<()> {
    sqlx::query(PUT)
        .bind(instance.key.as_str())
        .bind(instance.platform.as_str())
        .bind(instance.id.as_str())
        .bind(instance.tenant.as_str())
        .bind(instance.name.as_str())
        .bind(instance.offering_id.as_str())
        .bind(instance.plan_id.as_str())
        .bind(instance.organization_guid.as_str())
        .bind(instance.space_guid.as_str())
        .bind(to_json(&instance.parameters))
        .bind(to_json(&instance.context))
        .bind(instance.maintenance_version.as_deref())
        .bind(instance.state.as_str())
        .bind(seal.seal(&to_json(&instance.workload), &place(&instance.key)))
        .bind(i64::from(instance.was_ready))
        .bind(instance.created_at)
        .bind(instance.updated_at)
        .execute(&mut *connection)
        .attempting("writing an instance")
        .await?;
    ports::put(connection, &instance.key, &instance.ports).await
}

/// Deletes the row; answers whose it was.
pub(super) async fn delete(
    connection: &mut AnyConnection,
    key: &InstanceKey,
) -> Result<Option<TenantId>> {
    let row = sqlx::query(DELETE)
        .bind(key.as_str())
        .fetch_optional(connection)
        .attempting("forgetting an instance")
        .await?;
    row.map(|row| Columns::of("instances", &row).text("tenant").map(TenantId::from)).transpose()
}

pub(super) async fn remember_removal(
    connection: &mut AnyConnection,
    key: &InstanceKey,
    now: Millis,
) -> Result<()> {
    sqlx::query(REMEMBER_REMOVAL)
        .bind(key.as_str())
        .bind(now)
        .execute(connection)
        .attempting("remembering a removal")
        .await
        .map(drop)
}

/// The instance is there again: what is on the engine under its key is its own.
pub(super) async fn unremember_removal(
    connection: &mut AnyConnection,
    key: &InstanceKey,
) -> Result<()> {
    sqlx::query(UNREMEMBER_REMOVAL)
        .bind(key.as_str())
        .execute(connection)
        .attempting("writing an instance")
        .await
        .map(drop)
}

fn place(key: &InstanceKey) -> String {
    format!("instance/{key}/workload")
}

fn read(row: &AnyRow, seal: &Seal) -> Result<Instance> {
    let columns = Columns::of("instances", row);
    let key = InstanceKey::from(columns.text("key")?);
    Ok(Instance {
        platform: columns.text("platform")?.into(),
        id: columns.text("id")?.into(),
        tenant: columns.text("tenant")?.into(),
        name: columns.text("name")?,
        offering_id: columns.text("offering_id")?.into(),
        plan_id: columns.text("plan_id")?.into(),
        organization_guid: columns.text("organization_guid")?,
        space_guid: columns.text("space_guid")?,
        parameters: columns.object("parameters")?,
        context: columns.object("context")?,
        maintenance_version: columns.optional_text("maintenance_version")?,
        state: columns.word("state", InstanceState::parse)?,
        workload: columns.sealed_json("workload", seal, &place(&key))?,
        ports: read_ports(&columns)?,
        was_ready: columns.flag("was_ready")?,
        created_at: columns.number("created_at")?,
        updated_at: columns.number("updated_at")?,
        key,
    })
}

fn read_ports(columns: &Columns<'_>) -> Result<BTreeMap<String, u16>> {
    let text = columns.optional_text("ports")?.unwrap_or_default();
    let line = |line: &str| {
        let (port, name) = line.split_once('=')?;
        Some((name.to_owned(), port.parse().ok()?))
    };
    text.lines()
        .map(|text| line(text).ok_or_else(|| columns.unreadable("ports", "not a port")))
        .collect()
}
