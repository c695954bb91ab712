//! Kafka: the contract, and what is its own. The server is as the catalog has it.

use std::time::{Duration, Instant};

use banquet::engine::kafka::Kafka;
use banquet::engine::{Engine, Target};
use banquet::model::FaultKind;
use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, TopicReplication};
use rdkafka::client::DefaultClientContext;
use rdkafka::config::{ClientConfig, FromClientConfig};
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::message::Message;
use rdkafka::producer::{FutureProducer, FutureRecord, Producer};
use rdkafka::types::RDKafkaErrorCode;
use rdkafka::{Offset, TopicPartitionList};
use serde_json::json;
use tokio::task::block_in_place;

use crate::contract::{Product, bound, contract, serving};
use crate::live::{self, Live, grant};
use crate::tls::{self, Secured, carried};

pub(crate) struct Server;

contract!(Server);

const MOUNTS: [(&str, &str); 2] = [("data", "/var/lib/kafka/data"), ("conf", "/conf")];
const LIMIT: Duration = Duration::from_secs(10);

/// The clients of one app.
pub(crate) struct App {
    config: ClientConfig,
    producer: FutureProducer,
    consumer: BaseConsumer,
    admin: AdminClient<DefaultClientContext>,
}

/// As the catalog has it.
pub(crate) fn create(plan: &str, names: &[&str]) -> Secured {
    let workload = carried("kafka", plan);
    let heap =
        format!("--env=KAFKA_HEAP_MIB={}", workload.containers[0].environment["KAFKA_HEAP_MIB"]);
    let memory = workload.containers[0].resources.memory_bytes;
    let (memory, swap) = (format!("--memory={memory}"), format!("--memory-swap={memory}"));
    let options = [&heap, &memory, &swap, "--pids-limit=384"];
    tls::create((live::KAFKA, workload, names), &MOUNTS, &options)
}

impl Product for Server {
    type Engine = Kafka;
    type App = App;

    fn engine() -> Kafka {
        Kafka
    }

    fn create() -> Live {
        create("small", &["127.0.0.1"]).live
    }

    fn too_small() -> serde_json::Value {
        json!({"disk_bytes": 4 << 20})
    }

    async fn login(target: &Target, user: &str, password: &str) -> Result<App, String> {
        let app = App::new(target, user, password);
        block_in_place(|| app.consumer.fetch_metadata(None, Duration::from_secs(3)))
            .map(|_| app)
            .map_err(|error| error.to_string())
    }

    async fn write(app: &mut App, name: &str, value: &str) -> Result<(), String> {
        app.make(name).await?;
        app.send(name, value).await
    }

    async fn read(app: &mut App, name: &str) -> Result<String, String> {
        app.last(name)
    }

    async fn fill(app: &mut App) -> Result<(), String> {
        app.make("large").await?;
        for _ in 0..7 {
            app.send("large", &"x".repeat(900_000)).await?;
        }
        Ok(())
    }
}

impl App {
    fn new(target: &Target, user: &str, password: &str) -> Self {
        let mut config = ClientConfig::new();
        config
            .set("bootstrap.servers", format!("{}:{}", target.host, target.ports["kafka"]))
            .set("security.protocol", "SASL_PLAINTEXT")
            .set("sasl.mechanism", "SCRAM-SHA-512")
            .set("sasl.username", user)
            .set("sasl.password", password)
            .set("group.id", format!("{user}-group"))
            .set("auto.offset.reset", "earliest")
            .set("message.timeout.ms", "8000")
            .set("topic.metadata.refresh.interval.ms", "1000");
        Self {
            producer: config.create().unwrap(),
            consumer: config.create().unwrap(),
            admin: AdminClient::from_config(&config).unwrap(),
            config,
        }
    }

    async fn make(&self, topic: &str) -> Result<(), String> {
        let topic = NewTopic::new(topic, 1, TopicReplication::Fixed(1));
        let options = AdminOptions::new().request_timeout(Some(LIMIT));
        let made = self.admin.create_topics(&[topic], &options).await;
        match made.map_err(|error| error.to_string())?.remove(0) {
            Ok(_) | Err((_, RDKafkaErrorCode::TopicAlreadyExists)) => Ok(()),
            Err((_, code)) => Err(code.to_string()),
        }
    }

    async fn send(&self, topic: &str, value: &str) -> Result<(), String> {
        let record = FutureRecord::<(), str>::to(topic).payload(value);
        let sent = self.producer.send(record, LIMIT).await;
        sent.map(drop).map_err(|(error, _)| error.to_string())
    }

    /// The newest message of a topic.
    fn last(&self, topic: &str) -> Result<String, String> {
        block_in_place(|| {
            let limit = Duration::from_secs(5);
            let ends = self.consumer.fetch_watermarks(topic, 0, limit);
            let (_, end) = ends.map_err(|error| error.to_string())?;
            let mut wanted = TopicPartitionList::new();
            wanted.add_partition_offset(topic, 0, Offset::Offset(end - 1)).unwrap();
            self.consumer.assign(&wanted).unwrap();
            next(&self.consumer, limit)
        })
    }

    /// What comes to a consumer group of one.
    fn received(&self, group: &str, topic: &str) -> Result<String, String> {
        block_in_place(|| {
            let mut config = self.config.clone();
            let consumer: BaseConsumer = config.set("group.id", group).create().unwrap();
            consumer.subscribe(&[topic]).unwrap();
            next(&consumer, LIMIT)
        })
    }
}

