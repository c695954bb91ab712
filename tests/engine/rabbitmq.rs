//! RabbitMQ: the contract, and what is its own.

use std::time::{Duration, Instant};

use banquet::engine::rabbitmq::RabbitMq;
use banquet::engine::{Engine, Target};
use banquet::model::inside::Closed;
use banquet::model::workload::Admin;
use banquet::model::{FaultKind, Object};
use banquet::secret::Secret;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::contract::{Product, bound, contract, serving};
use crate::live::{self, Container, File, Live, Plan, grant};
use crate::session::Session;

pub(crate) struct Server;

contract!(Server);

const CONF: &str = "log.console = true
log.console.level = debug
log.file = false
default_vhost = app
default_user = banquet
default_user_tags.administrator = true
vm_memory_high_watermark.absolute = 230000000
disk_free_limit.absolute = 64000000
";

/// An app over AMQP, and the server that it is logged in to.
pub(crate) struct App {
    session: Session,
    target: Target,
}

impl Product for Server {
    type Engine = RabbitMq;
    type App = App;

    fn engine() -> RabbitMq {
        RabbitMq
    }

    fn create() -> Live {
        let password = Secret::generate();
        let (amqp, management) = (live::free_port(), live::free_port());
        let publish = format!("--publish=127.0.0.1:{management}:15672");
        let file = |name, content| File { volume: "conf", name, content };
        let conf = format!("{CONF}default_pass = {}\n", password.expose());
        let container = Container::create(&Plan {
            image: live::RABBITMQ,
            host_port: amqp,
            port: 5672,
            mounts: &[("data", "/var/lib/rabbitmq"), ("conf", "/conf")],
            files: vec![
                file("rabbitmq.conf", conf),
                file("enabled_plugins", "[rabbitmq_management].\n".to_owned()),
            ],
            options: &[
                &publish,
                "--tmpfs=/tmp:mode=1777",
                "--env=RABBITMQ_CONFIG_FILE=/conf/rabbitmq.conf",
                "--env=RABBITMQ_ENABLED_PLUGINS_FILE=/conf/enabled_plugins",
                "--env=RABBITMQ_NODENAME=rabbit@localhost",
                "--memory=384m",
                "--memory-swap=384m",
            ],
            command: &[],
        });
        let ports = [("amqp".to_owned(), amqp), ("management".to_owned(), management)];
        let database = Some("app".to_owned());
        let target = Target {
            host: "127.0.0.1".to_owned(),
            ports: ports.into(),
            admin: Admin { user: "banquet".to_owned(), password, database },
            settings: object(json!({"disk_bytes": 1 << 30, "max_connections": 30})),
            inside: std::sync::Arc::new(Closed),
            scripts: std::collections::BTreeMap::new(),
            tls: None,
        };
        Live { target, container }
    }

    fn too_small() -> Value {
        json!({"disk_bytes": 4 << 20})
    }

    async fn login(target: &Target, user: &str, password: &str) -> Result<App, String> {
        let (host, port) = (&target.host, target.ports["amqp"]);
        let uri = format!("amqp://{user}:{password}@{host}:{port}/app");
        let session = Session::login(&json!({"type": "rabbitmq", "uri": uri})).await?;
        Ok(App { session, target: target.clone() })
    }

    async fn write(app: &mut App, name: &str, value: &str) -> Result<(), String> {
        app.session.write(name, value).await
    }

    async fn read(app: &mut App, name: &str) -> Result<String, String> {
        app.session.read(name).await
    }

