//! Certificates of instances: made with them, kept, and exchanged in time.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use banquet::backend::fake::{Method, Moment};
use banquet::catalog::{Catalog, Files};
use banquet::model::tls::Identity;
use banquet::model::{Fault, Kind, Operation};

use crate::harness::*;

/// The catalog, with TLS for its plan `small`.
fn secured() -> Catalog {
    let mut files = Files::read(Path::new("tests/broker/catalog")).unwrap();
    let mut change = |path: &str, from: &str, to: &str| {
        let text = String::from_utf8(files.0[path].to_vec()).unwrap();
        assert!(text.contains(from), "{path}: {from}");
        files.0.insert(path.into(), text.replacen(from, to, 1).into());
    };
    change("cache/offering.yaml", "description: The smallest", "description: x\n    tls: required");
    change(
        "cache/workload.yaml.hbs",
        "    ports:",
        "{{#if tls.on}}\n      - { path: /conf/server.pem, tls: bundle }\n{{/if}}\n    ports:",
    );
    let authority = "{{#if tls.on}}\"ca_certificate\": \"{{tls.authority}}\",{{/if}}\n  \"uri\"";
    change("cache/credentials.json.hbs", "\"uri\"", authority);
    Catalog::load(files, &["fake"]).unwrap_or_else(|mistakes| panic!("{mistakes:#?}"))
}

fn serving() -> (Broker, String) {
    let broker = Broker::waiting();
    broker.replace_catalog(Arc::new(secured()));
    let path = broker.provisioned("one");
    (broker, path)
}

fn identity(broker: &Broker) -> Identity {
    broker.row("one").unwrap().workload.identity.expect("an identity")
}

fn latest(broker: &Broker) -> Operation {
    broker.wait(broker.store().latest(Broker::key("one").as_str())).unwrap().unwrap()
}

/// Lives on as a broker whose instances are called otherwise.
fn renamed(broker: &mut Broker, host: &str) {
    broker.stop();
    host.clone_into(&mut broker.plan.advertise_host);
    broker.start();
}

fn is_called(broker: &Broker, host: &str) -> bool {
    identity(broker).names[0] == host && broker.idle()
}

#[test]
fn an_instance_has_a_certificate_of_its_own_and_apps_its_authority() {
    let (broker, path) = serving();
    let kept = identity(&broker);
    let key = Broker::key("one");
    assert_eq!(kept.names, ["127.0.0.1", "localhost", &format!("{key}-server")]);
    let binding = broker.bound(&path, "b");
    let credentials = broker.get(&binding).is(200).body["credentials"].clone();
    assert_eq!(credentials["ca_certificate"], kept.authority);
    let row = broker.row("one").unwrap();
    let mut files = row.workload.containers[0].files.iter();
    let file = files.find(|file| file.path == "/conf/server.pem").unwrap();
    assert_eq!(file.content.expose(), format!("{}{}", kept.key.expose(), kept.certificate));
    let secret = kept.key.expose().lines().nth(1).unwrap();
    let row = format!("{:?}", broker.row("one").unwrap());
    for seen in [credentials.to_string(), broker.get(&path).is(200).body.to_string(), row] {
        assert!(!seen.contains(secret), "the private key is to be seen");
    }
}

#[test]
fn it_stays_what_it_is_until_its_time() {
    let (mut broker, _) = serving();
    let kept = identity(&broker);
    broker.stop();
    broker.start();
    broker.replace_catalog(Arc::new(secured()));
    let body = serde_json::json!({ "service_id": OFFERING, "parameters": { "policy": "drop" } });
    broker.patch(&format!("{}?accepts_incomplete=true", instance("one")), &body).is(200);
    assert_eq!(identity(&broker), kept);
    assert_eq!(latest(&broker).kind, Kind::Update);
}

#[test]
fn it_is_renewed_after_two_thirds_of_its_life() {
    let mut broker = Broker::with(Plan { inline_wait: Duration::from_secs(5), ..Plan::default() });
    broker.stop();
    broker.plan.certificate_life = Duration::from_secs(3);
    broker.start();
    broker.replace_catalog(Arc::new(secured()));
    let path = broker.provisioned("one");
    let binding = broker.bound(&path, "b");
    let first = identity(&broker);
    broker.stop();
    broker.plan.certificate_life = Duration::from_hours(24 * 365);
    Broker::until(|| first.is_due(banquet::clock::Clock::now_ms(&banquet::clock::SystemClock)));
    broker.start();
    Broker::until(|| identity(&broker).certificate != first.certificate && broker.idle());
    assert_eq!(identity(&broker).authority, first.authority, "apps need nothing new");
    broker.assert_whole("one");
    broker.get(&binding).is(200);
}

#[test]
fn another_name_renews_it_at_once() {
    let (mut broker, _) = serving();
    renamed(&mut broker, "db.example.org");
    Broker::until(|| is_called(&broker, "db.example.org"));
    broker.assert_whole("one");
}

#[test]
fn a_crash_amid_a_renewal_heals() {
    for spot in [Method::Ensure, Method::Run] {
        let (mut broker, path) = serving();
        broker.stop();
        "db.example.org".clone_into(&mut broker.plan.advertise_host);
        broker.backend.hold(spot);
        broker.start();
        broker.wait(broker.backend.held(spot));
        broker.crash();
        broker.backend.release(spot);
        broker.start();
        Broker::until(|| is_called(&broker, "db.example.org"));
        broker.assert_whole("one");
        broker.bound(&path, "b");
        broker.deprovisioned("one");
        broker.assert_nothing_left();
    }
}

#[test]
fn one_that_fails_leaves_the_instance_as_it_was() {
    let (mut broker, path) = serving();
    let kept = identity(&broker);
    broker.stop();
    "db.example.org".clone_into(&mut broker.plan.advertise_host);
    broker.backend.fail(Method::Run, 1, Moment::Before, Fault::fatal("planned"));
    broker.start();
    Broker::until(|| latest(&broker).kind == Kind::Renew && broker.idle());
    assert_eq!(latest(&broker).description, "planned");
    assert_eq!(identity(&broker), kept);
    broker.assert_whole("one");
    broker.get(&path).is(200);
    broker.bound(&path, "b");
}

#[test]
fn brokers_of_one_database_have_one_authority() {
    let broker = Broker::new();
    let id = broker.wait(broker.store().broker_id()).unwrap();
    let authority = || broker.wait(banquet::app::authority(broker.store(), &id)).unwrap();
    assert_eq!(authority().certificate(), authority().certificate());
}
