//! Who may work on what, and write it.

use std::collections::BTreeSet;

use banquet::model::{InstanceState, Kind, Operation, OperationState};
use banquet::store::Effect;
use tokio::task::JoinSet;

use crate::samples::{
    LEASE, NOW, begin, binding, claim, ended, finish, instance, key, operation, operation_on, put,
    put_binding, target,
};
use crate::world::World;

pub async fn eight_workers_claim_each_operation_once(world: World) {
    for number in 0..400 {
        let each = operation(&format!("op-{number}"), Kind::Provision, &key(&number.to_string()));
        begin(&world.store, &each).await;
    }
    let mut workers = JoinSet::new();
    for _ in 0..8 {
        let store = world.store.clone();
        workers.spawn(async move {
            let mut mine = Vec::new();
            while let Some(lease) = store.claim(NOW, LEASE).await.unwrap() {
                mine.push(lease.operation.id.to_string());
            }
            mine
        });
    }
    let claimed = workers.join_all().await.concat();
    assert_eq!(claimed.len(), 400, "each, and none twice");
    assert_eq!(claimed.into_iter().collect::<BTreeSet<_>>().len(), 400);
    assert_eq!(world.store.next_due().await.unwrap(), Some(NOW + LEASE));
}

pub async fn the_most_urgent_is_claimed_first(world: World) {
    let store = &world.store;
    for (id, run_after) in [("op-1", NOW), ("op-2", NOW - 2), ("op-3", NOW - 1)] {
        let each = Operation { run_after, ..operation(id, Kind::Provision, &key(id)) };
        begin(store, &each).await;
    }
    for id in ["op-2", "op-3", "op-1"] {
        let lease = claim(store, NOW).await;
        assert_eq!((lease.operation.id.as_str(), lease.operation.attempts), (id, 1));
        assert_eq!(store.operation(&lease.operation.id).await.unwrap(), Some(lease.operation));
    }
}

pub async fn nothing_is_claimed_before_it_is_due(world: World) {
    let store = &world.store;
    assert_eq!(store.next_due().await.unwrap(), None);
    let later = Operation { run_after: NOW + 10, ..operation("op-1", Kind::Update, &key("1")) };
    begin(store, &later).await;
    assert_eq!(store.next_due().await.unwrap(), Some(NOW + 10));
    assert!(store.claim(NOW + 9, LEASE).await.unwrap().is_none());
    let lease = claim(store, NOW + 10).await;
    assert_eq!(store.next_due().await.unwrap(), Some(NOW + 10 + LEASE));
    let end = ended(&lease.operation, OperationState::Succeeded, NOW + 11);
    assert!(store.record(&lease, &end, Effect::None).await.unwrap());
    assert_eq!(store.next_due().await.unwrap(), None);
    assert!(store.claim(NOW + 1_000_000, LEASE).await.unwrap().is_none());
}

pub async fn a_lost_lease_writes_nothing(world: World) {
    let store = &world.store;
    let one = instance("1");
    put(store, &one).await;
    begin(store, &operation("op-1", Kind::Provision, &one.key)).await;
    let lost = claim(store, NOW).await;
    let held = claim(store, NOW + LEASE).await;
    assert_eq!(held.operation.attempts, 2);

    assert!(!store.renew(&lost, NOW + LEASE, LEASE, "still here").await.unwrap());
    let mut changed = one.clone();
    changed.state = InstanceState::Failed;
    let end = ended(&lost.operation, OperationState::Failed, NOW + LEASE);
    let effect = Effect::Instance(Box::new(changed));
    assert!(!store.record(&lost, &end, effect).await.unwrap());
    let exchanged = store.exchange_port(&lost, 20_000, &(20_000..=20_009), NOW).await.unwrap();
    assert_eq!(exchanged, None);

    assert_eq!(store.instance(&one.key).await.unwrap(), Some(one));
    assert_eq!(store.operation(&held.operation.id).await.unwrap(), Some(held.operation.clone()));
    // Nor was the other's lease ended.
    assert!(store.claim(NOW + LEASE, LEASE).await.unwrap().is_none());
    assert!(store.renew(&held, NOW + LEASE, LEASE, "").await.unwrap());
}