/// The next message. A poll also ends early, for what is no message.
fn next(consumer: &BaseConsumer, limit: Duration) -> Result<String, String> {
    let begin = Instant::now();
    while begin.elapsed() < limit {
        let Some(message) = consumer.poll(limit) else { continue };
        let message = message.map_err(|error| error.to_string())?;
        let payload = message.payload().ok_or("a message without content")?;
        return String::from_utf8(payload.to_vec()).map_err(|error| error.to_string());
    }
    Err("nothing came".to_owned())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_prefix_keeps_apps_apart() {
    let live = serving::<Server>().await;
    let own = bound::<Server>(&live, "b1", json!({"topic_prefix": "a."})).await;
    let other = bound::<Server>(&live, "b2", json!({"topic_prefix": "b."})).await;
    own.make("a.topic").await.unwrap();
    own.send("a.topic", "mine").await.unwrap();
    assert_eq!(own.received("a.group", "a.topic").unwrap(), "mine");
    assert!(own.received("b.group", "a.topic").is_err());
    for refused in ["b.topic", "topic"] {
        assert!(own.make(refused).await.is_err(), "{refused}");
    }
    assert!(other.send("a.topic", "theirs").await.is_err());
    assert!(other.last("a.topic").is_err());
    let options = AdminOptions::new();
    let deleted = other.admin.delete_topics(&["a.topic"], &options).await.unwrap();
    assert!(deleted[0].is_err());
    let seen = block_in_place(|| other.consumer.fetch_metadata(None, LIMIT)).unwrap();
    assert!(seen.topics().is_empty(), "it sees another's topics");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn transactions_are_all_or_nothing() {
    let live = serving::<Server>().await;
    let app = bound::<Server>(&live, "b1", json!({})).await;
    app.make("ledger").await.unwrap();
    block_in_place(|| {
        let mut config = app.config.clone();
        let producer: FutureProducer = config.set("transactional.id", "accounts").create().unwrap();
        producer.init_transactions(Duration::from_secs(30)).unwrap();
        for (value, kept) in [("lost", false), ("kept", true)] {
            producer.begin_transaction().unwrap();
            drop(producer.send_result(FutureRecord::<(), str>::to("ledger").payload(value)));
            if kept {
                producer.commit_transaction(LIMIT).unwrap();
            } else {
                producer.flush(LIMIT).unwrap();
                producer.abort_transaction(LIMIT).unwrap();
            }
        }
    });
    assert_eq!(app.received("readers", "ledger").unwrap(), "kept");
}

/// The rights go at once, also from who is at work.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn revoke_stops_who_is_at_work() {
    let live = serving::<Server>().await;
    let leaver = bound::<Server>(&live, "b1", json!({})).await;
    leaver.make("work").await.unwrap();
    leaver.send("work", "one").await.unwrap();
    let consumer: BaseConsumer = leaver.config.create().unwrap();
    consumer.subscribe(&["work"]).unwrap();
    assert_eq!(block_in_place(|| next(&consumer, LIMIT)).unwrap(), "one");

    Kafka.revoke(&live.target, "b1").await.unwrap();
    assert!(leaver.send("work", "two").await.is_err(), "a live producer goes on");
    let told = block_in_place(|| next(&consumer, LIMIT)).expect_err("a live consumer goes on");
    assert!(told.contains("uthoriz"), "{told}");
}

/// Kafka forgets all users at a start if the first that it meets was removed.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn removed_users_take_nobody_with_them() {
    let live = serving::<Server>().await;
    let stays = grant("bfedcba9876543210", json!({}));
    Kafka.grant(&live.target, &stays).await.unwrap();
    for n in 0..40_u64 {
        let user = format!("b{:016x}", n.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        Kafka.grant(&live.target, &grant(&user, json!({}))).await.unwrap();
        Kafka.revoke(&live.target, &user).await.unwrap();
    }
    live.container.stop();
    live.container.start();
    live.until_ready(&Kafka).await;
    let app = Server::login(&live.target, &stays.user, stays.password.expose()).await.unwrap();
    app.make("still").await.unwrap();

    let mut other = live.target.clone();
    other.admin.user = "admin".to_owned();
    let fault = Kafka.bootstrap(&other).await.unwrap_err();
    assert_eq!(fault.kind, FaultKind::Fatal);
    assert!(fault.message.contains("hash must be 0"), "{}", fault.message);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_compression_works_under_a_read_only_root() {
    let live = serving::<Server>().await;
    let app = bound::<Server>(&live, "b1", json!({})).await;
    for codec in ["gzip", "snappy", "lz4", "zstd"] {
        // The broker packs anew where a topic asks for another way than the sender's.
        let topic = NewTopic::new(codec, 1, TopicReplication::Fixed(1));
        let topic = topic.set("compression.type", codec);
        let made = app.admin.create_topics(&[topic], &AdminOptions::new()).await.unwrap();
        assert!(made[0].is_ok(), "{codec}: {:?}", made[0]);
        app.send(codec, &codec.repeat(100)).await.unwrap();
        // This client can't unpack the last.
        if codec != "zstd" {
            assert_eq!(app.last(codec).unwrap(), codec.repeat(100));
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_sees_a_password_from_outside() {
    let live = serving::<Server>().await;
    let password = live.target.admin.password.expose();
    assert!(!live.container.inspect("{{json .}}").contains(password));
    assert!(!live.container.exec(&["cat", "/proc/1/cmdline"]).contains(password));
    assert!(!live.container.exec(&["cat", "/proc/1/environ"]).contains(password));
    assert!(!live.container.logs().contains(password));
    assert!(!live.container.logs().to_lowercase().contains("storedkey"));
}
