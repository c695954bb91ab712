//! Cloud Controller's checks at registration (§3.9), as it makes them: of what is carried, and of a
//! catalog that is at every limit of ours.

use std::collections::BTreeSet;

use banquet::catalog::Catalog;
use serde_json::Value;

use crate::{ENGINES, echo, shipped};

fn text<'a>(value: &'a Value, field: &str, most: usize) -> &'a str {
    let text = value[field].as_str().unwrap_or_default();
    assert!(!text.trim().is_empty() && text.chars().count() <= most, "{field} of {value}");
    text
}

fn flag(value: &Value, field: &str) {
    assert!(value.get(field).is_none_or(Value::is_boolean), "{field} of {value}");
}

fn registers(catalog: &Catalog) {
    let body: Value = serde_json::from_slice(&catalog.body).unwrap();
    let services = body["services"].as_array().unwrap();
    assert!(!services.is_empty());
    let (mut names, mut ids) = (BTreeSet::new(), BTreeSet::new());
    for service in services {
        assert!(names.insert(text(service, "name", 63)) && ids.insert(text(service, "id", 63)));
        text(service, "description", 10_000);
        for field in ["bindable", "plan_updateable", "instances_retrievable"] {
            flag(service, field);
        }
        let tags = service["tags"].as_array().into_iter().flatten();
        assert!(tags.map(|tag| tag.as_str().unwrap().len()).sum::<usize>() <= 2_048);
        for permission in service["requires"].as_array().into_iter().flatten() {
            let known = ["syslog_drain", "route_forwarding", "volume_mount"];
            assert!(known.contains(&permission.as_str().unwrap()));
        }
        if let Some(client) = service.get("dashboard_client") {
            for field in ["id", "secret", "redirect_uri"] {
                text(client, field, 10_000);
            }
        }
        flag(&service["metadata"], "shareable");
        let plans = service["plans"].as_array().unwrap();
        assert!(!plans.is_empty());
        let mut names = BTreeSet::new();
        for plan in plans {
            assert!(names.insert(text(plan, "name", 63)) && ids.insert(text(plan, "id", 63)));
            registers_plan(plan);
        }
    }
}

fn registers_plan(plan: &Value) {
    text(plan, "description", 10_000);
    for field in ["free", "bindable", "plan_updateable", "binding_rotatable"] {
        flag(plan, field);
    }
    assert!(plan.get("maximum_polling_duration").is_none_or(Value::is_u64));
    if let Some(info) = plan.get("maintenance_info") {
        assert!(
            info.as_object()
                .unwrap()
                .keys()
                .all(|k| ["version", "description"].contains(&k.as_str()))
        );
        assert!(info.to_string().chars().count() <= 2_000);
        semver::Version::parse(info["version"].as_str().unwrap()).unwrap();
    }
    let schemas = &plan["schemas"];
    for place in ["/service_instance/create", "/service_instance/update", "/service_binding/create"]
    {
        let Some(schema) = schemas.pointer(place) else { continue };
        let schema = &schema["parameters"];
        assert!(schema.to_string().chars().count() <= 65_536);
        assert_eq!(schema["$schema"], "http://json-schema.org/draft-04/schema#");
        assert!(jsonschema::draft4::meta::is_valid(schema), "{schema}");
        assert!(!schema.to_string().contains("\"$ref\":\"http"));
    }
}

#[test]
fn what_is_carried_registers() {
    registers(&shipped());
}

#[test]
fn what_is_just_within_our_limits_registers() {
    let long = |count: usize| "x".repeat(count);
    let files = echo(&[
        ("offering.yaml", "Says what it is told", &long(255)),
        ("offering.yaml", "[echo]", &format!("[{}]\nrequires: [syslog_drain]", long(2_048))),
        ("offering.yaml", "Says it better", &long(1_895)),
    ]);
    let catalog = Catalog::load(files, &ENGINES).map_err(|m| crate::told(&m)).unwrap();
    registers(&catalog);
}
