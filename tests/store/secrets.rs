//! Secrets are sealed in the database, each for its row.

use banquet::model::Kind;
use banquet::secret::seal::Seal;
use banquet::store::{Store, StoreError};
use sqlx::{AnyPool, AssertSqlSafe, Row as _};

use crate::samples::{begin, binding, instance, operation, put, put_binding, target, workload};
use crate::world::{World, seal};

/// Looked for in every row.
const PLANTED: &str = "Pl4ntedPassw0rd";

pub async fn no_secret_is_in_any_row(world: World) {
    let store = &world.store;
    let mut one = instance("1");
    one.workload = workload(PLANTED);
    put(store, &one).await;
    let mut bound = binding(&one.key, "b");
    bound.password = PLANTED.into();
    put_binding(store, &bound).await;
    let mut update = operation("op-1", Kind::Update, &one.key);
    update.target = Some(target(PLANTED));
    begin(store, &update).await;

    let dump = dump(&world).await;
    for known in [one.key.as_str(), bound.key.as_str(), "op-1", "noeviction", "schema_versions"] {
        assert!(dump.contains(known), "the dump is of everything: {known}");
    }
    assert!(!dump.contains(PLANTED));
    assert!(!dump.contains(&world.key.expose()[..16]));
    if world.is_sqlite() {
        let file = world.url.strip_prefix("sqlite://").unwrap();
        for suffix in ["", "-wal"] {
            let bytes = std::fs::read(format!("{file}{suffix}")).unwrap();
            assert!(!bytes.windows(PLANTED.len()).any(|part| part == PLANTED.as_bytes()));
            let mode = std::os::unix::fs::MetadataExt::mode(
                &std::fs::metadata(format!("{file}{suffix}")).unwrap(),
            );
            assert_eq!(mode & 0o777, 0o600, "others on the machine read nothing");
        }
    }
    assert!(!format!("{store:?} {one:?} {bound:?} {update:?}").contains(PLANTED));
    // It is there, for those who may have it.
    assert_eq!(store.binding(&bound.key).await.unwrap().unwrap().password.expose(), PLANTED);
}

pub async fn sealed_values_cannot_be_swapped(world: World) {
    let store = &world.store;
    let (one, two) = (instance("1"), instance("2"));
    for each in [&one, &two] {
        put(store, each).await;
        put_binding(store, &binding(&each.key, "b")).await;
        let mut update = operation(each.id.as_str(), Kind::Update, &each.key);
        update.target = Some(target("TargetPassword"));
        begin(store, &update).await;
    }
    let raw = world.raw().await;
    for (table, column) in
        [("instances", "workload"), ("bindings", "password"), ("operations", "target")]
    {
        let swap = format!(
            "UPDATE {table} SET {column} = (SELECT other.{column} FROM {table} other \
             WHERE other.{column} <> {table}.{column})"
        );
        sqlx::query(AssertSqlSafe(swap)).execute(&raw).await.unwrap();
    }
    let errors = [
        store.instance(&one.key).await.unwrap_err(),
        store.binding(&binding(&one.key, "b").key).await.unwrap_err(),
        store.operation(&"1".into()).await.unwrap_err(),
    ];
    for error in errors {
        assert!(matches!(error, StoreError::Unreadable(_)), "{error:?}");
    }
}

pub async fn an_unreadable_row_tells_no_secret(world: World) {
    let one = instance("1");
    put(&world.store, &one).await;
    let place = format!("instance/{}/workload", one.key);
    let sealed = seal(&[&world.key]).seal(&format!("{{\"engine\": \"{PLANTED}\"}}"), &place);
    let raw = world.raw().await;
    for (column, value) in
        [("workload", sealed), ("parameters", format!("\"{PLANTED}\"")), ("state", PLANTED.into())]
    {
        let change = AssertSqlSafe(format!("UPDATE instances SET {column} = $1"));
        sqlx::query(change).bind(value).execute(&raw).await.unwrap();
        let error = world.store.instance(&one.key).await.unwrap_err();
        assert!(matches!(error, StoreError::Unreadable(_)), "{error:?}");
        assert!(!format!("{error} {error:?}").contains(PLANTED), "{error}");
        put(&world.store, &one).await;
    }
}

pub async fn another_master_key_is_refused_at_once(world: World) {
    put(&world.store, &instance("1")).await;
    let before = dump(&world).await;
    let other = Seal::generate_key();
    let error = Store::open(&world.url, seal(&[&other])).await.unwrap_err();
    assert!(matches!(error, StoreError::Seal(_)), "{error:?}");
    assert!(!error.is_unavailable());
    let told = format!("{error} {error:?}");
    assert!(!told.contains(&world.key.expose()[..8]) && !told.contains(&other.expose()[..8]));
    assert_eq!(dump(&world).await, before);
}

pub async fn an_older_key_still_opens(world: World) {
    put(&world.store, &instance("1")).await;
    let newer = Seal::generate_key();
    let both = Store::open(&world.url, seal(&[&newer, &world.key])).await.unwrap();
    put(&both, &instance("2")).await;
    assert_eq!(both.instances().await.unwrap().len(), 2);
    // The database was founded with the older one: without it, part of it stays closed.
    let error = Store::open(&world.url, seal(&[&newer])).await.unwrap_err();
    assert!(matches!(error, StoreError::Seal(_)), "{error:?}");
}

/// Every row of every table, as text.
async fn dump(world: &World) -> String {
    let raw = world.raw().await;
    let tables = if world.is_sqlite() {
        "SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name"
    } else {
        "SELECT CAST(tablename AS TEXT) FROM pg_tables WHERE schemaname = 'public' \
         ORDER BY tablename"
    };
    let mut dump = String::new();
    for table in texts(&raw, tables.to_owned()).await {
        dump.push_str(&table);
        dump.push('\n');
        for row in rows(&raw, format!("SELECT * FROM {table}")).await {
            for column in 0..row.len() {
                let text = row.try_get::<Option<String>, _>(column).map(Option::unwrap_or_default);
                let number = || row.get::<i64, _>(column).to_string();
                dump.push_str(&text.unwrap_or_else(|_| number()));
                dump.push('|');
            }
            dump.push('\n');
        }
    }
    dump
}

async fn texts(raw: &AnyPool, sql: String) -> Vec<String> {
    rows(raw, sql).await.iter().map(|row| row.get(0)).collect()
}

async fn rows(raw: &AnyPool, sql: String) -> Vec<sqlx::any::AnyRow> {
    sqlx::query(AssertSqlSafe(sql)).fetch_all(raw).await.unwrap()
}
