//! The catalog as its writers and its readers meet it.

use std::path::{Path, PathBuf};

use banquet::catalog::{Catalog, Files, Inputs, Login, Mistake, Offering, Plan, credentials, lock};
use banquet::model::workload::Change;
use banquet::model::{Object, Workload};
use banquet::secret::Secret;
use serde_json::{Value, json};

const ENGINES: [&str; 2] = ["redis", "postgres"];

/// Ends a value, or opens another, somewhere.
const HOSTILE: [&str; 14] = [
    "\"",
    "'",
    "a\nb: c",
    "a\r\nrequirepass x",
    "}\n{",
    "\\",
    "a # b",
    "{{admin.password}}",
    "{{{x}}}",
    "- a: b",
    "\u{0}",
    "\u{202e}\u{2028}é😀",
    "' ; DROP ROLE postgres; --",
    "$(reboot) `reboot` ${HOME}",
];

fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/catalog").join(name)
}

fn shipped() -> Catalog {
    Catalog::load(Files::shipped(), &ENGINES).map_err(|m| told(&m)).unwrap()
}

/// The `echo` fixture alone, each of `changes` (file, old, new) made once.
fn echo(changes: &[(&str, &str, &str)]) -> Files {
    let mut files = Files::default();
    for (path, bytes) in Files::read(&folder("echo")).unwrap().0 {
        let mut text = String::from_utf8(bytes.to_vec()).unwrap();
        for (_, old, new) in changes.iter().filter(|change| change.0 == path) {
            assert!(text.contains(old), "{path} has no {old}");
            text = text.replacen(old, new, 1);
        }
        files.0.insert(format!("echo/{path}"), text.into());
    }
    let ids = "[echo]\nid = \"e\"\n[echo.plans]\none = \"e1\"\ntwo = \"e2\"\n";
    files.0.insert(lock::FILE.to_owned(), ids.into());
    files
}

fn told(mistakes: &[Mistake]) -> String {
    mistakes.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
}

fn object(value: Value) -> Object {
    let Value::Object(object) = value else { panic!("an object") };
    object
}

fn workload(offering: &Offering, plan: &Plan, parameters: &Object) -> Result<Workload, Mistake> {
    let password = Secret::from("AdminAdminAdminAdminAdminAdmin01");
    let inputs = Inputs { key: "0123456789abcdef", parameters, admin_password: &password };
    offering.workload(plan, &inputs)
}

fn login(workload: &Workload, parameters: &Object) -> Result<Object, String> {
    let ports = workload.port_names().map(str::to_owned).zip(20_000..).collect();
    credentials(
        &workload.credentials,
        &Login {
            host: "127.0.0.1",
            ports: &ports,
            user: "bfedcba9876543210",
            password: &Secret::from("BindingBindingBindingBinding0001"),
            database: workload.admin.database.as_deref(),
            parameters,
        },
    )
}

/// Everything but what texts say.
fn shape(value: &Value) -> Value {
    match value {
        Value::String(_) => json!("text"),
        Value::Array(items) => items.iter().map(shape).collect(),
        Value::Object(fields) => fields.iter().map(|(k, v)| (k.clone(), shape(v))).collect(),
        Value::Null | Value::Bool(_) | Value::Number(_) => value.clone(),
    }
}