pub async fn renewing_keeps_the_lease_and_tells_people(world: World) {
    let store = &world.store;
    begin(store, &operation("op-1", Kind::Provision, &key("1"))).await;
    let lease = claim(store, NOW).await;
    assert!(store.renew(&lease, NOW + LEASE - 1, LEASE, "fetching the image").await.unwrap());
    assert!(store.claim(NOW + LEASE, LEASE).await.unwrap().is_none());
    assert!(store.renew(&lease, NOW + LEASE, LEASE, "").await.unwrap());
    let shown = store.operation(&lease.operation.id).await.unwrap().unwrap();
    assert_eq!(shown.description, "fetching the image");
    assert_eq!(store.next_due().await.unwrap(), Some(NOW + LEASE + LEASE));
}

pub async fn recording_a_step_moves_the_operation_and_its_instance(world: World) {
    let store = &world.store;
    let mut one = instance("1");
    one.ports = [("redis".to_owned(), 20_000)].into();
    put(store, &one).await;
    let mut update = operation("op-1", Kind::Update, &one.key);
    update.target = Some(target("TargetPassword"));
    begin(store, &update).await;
    let lease = claim(store, NOW).await;

    let mut end = ended(&lease.operation, OperationState::Succeeded, NOW + 9);
    (end.instance_usable, end.update_repeatable) = (Some(true), Some(true));
    (end.step, end.attempts) = (5, 0);
    end.target.as_mut().unwrap().workload.containers[0].image.resolved = None;
    one.state = InstanceState::Ready;
    one.was_ready = true;
    one.ports = [("redis".to_owned(), 20_000), ("admin".to_owned(), 20_005)].into();
    one.updated_at = NOW + 9;
    let effect = Effect::Instance(Box::new(one.clone()));
    assert!(store.record(&lease, &end, effect).await.unwrap());

    assert_eq!(store.instance(&one.key).await.unwrap(), Some(one));
    assert_eq!(store.operation(&end.id).await.unwrap().as_ref(), Some(&end));
    // The lease is used up.
    assert!(!store.record(&lease, &end, Effect::None).await.unwrap());
    assert!(!store.renew(&lease, NOW, LEASE, "").await.unwrap());
}

pub async fn recording_a_running_operation_lets_it_be_claimed_when_due(world: World) {
    let store = &world.store;
    begin(store, &operation("op-1", Kind::Provision, &key("1"))).await;
    let lease = claim(store, NOW).await;
    let next = Operation { step: 1, attempts: 0, run_after: NOW + 3, ..lease.operation.clone() };
    assert!(store.record(&lease, &next, Effect::None).await.unwrap());
    assert!(store.claim(NOW + 2, LEASE).await.unwrap().is_none());
    let again = claim(store, NOW + 3).await;
    assert_eq!((again.operation.step, again.operation.attempts), (1, 1));
    assert_ne!(again.token, lease.token);
}

pub async fn a_called_off_operation_is_written_no_more(world: World) {
    let store = &world.store;
    let one = instance("1");
    put(store, &one).await;
    begin(store, &operation("op-1", Kind::Provision, &one.key)).await;
    let lease = claim(store, NOW).await;
    call_off(&world, &lease.operation).await;

    assert!(!store.renew(&lease, NOW, LEASE, "still here").await.unwrap());
    let range = 20_000..=20_009;
    assert_eq!(store.exchange_port(&lease, 20_000, &range, NOW).await.unwrap(), None);
    let mut changed = one.clone();
    changed.state = InstanceState::Ready;
    let end = ended(&lease.operation, OperationState::Succeeded, NOW + 9);
    let effect = Effect::Instance(Box::new(changed));
    assert!(!store.record(&lease, &end, effect).await.unwrap());

    assert_eq!(store.instance(&one.key).await.unwrap(), Some(one));
    let off = store.operation(&lease.operation.id).await.unwrap().unwrap();
    assert_eq!((off.state, off.description.as_str()), (OperationState::Failed, "called off"));
}

