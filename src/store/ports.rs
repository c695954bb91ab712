//! Host ports: each belongs to one instance, or is held back because something else uses it.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::RangeInclusive;

use sqlx::AnyConnection;

use super::attempt::Attempt as _;
use super::codec::Columns;
use super::{Result, StoreError, locks};
use crate::clock::Millis;
use crate::id::InstanceKey;

/// Long enough for whoever looks after the machine to free it, in ms.
const HOLD_BACK_MS: Millis = 3_600_000;

const OF_INSTANCE: &str = "SELECT name, port FROM ports WHERE instance = $1";
const IN_USE: &str = "SELECT port FROM ports WHERE port >= $1 AND port <= $2 UNION \
    SELECT port FROM ports_held_back WHERE port >= $1 AND port <= $2 AND until > $3";
const TAKE: &str = "INSERT INTO ports (port, instance, name) VALUES ($1, $2, $3)";
const FREE_ALL: &str = "DELETE FROM ports WHERE instance = $1";
const HOLD_BACK: &str = "INSERT INTO ports_held_back (port, until) VALUES ($1, $2) \
    ON CONFLICT (port) DO UPDATE SET until = excluded.until";

/// The lowest free port of the range for each name. What instances share is held from now on, so
/// nobody else is given the same.
pub(super) async fn free(
    connection: &mut AnyConnection,
    names: &[&str],
    range: &RangeInclusive<u16>,
    now: Millis,
) -> Result<BTreeMap<String, u16>> {
    locks::hold_shared(connection).await?;
    let rows = sqlx::query(IN_USE)
        .bind(i64::from(*range.start()))
        .bind(i64::from(*range.end()))
        .bind(now)
        .fetch_all(connection)
        .attempting("looking for a free port")
        .await?;
    let in_use = rows.iter().map(|row| Columns::of("ports", row).number("port"));
    let in_use: BTreeSet<u16> = in_use.collect::<Result<_>>()?;
    let mut free = range.clone().filter(|port| !in_use.contains(port));
    let mut next = || free.next().ok_or(StoreError::NoPortLeft(*range.start(), *range.end()));
    names.iter().map(|name| Ok(((*name).to_owned(), next()?))).collect()
}

/// Takes and frees so that the instance has `wanted`. [`StoreError::Conflict`] if another has one.
pub(super) async fn put(
    connection: &mut AnyConnection,
    instance: &InstanceKey,
    wanted: &BTreeMap<String, u16>,
) -> Result<()> {
    if of(connection, instance).await? == *wanted {
        return Ok(());
    }
    locks::hold_shared(connection).await?;
    free_all(connection, instance).await?;
    for (name, port) in wanted {
        sqlx::query(TAKE)
            .bind(i64::from(*port))
            .bind(instance.as_str())
            .bind(name.as_str())
            .execute(&mut *connection)
            .attempting("taking a port")
            .await
            .map_err(StoreError::or_conflict)?;
    }
    Ok(())
}

pub(super) async fn free_all(connection: &mut AnyConnection, instance: &InstanceKey) -> Result<()> {
    sqlx::query(FREE_ALL)
        .bind(instance.as_str())
        .execute(connection)
        .attempting("freeing an instance's ports")
        .await
        .map(drop)
}

/// Does not hand the port out for an hour.
pub(super) async fn hold_back(
    connection: &mut AnyConnection,
    port: u16,
    now: Millis,
) -> Result<()> {
    locks::hold_shared(connection).await?;
    sqlx::query(HOLD_BACK)
        .bind(i64::from(port))
        .bind(now.saturating_add(HOLD_BACK_MS))
        .execute(connection)
        .attempting("holding a port back")
        .await
        .map(drop)
}

async fn of(
    connection: &mut AnyConnection,
    instance: &InstanceKey,
) -> Result<BTreeMap<String, u16>> {
    let rows = sqlx::query(OF_INSTANCE)
        .bind(instance.as_str())
        .fetch_all(connection)
        .attempting("reading an instance's ports")
        .await?;
    let columns = rows.iter().map(|row| Columns::of("ports", row));
    columns.map(|columns| Ok((columns.text("name")?, columns.number("port")?))).collect()
}
