//! What `GET /v2/catalog` says: requirements 28–38, 85, 86, 131.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::harness::*;

fn services(broker: &Broker) -> Vec<Value> {
    broker.get("/v2/catalog").is(200).body["services"].as_array().unwrap().clone()
}

fn plans(service: &Value) -> &Vec<Value> {
    service["plans"].as_array().unwrap()
}

fn text<'a>(value: &'a Value, field: &str) -> &'a str {
    let text = value[field].as_str().unwrap_or_default();
    assert!(!text.is_empty(), "{field} of {value}");
    assert!(text.len() <= 255, "{field} of {value}");
    text
}

#[test]
fn r30_r31_r32_every_offering_and_plan_is_whole() {
    let broker = Broker::new();
    let (mut names, mut ids) = (BTreeSet::new(), BTreeSet::new());
    let plain = |name: &str| name.chars().all(|c| c.is_ascii_alphanumeric() || ".-".contains(c));
    for service in &services(&broker) {
        assert!(service["bindable"].is_boolean());
        text(service, "description");
        assert!(names.insert(text(service, "name").to_owned()) && plain(text(service, "name")));
        assert!(ids.insert(text(service, "id").to_owned()));
        let mut names = BTreeSet::new();
        assert!(!plans(service).is_empty());
        for plan in plans(service) {
            text(plan, "description");
            assert!(names.insert(text(plan, "name")) && plain(text(plan, "name")));
            assert!(ids.insert(text(plan, "id").to_owned()), "also across offerings");
        }
    }
}

#[test]
fn r29_ids_stay_when_the_catalog_is_read_again() {
    let broker = Broker::new();
    let before = services(&broker);
    broker.administer(axum::http::Method::POST, "/catalog/reload", &Value::Null).is(200);
    assert_eq!(services(&broker), before);
}

#[test]
fn r33_r34_r35_what_is_supported_is_declared() {
    let broker = Broker::new();
    let service = &services(&broker)[0];
    for flag in ["instances_retrievable", "bindings_retrievable", "allow_context_updates"] {
        assert_eq!(service[flag], true, "{flag}");
    }
    assert_eq!(service["tags"], json!(["cache"]));
    assert_eq!(service.get("requires"), None, "nothing is asked of the platform");
    for (name, free, rotatable, updateable, bindable) in [
        ("small", true, true, true, true),
        ("large", false, false, false, true),
        ("sync", true, true, true, true),
        ("unbound", true, false, false, false),
    ] {
        let plan = plans(service).iter().find(|plan| plan["name"] == name).unwrap();
        let said = ["free", "binding_rotatable", "plan_updateable", "bindable"]
            .map(|field| plan.get(field).and_then(Value::as_bool).unwrap_or(true));
        assert_eq!(said, [free, rotatable, updateable, bindable], "{name}");
    }
}

#[test]
fn r36_schemas_are_draft_4_and_stand_alone() {
    let broker = Broker::new();
    for plan in plans(&services(&broker)[0]) {
        let instances = &plan["schemas"]["service_instance"];
        let bindings = &plan["schemas"]["service_binding"];
        for schema in [&instances["create"], &instances["update"], &bindings["create"]] {
            if schema.is_null() {
                assert_eq!(plan["name"], "unbound");
                continue;
            }
            let schema = &schema["parameters"];
            assert_eq!(schema["$schema"], "http://json-schema.org/draft-04/schema#");
            let text = schema.to_string();
            assert!(!text.contains("$ref") && text.len() <= 65_536);
        }
    }
}

#[test]
fn r37_maintenance_info_is_a_semantic_version() {
    let broker = Broker::new();
    for plan in plans(&services(&broker)[0]) {
        let version = plan["maintenance_info"]["version"].as_str().unwrap();
        assert!(version.split('.').count() == 3, "{version}");
    }
}

#[test]
fn r58_a_plan_says_how_long_to_poll() {
    let broker = Broker::new();
    let services = services(&broker);
    let told = |name: &str| {
        let plan = plans(&services[0]).iter().find(|plan| plan["name"] == name).unwrap();
        plan.get("maximum_polling_duration").cloned()
    };
    assert_eq!((told("large"), told("small")), (Some(json!(3600)), None));
}

#[test]
fn r131_metadata_is_by_convention() {
    let broker = Broker::new();
    let service = &services(&broker)[0];
    assert_eq!(service["metadata"]["displayName"], "Cache");
    assert_eq!(service["dashboard_client"]["redirect_uri"], "https://cache.example/callback");
    let large = plans(service).iter().find(|plan| plan["name"] == "large").unwrap();
    assert_eq!(large["metadata"]["bullets"], json!(["Much larger"]));
    assert_eq!(large["metadata"]["costs"], json!([{"amount": {"usd": 9.5}, "unit": "MONTHLY"}]));
}
