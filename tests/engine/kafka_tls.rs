//! Kafka over TLS as the carried catalog sets it up.

use std::time::{Duration, Instant};

use banquet::engine::kafka::Kafka;
use banquet::engine::{Engine as _, Target};
use rdkafka::config::ClientConfig;
use rdkafka::consumer::{BaseConsumer, Consumer as _};
use tokio::task::block_in_place;

use crate::kafka::create;
use crate::tls::{Secured, only_the_right_one_is_taken};

/// How long a broker takes at most to show a certificate that it was told of.
const RENEWAL: Duration = Duration::from_secs(10);

async fn serving(plan: &str, names: &[&str]) -> Secured {
    let secured = create(plan, names);
    secured.live.container.start();
    secured.live.until_ready(&Kafka).await;
    Kafka.bootstrap(&secured.live.target).await.unwrap();
    secured
}

/// An app that is the broker's own user, if it got through.
fn app(target: &Target, port: &str) -> Result<BaseConsumer, String> {
    let protocol = if port == "kafka_tls" { "SASL_SSL" } else { "SASL_PLAINTEXT" };
    let consumer: BaseConsumer = ClientConfig::new()
        .set("bootstrap.servers", format!("{}:{}", target.host, target.ports[port]))
        .set("security.protocol", protocol)
        .set("ssl.ca.pem", &target.tls.as_ref().unwrap().authority)
        .set("sasl.mechanism", "SCRAM-SHA-512")
        .set("sasl.username", &target.admin.user)
        .set("sasl.password", target.admin.password.expose())
        // The port is published for that one alone.
        .set("broker.address.family", "v4")
        .set("group.id", "tests")
        .create()
        .unwrap();
    works(&consumer).map(|()| consumer)
}

fn works(app: &BaseConsumer) -> Result<(), String> {
    let seen = block_in_place(|| app.fetch_metadata(None, Duration::from_secs(3)));
    seen.map(drop).map_err(|error| error.to_string())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tls_alone() {
    let mut secured = serving("large", &["127.0.0.1"]).await;
    only_the_right_one_is_taken(&secured, &Kafka).await;
    let target = secured.live.target.clone();
    assert!(!target.ports.contains_key("kafka"), "no way in the clear");
    let kept = app(&target, "kafka_tls").unwrap();
    let mut plain = target.clone();
    plain.ports.insert("kafka".to_owned(), target.ports["kafka_tls"]);
    app(&plain, "kafka").err().expect("in the clear");
    let localhost = secured.called("localhost");
    app(&localhost, "kafka_tls").err().expect("another name");

    secured.renew(&Kafka, &["127.0.0.1", "localhost"]).await;
    let begin = Instant::now();
    // The name is looked at where the client begins, and where the broker sends it on.
    while let Err(error) = app(&localhost, "kafka_tls") {
        assert!(begin.elapsed() < RENEWAL, "{error}: {}", secured.live.container.logs());
    }
    works(&kept).unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn both_ways() {
    let secured = serving("small", &["127.0.0.1"]).await;
    let target = secured.live.target.clone();
    app(&target, "kafka").unwrap();
    app(&target, "kafka_tls").unwrap();
    app(&secured.called("localhost"), "kafka_tls").err().expect("another name");
}
