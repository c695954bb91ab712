//! Rows of service bindings.

use sqlx::AnyConnection;
use sqlx::any::AnyRow;

use super::Result;
use super::attempt::Attempt as _;
use super::codec::{Columns, to_json};
use crate::clock::Millis;
use crate::id::{BindingId, BindingKey, InstanceKey};
use crate::model::{Binding, BindingState};
use crate::secret::seal::Seal;

macro_rules! select {
    ($tail:literal) => {
        concat!(
            "SELECT key, instance, id, offering_id, plan_id, app_guid, parameters, context, \
             username, password, state, created_at, predecessor, expires_at, renew_before FROM bindings ",
            $tail
        )
    };
}

const ONE: &str = select!("WHERE key = $1");
const OF_INSTANCE: &str = select!("WHERE instance = $1 ORDER BY created_at, key");
const PUT: &str = "INSERT INTO bindings (key, instance, id, offering_id, plan_id, app_guid, \
        parameters, context, username, password, state, created_at, predecessor, expires_at, \
        renew_before) \
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15) \
    ON CONFLICT (key) DO UPDATE SET instance = excluded.instance, id = excluded.id, \
        offering_id = excluded.offering_id, plan_id = excluded.plan_id, \
        app_guid = excluded.app_guid, parameters = excluded.parameters, \
        context = excluded.context, username = excluded.username, \
        password = excluded.password, state = excluded.state, created_at = excluded.created_at, \
        predecessor = excluded.predecessor, expires_at = excluded.expires_at, \
        renew_before = excluded.renew_before";
const EXPIRED: &str = select!(
    "WHERE expires_at <= $1 AND state = 'ready' AND NOT EXISTS (SELECT 1 FROM operations \
     WHERE operations.subject = bindings.key AND operations.state = 'running') \
     ORDER BY expires_at, key LIMIT 100"
);
const DELETE: &str = "DELETE FROM bindings WHERE key = $1";
const DELETE_OF_INSTANCE: &str = "DELETE FROM bindings WHERE instance = $1";

pub(super) async fn one(
    connection: &mut AnyConnection,
    seal: &Seal,
    key: &BindingKey,
) -> Result<Option<Binding>> {
    let row = sqlx::query(ONE)
        .bind(key.as_str())
        .fetch_optional(connection)
        .attempting("reading a binding")
        .await?;
    row.map(|row| read(&row, seal)).transpose()
}

pub(super) async fn of(
    connection: &mut AnyConnection,
    seal: &Seal,
    instance: &InstanceKey,
) -> Result<Vec<Binding>> {
    let rows = sqlx::query(OF_INSTANCE)
        .bind(instance.as_str())
        .fetch_all(connection)
        .attempting("reading an instance's bindings")
        .await?;
    rows.iter().map(|row| read(row, seal)).collect()
}

/// Those whose time is over and that nothing is done about yet.
pub(super) async fn expired(
    connection: &mut AnyConnection,
    seal: &Seal,
    now: Millis,
) -> Result<Vec<Binding>> {
    let rows = sqlx::query(EXPIRED)
        .bind(now)
        .fetch_all(connection)
        .attempting("looking for bindings whose time is over")
        .await?;
    rows.iter().map(|row| read(row, seal)).collect()
}

pub(super) async fn put(
    connection: &mut AnyConnection,
    seal: &Seal,
    binding: &Binding,
) -> Result<()> {
    sqlx::query(PUT)
        .bind(binding.key.as_str())
        .bind(binding.instance.as_str())
        .bind(binding.id.as_str())
        .bind(binding.offering_id.as_str())
        .bind(binding.plan_id.as_str())
        .bind(binding.app_guid.as_deref())
        .bind(to_json(&binding.parameters))
        .bind(to_json(&binding.context))
        .bind(binding.user.as_str())
        .bind(seal.seal(binding.password.expose(), &place(&binding.key)))
        .bind(binding.state.as_str())
        .bind(binding.created_at)
        .bind(binding.predecessor.as_ref().map(BindingId::as_str))
        .bind(binding.expires_at)
        .bind(binding.renew_before)
        .execute(connection)
        .attempting("writing a binding")
        .await
        .map(drop)
}

pub(super) async fn delete(connection: &mut AnyConnection, key: &BindingKey) -> Result<()> {
    sqlx::query(DELETE)
        .bind(key.as_str())
        .execute(connection)
        .attempting("forgetting a binding")
        .await
        .map(drop)
}

pub(super) async fn delete_of(
    connection: &mut AnyConnection,
    instance: &InstanceKey,
) -> Result<()> {
    sqlx::query(DELETE_OF_INSTANCE)
        .bind(instance.as_str())
        .execute(connection)
        .attempting("forgetting an instance's bindings")
        .await
        .map(drop)
}

fn place(key: &BindingKey) -> String {
    format!("binding/{key}/password")
}

fn read(row: &AnyRow, seal: &Seal) -> Result<Binding> {
    let columns = Columns::of("bindings", row);
    let key = BindingKey::from(columns.text("key")?);
    Ok(Binding {
        instance: columns.text("instance")?.into(),
        id: columns.text("id")?.into(),
        offering_id: columns.text("offering_id")?.into(),
        plan_id: columns.text("plan_id")?.into(),
        app_guid: columns.optional_text("app_guid")?,
        parameters: columns.object("parameters")?,
        context: columns.object("context")?,
        user: columns.text("username")?,
        password: columns.sealed("password", seal, &place(&key))?,
        state: columns.word("state", BindingState::parse)?,
        created_at: columns.number("created_at")?,
        predecessor: columns.optional_text("predecessor")?.map(Into::into),
        expires_at: columns.optional_number("expires_at")?,
        renew_before: columns.optional_number("renew_before")?,
        key,
    })
}
