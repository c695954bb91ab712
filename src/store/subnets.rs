//! Tenants' network ranges, cut from a pool of our own choosing.

use ipnet::Ipv4Net;
use sqlx::AnyConnection;
use sqlx::any::AnyRow;

use super::attempt::Attempt as _;
use super::codec::Columns;
use super::{Result, StoreError, locks};
use crate::id::TenantId;

const OF_TENANT: &str = "SELECT network FROM subnets WHERE tenant = $1";
const ALL: &str = "SELECT network FROM subnets";
const TAKE: &str = "INSERT INTO subnets (tenant, network) VALUES ($1, $2)";
const FREE: &str = "DELETE FROM subnets WHERE tenant = $1";

pub(super) async fn of(
    connection: &mut AnyConnection,
    tenant: &TenantId,
) -> Result<Option<Ipv4Net>> {
    let row = sqlx::query(OF_TENANT)
        .bind(tenant.as_str())
        .fetch_optional(connection)
        .attempting("reading a tenant's subnet")
        .await?;
    row.map(|row| read(&row)).transpose()
}

/// The one that the tenant has, or the first of `prefix` bits that is free in the pool.
pub(super) async fn of_or_take(
    connection: &mut AnyConnection,
    tenant: &TenantId,
    pool: Ipv4Net,
    prefix: u8,
) -> Result<Ipv4Net> {
    locks::hold_shared(connection).await?;
    if let Some(network) = of(connection, tenant).await? {
        return Ok(network);
    }
    let rows = sqlx::query(ALL)
        .fetch_all(&mut *connection)
        .attempting("looking for a free subnet")
        .await?;
    let taken = rows.iter().map(read).collect::<Result<Vec<_>>>()?;
    let network = first_free(pool, prefix, taken).ok_or(StoreError::NoSubnetLeft(pool))?;
    sqlx::query(TAKE)
        .bind(tenant.as_str())
        .bind(network.to_string())
        .execute(connection)
        .attempting("taking a subnet")
        .await
        .map_err(StoreError::or_conflict)?;
    Ok(network)
}

pub(super) async fn free(connection: &mut AnyConnection, tenant: &TenantId) -> Result<()> {
    sqlx::query(FREE)
        .bind(tenant.as_str())
        .execute(connection)
        .attempting("freeing a tenant's subnet")
        .await
        .map(drop)
}

/// Overlap counts as taken, not only equality: `prefix` may have been another in earlier settings.
fn first_free(pool: Ipv4Net, prefix: u8, mut taken: Vec<Ipv4Net>) -> Option<Ipv4Net> {
    taken.sort_unstable();
    let is_free = |candidate: &Ipv4Net| {
        let next = taken.partition_point(|other| other.broadcast() < candidate.network());
        taken.get(next).is_none_or(|other| other.network() > candidate.broadcast())
    };
    pool.subnets(prefix).ok()?.find(is_free)
}

fn read(row: &AnyRow) -> Result<Ipv4Net> {
    Columns::of("subnets", row).word("network", |text| text.parse().ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn net(text: &str) -> Ipv4Net {
        text.parse().unwrap()
    }

    #[test]
    fn the_first_gap_is_given_whatever_the_sizes() {
        let pool = net("10.0.0.0/24");
        assert_eq!(first_free(pool, 28, vec![]), Some(net("10.0.0.0/28")));
        let taken = vec![net("10.0.0.32/27"), net("10.0.0.0/28")];
        assert_eq!(first_free(pool, 28, taken.clone()), Some(net("10.0.0.16/28")));
        assert_eq!(first_free(pool, 27, taken.clone()), Some(net("10.0.0.64/27")));
        assert_eq!(first_free(pool, 25, taken), Some(net("10.0.0.128/25")));
    }

    #[test]
    fn a_full_pool_has_none() {
        let pool = net("10.0.0.0/30");
        let taken = vec![net("10.0.0.0/31"), net("10.0.0.2/31")];
        assert_eq!(first_free(pool, 31, taken), None);
        assert_eq!(first_free(pool, 29, vec![]), None, "larger than the pool");
        assert_eq!(first_free(pool, 31, vec![net("10.0.0.0/8")]), None);
    }
}
