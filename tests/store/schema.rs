//! Opening, and the schema's history.

use std::collections::BTreeSet;
use std::path::Path;

use banquet::store::migrations::{self, ALL};
use banquet::store::{Store, StoreError};
use sqlx::AssertSqlSafe;
use tokio::task::JoinSet;

use crate::samples::{instance, put};
use crate::world::{World, seal};

pub async fn opening_again_keeps_everything(world: World) {
    let one = instance("1");
    put(&world.store, &one).await;
    let id = world.store.broker_id().await.unwrap();
    assert_eq!(id.as_str().len(), 8);
    assert!(id.as_str().bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit()));
    let again = Store::open(&world.url, seal(&[&world.key])).await.unwrap();
    again.ping().await.unwrap();
    assert_eq!(again.broker_id().await.unwrap(), id);
    assert_eq!(again.instances().await.unwrap(), [one]);
}

pub async fn many_brokers_may_open_at_once(world: World) {
    let (empty, _folder) = world.empty().await;
    let url = empty.connect_options().database_url.to_string();
    let mut brokers = JoinSet::new();
    for _ in 0..8 {
        let (url, seal) = (url.clone(), seal(&[&world.key]));
        brokers.spawn(
            async move { Store::open(&url, seal).await.unwrap().broker_id().await.unwrap() },
        );
    }
    let ids: BTreeSet<_> = brokers.join_all().await.into_iter().collect();
    assert_eq!(ids.len(), 1);
}

pub async fn a_newer_schema_is_refused_and_left_alone(world: World) {
    let raw = world.raw().await;
    let newer = "INSERT INTO schema_versions (version, name) VALUES (9999, 'from the future')";
    sqlx::query(newer).execute(&raw).await.unwrap();
    let error = Store::open(&world.url, seal(&[&world.key])).await.unwrap_err();
    let known = ALL.last().unwrap().version;
    assert!(
        matches!(error, StoreError::Newer { found: 9999, known: ours } if ours == known),
        "{error:?}"
    );
    let versions = sqlx::query("SELECT * FROM schema_versions").fetch_all(&raw).await.unwrap();
    assert_eq!(versions.len(), ALL.len() + 1);
}

/// A migration without sample rows is refused: nobody would see that a later one breaks on data.
pub async fn every_migration_runs_on_the_data_of_those_before(world: World) {
    let (pool, _folder) = world.empty().await;
    for (index, migration) in ALL.iter().enumerate() {
        let mut transaction = migrations::begin(&pool).await.unwrap();
        migrations::run(&mut transaction, &ALL[..=index]).await.unwrap();
        transaction.commit().await.unwrap();
        let sample = read("tests/store/migrations", migration.name);
        sqlx::raw_sql(AssertSqlSafe(sample)).execute(&pool).await.unwrap();
    }
    let mut transaction = migrations::begin(&pool).await.unwrap();
    migrations::run(&mut transaction, ALL).await.unwrap();
    let kept = sqlx::query("SELECT key FROM instances").fetch_all(&mut *transaction).await;
    assert!(!kept.unwrap().is_empty());
}

#[test]
fn every_migration_file_is_known_in_order() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("migrations");
    let files = std::fs::read_dir(folder).unwrap().map(|file| file.unwrap().file_name());
    let files: BTreeSet<String> = files.map(|name| name.into_string().unwrap()).collect();
    let known = ALL.iter().map(|migration| format!("{}.sql", migration.name));
    assert_eq!(files.into_iter().collect::<Vec<_>>(), known.collect::<Vec<_>>());
    for (index, migration) in ALL.iter().enumerate() {
        assert_eq!(migration.version, i64::try_from(index).unwrap() + 1);
        assert!(migration.name.starts_with(&format!("{:04}_", migration.version)));
        assert_eq!(migration.sql, read("migrations", migration.name));
    }
}

fn read(folder: &str, name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder).join(format!("{name}.sql"));
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}
