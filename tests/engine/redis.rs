//! Redis: the contract, and what is its own.

use std::marker::PhantomData;
use std::time::Duration;

use banquet::engine::redis::Redis;
use banquet::engine::{Engine, Target};
use banquet::model::FaultKind;
use banquet::model::workload::Admin;
use banquet::secret::Secret;
use futures_util::StreamExt;
use redis::aio::MultiplexedConnection;
use redis::{
    AsyncCommands, AsyncConnectionConfig, Client, ConnectionAddr, IntoConnectionInfo,
    RedisConnectionInfo, RedisResult,
};
use serde_json::json;
use sha2::{Digest, Sha256};

use crate::contract::{Product, bound, contract, serving};
use crate::live::{self, Container, File, Live, Plan, grant};

/// A server that speaks the protocol, from one of the images that do.
pub(crate) struct Resp<I>(PhantomData<I>);

/// Which image.
pub(crate) trait Image {
    const NAME: &str;
}

pub(crate) struct Official;

impl Image for Official {
    const NAME: &str = live::REDIS;
}

type Server = Resp<Official>;

contract!(Server);

impl<I: Image> Product for Resp<I> {
    type Engine = Redis;
    type App = MultiplexedConnection;

    fn engine() -> Redis {
        Redis
    }

    fn create() -> Live {
        let password = Secret::generate();
        let hash = Sha256::digest(password.expose().as_bytes());
        let hash = hash.iter().fold(String::new(), |text, byte| text + &format!("{byte:02x}"));
        let users = format!(
            "user default off resetpass sanitize-payload -@all\n\
             user banquet on #{hash} ~* &* +@all\n"
        );
        let conf = "aclfile /data/users.acl\ndir /data\nappendonly yes\nsave \"\"\n\
                    maxmemory 32mb\nmaxmemory-policy noeviction\n";
        let host_port = live::free_port();
        let container = Container::create(&Plan {
            image: I::NAME,
            host_port,
            port: 6379,
            mounts: &[("data", "/data"), ("conf", "/conf")],
            files: vec![
                File { volume: "conf", name: "redis.conf", content: conf.to_owned() },
                File { volume: "data", name: "users.acl", content: users },
            ],
            options: &[],
            command: &["/conf/redis.conf"],
        });
        let target = Target {
            host: "127.0.0.1".to_owned(),
            ports: [("redis".to_owned(), host_port)].into(),
            admin: Admin { user: "banquet".to_owned(), password, database: None },
            settings: json!({"maxmemory": 24 << 20, "maxclients": 100})
                .as_object()
                .expect("an object")
                .clone(),
            inside: std::sync::Arc::new(banquet::model::inside::Closed),
            scripts: std::collections::BTreeMap::new(),
            tls: None,
        };
        Live { target, container }
    }

    fn too_small() -> serde_json::Value {
        json!({"maxmemory": 4 << 20})
    }

    async fn login(target: &Target, user: &str, password: &str) -> Result<Self::App, String> {
        let config = AsyncConnectionConfig::new().set_response_timeout(None);
        app(target, user, password)
            .get_multiplexed_async_connection_with_config(&config)
            .await
            .map_err(|error| error.to_string())
    }

    async fn write(app: &mut Self::App, name: &str, value: &str) -> Result<(), String> {
        app.set(name, value).await.map_err(|error| error.to_string())
    }

    async fn read(app: &mut Self::App, name: &str) -> Result<String, String> {
        app.get(name).await.map_err(|error| error.to_string())
    }

    async fn fill(app: &mut Self::App) -> Result<(), String> {
        for name in ["l1", "l2", "l3", "l4", "l5", "l6"] {
            Self::write(app, name, &"x".repeat(1 << 20)).await?;
        }
        Ok(())
    }
}

fn app(target: &Target, user: &str, password: &str) -> Client {
    let login = RedisConnectionInfo::default().set_username(user).set_password(password);
    let address = ConnectionAddr::Tcp(target.host.clone(), target.ports["redis"]);
    let info = address.into_connection_info().expect("an address").set_redis_settings(login);
    Client::open(info).expect("a client")
}

