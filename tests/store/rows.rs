//! What is written is what is read.

use banquet::model::{BindingState, InstanceState, Kind, OperationState, Phase};
use serde_json::json;

use crate::samples::{
    NOW, begin, binding, ended, finish, instance, key, object, operation, operation_on, put,
    put_binding, target,
};
use crate::world::World;

pub(crate) async fn an_instance_reads_as_it_was_written(world: World) {
    let store = &world.store;
    let mut wanted = instance("1");
    wanted.ports = [("redis".to_owned(), 20_000), ("a=b".to_owned(), 20_001)].into();
    assert_eq!(store.instance(&wanted.key).await.unwrap(), None);
    put(store, &wanted).await;
    assert_eq!(store.instance(&wanted.key).await.unwrap().as_ref(), Some(&wanted));

    wanted.state = InstanceState::Ready;
    wanted.was_ready = true;
    wanted.maintenance_version = None;
    wanted.plan_id = "plan-large".into();
    wanted.parameters = object(json!({}));
    wanted.ports.remove("a=b");
    wanted.updated_at = NOW + 1;
    put(store, &wanted).await;
    assert_eq!(store.instance(&wanted.key).await.unwrap().as_ref(), Some(&wanted));
    let mut decision = store.decide(&wanted.key).await.unwrap();
    assert_eq!(decision.instance().await.unwrap(), Some(wanted));
}

pub(crate) async fn instances_come_the_oldest_first(world: World) {
    let store = &world.store;
    for (id, created_at) in [("b", NOW + 2), ("a", NOW + 3), ("c", NOW + 1)] {
        let mut one = instance(id);
        one.created_at = created_at;
        put(store, &one).await;
    }
    let ids = store.instances().await.unwrap().into_iter().map(|one| one.id.to_string());
    assert_eq!(ids.collect::<Vec<_>>(), ["c", "b", "a"]);
}

pub(crate) async fn a_binding_reads_as_it_was_written(world: World) {
    let store = &world.store;
    let key = instance("1").key;
    let mut first = binding(&key, "first");
    let mut second = binding(&key, "second");
    (second.app_guid, second.created_at) = (None, NOW - 1);
    put_binding(store, &first).await;
    put_binding(store, &second).await;
    put_binding(store, &binding(&instance("2").key, "first")).await;
    assert_eq!(store.binding(&first.key).await.unwrap().as_ref(), Some(&first));

    first.state = BindingState::Ready;
    put_binding(store, &first).await;
    let mut decision = store.decide(&key).await.unwrap();
    assert_eq!(decision.binding(&first.key).await.unwrap().as_ref(), Some(&first));
    drop(decision);
    assert_eq!(store.bindings(&key).await.unwrap(), [second, first]);
}

pub(crate) async fn an_operation_reads_as_it_was_written(world: World) {
    let store = &world.store;
    let key = instance("1").key;
    let mut update = operation("op-1", Kind::Update, &key);
    update.target = Some(target("TargetPassword"));
    update.phase = Phase::Undo;
    (update.step, update.attempts) = (3, 7);
    (update.instance_usable, update.update_repeatable) = (Some(true), Some(false));
    begin(store, &update).await;
    assert_eq!(store.operation(&update.id).await.unwrap().as_ref(), Some(&update));
    assert_eq!(store.running(key.as_str()).await.unwrap().as_ref(), Some(&update));
    assert_eq!(store.operation(&"op-2".into()).await.unwrap(), None);

    let bind = operation_on("op-2", Kind::Bind, &binding(&key, "b"));
    begin(store, &bind).await;
    assert_eq!(store.running(bind.subject()).await.unwrap().as_ref(), Some(&bind));
    assert_eq!(store.latest(key.as_str()).await.unwrap(), Some(update));
}

