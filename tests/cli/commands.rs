//! What commands ask of the broker, print, and exit with.

use banquet::view;
use serde_json::json;

use crate::broker::{Broker, banquet, binding, command, error, instance, line, operation, started};

const INSTANCE: &str = "GET /admin/v1/instances/in%2F1";

#[tokio::test]
async fn instances_are_listed_as_a_plain_table_or_as_json() {
    let mut odd = instance();
    odd.name = "\u{1b}[31mred\nnext".to_owned();
    let lines = vec![line("GET /admin/v1/instances", 200, &vec![instance(), odd])];
    let broker = Broker::start(lines).await;
    let ran = broker.banquet(&["instance", "list"]).await;
    assert_eq!(ran.exit, Some(0), "{ran:?}");
    let rows: Vec<&str> = ran.stdout.lines().collect();
    assert_eq!(rows.len(), 3, "{}", ran.stdout);
    assert_eq!(rows[0].split_whitespace().next(), Some("NAME"));
    let cells: Vec<&str> = rows[1].split_whitespace().collect();
    assert_eq!(
        cells,
        ["orders-cache", "redis:small", "ready", "shop", "127.0.0.1:20000", "1", "in/1"]
    );
    assert!(!ran.stdout.contains('\u{1b}'), "names must not steer the terminal");
    assert_eq!(ran.stderr, "");

    let ran = broker.banquet(&["instance", "list", "--json"]).await;
    assert_eq!(ran.json()[0], serde_json::to_value(instance()).unwrap());
    assert!(broker.asked().iter().all(|asked| asked.authorization == "Bearer a-token"));
}

#[tokio::test]
async fn nothing_to_list_is_said_beside_the_result() {
    let none: Vec<view::Instance> = Vec::new();
    let broker = Broker::start(vec![line("GET /admin/v1/instances", 200, &none)]).await;
    let ran = broker.banquet(&["instance", "list"]).await;
    assert_eq!((ran.exit, ran.stdout.as_str()), (Some(0), ""));
    assert!(ran.stderr.contains("banquet instance create"));
    assert_eq!(broker.banquet(&["--json", "instance", "list"]).await.json(), json!([]));
}

#[tokio::test]
async fn create_sends_what_was_said_and_shows_what_came_of_it() {
    let broker = Broker::start(vec![
        line("POST /admin/v1/instances", 202, &started(instance(), "provision")),
        line("GET /admin/v1/operations/op-1", 200, &operation("provision", "succeeded", "")),
        line(INSTANCE, 200, &instance()),
    ])
    .await;
    let ran = broker
        .banquet(&[
            "instance",
            "create",
            "redis:small",
            "orders-cache",
            "--tenant",
            "shop",
            "-p",
            "databases=4",
            "-p",
            "maxmemory_policy=noeviction",
            "--parameters",
            r#"{"databases": 1, "persistent": true}"#,
        ])
        .await;
    assert_eq!(ran.exit, Some(0), "{ran:?}");
    assert!(ran.stdout.contains("redis 127.0.0.1:20000"), "{}", ran.stdout);
    assert_eq!(ran.stderr, "provision 1/4: starting the container\n");
    assert_eq!(
        broker.asked()[0].body,
        json!({
            "name": "orders-cache", "offering": "redis", "plan": "small", "tenant": "shop",
            "parameters": {"databases": 4, "maxmemory_policy": "noeviction", "persistent": true},
        })
    );
}

#[tokio::test]
async fn two_plans_or_nothing_to_change_are_usage() {
    let broker = Broker::start(Vec::new()).await;
    for arguments in [
        &["instance", "create", "redis:small", "a", "--plan", "large"][..],
        &["instance", "create", "redis", "a", "-p", "nothing"],
        &["instance", "create", "redis"],
        &["instance", "update", "a"],
        &["instance", "show", ".."],
        &["instance", "create", "redis", "a", "--timeout", "5"],
        &["frobnicate"],
    ] {
        let ran = broker.banquet(arguments).await;
        assert_eq!(ran.exit, Some(2), "{arguments:?}: {ran:?}");
        assert!(ran.stderr.starts_with("error: "), "{arguments:?}: {}", ran.stderr);
        assert_eq!(ran.stdout, "", "{arguments:?}");
    }
    assert_eq!(broker.asked(), []);
}

#[tokio::test]
async fn an_update_with_nothing_to_do_shows_the_instance() {
    let broker =
        Broker::start(vec![line("PATCH /admin/v1/instances/orders-cache", 200, &instance())]).await;
    let ran = broker.banquet(&["instance", "update", "orders-cache", "--plan", "small"]).await;
    assert_eq!(ran.exit, Some(0), "{ran:?}");
    assert!(ran.stdout.contains("in/1"));
    assert_eq!(broker.asked()[0].body, json!({"plan": "small", "parameters": null}));
}

