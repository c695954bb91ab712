//! Following operations to their end.

use std::time::{Duration, Instant};

use serde_json::json;

use crate::broker::{Broker, instance, line, operation, started};

const CREATE: [&str; 4] = ["instance", "create", "redis", "orders-cache"];
const POST: &str = "POST /admin/v1/instances";
const POLL: &str = "GET /admin/v1/operations/op-1";

fn create(more: &[&'static str]) -> Vec<&'static str> {
    CREATE.iter().copied().chain(more.iter().copied()).collect()
}

#[tokio::test]
async fn each_new_text_is_told_once_and_only_beside_the_result() {
    let mut last = operation("provision", "running", "waiting for redis");
    last.done = 2;
    let broker = Broker::start(vec![
        line(POST, 202, &started(instance(), "provision")),
        line(POLL, 200, &operation("provision", "running", "starting the container")),
        line(POLL, 200, &last),
        line(POLL, 200, &last),
        line(POLL, 200, &operation("provision", "succeeded", "")),
        line("GET /admin/v1/instances/in%2F1", 200, &instance()),
    ])
    .await;
    let ran = broker.banquet(&create(&["--json"])).await;
    assert_eq!(ran.exit, Some(0), "{ran:?}");
    assert_eq!(
        ran.stderr,
        "provision 1/4: starting the container\nprovision 2/4: waiting for redis\n"
    );
    assert_eq!(ran.json(), serde_json::to_value(instance()).unwrap());
}

#[tokio::test]
async fn no_wait_tells_what_was_begun() {
    let broker = Broker::start(vec![line(POST, 202, &started(instance(), "provision"))]).await;
    let ran = broker.banquet(&create(&["--no-wait"])).await;
    assert_eq!((ran.exit, ran.stderr.as_str()), (Some(0), ""));
    assert!(ran.stdout.contains("op-1"), "{}", ran.stdout);
    let ran = broker.banquet(&create(&["--no-wait", "--json"])).await;
    assert_eq!(ran.json()["operation"]["id"], json!("op-1"));
    assert_eq!(broker.asked().len(), 2, "it did not poll");
}

#[tokio::test]
async fn a_failed_operation_is_exit_code_7_with_its_reason() {
    let broker = Broker::start(vec![
        line(POST, 202, &started(instance(), "provision")),
        line(POLL, 200, &operation("provision", "failed", "the image redis:8.0 could not be had")),
    ])
    .await;
    let ran = broker.banquet(&create(&[])).await;
    assert_eq!((ran.exit, ran.stdout.as_str()), (Some(7), ""));
    assert!(
        ran.stderr
            .contains("error: the provision failed: the image redis:8.0 could not be had\nhint: "),
        "{}",
        ran.stderr
    );
}

#[tokio::test]
async fn patience_ends_with_exit_code_6() {
    let broker = Broker::start(vec![
        line(POST, 202, &started(instance(), "provision")),
        line(POLL, 200, &operation("provision", "running", "waiting")),
    ])
    .await;
    let began = Instant::now();
    let ran = broker.banquet(&create(&["--timeout", "700ms"])).await;
    assert!(began.elapsed() < Duration::from_secs(5));
    assert_eq!(ran.exit, Some(6), "{ran:?}");
    assert!(ran.stderr.contains("banquet operation wait op-1"), "{}", ran.stderr);
    let polls = broker.asked().len() - 1;
    assert!((2..=7).contains(&polls), "the pauses grow: {polls} polls");

    let ran = broker.banquet(&["operation", "wait", "op-1", "--timeout", "200ms"]).await;
    assert_eq!(ran.exit, Some(6));
    let ran = broker.banquet(&["operation", "show", "op-1"]).await;
    assert!(ran.exit == Some(0) && ran.stdout.contains("1 of 4 done"), "{ran:?}");
}
