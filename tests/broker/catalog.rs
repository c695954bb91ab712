//! Reloading: a broken catalog never replaces a good one, and what runs outlives its plan.

use std::path::Path;
use std::sync::Arc;

use axum::http::Method;
use banquet::catalog::{Catalog, Files};
use serde_json::{Value, json};

use crate::harness::*;

/// The catalog without its plan `small`.
pub(crate) fn without_small() -> Catalog {
    let mut files = Files::read(Path::new("tests/broker/catalog")).unwrap();
    let path = "cache/offering.yaml";
    let text = String::from_utf8(files.0[path].to_vec()).unwrap();
    let start = text.find("  - name: small").unwrap();
    let end = text.find("  - name: large").unwrap();
    let text = format!("{}{}", &text[..start], &text[end..]);
    let text = text.replace("memory: 256Mi", "memory: 64Mi");
    files.0.insert(path.into(), text.into());
    Catalog::load(files, &["fake"]).unwrap_or_else(|mistakes| panic!("{mistakes:#?}"))
}

/// The catalog with its next maintenance.
pub(crate) fn upgraded() -> Catalog {
    let mut files = Files::read(Path::new("tests/broker/catalog")).unwrap();
    let path = "cache/offering.yaml";
    let text = String::from_utf8(files.0[path].to_vec()).unwrap();
    files.0.insert(path.into(), text.replace("version: 1.0.0", "version: 2.0.0").into());
    Catalog::load(files, &["fake"]).unwrap_or_else(|mistakes| panic!("{mistakes:#?}"))
}

#[test]
fn reload_answers_with_what_is_on_offer() {
    let broker = Broker::new();
    let reply = broker.administer(Method::POST, "/catalog/reload", &Value::Null).is(200);
    assert_eq!(reply.body[0]["name"], "cache");
    assert_eq!(reply.body[0]["plans"][0]["name"], "small");
}

#[test]
fn an_instance_outlives_its_plan() {
    let broker = Broker::waiting();
    let path = broker.provisioned("one");
    broker.replace_catalog(Arc::new(without_small()));
    broker.put(&format!("{}?accepts_incomplete=true", instance("two")), &provision(SMALL)).is(400);
    let binding = broker.bound(&path, "b");
    broker.get(&path).is(200);
    let ask = |body: Value| broker.patch(&format!("{path}?accepts_incomplete=true"), &body);
    let policy = json!({"service_id": OFFERING, "parameters": {"policy": "drop"}});
    let refused = ask(policy).is(422);
    assert!(refused.body["description"].as_str().unwrap().contains("left the catalog"));
    ask(json!({"service_id": OFFERING, "plan_id": LARGE})).is(200);
    broker.delete(&format!("{binding}?{IDS}")).is(200);
    broker.deprovisioned("one");
    broker.assert_nothing_left();
}
