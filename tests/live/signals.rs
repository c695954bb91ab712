//! SIGTERM and SIGHUP, and a disk that fills up under a running broker.

use std::fs;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use rustix::process::Signal;

use crate::broker::{Broker, catalog_copy, edit};
use crate::osb::{postgresql, redis};
use crate::things::ONE_INSTANCE;

#[tokio::test(flavor = "multi_thread")]
async fn what_sigterm_interrupts_the_next_start_finishes() {
    let mut broker = Broker::started(&[("BANQUET_INLINE_WAIT", "0")]).await;
    for (instance, moment) in
        [(redis("r"), 0), (redis("r"), 100), (postgresql("p"), 300), (postgresql("p"), 1200)]
    {
        broker.platform.provision(instance, "small").await.answers(&[202]);
        tokio::time::sleep(Duration::from_millis(moment)).await;
        stops_in_good_order(&mut broker, Duration::from_secs(6)).await;
        broker.start().await;
        broker.platform.ended(instance).await.succeeded();
        assert_eq!(broker.things().await.counts(), ONE_INSTANCE);
        broker.platform.remove(instance).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn sigterm_lets_those_who_wait_have_their_answer() {
    let mut broker = Broker::started(&[]).await;
    let instance = postgresql("p");
    let platform = broker.platform.clone();
    let asking = tokio::spawn(async move { platform.try_provision(instance, "small").await });
    tokio::time::sleep(Duration::from_millis(300)).await;
    stops_in_good_order(&mut broker, Duration::from_secs(12)).await;
    asking.await.unwrap().unwrap().answers(&[201, 202]);
    broker.start().await;
    broker.platform.ended(instance).await.succeeded();
}

async fn stops_in_good_order(broker: &mut Broker, limit: Duration) {
    let begin = Instant::now();
    broker.signal(Signal::TERM);
    assert_eq!(broker.ended(limit).await.code(), Some(0));
    println!("stopped within {:?}", begin.elapsed());
}

#[tokio::test(flavor = "multi_thread")]
async fn sighup_loads_a_good_catalog_and_no_broken_one() {
    let folder = catalog_copy();
    let offering = folder.path().join("redis/offering.yaml");
    let broker = Broker::started(&[("BANQUET_CATALOG", folder.path().to_str().unwrap())]).await;
    edit(&offering, "description: In-memory data store", "description: A fast store");
    broker.signal(Signal::HUP);
    until("the new catalog is in force", async || {
        broker.platform.catalog().await.to_string().contains("A fast store")
    })
    .await;

    edit(&offering, "description: A fast store", "descriptoin: A broken store");
    broker.signal(Signal::HUP);
    until("the mistake is told", async || broker.log().contains("descriptoin")).await;
    let output = broker.run(&["catalog", "reload"]).await;
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert!(!output.status.success() && stderr.contains("descriptoin"), "{stderr}");
    assert!(broker.platform.catalog().await.to_string().contains("A fast store"));
    let instance = redis("r");
    broker.platform.create(instance, "small").await;

    edit(&offering, "descriptoin: A broken store", "description: A mended store");
    broker.banquet(&["catalog", "reload"]).await;
    assert!(broker.platform.catalog().await.to_string().contains("A mended store"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_disk_refuses_changes_and_loses_none() {
    let mut broker = Broker::new(&[("BANQUET_INLINE_WAIT", "0")]);
    let data = broker.folder.path().join("disk");
    fs::create_dir(&data).unwrap();
    broker.set("BANQUET_DATA_DIR", data.to_str().unwrap());
    broker.disk = Some("size=8m,mode=700");
    broker.start().await;

    broker.platform.provision(redis("one"), "small").await.answers(&[202]);
    let inside = PathBuf::from(format!("/proc/{}/root", broker.process()));
    let filling = inside.join(data.strip_prefix("/").unwrap()).join("filling");
    let full = std::io::copy(&mut std::io::repeat(0), &mut fs::File::create(&filling).unwrap());
    assert_eq!(full.unwrap_err().kind(), std::io::ErrorKind::StorageFull);

    let refused = broker.platform.provision(redis("two"), "small").await.answers(&[503]);
    let why = refused.body["description"].as_str().unwrap().to_owned();
    assert!(why.contains("database"), "{why}");
    broker.platform.fetch(redis("two")).await.answers(&[404]);
    assert_eq!(broker.platform.get("/healthz").await.unwrap().status, 200);

    fs::remove_file(&filling).unwrap();
    broker.platform.create(redis("two"), "small").await;
    broker.platform.ended(redis("one")).await.succeeded();
    assert_eq!(broker.things().await.counts(), (2, 4, 1));
}

async fn until(what: &str, holds: impl AsyncFn() -> bool) {
    let begin = Instant::now();
    while !holds().await {
        assert!(begin.elapsed() < Duration::from_secs(10), "in vain: {what}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}
