//! NATS: the contract, and what is its own. Servers are as the carried catalog sets them up.

use std::time::Duration;

use async_nats::{Client, ConnectOptions, RequestErrorKind};
use banquet::engine::nats::Nats;
use banquet::engine::{Engine, Target};
use banquet::model::FaultKind;
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use futures_util::StreamExt as _;
use futures_util::future::{join_all, try_join_all};
use serde_json::{Value, json};

use crate::contract::{Product, bound, contract, serving};
use crate::live::{self, Live, grant};
use crate::tls::{self, Secured, carried, only_the_right_one_is_taken};

pub(crate) struct Server;

contract!(Server);

const MOUNTS: [(&str, &str); 2] = [("data", "/data"), ("conf", "/conf")];
const STOP: &str = "--stop-signal=SIGINT";

/// How long an app waits for what is refused: no answer comes then.
const PATIENCE: Duration = Duration::from_secs(2);

fn create(plan: &str, names: &[&str]) -> Secured {
    tls::create((live::NATS, carried("nats", plan), names), &MOUNTS, &[STOP])
}

impl Product for Server {
    type Engine = Nats;
    type App = Client;

    fn engine() -> Nats {
        Nats
    }

    fn create() -> Live {
        create("small", &["127.0.0.1"]).live
    }

    fn too_small() -> Value {
        json!({"disk_bytes": 4 << 20, "memory_bytes": 4 << 20})
    }

    async fn login(target: &Target, user: &str, password: &str) -> Result<Client, String> {
        connect(options(user, password), target).await
    }

    async fn write(app: &mut Client, name: &str, value: &str) -> Result<(), String> {
        let subject = format!("notes.{name}");
        let kept = app.request(subject.clone(), value.to_owned().into()).await;
        if kept.as_ref().is_err_and(|error| error.kind() == RequestErrorKind::NoResponders) {
            let stream = json!({"name": "notes", "subjects": ["notes.>"]});
            ask(app, "$JS.API.STREAM.CREATE.notes", &stream).await?;
            return ask_raw(app, &subject, value).await.map(drop);
        }
        accepted(&kept.map_err(|error| error.to_string())?.payload).map(drop)
    }

    async fn read(app: &mut Client, name: &str) -> Result<String, String> {
        let last = json!({"last_by_subj": format!("notes.{name}")});
        let answer = ask(app, "$JS.API.STREAM.MSG.GET.notes", &last).await?;
        let data = answer["message"]["data"].as_str().ok_or("no data")?;
        let data = BASE64_STANDARD.decode(data).map_err(|error| error.to_string())?;
        String::from_utf8(data).map_err(|error| error.to_string())
    }

    async fn fill(app: &mut Client) -> Result<(), String> {
        for name in ["l1", "l2", "l3", "l4", "l5", "l6"] {
            Self::write(app, name, &"x".repeat(1 << 20)).await?;
        }
        Ok(())
    }
}

fn options(user: &str, password: &str) -> ConnectOptions {
    ConnectOptions::with_user_and_password(user.to_owned(), password.to_owned())
        .request_timeout(Some(PATIENCE))
        .max_reconnects(1)
}

async fn connect(options: ConnectOptions, target: &Target) -> Result<Client, String> {
    let address = format!("nats://{}:{}", target.host, target.ports["nats"]);
    options.connect(address).await.map_err(|error| error.to_string())
}

async fn ask_raw(app: &Client, subject: &str, body: &str) -> Result<Value, String> {
    let answer = app.request(subject.to_owned(), body.to_owned().into()).await;
    accepted(&answer.map_err(|error| error.to_string())?.payload)
}

async fn ask(app: &Client, subject: &str, body: &Value) -> Result<Value, String> {
    ask_raw(app, subject, &body.to_string()).await
}

fn accepted(answer: &[u8]) -> Result<Value, String> {
    let answer: Value = serde_json::from_slice(answer).map_err(|error| error.to_string())?;
    if answer["error"].is_null() { Ok(answer) } else { Err(answer["error"].to_string()) }
}