#[tokio::test]
async fn deleting_needs_a_yes() {
    let broker = Broker::start(vec![
        line("GET /admin/v1/instances/orders-cache", 200, &instance()),
        line("DELETE /admin/v1/instances/in%2F1", 202, &started(instance(), "deprovision")),
        line("GET /admin/v1/operations/op-1", 200, &operation("deprovision", "succeeded", "")),
    ])
    .await;
    let ran = broker.banquet(&["instance", "delete", "orders-cache"]).await;
    assert_eq!(ran.exit, Some(2));
    assert!(ran.stderr.contains("--yes"), "{}", ran.stderr);
    assert_eq!(broker.asked().len(), 1, "only looked at");

    let ran = broker.banquet(&["instance", "delete", "orders-cache", "--yes"]).await;
    assert_eq!((ran.exit, ran.stdout.as_str()), (Some(0), "deleted orders-cache\n"));
    assert_eq!(broker.asked()[2].what, "DELETE /admin/v1/instances/in%2F1");
}

#[tokio::test]
async fn credentials_are_masked_unless_asked_for() {
    let path = "GET /admin/v1/instances/in%2F1/bindings/b-1";
    let broker = Broker::start(vec![line(path, 200, &binding())]).await;
    for arguments in
        [&["binding", "show", "in/1", "b-1"][..], &["binding", "show", "in/1", "b-1", "--json"]]
    {
        let ran = broker.banquet(arguments).await;
        assert_eq!(ran.exit, Some(0), "{ran:?}");
        assert!(!format!("{ran:?}").contains("geheim"), "{ran:?}");
        assert!(ran.stdout.contains("redis://b0123:********@127.0.0.1:20000/0"), "{}", ran.stdout);
        assert!(!ran.stdout.contains("redis-cli"));
        assert!(ran.stderr.contains("--show-secrets"));
    }
    let ran = broker.banquet(&["binding", "show", "in/1", "b-1", "--show-secrets"]).await;
    assert!(ran.stdout.contains("credentials.password  geheimGeheim"), "{}", ran.stdout);
    assert!(
        ran.stdout.contains(
            "redis-cli --no-auth-warning -u 'redis://b0123:geheimGeheim@127.0.0.1:20000/0'"
        )
    );
    assert_eq!(ran.stderr, "");
    let ran = broker.banquet(&["--show-secrets", "--json", "binding", "show", "in/1", "b-1"]).await;
    assert_eq!(ran.json(), serde_json::to_value(binding()).unwrap());
}

#[tokio::test]
async fn bindings_come_and_go() {
    let mut bare = binding();
    bare.credentials = None;
    let one = "/admin/v1/instances/in%2F1/bindings/b-1";
    let broker = Broker::start(vec![
        line("POST /admin/v1/instances/orders-cache/bindings", 202, &started(bare.clone(), "bind")),
        line("GET /admin/v1/operations/op-1", 200, &operation("bind", "succeeded", "")),
        line(&format!("GET {one}"), 200, &binding()),
        line("GET /admin/v1/instances/orders-cache/bindings", 200, &vec![bare.clone()]),
        line("GET /admin/v1/instances/orders-cache/bindings/b-1", 200, &binding()),
        line(&format!("DELETE {one}"), 202, &started(bare, "unbind")),
    ])
    .await;
    let create = ["binding", "create", "orders-cache", "--app", "orders", "-p", "read_only=true"];
    let ran = broker.banquet(&create).await;
    assert_eq!(ran.exit, Some(0), "{ran:?}");
    assert!(ran.stdout.contains("credentials.username  b0123"), "{}", ran.stdout);
    assert_eq!(
        broker.asked()[0].body,
        json!({"id": null, "app": "orders", "rotate": null, "parameters": {"read_only": true}})
    );
    let ran = broker.banquet(&["binding", "list", "orders-cache"]).await;
    assert_eq!(ran.stdout.lines().nth(1).unwrap().split_whitespace().next(), Some("b-1"));
    let ran = broker.banquet(&["binding", "delete", "orders-cache", "b-1", "-y"]).await;
    assert_eq!((ran.exit, ran.stdout.as_str()), (Some(0), "deleted b-1\n"), "{ran:?}");
}

#[tokio::test]
async fn refusals_have_their_exit_codes_and_their_words() {
    for (status, exit) in [(400, 5), (404, 4), (409, 5), (410, 4), (422, 5), (500, 1), (503, 1)] {
        let words = error("two instances are called `a`: use one of their ids, 1 or 2");
        let broker = Broker::start(vec![line("GET /admin/v1/instances/a", status, &words)]).await;
        let ran = broker.banquet(&["instance", "show", "a"]).await;
        assert_eq!(ran.exit, Some(exit), "{status}: {ran:?}");
        assert_eq!(ran.stderr, format!("error: {}\n", words.description), "{status}");
        assert_eq!(ran.stdout, "");
    }
}