#[test]
fn every_shipped_plan_renders_as_reviewed() {
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path("catalog/golden");
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.bind(|| {
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
    let login = login(&workload, &offering.bind.with_defaults(&Object::new())).unwrap();
    let mut files = String::new();
    for file in workload.containers.iter_mut().flat_map(|container| &mut container.files) {
        let content = std::mem::take(&mut file.content);
        files += &format!("\n--- {}\n{}", file.path, content.expose());
    }
    workload.credentials.clear();
    let pretty = |value: Value| serde_json::to_string_pretty(&value).unwrap();
    let workload = pretty(serde_json::to_value(workload).unwrap());
    format!("{workload}\n{files}\n--- credentials\n{}", pretty(login.into()))
}

#[test]
fn the_body_for_platforms_is_as_reviewed() {
    let catalog = shipped();
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path("catalog/golden");
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    let body: Value = serde_json::from_slice(&catalog.body).unwrap();
    settings.bind(|| insta::assert_json_snapshot!("body", body));
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

/// Whatever is given for a text: the schema refuses it, or the file refuses it without telling it,
/// or it is a text in the same place and nothing else has changed. Without the schema's help, too.
#[test]
fn no_text_becomes_syntax() {
    let fixture = Catalog::load(echo(&[]), &ENGINES).unwrap();
    let mut tried = 0;
    for offering in shipped().offerings.iter().chain(&fixture.offerings) {
        let texts =
            texts(offering.create.document()).into_iter().chain(texts(offering.update.document()));
        for name in texts {
            for plan in &offering.plans {
                let with = |text: &str| {
                    workload(offering, plan, &object(json!({ name.as_str(): text })))
                        .map(|workload| without_contents(&workload))
                };
                for hostile in HOSTILE {
                    tried += 1;
                    match with(hostile) {
                        Ok(got) => assert_eq!(got, with("harmless").unwrap(), "{name}={hostile:?}"),
                        Err(mistake) => {
                            assert!(mistake.message.contains(&name), "{mistake}");
                            assert!(!mistake.message.contains(hostile), "{mistake}");
                        }
                    }
                }
            }
        }
    }
    assert!(tried > 200, "{tried}");
}

#[test]
fn no_text_becomes_syntax_in_credentials() {
    let fixture = Catalog::load(echo(&[]), &ENGINES).unwrap();
    for offering in shipped().offerings.iter().chain(&fixture.offerings) {
        let workload = workload(offering, &offering.plans[0], &Object::new()).unwrap();
        for name in texts(offering.bind.document()) {
            for hostile in HOSTILE {
                let with = |text: &str| login(&workload, &object(json!({ name.as_str(): text })));
                let (got, wanted) = (with(hostile).unwrap(), with("harmless").unwrap());
                assert_eq!(shape(&got.into()), shape(&wanted.into()), "{name}={hostile:?}");
            }
        }
    }
}

/// The names of a schema's properties that are texts.
fn texts(schema: &Value) -> Vec<String> {
    let properties = schema["properties"].as_object().unwrap();
    let texts = properties.iter().filter(|(_, property)| property["type"] == "string");
    texts.map(|(name, _)| name.clone()).collect()
}

/// The workload's shape, and each file's: parsed where it has structure, its lines' first words
/// where it has not.
fn without_contents(workload: &Workload) -> Value {
    let mut whole = serde_json::to_value(workload).unwrap();
    for container in whole["containers"].as_array_mut().unwrap() {
        for file in container["files"].as_array_mut().unwrap() {
            let content = file["content"].as_str().unwrap();
            file["content"] = match serde_json::from_str::<Value>(content) {
                Ok(value) => value,
                Err(_) => content
                    .lines()
                    .map(|line| json!({line.split(' ').next().unwrap(): 1}))
                    .collect(),
            };
        }
    }
    shape(&whole)
}

#[test]
fn every_mistake_is_told_with_its_place() {
    let files = Files::read(&folder("broken")).unwrap();
    let mistakes = Catalog::load(files, &ENGINES).unwrap_err();
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path("catalog/golden");
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.bind(|| insta::assert_snapshot!("mistakes", told(&mistakes)));
}

/// One change of a good catalog, and what is told about it.
#[test]
fn what_platforms_refuse_is_refused_here() {
    let offering = "offering.yaml";
    let long = |length| "x".repeat(length);
    let description = format!("description: {}", long(256));
    let tags = format!("tags: [{}]", long(2_049));
    let name = format!("name: {}", long(64));
    let version = format!("maintenance: {{ version: 1.2.3, description: {} }}", long(2_000));
    let maintenance = "maintenance: { version: 1.2.3, description: Says it better }";
    for (old, new, wanted) in [
        (
            "description: Says what it is told",
            description.as_str(),
            ":3: `description` has at most 255",
        ),
        ("tags: [echo]", &tags, ":4: all tags together have 2049 characters"),
        ("name: one", &name, ":15: a name has at most 63"),
        (maintenance, &version, ":27: `maintenance` has at most"),
        (maintenance, "maintenance: { version: v1 }", ":27: `v1` is not a semantic version"),
        ("name: one", "name: \"-\"", ":15: `-` is no name for a command line"),
        ("name: one", "name: a b", ":15: `a b` is no name"),
        ("name: echo", "name: other", ":1: `name` must be the folder's: echo"),
        ("name: two", "name: one", ":20: there is a plan `one` already, in line 15"),
        (
            "name: one",
            "id: e2\n    name: one",
            ":15: plan `one` has the id `e1` in catalog.lock; ids never move",
        ),
        ("name: one", "id: a/b\n    name: three", ":15: `a/b` is no id for every platform"),
        (
            "name: one",
            "id: e\n    name: three",
            ":15: plan `three` of `echo` has the same id as offering `echo`",
        ),
        ("name: one", "name: three", ":15: plan `three` has no id yet: run `banquet catalog lock`"),
        (
            "memory: 128Mi",
            "memory: 32Mi",
            ":24: the first plan must be the smallest, but `two` has 32Mi",
        ),
        ("memory: 64Mi", "memory: 64", ":17: 64 of memory runs nothing; did you leave out `Mi`?"),
        ("memory: 64Mi", "memory: 1g", ":17: `memory`: `1g` is not a size"),
        ("cpus: 0.5", "cpus: 0", ":17: `cpus` is a number of cores"),
        ("update_to: [two]", "update_to: [one]", ":19: `one` is this plan itself"),
        ("update_to: [two]", "update_to: [three]", ":19: there is no plan `three` to change to"),
        (
            "instances_per_tenant: 2",
            "instances_per_tenant: 0",
            ":18: `instances_per_tenant` is a whole number",
        ),
        (
            "maximum_polling_duration_s: 600",
            "maximum_polling_duration_s: 1.5",
            ":25: `maximum_polling_duration_s`",
        ),
        ("free: false", "free: 1", ":22: `free` is `true` or `false`"),
        (
            "synchronous: true",
            "sinchronous: true",
            ":26: unknown field `sinchronous`; did you mean `synchronous`?",
        ),
        (
            "engine: redis",
            "engine: etcd",
            ":2: there is no engine `etcd`; there are: redis, postgres",
        ),
        (
            "registry.example.com/echo:1.0",
            "registry.example.com/echo",
            ":5: `registry.example.com/echo` is no image",
        ),
        (
            "\" }\nparam",
            "\", build: true }\nparam",
            ":5: there is no echo/image/Dockerfile to build from",
        ),
        (
            "default: UTC",
            "default: U-C",
            ":9: `parameters.create.zone` has a default that it does not allow",
        ),
        (
            "{ type: string, maxLength: 200 }",
            "{ type: strong }",
            ":8: `parameters.create` is not a draft-04",
        ),
        ("{ type: string, maxLength: 200 }", "{ $ref: 'http://x/y' }", "leads outside"),
        ("amount: { usd: 9.5 }", "amount: { usd: lots }", ":23: `amount` is a mapping of currency"),
    ] {
        let mistakes = told(&Catalog::load(echo(&[(offering, old, new)]), &ENGINES).unwrap_err());
        assert!(
            mistakes.lines().any(|m| m.starts_with("echo/") && m.contains(wanted)),
            "{new}: {mistakes}"
        );
    }
}

#[test]
fn templates_that_would_fail_later_fail_now() {
    let (workload, login) = ("workload.yaml.hbs", "credentials.json.hbs");
    for (file, old, new, wanted) in [
        (
            workload,
            "{ conf: /conf }",
            "{ cnf: /conf }",
            "mounts the volume `cnf`, which `volumes` does not declare",
        ),
        (
            workload,
            "path: /conf/echo.conf",
            "path: /etc/echo.conf",
            "the file /etc/echo.conf is in none of its mounts",
        ),
        (workload, "path: /conf/echo.conf", "path: /conf/../x", "not a plain absolute path"),
        (
            workload,
            "files/echo.conf.hbs",
            "files/eco.conf.hbs",
            "workload.yaml.hbs:11: plan `one`: there is no usable template echo/files/eco.conf.hbs",
        ),
        (workload, "echo: 7", "echo: 0", "port `echo` is 0"),
        (workload, "ports: { echo: 7 }", "ports: {}", "no container has a port"),
        (workload, "role: helper", "role: server", "two containers have the role `server`"),
        (
            workload,
            "mode: 0400",
            "mode: 0900",
            "workload.yaml.hbs:11: plan `one`: what it renders to is no workload: ",
        ),
        (
            workload,
            "role: server",
            "rol: server",
            "workload.yaml.hbs:5: plan `one`: what it renders to is no workload: ",
        ),
        (
            workload,
            "\"{{instance.key}}\"",
            "\"{{instance.kee}}\"",
            "workload.yaml.hbs:6: plan `one`: ",
        ),
        (
            workload,
            "\"{{instance.key}}\"",
            "\"{{admin.password}}\"",
            "the password is in `environment` or `command`",
        ),
        (
            workload,
            "\"{{instance.key}}\"",
            "{{instance.key}}",
            "workload.yaml.hbs:6: `instance.key` stands where it could become syntax",
        ),
        (
            workload,
            "\"--motto={{parameters.motto}}\"",
            "'--motto={{parameters.motto}}'",
            "workload.yaml.hbs:6: `parameters.motto` stands where",
        ),
        (
            workload,
            "{{#if parameters.motto}},",
            "{{#if parameters.moto}},",
            "workload.yaml.hbs:6: there is no parameter `moto`",
        ),
        (
            workload,
            "{{#if parameters.motto}}{{json parameters.motto}}{{else}}\"\"{{/if}}",
            "\"{{parameters.motto}}\"",
            "workload.yaml.hbs:8: plan `one`: ",
        ),
        ("files/echo.json.hbs", "\"{{this}}\"", "{{this}}", "`parameters.list` stands where"),
        (
            "files/echo.conf.hbs",
            "{{parameters.zone}}",
            "{{{parameters.zone}}}",
            "files/echo.conf.hbs:1: values are always escaped",
        ),
        (login, "\"{{parameters.note}}\"", "null", "`note` is null"),
        (login, "\"{{parameters.note}}\"", "{{parameters.note}}", "credentials.json.hbs"),
        (login, "{{host}}:{{ports.echo}}", "{{host}}", "`uri` must say scheme, host and port"),
        (login, "\"hostname\"", "\"hostnam\"", "`hostname` is missing"),
        (
            login,
            "\"username\": \"{{user}}\"",
            "\"username\": \"admin\"",
            "`username` must be the binding's own",
        ),
        (
            login,
            "{{parameters.note}}",
            "{{parameters.nota}}",
            "credentials.json.hbs:3: there is no parameter `nota`",
        ),
    ] {
        let mistakes = told(&Catalog::load(echo(&[(file, old, new)]), &ENGINES).unwrap_err());
        assert!(
            mistakes.lines().any(|m| m.starts_with("echo/") && m.contains(wanted)),
            "{new}: {mistakes}"
        );
        assert!(!mistakes.contains("aaaaaaaa"), "a password: {mistakes}");
    }
}

#[test]
fn the_shipped_lock_is_up_to_date() {
    let files = Files::shipped();
    assert_eq!(lock::updated(&files).unwrap().as_bytes(), &files.0[lock::FILE][..]);
}

#[test]
fn nothing_is_no_catalog() {
    let mistakes = Catalog::load(Files::default(), &ENGINES).unwrap_err();
    assert_eq!(told(&mistakes), "catalog: there is no offering in it: each is a folder");
}