/// An app of a grant that is made, with an inbox of its own.
async fn granted(live: &Live, user: &str, parameters: Value, inbox: &str) -> Client {
    let grant = grant(user, parameters);
    Nats.grant(&live.target, &grant).await.unwrap();
    let options = options(user, grant.password.expose()).custom_inbox_prefix(inbox);
    connect(options, &live.target).await.unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_prefix_holds_both_ways() {
    let live = serving::<Server>().await;
    let app = granted(&live, "b1", json!({"subject_prefix": "orders"}), "orders._INBOX").await;
    let others = granted(&live, "b2", json!({}), "_INBOX").await;

    // Asking and answering, in both directions.
    for (one, another) in [(&app, &others), (&others, &app)] {
        let mut questions = one.subscribe("orders.ask").await.unwrap();
        one.flush().await.unwrap();
        let answering = async {
            let question = questions.next().await.unwrap();
            one.publish(question.reply.unwrap(), "yes".into()).await.unwrap();
        };
        let (answer, ()) = tokio::join!(another.request("orders.ask", "?".into()), answering);
        assert_eq!(answer.unwrap().payload, "yes");
    }

    // What is beyond is neither heard nor said.
    let mut heard = others.subscribe(">").await.unwrap();
    let mut overheard = app.subscribe("payments.>").await.unwrap();
    let mut everything = app.subscribe(">").await.unwrap();
    others.publish("payments.new", "1".into()).await.unwrap();
    assert_eq!(heard.next().await.unwrap().subject.as_str(), "payments.new");
    app.publish("payments.forged", "2".into()).await.unwrap();
    app.publish("orders.new", "3".into()).await.unwrap();
    assert_eq!(heard.next().await.unwrap().subject.as_str(), "orders.new");
    for subscription in [&mut overheard, &mut everything] {
        assert!(tokio::time::timeout(PATIENCE, subscription.next()).await.is_err());
    }
    ask(&app, "$JS.API.STREAM.NAMES", &json!({})).await.unwrap_err();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reader_takes_messages_and_changes_nothing() {
    let live = serving::<Server>().await;
    let mut writer = bound::<Server>(&live, "b1", json!({})).await;
    Server::write(&mut writer, "a", "1").await.unwrap();
    let consumer = json!({
        "stream_name": "notes",
        "config": {"durable_name": "kept", "ack_policy": "explicit"},
    });
    ask(&writer, "$JS.API.CONSUMER.CREATE.notes.kept", &consumer).await.unwrap();

    let reader = bound::<Server>(&live, "r1", json!({"read_only": true})).await;
    // What comes so bears the message's own subject, which no request waits for.
    let mut inbox = reader.subscribe("_INBOX.kept").await.unwrap();
    let pull = "$JS.API.CONSUMER.MSG.NEXT.notes.kept";
    reader.publish_with_reply(pull, "_INBOX.kept", "".into()).await.unwrap();
    let next = tokio::time::timeout(PATIENCE, inbox.next()).await.unwrap().unwrap();
    assert_eq!(next.payload, "1");
    reader.publish(next.reply.unwrap(), "+ACK".into()).await.unwrap();
    let refused = [
        ("$JS.API.STREAM.CREATE.other", json!({"name": "other", "subjects": ["o"]})),
        ("$JS.API.STREAM.PURGE.notes", json!({})),
        ("$JS.API.STREAM.DELETE.notes", json!({})),
        ("$JS.API.STREAM.MSG.DELETE.notes", json!({"seq": 1})),
        ("$JS.API.CONSUMER.DELETE.notes.kept", json!({})),
        ("$JS.API.CONSUMER.CREATE.notes.kept", consumer),
    ];
    let asking = refused.iter().map(|(subject, body)| ask(&reader, subject, body));
    for (answer, (subject, _)) in join_all(asking).await.into_iter().zip(&refused) {
        answer.expect_err(subject);
    }
    let seen = ask(&reader, "$JS.API.CONSUMER.INFO.notes.kept", &json!({})).await.unwrap();
    assert_eq!((&seen["num_ack_pending"], &seen["num_pending"]), (&json!(0), &json!(0)));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_app_sees_no_server_and_no_file_shows_its_password() {
    let live = serving::<Server>().await;
    let login = grant("b1", json!({}));
    Nats.grant(&live.target, &login).await.unwrap();
    let app = Server::login(&live.target, "b1", login.password.expose()).await.unwrap();
    for subject in ["$SYS.REQ.SERVER.PING", "$SYS.REQ.ACCOUNT.app.CONNZ"] {
        ask(&app, subject, &json!({})).await.unwrap_err();
    }
    let users = live.container.exec(&["cat", "/data/nats/users/users.conf"]);
    assert!(users.contains("\"b1\"") && !users.contains(login.password.expose()));
    for hostile in ["", "../x", "a b", "a\nb", "é"] {
        let fault = Nats.grant(&live.target, &grant(hostile, json!({}))).await.unwrap_err();
        assert_eq!(fault.kind, FaultKind::Fatal);
        Nats.revoke(&live.target, hostile).await.unwrap_err();
    }
    assert!(connect(ConnectOptions::new(), &live.target).await.is_err(), "nobody");
}

/// Many at once: none is lost, and none who is there is cut.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn users_made_at_once_are_all_there() {
    let live = serving::<Server>().await;
    let mut staying = bound::<Server>(&live, "stays", json!({})).await;
    let logins: Vec<_> = (0..8).map(|n| grant(&format!("b{n}"), json!({}))).collect();
    let making = logins.iter().map(|login| Nats.grant(&live.target, login));
    try_join_all(making).await.unwrap();
    for login in &logins {
        Server::login(&live.target, &login.user, login.password.expose()).await.unwrap();
    }
    Server::write(&mut staying, "still", "here").await.unwrap();
}

fn over_tls(target: &Target) -> ConnectOptions {
    use rustls::pki_types::pem::PemObject as _;
    let mut roots = rustls::RootCertStore::empty();
    let authority = target.tls.as_ref().unwrap().authority.as_bytes();
    roots.add(rustls::pki_types::CertificateDer::from_pem_slice(authority).unwrap()).unwrap();
    let _ = rustls::crypto::ring::default_provider().install_default();
    let config = rustls::ClientConfig::builder().with_root_certificates(roots);
    options("b1", "secret1").require_tls(true).tls_client_config(config.with_no_client_auth())
}

async fn secured(plan: &str, names: &[&str]) -> Secured {
    let secured = create(plan, names);
    secured.live.container.start();
    secured.live.until_ready(&Nats).await;
    let mut login = grant("b1", json!({}));
    login.password = "secret1".into();
    Nats.grant(&secured.live.target, &login).await.unwrap();
    secured
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tls_alone() {
    let mut secured = secured("large", &["127.0.0.1"]).await;
    only_the_right_one_is_taken(&secured, &Nats).await;
    let target = secured.live.target.clone();
    Server::login(&target, "b1", "secret1").await.expect_err("in the clear");
    let mut kept = connect(over_tls(&target), &target).await.unwrap();
    let localhost = secured.called("localhost");
    connect(over_tls(&localhost), &localhost).await.expect_err("another name");

    secured.renew(&Nats, &["127.0.0.1", "localhost"]).await;
    Server::write(&mut kept, "kept", "1").await.unwrap();
    connect(over_tls(&localhost), &localhost).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn both_ways() {
    let secured = secured("small", &["localhost"]).await;
    let (target, localhost) = (secured.live.target.clone(), secured.called("localhost"));
    Server::login(&target, "b1", "secret1").await.unwrap();
    connect(over_tls(&localhost), &localhost).await.unwrap();
    connect(over_tls(&target), &target).await.expect_err("another name");
}
