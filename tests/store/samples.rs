//! Instances, bindings and operations as a broker would write them.

use std::collections::BTreeMap;

use banquet::clock::Millis;
use banquet::id::{BindingId, BindingKey, InstanceId, InstanceKey, PlatformName};
use banquet::model::tls::Mode;
use banquet::model::workload::{Admin, Container, File, Image, Resources, Stop, Volume};
use banquet::model::{
    Binding, BindingState, Instance, InstanceState, Kind, Object, Operation, OperationState, Phase,
    Target, Workload,
};
use banquet::secret::Secret;
use banquet::store::{Effect, Lease, Store};
use serde_json::{Value, json};

/// When the samples begin.
pub(crate) const NOW: Millis = 1_700_000_000_000;
/// How long workers of the tests hold on.
pub(crate) const LEASE: Millis = 30_000;

pub(crate) fn object(value: Value) -> Object {
    match value {
        Value::Object(object) => object,
        other => panic!("not an object: {other}"),
    }
}

pub(crate) fn workload(password: &str) -> Workload {
    let file = File {
        path: "/conf/users.acl".to_owned(),
        content: Secret::from(format!("user admin >{password}")),
        mode: 0o400,
        uid: 999,
        gid: 999,
        change: banquet::model::workload::Change::Seed,
        tls: None,
    };
    let container = Container {
        role: "server".to_owned(),
        image: Image {
            reference: "docker.io/library/redis:8.0".to_owned(),
            build: Some("redis".to_owned()),
            resolved: Some("sha256:0123".to_owned()),
        },
        command: vec!["redis-server".to_owned()],
        environment: BTreeMap::from([("TZ".to_owned(), "UTC".to_owned())]),
        user: "999:999".to_owned(),
        files: vec![file],
        mounts: BTreeMap::from([("data".to_owned(), "/data".to_owned())]),
        tmpfs: BTreeMap::new(),
        ports: BTreeMap::from([("redis".to_owned(), 6379)]),
        capabilities: vec![],
        writable_root: false,
        resources: Resources { memory_bytes: 1 << 26, cpu_millis: 500, pids: 100, shm_bytes: 0 },
        stop: Stop::default(),
    };
    Workload {
        engine: "redis".to_owned(),
        admin: Admin { user: "admin".to_owned(), password: password.into(), database: None },
        settings: object(json!({"maxmemory": "32mb"})),
        credentials: "{\"uri\": \"redis://{{user}}:{{password}}@{{host}}\"}".to_owned(),
        bind_defaults: object(json!({"read_only": false})),
        scripts: BTreeMap::new(),
        tls: Mode::Off,
        identity: None,
        containers: vec![container],
        volumes: BTreeMap::from([("data".to_owned(), Volume { size_bytes: 1 << 30 })]),
    }
}

pub(crate) fn key(id: &str) -> InstanceKey {
    InstanceKey::derive(&PlatformName::from("cf"), &InstanceId::from(id))
}

pub(crate) fn instance(id: &str) -> Instance {
    Instance {
        key: key(id),
        platform: "cf".into(),
        id: id.into(),
        tenant: "cf/org-1".into(),
        name: format!("cache {id}"),
        offering_id: "offering-redis".into(),
        plan_id: "plan-small".into(),
        organization_guid: "org-1".to_owned(),
        space_guid: "space-1".to_owned(),
        parameters: object(json!({"maxmemory_policy": "noeviction", "a": [1, 2.5, null, "ü"]})),
        context: object(json!({"platform": "cloudfoundry"})),
        maintenance_version: Some("1.0.0".to_owned()),
        state: InstanceState::Creating,
        workload: workload("AdminPassword"),
        ports: BTreeMap::new(),
        was_ready: false,
        created_at: NOW,
        updated_at: NOW,
    }
}

pub(crate) fn binding(instance: &InstanceKey, id: &str) -> Binding {
    let key = BindingKey::derive(instance, &BindingId::from(id));
    Binding {
        instance: instance.clone(),
        id: id.into(),
        offering_id: "offering-redis".into(),
        plan_id: "plan-small".into(),
        app_guid: Some("app-1".to_owned()),
        parameters: object(json!({"read_only": true})),
        context: Object::new(),
        user: Binding::user_for(&key),
        password: "BindingPassword".into(),
        state: BindingState::Creating,
        created_at: NOW,
        predecessor: None,
        expires_at: None,
        renew_before: None,
        key,
    }
}

pub(crate) fn operation(id: &str, kind: Kind, instance: &InstanceKey) -> Operation {
    Operation {
        id: id.into(),
        kind,
        instance: instance.clone(),
        binding: None,
        target: None,
        state: OperationState::Running,
        phase: Phase::Forward,
        step: 0,
        attempts: 0,
        run_after: NOW,
        deadline: NOW + 600_000,
        description: String::new(),
        instance_usable: None,
        update_repeatable: None,
        created_at: NOW,
        finished_at: None,
    }
}

pub(crate) fn operation_on(id: &str, kind: Kind, binding: &Binding) -> Operation {
    Operation { binding: Some(binding.key.clone()), ..operation(id, kind, &binding.instance) }
}

pub(crate) fn target(password: &str) -> Target {
    Target {
        plan_id: "plan-medium".into(),
        parameters: object(json!({"x": 1})),
        context: Object::new(),
        name: "new name".to_owned(),
        maintenance_version: None,
        workload: workload(password),
    }
}

pub(crate) fn ended(operation: &Operation, state: OperationState, at: Millis) -> Operation {
    Operation { state, finished_at: Some(at), description: "ended".to_owned(), ..operation.clone() }
}

/// Writes the instance.
pub(crate) async fn put(store: &Store, instance: &Instance) {
    let mut decision = store.decide(&instance.key).await.unwrap();
    decision.put_instance(instance).await.unwrap();
    decision.commit().await.unwrap();
}

/// Writes the binding.
pub(crate) async fn put_binding(store: &Store, binding: &Binding) {
    let mut decision = store.decide(&binding.instance).await.unwrap();
    decision.put_binding(binding).await.unwrap();
    decision.commit().await.unwrap();
}

/// Begins the operation.
pub(crate) async fn begin(store: &Store, operation: &Operation) {
    let mut decision = store.decide(&operation.instance).await.unwrap();
    decision.begin(operation).await.unwrap();
    decision.commit().await.unwrap();
}

/// Claims what must be there to claim.
pub(crate) async fn claim(store: &Store, now: Millis) -> Lease {
    store.claim(now, LEASE).await.unwrap().expect("something to claim")
}

/// Claims the operation, which must be the next, and ends it with an effect.
pub(crate) async fn finish(store: &Store, operation: &Operation, at: Millis, effect: Effect) {
    let lease = claim(store, at).await;
    assert_eq!(lease.operation.id, operation.id);
    let end = ended(&lease.operation, OperationState::Succeeded, at);
    assert!(store.record(&lease, &end, effect).await.unwrap());
}

/// Long enough for others to come between, were they not kept out.
pub(crate) async fn pause(ms: u64) {
    tokio::time::sleep(std::time::Duration::from_millis(ms)).await;
}
