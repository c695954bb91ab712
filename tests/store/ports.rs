//! Host ports.

use std::collections::BTreeSet;

use banquet::model::Kind;
use banquet::store::{Effect, StoreError};
use tokio::task::JoinSet;

use crate::samples::{NOW, begin, claim, instance, operation, put};
use crate::world::World;

const HOUR: i64 = 3_600_000;

pub async fn the_lowest_free_ports_are_given(world: World) {
    let store = &world.store;
    let mut one = instance("1");
    one.ports = [("redis".to_owned(), 20_001)].into();
    put(store, &one).await;
    let mut decision = store.decide(&instance("2").key).await.unwrap();
    let free = decision.free_ports(&["amqp", "http"], &(20_000..=20_009), NOW).await.unwrap();
    assert_eq!(free, [("amqp".to_owned(), 20_000), ("http".to_owned(), 20_002)].into());
    // Not taken until an instance has them.
    drop(decision);
    let mut decision = store.decide(&instance("2").key).await.unwrap();
    assert_eq!(decision.free_ports(&["amqp"], &(20_000..=20_009), NOW).await.unwrap().len(), 1);
    assert_eq!(decision.free_ports(&[], &(20_000..=20_009), NOW).await.unwrap(), [].into());
}

pub async fn a_used_up_range_says_so(world: World) {
    let store = &world.store;
    let mut one = instance("1");
    one.ports = [("redis".to_owned(), 65_535)].into();
    put(store, &one).await;
    let mut decision = store.decide(&instance("2").key).await.unwrap();
    let free = decision.free_ports(&["a"], &(65_534..=65_535), NOW).await.unwrap();
    assert_eq!(free["a"], 65_534);
    let error = decision.free_ports(&["a", "b"], &(65_534..=65_535), NOW).await.unwrap_err();
    assert!(matches!(error, StoreError::NoPortLeft(65_534, 65_535)), "{error:?}");
}

pub async fn many_at_once_get_distinct_ports(world: World) {
    let mut deciders = JoinSet::new();
    for number in 0..30 {
        let store = world.store.clone();
        deciders.spawn(async move {
            let mut one = instance(&number.to_string());
            let mut decision = store.decide(&one.key).await.unwrap();
            one.ports = decision.free_ports(&["a", "b"], &(20_000..=20_059), NOW).await.unwrap();
            tokio::task::yield_now().await;
            decision.put_instance(&one).await.unwrap();
            decision.commit().await.unwrap();
            one.ports.into_values().collect::<Vec<_>>()
        });
    }
    let given = deciders.join_all().await.concat();
    assert_eq!(given.into_iter().collect::<BTreeSet<_>>(), (20_000..=20_059).collect());
}

pub async fn a_taken_port_is_exchanged_and_held_back(world: World) {
    let store = &world.store;
    let range = 20_000..=20_009;
    let mut one = instance("1");
    one.ports = [("a".to_owned(), 20_000), ("b".to_owned(), 20_001)].into();
    put(store, &one).await;
    begin(store, &operation("op-1", Kind::Provision, &one.key)).await;
    let lease = claim(store, NOW).await;
    let wanted = [("a".to_owned(), 20_002), ("b".to_owned(), 20_001)].into();
    let exchanged = store.exchange_port(&lease, 20_000, &range, NOW).await.unwrap();
    assert_eq!(exchanged.as_ref(), Some(&wanted));
    assert_eq!(store.instance(&one.key).await.unwrap().unwrap().ports, wanted);
    // Asked for again after a crash, it changes nothing.
    let again = store.exchange_port(&lease, 20_000, &range, NOW).await.unwrap();
    assert_eq!(again, exchanged);

    for (now, port) in [(NOW, 20_003), (NOW + HOUR - 1, 20_003), (NOW + HOUR, 20_000)] {
        let mut decision = store.decide(&instance("2").key).await.unwrap();
        let free = decision.free_ports(&["a"], &range, now).await.unwrap();
        assert_eq!(free["a"], port, "at {}", now - NOW);
    }
    assert!(store.record(&lease, &lease.operation.clone(), Effect::None).await.unwrap());
}

pub async fn a_port_that_an_app_may_know_is_never_exchanged(world: World) {
    let store = &world.store;
    let mut one = instance("1");
    one.ports = [("a".to_owned(), 20_000)].into();
    one.was_ready = true;
    put(store, &one).await;
    begin(store, &operation("op-1", Kind::Update, &one.key)).await;
    let lease = claim(store, NOW).await;
    let kept = store.exchange_port(&lease, 20_000, &(20_000..=20_009), NOW).await.unwrap();
    assert_eq!(kept, Some(one.ports));
}

pub async fn a_port_belongs_to_one_instance(world: World) {
    let store = &world.store;
    let (mut one, mut two) = (instance("1"), instance("2"));
    one.ports = [("a".to_owned(), 20_000)].into();
    two.ports = one.ports.clone();
    put(store, &one).await;
    let mut decision = store.decide(&two.key).await.unwrap();
    let error = decision.put_instance(&two).await.unwrap_err();
    assert!(matches!(error, StoreError::Conflict { .. }), "{error:?}");
    drop(decision);
    assert_eq!(store.instances().await.unwrap(), [one]);
}