    async fn fill(app: &mut App) -> Result<(), String> {
        for name in ["l1", "l2", "l3", "l4", "l5", "l6"] {
            app.session.write(name, &"x".repeat(1 << 20)).await?;
        }
        // A server counts what its queues hold every five seconds.
        let (begin, nothing_more) = (Instant::now(), object(json!({"disk_bytes": (6 << 20) - 1})));
        while RabbitMq.prepare(&app.target, &nothing_more).await.is_ok() {
            assert!(begin.elapsed() < Duration::from_secs(20), "it counts nothing");
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        Ok(())
    }
}

fn object(value: Value) -> Object {
    let Value::Object(object) = value else { panic!("not an object") };
    object
}

/// What the management API says to a user.
async fn ask(
    target: &Target,
    (user, password): (&str, &str),
    (method, path): (&str, &str),
    body: Value,
) -> (StatusCode, Value) {
    // Whoever was first has installed the same.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let url = format!("http://{}:{}/api/{path}", target.host, target.ports["management"]);
    let method = Method::from_bytes(method.as_bytes()).unwrap();
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let request = client.request(method, url).basic_auth(user, Some(password)).json(&body);
    let response = request.send().await.unwrap();
    let status = response.status();
    (status, response.json().await.unwrap_or_default())
}

/// The same, to the broker.
async fn told(live: &Live, path: &str) -> Value {
    let admin = &live.target.admin;
    let login = (admin.user.as_str(), admin.password.expose());
    ask(&live.target, login, ("GET", path), json!({})).await.1
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_app_may_do_all_within_its_virtual_host() {
    let live = serving::<Server>().await;
    let login = grant("b1", json!({}));
    RabbitMq.grant(&live.target, &login).await.unwrap();
    let ask = |request, body| ask(&live.target, ("b1", login.password.expose()), request, body);
    for (request, body) in [
        (
            ("PUT", "queues/app/q"),
            json!({"durable": true, "arguments": {"x-queue-type": "quorum"}}),
        ),
        (("PUT", "exchanges/app/e"), json!({"type": "topic"})),
        (("POST", "bindings/app/e/e/q/q"), json!({"routing_key": "a.#"})),
        (("GET", "queues/app/q"), json!({})),
        (("DELETE", "exchanges/app/e"), json!({})),
    ] {
        let (status, answer) = ask(request, body).await;
        assert!(status.is_success(), "{request:?}: {status} {answer}");
    }
    let _others = bound::<Server>(&live, "b2", json!({})).await;
    let (_, seen) = ask(("GET", "connections"), json!({})).await;
    assert_eq!(seen, json!([]), "others' connections are not shown");
    for (request, body) in [
        (("GET", "users"), json!({})),
        (("PUT", "users/x"), json!({"password": "x", "tags": "administrator"})),
        (("PUT", "users/b1"), json!({"password": "x", "tags": "administrator"})),
        (("PUT", "vhosts/other"), json!({})),
        (("DELETE", "vhosts/app"), json!({})),
        (("PUT", "permissions/app/b1"), json!({"configure": "", "write": "", "read": ""})),
        (("PUT", "vhost-limits/app/max-connections"), json!({"value": 1})),
        (("PUT", "policies/app/p"), json!({"pattern": ".*", "definition": {"max-length": 1}})),
        (("GET", "definitions"), json!({})),
        (("DELETE", "connections/username/b2"), json!({})),
    ] {
        let (status, answer) = ask(request, body).await;
        assert!(status.is_client_error(), "{request:?}: {status} {answer}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn connections_are_limited_and_settings_come_into_force() {
    let live = serving::<Server>().await;
    let login = grant("b1", json!({"connection_limit": 2}));
    RabbitMq.grant(&live.target, &login).await.unwrap();
    let open = || Server::login(&live.target, "b1", login.password.expose());
    let (_one, _two) = (open().await.unwrap(), open().await.unwrap());
    assert!(open().await.is_err(), "a third");

    let mut target = live.target.clone();
    target.settings.insert("max_connections".into(), json!(3));
    target.settings.insert("max_queues".into(), json!(1));
    RabbitMq.bootstrap(&target).await.unwrap();
    let limits = told(&live, "vhost-limits/app").await;
    assert_eq!(limits[0]["value"], json!({"max-connections": 3, "max-queues": 1}));
    let mut third = bound::<Server>(&live, "b2", json!({})).await;
    Server::write(&mut third, "one", "1").await.unwrap();
    assert!(Server::write(&mut third, "two", "2").await.is_err(), "a second queue");
    let fourth = grant("b3", json!({}));
    RabbitMq.grant(&live.target, &fourth).await.unwrap();
    assert!(Server::login(&live.target, "b3", fourth.password.expose()).await.is_err());
    let fault = RabbitMq.grant(&live.target, &grant("b4", json!({"connection_limit": "x"}))).await;
    assert_eq!(fault.unwrap_err().kind, FaultKind::Fatal);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn users_are_those_that_were_granted() {
    let live = serving::<Server>().await;
    let login = grant("b1", json!({}));
    RabbitMq.grant(&live.target, &login).await.unwrap();
    RabbitMq.grant(&live.target, &grant("a/../b", json!({}))).await.unwrap();
    let names = |users: Value| -> Vec<Value> {
        users.as_array().unwrap().iter().map(|user| user["name"].clone()).collect()
    };
    assert_eq!(names(told(&live, "users").await), ["a/../b", "b1", "banquet"]);
    RabbitMq.revoke(&live.target, "a/../b").await.unwrap();
    assert_eq!(names(told(&live, "users").await), ["b1", "banquet"]);
    for (user, password) in [("guest", "guest"), ("b1", ""), ("banquet", "")] {
        let (status, _) = ask(&live.target, (user, password), ("GET", "whoami"), json!({})).await;
        assert_eq!(status, StatusCode::UNAUTHORIZED, "{user}");
        assert!(Server::login(&live.target, user, password).await.is_err(), "{user}");
    }
    let users = told(&live, "users").await.to_string();
    assert!(users.contains("password_hash") && !users.contains(login.password.expose()));
    assert!(!live.container.logs().contains(live.target.admin.password.expose()));
    assert!(!live.container.inspect("{{json .}}").contains(live.target.admin.password.expose()));
}
