//! RabbitMQ over TLS as the carried catalog sets it up: AMQP and the management API.

use banquet::engine::Target;
use banquet::engine::rabbitmq::RabbitMq;
use serde_json::json;

use crate::live;
use crate::session::Session;
use crate::tls::{Secured, carried, only_the_right_one_is_taken, serving};

async fn plan(plan: &str, names: &[&str]) -> Secured {
    let workload = carried("rabbitmq", plan);
    let environment: Vec<String> = workload.containers[0]
        .environment
        .iter()
        .map(|(name, value)| format!("--env={name}={value}"))
        .collect();
    let mut options = vec!["--tmpfs=/tmp:mode=1777", "--memory=384m", "--memory-swap=384m"];
    options.extend(environment.iter().map(String::as_str));
    let mounts = [("data", "/var/lib/rabbitmq"), ("conf", "/conf")];
    serving((live::RABBITMQ, workload, names), &mounts, &options, &RabbitMq).await
}

/// An app that is the broker's own user, by a scheme and the port of that name.
async fn app(target: &Target, scheme: &str) -> Result<Session, String> {
    let (user, password) = (&target.admin.user, target.admin.password.expose());
    let (host, port) = (&target.host, target.ports[scheme]);
    Session::login(&json!({
        "type": "rabbitmq",
        "uri": format!("{scheme}://{user}:{password}@{host}:{port}/app"),
        "host": host,
        "ca_certificate": target.tls.as_ref().unwrap().authority,
    }))
    .await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tls_alone() {
    let mut secured = plan("large", &["127.0.0.1"]).await;
    only_the_right_one_is_taken(&secured, &RabbitMq).await;
    let target = secured.live.target.clone();
    let mut kept = app(&target, "amqps").await.unwrap();
    assert!(!target.ports.contains_key("amqp"), "no way in the clear");
    assert!(app(&secured.called("localhost"), "amqps").await.is_err(), "another name");

    secured.renew(&RabbitMq, &["127.0.0.1", "localhost"]).await;
    kept.write("kept", "1").await.unwrap();
    app(&secured.called("localhost"), "amqps").await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn both_ways() {
    let secured = plan("small", &["localhost"]).await;
    let target = secured.live.target.clone();
    app(&target, "amqp").await.unwrap();
    app(&secured.called("localhost"), "amqps").await.unwrap();
    assert!(app(&target, "amqps").await.is_err(), "another name");
}