async fn ask(app: &mut MultiplexedConnection, line: &str) -> RedisResult<redis::Value> {
    let mut words = line.split(' ');
    let mut command = redis::cmd(words.next().expect("a command"));
    words.for_each(|word| {
        command.arg(word);
    });
    command.query_async(app).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_app_may_do_all_but_administer() {
    let live = serving::<Server>().await;
    let mut app = bound::<Server>(&live, "b1", json!({})).await;
    for allowed in [
        "SET a 1",
        "KEYS *",
        "SCAN 0",
        "INFO",
        "SELECT 3",
        "XADD s * f v",
        "PUBLISH c m",
        "EVAL return(1) 0",
        "FUNCTION LIST",
        "CLIENT SETNAME x",
        "CLIENT ID",
        "ACL WHOAMI",
        "SORT a",
        "ROLE",
        "FLUSHDB",
        "FLUSHALL",
    ] {
        ask(&mut app, allowed).await.unwrap_or_else(|error| panic!("{allowed}: {error}"));
    }
    for refused in [
        "CONFIG GET *",
        "CONFIG SET maxmemory 0",
        "CONFIG REWRITE",
        "ACL LIST",
        "ACL SETUSER b1 +@all",
        "ACL DELUSER banquet",
        "ACL SAVE",
        "DEBUG SLEEP 0",
        "SHUTDOWN NOSAVE",
        "REPLICAOF NO ONE",
        "SAVE",
        "BGSAVE",
        "BGREWRITEAOF",
        "MODULE LIST",
        "MONITOR",
        "CLIENT LIST",
        "CLIENT KILL ID 1",
        "CLIENT PAUSE 1",
        "MIGRATE h 1 k 0 1",
        "SLOWLOG GET",
        "LATENCY RESET",
        "SWAPDB 0 1",
        "FAILOVER",
        "SYNC",
        "EVAL return(redis.call('CONFIG','GET','*')) 0",
    ] {
        let error = ask(&mut app, refused).await.expect_err(refused).to_string();
        assert!(
            error.to_lowercase().contains("no permissions") || error.contains("not allowed"),
            "{refused}: {error}"
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_prefix_is_all_that_an_app_sees() {
    let live = serving::<Server>().await;
    let mut app = bound::<Server>(&live, "p1", json!({"key_prefix": "orders:"})).await;
    let mut other = bound::<Server>(&live, "b1", json!({})).await;
    ask(&mut other, "SET bills:1 secret").await.unwrap();
    for allowed in ["SET orders:1 x", "GET orders:1", "PUBLISH orders:new m", "PING", "INFO"] {
        ask(&mut app, allowed).await.unwrap_or_else(|error| panic!("{allowed}: {error}"));
    }
    for refused in [
        "GET bills:1",
        "SET bills:1 x",
        "MGET orders:1 bills:1",
        "RENAME orders:1 bills:2",
        "PUBLISH bills m",
        "KEYS *",
        "SCAN 0",
        "RANDOMKEY",
        "FLUSHALL",
        "EVAL return(redis.call('GET','bills:1')) 0",
    ] {
        ask(&mut app, refused).await.expect_err(refused);
    }
    assert_eq!(Server::read(&mut other, "bills:1").await.unwrap(), "secret");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reader_may_look_and_listen() {
    let live = serving::<Server>().await;
    let mut app = bound::<Server>(&live, "r1", json!({"read_only": true})).await;
    for allowed in ["GET a", "SCAN 0", "INFO", "SELECT 1", "EVAL_RO return(1) 0", "PING"] {
        ask(&mut app, allowed).await.unwrap_or_else(|error| panic!("{allowed}: {error}"));
    }
    for refused in [
        "SET a 1",
        "DEL a",
        "FLUSHDB",
        "KEYS *",
        "PUBLISH c m",
        "GETEX a PERSIST",
        "SORT a STORE b",
        "EVAL return(redis.call('SET','a','1')) 0",
        "CONFIG GET *",
        "CLIENT LIST",
    ] {
        ask(&mut app, refused).await.expect_err(refused);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn revoke_cuts_a_blocked_and_a_listening_connection() {
    let live = serving::<Server>().await;
    let grant = grant("b1", json!({}));
    Redis.grant(&live.target, &grant).await.unwrap();
    let mut blocked = Server::login(&live.target, "b1", grant.password.expose()).await.unwrap();
    let blocked = tokio::spawn(async move { ask(&mut blocked, "BLPOP queue 0").await });
    let client = app(&live.target, "b1", grant.password.expose());
    let mut listening = client.get_async_pubsub().await.unwrap();
    listening.subscribe("news").await.unwrap();
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert!(!blocked.is_finished());

    Redis.revoke(&live.target, "b1").await.unwrap();
    let soon = Duration::from_secs(2);
    let blocked = tokio::time::timeout(soon, blocked).await.expect("cut at once").unwrap();
    assert!(blocked.is_err(), "{blocked:?}");
    let heard = tokio::time::timeout(soon, listening.on_message().next()).await;
    assert!(heard.expect("cut at once").is_none());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn settings_come_into_force_and_shrink_only_when_they_fit() {
    let live = serving::<Server>().await;
    let admin = &live.target.admin;
    let mut admin =
        Server::login(&live.target, &admin.user, admin.password.expose()).await.unwrap();
    let mut limit = async || {
        let text: Vec<String> =
            redis::cmd("CONFIG").arg("GET").arg("maxmemory").query_async(&mut admin).await.unwrap();
        text[1].parse::<u64>().unwrap()
    };
    assert_eq!(limit().await, 24 << 20, "bootstrap sets it");
    let next = |value: serde_json::Value| value.as_object().expect("an object").clone();
    Redis.prepare(&live.target, &next(json!({"maxmemory": 16 << 20}))).await.unwrap();
    assert_eq!(limit().await, 16 << 20, "given back before the container shrinks");
    Redis.prepare(&live.target, &next(json!({"maxmemory": 32 << 20}))).await.unwrap();
    assert_eq!(limit().await, 16 << 20, "taken only when the container has grown");

    let mut app = bound::<Server>(&live, "b1", json!({})).await;
    Server::fill(&mut app).await.unwrap();
    let too_small = next(json!({"maxmemory": 4 << 20}));
    let fault = Redis.prepare(&live.target, &too_small).await.unwrap_err();
    assert_eq!(fault.kind, FaultKind::Fatal);
    assert!(fault.message.ends_with("the plan allows 4 MiB: delete data first"), "{fault}");
    assert_eq!(limit().await, 16 << 20);
    let evicting = next(json!({"maxmemory": 4 << 20, "maxmemory-policy": "allkeys-lru"}));
    Redis.prepare(&live.target, &evicting).await.unwrap();
    assert_eq!(limit().await, 4 << 20, "a cache gives way");
    Server::write(&mut app, "still", "writable").await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_command_line_client_works() {
    let live = serving::<Server>().await;
    let grant = grant("b1", json!({}));
    Redis.grant(&live.target, &grant).await.unwrap();
    let port = live.target.ports["redis"].to_string();
    let cli = |user: &str, command: &[&str]| {
        let login = ["-e", "-h", "127.0.0.1", "-p", &port, "--user", user, "--no-auth-warning"];
        let arguments = [login.as_slice(), command].concat();
        live::client("redis-cli", &arguments, ("REDISCLI_AUTH", grant.password.expose()))
    };
    assert_eq!(cli("b1", &["SET", "k", "v"]).unwrap(), "OK");
    assert_eq!(cli("b1", &["GET", "k"]).unwrap(), "v");
    cli("default", &["GET", "k"]).unwrap_err();
    let anonymous = live::client(
        "redis-cli",
        &["-e", "-h", "127.0.0.1", "-p", &port, "PING"],
        ("REDISCLI_AUTH", ""),
    );
    assert!(anonymous.is_err(), "{anonymous:?}");
}
