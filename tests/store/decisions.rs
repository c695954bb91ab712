//! One decision at a time about one instance.

use banquet::model::Kind;
use banquet::store::{AuditEntry, StoreError};
use tokio::task::JoinSet;

use crate::samples::{NOW, begin, binding, instance, operation, operation_on, pause, put};
use crate::world::World;

pub(crate) async fn a_dropped_decision_leaves_nothing(world: World) {
    let store = &world.store;
    let one = instance("1");
    let mut decision = store.decide(&one.key).await.unwrap();
    decision.put_instance(&one).await.unwrap();
    decision.begin(&operation("op-1", Kind::Provision, &one.key)).await.unwrap();
    decision.audit(&AuditEntry::default()).await.unwrap();
    drop(decision);
    assert_eq!(store.instance(&one.key).await.unwrap(), None);
    assert_eq!(store.latest(one.key.as_str()).await.unwrap(), None);
    assert_eq!(store.audit(10).await.unwrap(), []);
    // And holds nobody up.
    put(store, &one).await;
}

pub(crate) async fn decisions_on_one_instance_begin_one_operation(world: World) {
    let one = instance("1");
    put(&world.store, &one).await;
    let mut deciders = JoinSet::new();
    for number in 0..20 {
        let (store, key) = (world.store.clone(), one.key.clone());
        deciders.spawn(async move {
            let mut decision = store.decide(&key).await.unwrap();
            if !decision.running().await.unwrap().is_empty() {
                return false;
            }
            pause(300).await;
            let next = operation(&format!("op-{number}"), Kind::Update, &key);
            decision.begin(&next).await.unwrap();
            decision.commit().await.unwrap();
            true
        });
    }
    let began = deciders.join_all().await.into_iter().filter(|began| *began).count();
    assert_eq!(began, 1);
    assert_eq!(world.store.operations(None, 100).await.unwrap().len(), 1);
}

pub(crate) async fn a_second_running_operation_is_a_conflict(world: World) {
    let store = &world.store;
    let key = instance("1").key;
    begin(store, &operation("op-1", Kind::Update, &key)).await;
    let mut decision = store.decide(&key).await.unwrap();
    let error = decision.begin(&operation("op-2", Kind::Update, &key)).await.unwrap_err();
    assert!(matches!(error, StoreError::Conflict { .. }), "{error:?}");
    assert!(!error.is_unavailable());
    drop(decision);
    assert_eq!(store.operation(&"op-2".into()).await.unwrap(), None);
    // One on a binding is about another subject.
    begin(store, &operation_on("op-3", Kind::Bind, &binding(&key, "b"))).await;
}

pub(crate) async fn two_tenants_instances_are_decided_at_once(world: World) {
    if world.is_sqlite() {
        // One writer: the second decision waits for the first, whatever it is about.
        let first = world.store.decide(&instance("1").key).await.unwrap();
        let store = world.store.clone();
        let second = tokio::spawn(async move {
            let decision = store.decide(&instance("2").key).await.unwrap();
            decision.commit().await.unwrap();
        });
        pause(300).await;
        assert!(!second.is_finished());
        first.commit().await.unwrap();
        second.await.unwrap();
    } else {
        let first = world.store.decide(&instance("1").key).await.unwrap();
        let second = world.store.decide(&instance("2").key).await.unwrap();
        second.commit().await.unwrap();
        first.commit().await.unwrap();
    }
}

pub(crate) async fn a_quota_is_not_exceeded_by_deciding_at_once(world: World) {
    let mut deciders = JoinSet::new();
    for number in 0..12 {
        let store = world.store.clone();
        deciders.spawn(async move {
            let one = instance(&number.to_string());
            let mut decision = store.decide(&one.key).await.unwrap();
            if decision.count_instances(&one.tenant, None).await.unwrap() >= 2 {
                return;
            }
            pause(300).await;
            decision.put_instance(&one).await.unwrap();
            decision.commit().await.unwrap();
        });
    }
    deciders.join_all().await;
    assert_eq!(world.store.instances().await.unwrap().len(), 2);
}

pub(crate) async fn running_operations_of_bindings_are_seen(world: World) {
    let store = &world.store;
    let key = instance("1").key;
    let bind = operation_on("op-2", Kind::Bind, &binding(&key, "b"));
    let update = operation("op-1", Kind::Update, &key);
    begin(store, &bind).await;
    begin(store, &update).await;
    begin(store, &operation("op-3", Kind::Update, &instance("2").key)).await;
    let mut decision = store.decide(&key).await.unwrap();
    assert_eq!(decision.running().await.unwrap(), [bind.clone(), update]);
    decision.call_off(&bind.id, "not wanted any more", NOW + 5).await.unwrap();
    decision.call_off(&"op-3".into(), "not of this instance", NOW + 5).await.unwrap();
    assert_eq!(decision.running().await.unwrap().len(), 1);
    decision.commit().await.unwrap();
    let off = store.operation(&bind.id).await.unwrap().unwrap();
    assert_eq!(off.state, banquet::model::OperationState::Failed);
    assert_eq!((off.description.as_str(), off.finished_at), ("not wanted any more", Some(NOW + 5)));
    assert!(store.running(instance("2").key.as_str()).await.unwrap().is_some());
}
