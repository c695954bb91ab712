//! What a good catalog becomes.

use banquet::catalog::{Catalog, Files, Offering, lock};
use banquet::model::workload::Change;
use banquet::model::{Object, Workload};
use serde_json::{Value, json};

use crate::{ENGINES, echo, golden, login, object, shipped, told, workload};

#[test]
fn every_shipped_plan_renders_as_reviewed() {
    golden().bind(|| {
        for offering in &shipped().offerings {
            for plan in &offering.plans {
                let workload = workload(offering, plan, &Object::new()).unwrap();
                let name = format!("{}-{}", offering.name, plan.name);
                insta::assert_snapshot!(name, page(offering, workload));
            }
        }
        let catalog = shipped();
        let redis = catalog.offering_named("redis").unwrap();
        let cache = object(json!({"persistence": "none", "maxmemory_policy": "allkeys-lru"}));
        let workload = workload(redis, &redis.plans[0], &cache).unwrap();
        insta::assert_snapshot!("redis-small-cache", page(redis, workload));
    });
}

/// A workload with its files as text, and the credentials that come of it.
fn page(offering: &Offering, mut workload: Workload) -> String {
    let login = login(&workload, &offering.schemas.bind.with_defaults(&Object::new())).unwrap();
    let mut files = String::new();
    for file in workload.containers.iter_mut().flat_map(|container| &mut container.files) {
        let content = std::mem::take(&mut file.content);
        files.extend(["\n--- ", &file.path, "\n", content.expose()]);
    }
    workload.credentials.clear();
    let pretty = |value: Value| serde_json::to_string_pretty(&value).unwrap();
    let workload = pretty(serde_json::to_value(workload).unwrap());
    format!("{workload}\n{files}\n--- credentials\n{}", pretty(login.into()))
}

#[test]
fn the_body_for_platforms_is_as_reviewed() {
    let catalog = shipped();
    let body: Value = serde_json::from_slice(&catalog.body).unwrap();
    golden().bind(|| insta::assert_json_snapshot!("body", body));
    assert_eq!(shipped().etag, catalog.etag);
    assert!(catalog.etag.starts_with('"') && catalog.etag.ends_with('"'));
}

#[test]
fn an_offerings_fields_reach_the_body() {
    let catalog = Catalog::load(echo(&[]), &ENGINES).map_err(|m| told(&m)).unwrap();
    let body: Value = serde_json::from_slice(&catalog.body).unwrap();
    let service = &body["services"][0];
    assert_eq!(service["plan_updateable"], true);
    assert_eq!(service["allow_context_updates"], true);
    assert_eq!(service["instances_retrievable"], true);
    assert_eq!(service["bindings_retrievable"], true);
    let (one, two) = (&service["plans"][0], &service["plans"][1]);
    assert_eq!((&one["id"], &two["id"]), (&json!("e1"), &json!("e2")));
    assert_eq!((&one["free"], &two["free"]), (&json!(true), &json!(false)));
    assert_eq!((&one["plan_updateable"], &two["plan_updateable"]), (&json!(true), &json!(false)));
    assert_eq!(one.get("maintenance_info"), None);
    assert_eq!(
        two["maintenance_info"],
        json!({"version": "1.2.3", "description": "Says it better"})
    );
    assert_eq!(two["maximum_polling_duration"], 600);
    assert_eq!(two["metadata"]["costs"], json!([{"amount": {"usd": 9.5}, "unit": "MONTHLY"}]));
    for schema in [
        &one["schemas"]["service_instance"]["create"]["parameters"],
        &one["schemas"]["service_instance"]["update"]["parameters"],
        &one["schemas"]["service_binding"]["create"]["parameters"],
    ] {
        assert_eq!(schema["$schema"], "http://json-schema.org/draft-04/schema#");
        assert_eq!(schema["additionalProperties"], false);
    }
    let offering = catalog.offering(&"e".into()).unwrap();
    assert_eq!(offering.plan(&"e1".into()).unwrap().instances_per_tenant, Some(2));
    assert!(offering.plan_named("two").unwrap().synchronous);
    assert_eq!(catalog.offering_named("echo").unwrap().id, offering.id);

    let unbindable = echo(&[("offering.yaml", "tags:", "bindable: false\ntags:")]);
    let catalog = Catalog::load(unbindable, &ENGINES).unwrap();
    let body: Value = serde_json::from_slice(&catalog.body).unwrap();
    assert_eq!(body["services"][0]["bindable"], false);
    assert_eq!(body["services"][0]["plans"][0]["schemas"].get("service_binding"), None);
}

#[test]
fn a_workload_holds_what_the_template_says() {
    let catalog = Catalog::load(echo(&[]), &ENGINES).unwrap();
    let offering = &catalog.offerings[0];
    let parameters = object(json!({"motto": "ad astra", "list": ["a", "b\""]}));
    let workload = workload(offering, &offering.plans[0], &parameters).unwrap();
    let server = &workload.containers[0];
    assert_eq!(server.command, ["--key", "0123456789abcdef", "--motto=ad astra"]);
    assert_eq!(server.files[0].content.expose(), "zone UTC\nuser admin\n");
    assert_eq!(server.files.iter().map(|f| f.mode).collect::<Vec<_>>(), [0o400, 0o640]);
    assert_eq!(server.files[1].change, Change::Live);
    assert!(server.files[1].content.expose().contains(r#"["a", "b\""]"#));
    assert_eq!(server.resources.memory_bytes, 64 << 20);
    assert_eq!((server.resources.cpu_millis, server.resources.shm_bytes), (500, 1 << 20));
    let helper = &workload.containers[1];
    assert_eq!(helper.image.reference, "registry.example.com/helper:2");
    assert_eq!((helper.resources.memory_bytes, helper.resources.pids), (8 << 20, 5));
    assert_eq!(workload.settings, object(json!({"loud": false})));
    assert_eq!(serde_json::from_value::<Workload>(json!(workload)).unwrap(), workload);
}

#[test]
fn images_are_built_only_where_the_offering_says_so() {
    let catalog = shipped();
    for offering in &catalog.offerings {
        let workload = workload(offering, &offering.plans[0], &Object::new()).unwrap();
        assert_eq!(workload.containers[0].image.build.as_deref(), Some(offering.name.as_str()));
        assert!(catalog.files.image(&offering.name).unwrap().contains_key("Dockerfile"));
    }
    let catalog = Catalog::load(echo(&[]), &ENGINES).unwrap();
    let offering = &catalog.offerings[0];
    let workload = workload(offering, &offering.plans[0], &Object::new()).unwrap();
    assert_eq!(workload.containers[0].image.build, None);
}

#[test]
fn the_shipped_lock_is_up_to_date() {
    let files = Files::shipped();
    assert_eq!(lock::updated(&files).unwrap().as_bytes(), &files.0[lock::FILE][..]);
}