pub async fn what_follows_a_called_off_operation_waits_until_it_is_let_go(world: World) {
    let store = &world.store;
    let (one, other) = (key("1"), key("2"));
    begin(store, &operation("op-1", Kind::Provision, &one)).await;
    let lease = claim(store, NOW).await;
    call_off(&world, &lease.operation).await;
    begin(store, &operation("op-2", Kind::Deprovision, &one)).await;
    let elsewhere = Operation { run_after: NOW + 1, ..operation("op-3", Kind::Update, &other) };
    begin(store, &elsewhere).await;

    assert_eq!(store.next_due().await.unwrap(), Some(NOW + 1));
    assert!(store.claim(NOW, LEASE).await.unwrap().is_none());
    // Other instances do not wait.
    assert_eq!(claim(store, NOW + 1).await.operation.id.as_str(), "op-3");
    // A worker that takes its time to leave holds on.
    assert!(!store.renew(&lease, NOW + 2, LEASE, "").await.unwrap());
    assert!(store.claim(NOW + LEASE, LEASE).await.unwrap().is_none());

    let end = ended(&lease.operation, OperationState::Succeeded, NOW + 3);
    assert!(!store.record(&lease, &end, Effect::None).await.unwrap());
    assert_eq!(claim(store, NOW + 3).await.operation.id.as_str(), "op-2");
}

pub async fn what_follows_a_dead_workers_called_off_operation_waits_for_its_lease(world: World) {
    let store = &world.store;
    begin(store, &operation("op-1", Kind::Provision, &key("1"))).await;
    let dead = claim(store, NOW).await;
    call_off(&world, &dead.operation).await;
    begin(store, &operation("op-2", Kind::Deprovision, &key("1"))).await;
    assert_eq!(store.next_due().await.unwrap(), Some(NOW + LEASE));
    assert!(store.claim(NOW + LEASE - 1, LEASE).await.unwrap().is_none());
    assert_eq!(claim(store, NOW + LEASE).await.operation.id.as_str(), "op-2");
}

pub async fn a_new_process_ends_all_leases(world: World) {
    let store = &world.store;
    for id in ["1", "2", "3"] {
        begin(store, &operation(&format!("op-{id}"), Kind::Provision, &key(id))).await;
    }
    let (first, _second) = (claim(store, NOW).await, claim(store, NOW).await);
    call_off(&world, &first.operation).await;
    assert_eq!(store.release_all().await.unwrap(), 2);
    assert_eq!(store.next_due().await.unwrap(), Some(NOW));
    assert!(!store.renew(&first, NOW, LEASE, "").await.unwrap());
    assert_eq!(claim(store, NOW).await.operation.id.as_str(), "op-2");
}

pub async fn forgetting_a_binding(world: World) {
    let store = &world.store;
    let (gone, stays) = (binding(&key("1"), "gone"), binding(&key("1"), "stays"));
    put_binding(store, &gone).await;
    put_binding(store, &stays).await;
    let unbind = operation_on("op-1", Kind::Unbind, &gone);
    begin(store, &unbind).await;
    finish(store, &unbind, NOW, Effect::ForgetBinding).await;
    assert_eq!(store.bindings(&key("1")).await.unwrap(), [stays.clone()]);
    let latest = store.latest(gone.key.as_str()).await.unwrap().unwrap();
    assert_eq!(latest.state, OperationState::Succeeded, "what happened is still known");

    let mut ready = stays.clone();
    ready.state = banquet::model::BindingState::Ready;
    let bind = operation_on("op-2", Kind::Bind, &stays);
    begin(store, &bind).await;
    finish(store, &bind, NOW, Effect::Binding(Box::new(ready.clone()))).await;
    assert_eq!(store.binding(&stays.key).await.unwrap(), Some(ready));
}

