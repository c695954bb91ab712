//! PostgreSQL as the broker's own database, and two brokers that share it.

use std::collections::BTreeSet;
use std::fs;
use std::sync::Arc;
use std::time::{Duration, Instant};

use banquet::secret::seal::Seal;
use rustix::process::Signal;
use tempfile::TempDir;

use crate::apps::{App, is_refused, users};
use crate::broker::Broker;
use crate::ground::Ground;
use crate::osb::{postgresql, redis};
use crate::postgres;
use crate::things::{NOTHING, ONE_INSTANCE, docker};

/// How long it may take until a broker does the work of one that died.
const TAKEOVER: Duration = Duration::from_secs(20);

/// Two brokers on one database, with one master key.
struct Pair {
    one: Broker,
    other: Broker,
    _key: TempDir,
}

impl Pair {
    async fn new() -> Self {
        let folder = TempDir::new().unwrap();
        let key = folder.path().join("master.key");
        fs::write(&key, Seal::generate_key().expose()).unwrap();
        let url = postgres::database().await;
        let settings = [
            ("BANQUET_DATABASE_URL", &*url),
            ("BANQUET_MASTER_KEY_FILE", key.to_str().unwrap()),
            ("BANQUET_INLINE_WAIT", "0"),
        ];
        let ground = Arc::new(Ground::claim());
        let mut one = Broker::on(Arc::clone(&ground), 0, &settings);
        let mut other = Broker::on(ground, 1, &settings);
        tokio::join!(one.start(), other.start());
        assert_eq!(one.id, other.id);
        Self { one, other, _key: folder }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broker_on_postgresql_does_it_all() {
    let Pair { mut one, other, _key } = Pair::new().await;
    let instance = redis("a/b c");
    one.platform.create(instance, "small").await;
    let credentials = other.platform.credentials(instance, "b").await;
    let app = App::noting(&credentials, "greeting", "hello").await;
    one.platform.update(instance, "medium").await.answers(&[202]);
    other.platform.ended(instance).await.succeeded();
    let mut app = app.still("greeting", "hello").await;
    assert_eq!(app.memory().await, "161061273");
    one.kill().await;
    one.start().await;
    assert_eq!(one.platform.credentials(instance, "b").await, credentials);
    one.platform.unbind(instance, "b").await.answers(&[202]);
    other.platform.binding_ended(instance, "b").await.succeeded();
    is_refused(&credentials).await;
    other.platform.remove(instance).await;
    assert_eq!(one.things().await.counts(), NOTHING);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_dead_broker_left_another_finishes() {
    let Pair { mut one, other, _key } = Pair::new().await;
    let (cache, database) = (redis("r"), postgresql("p"));
    one.platform.create(cache, "small").await;
    let container = other.things().await.container().to_owned();
    // Held still, so that it is the other who takes the work, and has it in hand for a while.
    other.signal(Signal::STOP);
    docker(&["container", "pause", &container]).await;
    one.platform.bind(cache, "b").await.answers(&[202]);
    one.platform.provision(database, "small").await.answers(&[202]);
    tokio::time::sleep(Duration::from_millis(700)).await;
    one.kill().await;
    docker(&["container", "unpause", &container]).await;
    other.signal(Signal::CONT);
    let begin = Instant::now();
    other.platform.binding_ended(cache, "b").await.succeeded();
    println!("taken over and finished after {:?}", begin.elapsed());
    assert!(begin.elapsed() > Duration::from_secs(5), "nothing was left to finish");
    assert!(begin.elapsed() < TAKEOVER, "{:?}", begin.elapsed());
    other.platform.ended(database).await.succeeded();
    assert_eq!(other.things().await.counts(), (2, 4, 1));
    for instance in [cache, database] {
        let credentials = other.platform.credentials(instance, "b").await;
        App::noting(&credentials, "greeting", "hello").await;
    }
}

/// One that was only slow must not spoil what another has taken over.
#[tokio::test(flavor = "multi_thread")]
async fn a_broker_that_comes_back_from_the_dead_does_no_harm() {
    let Pair { one, other, _key } = Pair::new().await;
    let instance = redis("r");
    other.signal(Signal::STOP);
    one.platform.provision(instance, "small").await.answers(&[202]);
    tokio::time::sleep(Duration::from_millis(150)).await;
    one.signal(Signal::STOP);
    other.signal(Signal::CONT);
    other.platform.ended(instance).await.succeeded();
    let credentials = other.platform.credentials(instance, "b").await;
    let app = App::noting(&credentials, "greeting", "hello").await;
    let before = other.things().await;

    one.signal(Signal::CONT);
    tokio::time::sleep(Duration::from_secs(2)).await;
    app.still("greeting", "hello").await;
    assert_eq!(other.things().await, before);
    assert_eq!(before.counts(), ONE_INSTANCE);
    let user = credentials["username"].as_str().unwrap().to_owned();
    assert_eq!(users(&one.kept(instance.id).await).await, BTreeSet::from([user]));
    assert_eq!(one.platform.credentials(instance, "b").await, credentials);
    one.platform.remove(instance).await;
    assert_eq!(one.things().await.counts(), NOTHING);
}
