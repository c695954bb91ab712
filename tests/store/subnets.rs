//! Tenants' network ranges.

use std::collections::BTreeSet;

use banquet::id::TenantId;
use banquet::store::StoreError;
use ipnet::Ipv4Net;
use tokio::task::JoinSet;

use crate::samples::key;
use crate::world::World;

fn pool() -> Ipv4Net {
    "10.213.0.0/24".parse().unwrap()
}

async fn take(world: &World, tenant: &str, prefix: u8) -> Result<Ipv4Net, StoreError> {
    let mut decision = world.store.decide(&key(tenant)).await?;
    let subnet = decision.subnet(&tenant.into(), pool(), prefix).await?;
    decision.commit().await?;
    Ok(subnet)
}

pub async fn a_tenant_keeps_its_subnet(world: World) {
    let tenant = TenantId::from("one");
    assert_eq!(world.store.subnet(&tenant).await.unwrap(), None);
    let first = take(&world, "one", 28).await.unwrap();
    assert_eq!(first.to_string(), "10.213.0.0/28");
    assert_eq!(world.store.subnet(&tenant).await.unwrap(), Some(first));
    assert_eq!(take(&world, "one", 26).await.unwrap(), first, "whatever the settings say now");
    assert_eq!(take(&world, "two", 28).await.unwrap().to_string(), "10.213.0.16/28");
    assert_eq!(take(&world, "three", 26).await.unwrap().to_string(), "10.213.0.64/26");
}

pub async fn a_used_up_pool_says_so(world: World) {
    for tenant in ["one", "two"] {
        take(&world, tenant, 25).await.unwrap();
    }
    let error = take(&world, "three", 25).await.unwrap_err();
    assert!(matches!(error, StoreError::NoSubnetLeft(left) if left == pool()), "{error:?}");
    assert_eq!(world.store.subnet(&"three".into()).await.unwrap(), None);
}

pub async fn many_tenants_at_once_get_distinct_subnets(world: World) {
    let mut deciders = JoinSet::new();
    for number in 0..16 {
        let store = world.store.clone();
        deciders.spawn(async move {
            let tenant = number.to_string();
            let mut decision = store.decide(&key(&tenant)).await.unwrap();
            let subnet = decision.subnet(&tenant.as_str().into(), pool(), 28).await.unwrap();
            decision.commit().await.unwrap();
            subnet
        });
    }
    let given: BTreeSet<_> = deciders.join_all().await.into_iter().collect();
    assert_eq!(given, pool().subnets(28).unwrap().collect());
}
