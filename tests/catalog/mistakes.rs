//! What a bad catalog is told.

use banquet::catalog::{Catalog, Files};

use crate::{ENGINES, echo, folder, golden, told};

#[test]
fn every_mistake_is_told_with_its_place() {
    let files = Files::read(&folder("broken")).unwrap();
    let mistakes = Catalog::load(files, &ENGINES).unwrap_err();
    golden().bind(|| insta::assert_snapshot!("mistakes", told(&mistakes)));
}

/// One change of `offering.yaml`, and what is told about it.
const OFFERINGS: &[(&str, &str, &str)] = &[
    (
        "maintenance: { version: 1.2.3,",
        "maintenance: { version: v1,",
        ":27: `v1` is not a semantic version",
    ),
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
    (
        "note: { type: string, default: none }",
        "note: { type: integer, maximum: plan.seats }",
        ":13: `parameters.bind`: `maximum: plan.seats` is no number and no measure of a plan",
    ),
    (
        "note: { type: string, default: none }",
        "note: { type: integer, maximum: plan.connections, default: 15 }",
        ":13: `parameters.bind.note` of plan `one` has a default that it does not allow",
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
        ":2: there is no engine `etcd`; there are: kafka, mysql, redis, postgres, scripted",
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
    ("tags: [echo]", "tags: [echo]\nrequires: [money]", ":5: no platform permits `money`"),
    (
        "tags: [echo]",
        "tags: [echo]\ndashboard_client: { id: a, secret: b }",
        ":5: `redirect_uri` is missing",
    ),
    ("amount: { usd: 9.5 }", "amount: { usd: lots }", ":23: `amount` is a mapping of currency"),
];

#[test]
fn what_platforms_refuse_is_refused_here() {
    for (old, new, wanted) in OFFERINGS {
        is_told(("offering.yaml", old, new), wanted);
    }
}

#[test]
fn what_is_too_long_for_platforms_is_refused_here() {
    for (old, new, length, wanted) in [
        ("Says what it is told", "x", 256, ":3: `description` has at most 255"),
        ("[echo]", "x", 2_049, ":4: all tags together have 2049 characters"),
        ("name: one", "name: x", 64, ":15: a name has at most 63"),
        ("Says it better", "x", 2_000, ":27: `maintenance` has at most"),
    ] {
        let new = new.to_owned() + &"x".repeat(length - 1);
        let new = if old == "[echo]" { format!("[{new}]") } else { new };
        is_told(("offering.yaml", old, &new), wanted);
    }
}

const WORKLOAD: &str = "workload.yaml.hbs";
const LOGIN: &str = "credentials.json.hbs";

/// One change of a template, and what is told about it.
const TEMPLATES: &[(&str, &str, &str, &str)] = &[
    (
        WORKLOAD,
        "{ conf: /conf }",
        "{ cnf: /conf }",
        "mounts the volume `cnf`, which `volumes` does not declare",
    ),
    (
        WORKLOAD,
        "path: /conf/echo.conf",
        "path: /etc/echo.conf",
        "the file /etc/echo.conf is in none of its mounts",
    ),
    (WORKLOAD, "path: /conf/echo.conf", "path: /conf/../x", "not a plain absolute path"),
    (
        WORKLOAD,
        "files/echo.conf.hbs",
        "files/eco.conf.hbs",
        "workload.yaml.hbs:11: plan `one`: there is no usable template echo/files/eco.conf.hbs",
    ),
    (WORKLOAD, "echo: 7", "echo: 0", "port `echo` is 0"),
    (WORKLOAD, "ports: { echo: 7 }", "ports: {}", "no container has a port"),
    (WORKLOAD, "role: helper", "role: server", "two containers have the role `server`"),
    (
        WORKLOAD,
        "mode: 0400",
        "mode: 0900",
        "workload.yaml.hbs:11: plan `one`: what it renders to is no workload: ",
    ),
    (
        WORKLOAD,
        "role: server",
        "rol: server",
        "workload.yaml.hbs:5: plan `one`: what it renders to is no workload: ",
    ),
    (WORKLOAD, "\"{{instance.key}}\"", "\"{{instance.kee}}\"", "workload.yaml.hbs:6: plan `one`: "),
    (
        WORKLOAD,
        "\"{{instance.key}}\"",
        "\"{{admin.password}}\"",
        "the password is in `environment` or `command`",
    ),
    (
        WORKLOAD,
        "\"{{instance.key}}\"",
        "{{instance.key}}",
        "workload.yaml.hbs:6: `instance.key` stands where it could become syntax",
    ),
    (
        WORKLOAD,
        "\"--motto={{parameters.motto}}\"",
        "'--motto={{parameters.motto}}'",
        "workload.yaml.hbs:6: `parameters.motto` stands where",
    ),
    (
        WORKLOAD,
        "{{#if parameters.motto}},",
        "{{#if parameters.moto}},",
        "workload.yaml.hbs:6: there is no parameter `moto`",
    ),
    (
        WORKLOAD,
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
    (
        "files/echo.conf.hbs",
        "{{admin.user}}",
        "{{address.ports.eco}}",
        "the file /conf/echo.conf asks for the port `eco`, which there is not",
    ),
    (WORKLOAD, "\"{{instance.key}}\"", "\"{{address.host}}\"", "there is no `address.host` here"),
    (LOGIN, "\"{{parameters.note}}\"", "null", "`note` is null"),
    (LOGIN, "\"{{parameters.note}}\"", "{{parameters.note}}", "credentials.json.hbs"),
    (LOGIN, "{{host}}:{{ports.echo}}", "{{host}}", "`uri` must say scheme, host and port"),
    (LOGIN, "\"hostname\"", "\"hostnam\"", "`hostname` is missing"),
    (
        LOGIN,
        "\"username\": \"{{user}}\"",
        "\"username\": \"admin\"",
        "`username` must be the binding's own",
    ),
    (
        LOGIN,
        "{{parameters.note}}",
        "{{parameters.nota}}",
        "credentials.json.hbs:3: there is no parameter `nota`",
    ),
];

#[test]
fn templates_that_would_fail_later_fail_now() {
    for (file, old, new, wanted) in TEMPLATES {
        is_told((file, old, new), wanted);
    }
}

/// The change (file, old, new) of a good catalog leads to a mistake, which quotes no password.
fn is_told(change: (&str, &str, &str), wanted: &str) {
    let mistakes = told(&Catalog::load(echo(&[change]), &ENGINES).unwrap_err());
    let is_wanted = |line: &str| line.starts_with("echo/") && line.contains(wanted);
    assert!(mistakes.lines().any(is_wanted), "{change:?} is told only: {mistakes}");
    assert!(!mistakes.contains("aaaaaaaa"), "{mistakes}");
}

#[test]
fn nothing_is_no_catalog() {
    let mistakes = Catalog::load(Files::default(), &ENGINES).unwrap_err();
    assert_eq!(told(&mistakes), "catalog: there is no offering in it: each is a folder");
}

/// Templates are tried with what a schema requires, and with an update on top of that.
#[test]
fn required_parameters_are_tried() {
    let page = include_str!("echo/offering.yaml");
    let short = &page[page.find("  create:").unwrap()..page.find("  bind:").unwrap()];
    let whole = "\x20 create:
    type: object
    required: [motto]
    properties:
      motto: { type: string }
      zone: { type: string, default: UTC }
      loud: { type: boolean, default: true }
      list: { type: array, default: [] }
  update:
    more: { type: integer }
";
    let load =
        |parameters: &str| Catalog::load(echo(&[("offering.yaml", short, parameters)]), &ENGINES);
    assert!(load(whole).is_ok());
    let riddle =
        whole.replace("motto: { type: string }", "motto: { type: string, pattern: '^#{7}$' }");
    is_told(
        ("offering.yaml", short, &riddle),
        "`parameters.create`: no value for its required properties comes to mind",
    );
}