#[tokio::test]
async fn what_is_no_banquet_is_said_so() {
    let page = ("GET /admin/v1/status".to_owned(), 502, "<html>bad gateway</html>".to_owned());
    let ran = Broker::start(vec![page]).await.banquet(&["status"]).await;
    assert_eq!(ran.exit, Some(1));
    assert!(ran.stderr.contains("502") && ran.stderr.contains("banquet"), "{}", ran.stderr);

    let other = line("GET /admin/v1/status", 200, &json!({"password": "geheim"}));
    let ran = Broker::start(vec![other]).await.banquet(&["status"]).await;
    assert_eq!(ran.exit, Some(1));
    assert!(!ran.stderr.contains("geheim") && ran.stderr.contains("--version"), "{}", ran.stderr);

    let refused = line("GET /admin/v1/status", 401, &error("no"));
    let ran = Broker::start(vec![refused]).await.banquet(&["status"]).await;
    assert_eq!(ran.exit, Some(5));
    assert!(ran.stderr.contains("BANQUET_TOKEN"), "{}", ran.stderr);
}

#[tokio::test]
async fn an_unreachable_broker_is_exit_code_3() {
    // Bound and dropped: nobody listens there now.
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let url = format!("http://127.0.0.1:{port}");
    let ran = banquet(&[("BANQUET_TOKEN", "t")], &["--url", &url, "status"]).await;
    assert_eq!(ran.exit, Some(3), "{ran:?}");
    assert!(ran.stderr.starts_with("error: no broker answers at"), "{}", ran.stderr);
    assert!(ran.stderr.contains("banquet serve"));
}

#[tokio::test]
async fn status_fails_when_something_is_away() {
    let mut status = view::Status {
        version: "0.1.0".to_owned(),
        broker_id: "b".to_owned(),
        engine_reachable: true,
        database_reachable: true,
        instances: 3,
        operations_running: 0,
    };
    let broker = Broker::start(vec![line("GET /admin/v1/status", 200, &status)]).await;
    let ran = broker.banquet(&["status"]).await;
    assert_eq!(ran.exit, Some(0), "{ran:?}");
    assert!(ran.stdout.contains("container engine"));
    status.engine_reachable = false;
    let broker = Broker::start(vec![line("GET /admin/v1/status", 200, &status)]).await;
    let ran = broker.banquet(&["status", "--json"]).await;
    assert_eq!((ran.exit, &ran.json()["engine_reachable"]), (Some(1), &json!(false)));
}

#[tokio::test]
async fn the_catalog_is_listed_shown_and_reloaded() {
    let plan = |name: &str, memory_mib: u64| view::Plan {
        id: format!("plan-{name}"),
        name: name.to_owned(),
        description: "one container".to_owned(),
        free: true,
        memory_bytes: memory_mib << 20,
        cpu_millis: 500,
        disk_bytes: 1 << 30,
        connections: 50,
        update_to: vec!["medium".to_owned()],
    };
    let schema = json!({"properties": {"password_policy": {"type": "string"}}});
    let offering = view::Offering {
        id: "offering-redis".to_owned(),
        name: "redis".to_owned(),
        description: "a cache".to_owned(),
        tags: vec!["cache".to_owned()],
        plans: vec![plan("small", 64), plan("medium", 256)],
        parameters: [("create".to_owned(), schema)].into(),
    };
    let broker = Broker::start(vec![
        line("GET /admin/v1/catalog", 200, &vec![&offering]),
        line("POST /admin/v1/catalog/reload", 200, &vec![&offering]),
        line("POST /admin/v1/catalog/reload", 422, &error("a.yaml:1: wrong\nb.yaml:2: wrong too")),
    ])
    .await;
    let ran = broker.banquet(&["catalog", "list"]).await;
    assert!(
        ran.stdout.lines().nth(1).unwrap().starts_with("redis:small    64 MiB   0.5  1 GiB"),
        "{}",
        ran.stdout
    );
    let ran = broker.banquet(&["catalog", "show", "redis"]).await;
    assert!(ran.stdout.contains("parameters to create:") && ran.stdout.contains("password_policy"));
    let ran = broker.banquet(&["catalog", "show", "redis", "--json"]).await;
    assert_eq!(ran.json(), serde_json::to_value(&offering).unwrap());
    let ran = broker.banquet(&["catalog", "show", "kafka"]).await;
    assert_eq!((ran.exit, ran.stdout.as_str()), (Some(4), ""));
    assert!(ran.stderr.contains("redis"), "{}", ran.stderr);
    assert_eq!(broker.banquet(&["catalog", "reload"]).await.exit, Some(0));
    let ran = broker.banquet(&["catalog", "reload"]).await;
    assert_eq!(ran.exit, Some(5));
    assert_eq!(ran.stderr, "error: a.yaml:1: wrong\nerror: b.yaml:2: wrong too\n");
}

#[tokio::test]
async fn a_closed_pipe_is_quiet() {
    let many = vec![instance(); 3000];
    let broker = Broker::start(vec![line("GET /admin/v1/instances", 200, &many)]).await;
    let environment = [("BANQUET_URL", broker.url.as_str()), ("BANQUET_TOKEN", "t")];
    let mut child = command(&environment, &["instance", "list"])
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().await.unwrap();
    assert_eq!((output.status.code(), output.stderr.as_slice()), (Some(0), &b""[..]));
}
