//! Who did what.

use banquet::store::AuditEntry;

use crate::samples::{NOW, key};
use crate::world::World;

fn entry(action: &str, at: i64) -> AuditEntry {
    AuditEntry {
        at,
        platform: "cf".to_owned(),
        identity: r#"{"user_id": "683ea748"}"#.to_owned(),
        request: "e26cee84-6b38-4456-b34e-d1a9f002c956".to_owned(),
        action: action.to_owned(),
        instance: "i".to_owned(),
        binding: String::new(),
        operation: "op-1".to_owned(),
    }
}

async fn write(world: &World, entries: &[AuditEntry]) {
    let mut decision = world.store.decide(&key("1")).await.unwrap();
    for entry in entries {
        decision.audit(entry).await.unwrap();
    }
    decision.commit().await.unwrap();
}

pub async fn entries_come_the_newest_first(world: World) {
    let (first, second, third) =
        (entry("provision", NOW), entry("update", NOW + 1), entry("bind", NOW + 1));
    write(&world, &[first.clone(), second.clone(), third.clone()]).await;
    assert_eq!(world.store.audit(10).await.unwrap(), [third.clone(), second, first]);
    assert_eq!(world.store.audit(1).await.unwrap(), [third]);
}

pub async fn old_entries_are_forgotten(world: World) {
    let (old, new) = (entry("provision", NOW), entry("update", NOW + 1));
    write(&world, &[old, new.clone()]).await;
    world.store.forget_ended(NOW + 1).await.unwrap();
    assert_eq!(world.store.audit(10).await.unwrap(), [new]);
}
