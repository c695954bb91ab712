//! The container engine away, and what people do to containers behind the broker's back.

use std::net::TcpListener;
use std::time::{Duration, Instant};

use banquet::id::{BrokerId, InstanceKey};
use banquet::model::names;

use crate::apps::App;
use crate::broker::{Broker, catalog_copy, edit};
use crate::osb::{postgresql, redis};
use crate::things::{NOTHING, ONE_INSTANCE, Sweeper, docker, inspect};
use crate::wire::Wire;

#[tokio::test(flavor = "multi_thread")]
async fn changes_wait_while_the_engine_is_away_and_everything_else_goes_on() {
    let mut wire = Wire::cut_off();
    let settings = [("BANQUET_DOCKER_HOST", &*wire.host()), ("BANQUET_INLINE_WAIT", "0")];
    let broker = Broker::started(&settings).await;
    until_ready_is(&broker, 503).await;
    assert_eq!(broker.platform.get("/healthz").await.unwrap().status, 200);
    assert!(!broker.platform.catalog().await["services"].as_array().unwrap().is_empty());

    let instance = redis("r");
    broker.platform.provision(instance, "small").await.answers(&[202]);
    tokio::time::sleep(Duration::from_millis(500)).await;
    let waiting = broker.platform.last_operation(instance).await.answers(&[200]).body;
    assert_eq!(waiting["state"], "in progress");
    let why = waiting["description"].as_str().unwrap();
    assert!(why.contains("the container engine at unix://"), "{why}");
    broker.platform.fetch(instance).await.answers(&[404]);

    wire.mend();
    broker.platform.ended(instance).await.succeeded();
    until_ready_is(&broker, 200).await;
    assert_eq!(broker.things().await.counts(), ONE_INSTANCE);
    App::noting(&broker.platform.credentials(instance, "b").await, "greeting", "hello").await;

    // Away in the middle, at moments spread over what a provision and a deprovision take.
    for moment in [10, 100, 250] {
        let instance = redis("cut");
        broker.platform.provision(instance, "small").await.answers(&[202]);
        away_after(&mut wire, moment).await;
        broker.platform.ended(instance).await.succeeded();
        assert_eq!(broker.things().await.counts(), (2, 4, 1), "after {moment} ms");
        App::noting(&broker.platform.credentials(instance, "b").await, "a", "b").await;
        broker.platform.deprovision(instance).await.answers(&[202]);
        away_after(&mut wire, moment).await;
        broker.platform.ended(instance).await.succeeded();
        assert_eq!(broker.things().await.counts(), ONE_INSTANCE, "after {moment} ms");
    }
}

/// Cuts the way to the engine for a while.
async fn away_after(wire: &mut Wire, moment: u64) {
    tokio::time::sleep(Duration::from_millis(moment)).await;
    wire.cut();
    tokio::time::sleep(Duration::from_millis(400)).await;
    wire.mend();
}