pub(crate) async fn the_newest_operation_is_the_one_begun_last(world: World) {
    let store = &world.store;
    let key = instance("1").key;
    // The clock stands still, and the ids sort the wrong way round.
    for id in ["op-9", "op-10", "op-11"] {
        let next = operation(id, Kind::Update, &key);
        begin(store, &next).await;
        assert_eq!(store.latest(key.as_str()).await.unwrap().unwrap().id.as_str(), id);
        finish(store, &next, NOW, banquet::store::Effect::None).await;
        assert_eq!(store.running(key.as_str()).await.unwrap(), None);
    }
    let mut decision = store.decide(&key).await.unwrap();
    let latest = decision.latest(key.as_str()).await.unwrap().unwrap();
    assert_eq!((latest.id.as_str(), latest.state), ("op-11", OperationState::Succeeded));
    assert_eq!(decision.latest("nobody").await.unwrap(), None);
}

pub(crate) async fn operations_are_listed_the_newest_first(world: World) {
    let store = &world.store;
    let (one, other) = (instance("1").key, instance("2").key);
    let mut provision = operation("op-1", Kind::Provision, &one);
    provision.created_at = NOW + 1;
    let mut bind = operation_on("op-2", Kind::Bind, &binding(&one, "b"));
    bind.created_at = NOW + 2;
    let elsewhere = ended(&operation("op-3", Kind::Provision, &other), OperationState::Failed, NOW);
    for each in [&provision, &bind, &elsewhere] {
        begin(store, each).await;
    }
    let all = store.operations(None, 10).await.unwrap();
    assert_eq!(all, [bind.clone(), provision.clone(), elsewhere]);
    assert_eq!(store.operations(None, 1).await.unwrap(), [bind.clone()]);
    assert_eq!(store.operations(Some(&one), 10).await.unwrap(), [bind, provision]);
}

pub(crate) async fn any_text_is_kept(world: World) {
    let store = &world.store;
    let nasty = "a/b c'\"; DROP TABLE instances; -- $1 ? \\ %2F \u{202e}\n😀";
    let mut wanted = instance(nasty);
    wanted.tenant = nasty.into();
    wanted.plan_id = nasty.into();
    wanted.parameters = object(json!({nasty: nasty, "nul": "\0"}));
    put(store, &wanted).await;
    assert_eq!(store.instance(&wanted.key).await.unwrap().as_ref(), Some(&wanted));
    assert_eq!(store.count_others(&wanted.tenant, &key("x")).await.unwrap(), 1);
    let named = binding(&wanted.key, nasty);
    put_binding(store, &named).await;
    assert_eq!(store.binding(&named.key).await.unwrap(), Some(named));
}

pub(crate) async fn instances_are_counted_by_tenant_and_plan(world: World) {
    let store = &world.store;
    for id in ["1", "2", "3"] {
        let mut one = instance(id);
        if id == "3" {
            one.plan_id = "plan-large".into();
        }
        put(store, &one).await;
    }
    let tenant = instance("1").tenant;
    assert_eq!(store.count_others(&tenant, &key("1")).await.unwrap(), 2);
    assert_eq!(store.count_others(&"nobody".into(), &key("1")).await.unwrap(), 0);
    // Who leaves does not count, who changes does.
    begin(store, &operation("op-1", Kind::Deprovision, &key("2"))).await;
    begin(store, &operation("op-2", Kind::Update, &key("3"))).await;
    assert_eq!(store.count_others(&tenant, &key("1")).await.unwrap(), 1);
    let mut decision = store.decide(&instance("4").key).await.unwrap();
    assert_eq!(decision.count_instances(&tenant, None).await.unwrap(), 3);
    assert_eq!(decision.count_instances(&tenant, Some(&"plan-small".into())).await.unwrap(), 2);
    // What the decision itself has written counts.
    decision.put_instance(&instance("4")).await.unwrap();
    assert_eq!(decision.count_instances(&tenant, Some(&"plan-small".into())).await.unwrap(), 3);
}