pub async fn forgetting_an_instance_takes_all_with_it(world: World) {
    let store = &world.store;
    let mut one = instance("1");
    one.ports = [("redis".to_owned(), 20_000)].into();
    put(store, &one).await;
    let mut decision = store.decide(&one.key).await.unwrap();
    let pool = "10.0.0.0/24".parse().unwrap();
    decision.subnet(&one.tenant, pool, 28).await.unwrap();
    decision.commit().await.unwrap();
    let bound = binding(&one.key, "b");
    put_binding(store, &bound).await;
    begin(store, &operation("op-1", Kind::Deprovision, &one.key)).await;
    let lease = claim(store, NOW).await;
    begin(store, &operation_on("op-2", Kind::Unbind, &bound)).await;
    assert!(!store.was_removed(&one.key).await.unwrap());

    let end = ended(&lease.operation, OperationState::Succeeded, NOW + 5);
    assert!(store.record(&lease, &end, Effect::ForgetInstance).await.unwrap());

    assert_eq!(store.instance(&one.key).await.unwrap(), None);
    assert_eq!(store.bindings(&one.key).await.unwrap(), []);
    assert_eq!(store.subnet(&one.tenant).await.unwrap(), None);
    assert!(store.was_removed(&one.key).await.unwrap());
    assert_eq!(store.operation(&end.id).await.unwrap(), Some(end));
    let other = store.operation(&"op-2".into()).await.unwrap().unwrap();
    assert_eq!((other.state, other.finished_at), (OperationState::Failed, Some(NOW + 5)));
    assert!(!other.description.is_empty());
    let mut decision = store.decide(&key("2")).await.unwrap();
    let ports = decision.free_ports(&["redis"], &(20_000..=20_000), NOW).await.unwrap();
    assert_eq!(ports["redis"], 20_000, "its port is free again");
}

pub async fn forgetting_keeps_what_others_own(world: World) {
    let store = &world.store;
    let (one, mut two) = (instance("1"), instance("2"));
    two.ports = [("redis".to_owned(), 20_001)].into();
    for each in [&one, &two] {
        put(store, each).await;
        put_binding(store, &binding(&each.key, "b")).await;
    }
    let mut decision = store.decide(&one.key).await.unwrap();
    let subnet = decision.subnet(&one.tenant, "10.0.0.0/24".parse().unwrap(), 28).await.unwrap();
    decision.commit().await.unwrap();
    let removal = operation("op-1", Kind::Deprovision, &one.key);
    begin(store, &removal).await;
    finish(store, &removal, NOW, Effect::ForgetInstance).await;
    assert_eq!(store.instances().await.unwrap(), [two.clone()]);
    assert_eq!(store.bindings(&two.key).await.unwrap().len(), 1);
    assert_eq!(store.subnet(&two.tenant).await.unwrap(), Some(subnet));
    assert!(!store.was_removed(&two.key).await.unwrap());
}

pub async fn an_instance_made_again_is_not_removed(world: World) {
    let store = &world.store;
    let one = instance("1");
    put(store, &one).await;
    let removal = operation("op-1", Kind::Deprovision, &one.key);
    begin(store, &removal).await;
    finish(store, &removal, NOW, Effect::ForgetInstance).await;
    assert!(store.was_removed(&one.key).await.unwrap());
    put(store, &one).await;
    assert!(!store.was_removed(&one.key).await.unwrap());
}

pub async fn old_operations_are_forgotten(world: World) {
    let store = &world.store;
    let one = instance("1");
    put(store, &one).await;
    for (id, at) in [("op-1", NOW), ("op-2", NOW + 10), ("op-3", NOW + 20)] {
        let each = operation(id, Kind::Update, &one.key);
        begin(store, &each).await;
        finish(store, &each, at, Effect::None).await;
    }
    let gone = operation("op-4", Kind::Deprovision, &key("2"));
    begin(store, &gone).await;
    finish(store, &gone, NOW + 15, Effect::ForgetInstance).await;
    begin(store, &operation("op-5", Kind::Provision, &key("3"))).await;

    assert_eq!(store.forget_ended(NOW + 10).await.unwrap(), 1, "op-1: op-2 is newer");
    assert!(store.was_removed(&key("2")).await.unwrap());
    assert_eq!(store.forget_ended(NOW + 1_000).await.unwrap(), 2, "op-2, and op-4: it is gone");
    assert!(!store.was_removed(&key("2")).await.unwrap());
    let left = store.operations(None, 10).await.unwrap();
    let mut left: Vec<_> = left.iter().map(|each| each.id.as_str()).collect();
    left.sort_unstable();
    assert_eq!(left, ["op-3", "op-5"], "the newest of what exists, and what runs");
    let subjects = sqlx::query("SELECT key FROM subjects").fetch_all(&world.raw().await).await;
    assert_eq!(subjects.unwrap().len(), 3, "two instances, and what instances share");
}

async fn call_off(world: &World, operation: &Operation) {
    let mut decision = world.store.decide(&operation.instance).await.unwrap();
    decision.call_off(&operation.id, "called off", NOW + 1).await.unwrap();
    decision.commit().await.unwrap();
}