async fn until_ready_is(broker: &Broker, status: u16) {
    let begin = Instant::now();
    while broker.platform.get("/readyz").await.is_none_or(|reply| reply.status != status) {
        assert!(begin.elapsed() < Duration::from_secs(10), "/readyz is not {status}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_binding_heals_what_was_stopped_or_removed_by_hand() {
    let broker = Broker::started(&[]).await;
    for instance in [redis("r"), postgresql("p")] {
        broker.platform.create(instance, "small").await;
        let first = broker.platform.credentials(instance, "first").await;
        App::noting(&first, "greeting", "hello").await;
        let container = broker.things().await.container().to_owned();
        for (binding, harm) in [
            ("stopped", ["container", "stop", &container].as_slice()),
            ("killed", &["container", "kill", &container]),
            ("paused", &["container", "pause", &container]),
            ("removed", &["container", "rm", "--force", &container]),
        ] {
            // Redis writes its log of changes once a second.
            tokio::time::sleep(Duration::from_millis(1100)).await;
            docker(harm).await;
            let credentials = broker.platform.credentials(instance, binding).await;
            let app = App::log_in(&credentials).await.unwrap();
            app.still("greeting", "hello").await;
            App::log_in(&first).await.unwrap().still("greeting", "hello").await;
            assert_eq!(broker.things().await.counts(), ONE_INSTANCE, "{binding}");
        }
        broker.platform.remove(instance).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_container_of_somebody_else_is_left_alone() {
    let broker = Broker::started(&[]).await;
    let instance = redis("r");
    let key = InstanceKey::derive(&"default".into(), &instance.id.into());
    let name = names::container(&BrokerId::from(broker.id.as_str()), &key, "server");
    let label = format!("banquet.test=foreign-{}", broker.id);
    let _sweeper = Sweeper::of(&label);
    let image = "banquet-local/redis:8.0";
    docker(&["container", "create", "--name", &name, "--label", &label, image]).await;
    let before = inspect(&name).await;

    broker.platform.provision(instance, "small").await.answers(&[202]);
    let why = broker.platform.ended(instance).await.failed();
    assert!(why.contains(&name) && why.contains("not made by this broker"), "{why}");
    assert_eq!(broker.things().await.counts(), NOTHING);
    broker.platform.remove(instance).await;
    assert_eq!(inspect(&name).await, before);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_image_that_can_not_be_had_is_told_and_leaves_nothing() {
    let catalog = catalog_copy();
    let image = "localhost:1/nobody/has-this:1";
    edit(&catalog.path().join("redis/offering.yaml"), "docker.io/library/redis:8.0", image);
    let folder = catalog.path().to_str().unwrap();
    let broker =
        Broker::started(&[("BANQUET_CATALOG", folder), ("BANQUET_IMAGES_BUILD", "never")]).await;
    let instance = redis("r");
    broker.platform.provision(instance, "small").await.answers(&[202]);
    let why = broker.platform.ended(instance).await.failed();
    assert!(why.contains(&format!("the image {image} could not be pulled")), "{why}");
    assert!(why.contains("banquet images build redis"), "{why}");
    assert_eq!(broker.things().await.counts(), NOTHING);
    // A platform takes away what failed; its own later tries begin anew.
    broker.platform.remove(instance).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_host_port_in_use_is_passed_over() {
    let broker = Broker::started(&[]).await;
    let first = broker.ground.first_port();
    let _taken = [first, first + 1].map(|port| TcpListener::bind(("127.0.0.1", port)).unwrap());
    let instance = redis("r");
    broker.platform.create(instance, "small").await;
    let credentials = broker.platform.credentials(instance, "b").await;
    // Its other port is the one of TLS; the container engine takes them in no certain order.
    let port = credentials["port"].as_u64().unwrap();
    assert!([first + 2, first + 3].map(u64::from).contains(&port), "{port}");
    App::noting(&credentials, "greeting", "hello").await;
    assert_eq!(broker.things().await.counts(), ONE_INSTANCE);
}

/// Same platform, same instance, same tenant, same engine; only the brokers differ.
#[tokio::test(flavor = "multi_thread")]
async fn brokers_on_one_engine_do_not_touch_each_other() {
    let (mut one, other) = (Broker::started(&[]).await, Broker::started(&[]).await);
    assert_ne!(one.id, other.id);
    let instance = redis("r");
    tokio::join!(one.platform.create(instance, "small"), other.platform.create(instance, "small"));
    let credentials = other.platform.credentials(instance, "b").await;
    let app = App::noting(&credentials, "greeting", "hello").await;
    let before = other.things().await;

    one.platform.remove(instance).await;
    assert_eq!(one.things().await.counts(), NOTHING);
    // What is left behind is looked for at every start.
    one.kill().await;
    one.start().await;
    tokio::time::sleep(Duration::from_millis(500)).await;
    assert_eq!(other.things().await, before);
    app.still("greeting", "hello").await;
}
