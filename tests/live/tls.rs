//! A change to TLS alone, and another name for everything, with `kill -9` amid the exchange.

use crate::apps::{App, log_in_soon};
use crate::broker::Broker;
use crate::osb::{Instance, postgresql, redis};

#[tokio::test(flavor = "multi_thread")]
async fn redis_comes_over_tls_alone_and_under_another_name() {
    comes_over_tls(redis("one")).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn postgresql_comes_over_tls_alone_and_under_another_name() {
    comes_over_tls(postgresql("one")).await;
}

async fn comes_over_tls(instance: Instance<'_>) {
    let mut broker = Broker::started(&[]).await;
    let platform = &broker.platform;
    platform.create(instance, "small").await;
    let first = platform.credentials(instance, "first").await;
    App::noting(&first, "greeting", "hello").await;

    platform.update(instance, "large").await.answers(&[200, 202]);
    platform.ended(instance).await.succeeded();
    if instance.offering == "redis" {
        assert!(App::log_in(&first).await.is_err(), "there is still a way in the clear");
    }
    let again = platform.fetch_binding(instance, "first").await.answers(&[200]).body;
    let again = again["credentials"].clone();
    assert_eq!(again["password"], first["password"]);
    let mut app = App::log_in(&again).await.unwrap().still("greeting", "hello").await;

    // Its name changes, and the broker dies while it exchanges the certificate.
    broker.kill().await;
    broker.set("BANQUET_ADVERTISE_HOST", "localhost");
    broker.start().await;
    broker.kill().await;
    broker.start().await;
    app = if app.read("greeting").await.is_ok() { app } else { log_in_soon(&again).await };
    app.still("greeting", "hello").await;
    let renamed = broker.platform.fetch_binding(instance, "first").await.answers(&[200]).body;
    let renamed = renamed["credentials"].clone();
    assert_eq!(renamed["host"], "localhost");
    log_in_soon(&renamed).await.still("greeting", "hello").await;
    broker.platform.bind(instance, "second").await.answers(&[201]);
    broker.platform.remove(instance).await;
}
