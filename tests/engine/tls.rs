//! TLS as the carried catalog sets it up, spoken to by clients that verify the name.

use banquet::app;
use banquet::authority::Authority;
use banquet::catalog::{Catalog, Inputs};
use banquet::clock::{Clock, Millis, SystemClock};
use banquet::engine::postgres::Postgres;
use banquet::engine::redis::Redis;
use banquet::engine::{Engine, Renewal, Target, Tls};
use banquet::id::BrokerId;
use banquet::model::tls::Identity;
use banquet::model::{FaultKind, Object, Workload};
use banquet::secret::Secret;
use redis::{Client, ConnectionAddr, IntoConnectionInfo, RedisConnectionInfo, TlsCertificates};
use sqlx::Connection;
use sqlx::postgres::{PgConnectOptions, PgConnection, PgSslMode};

use crate::entered::Entered;
use crate::live::{self, Container, File, Live, Plan};

const YEAR: Millis = 365 * 24 * 60 * 60 * 1_000;

/// A server of a carried plan, with the authority that vouches for it.
pub(crate) struct Secured {
    pub(crate) live: Live,
    workload: Workload,
    authority: Authority,
}

fn authority() -> Authority {
    let kept = Authority::found(&BrokerId::from("tests000"), SystemClock.now_ms()).unwrap();
    Authority::open(&kept).unwrap()
}

fn certify(authority: &Authority, names: &[&str]) -> Identity {
    let names = names.iter().map(|name| (*name).to_owned()).collect();
    authority.issue("test", names, SystemClock.now_ms(), YEAR).unwrap()
}

pub(crate) fn carried(offering: &str, plan: &str) -> Workload {
    let source = app::source(None);
    let catalog: Catalog = source.load().unwrap_or_else(|mistakes| panic!("{mistakes:#?}"));
    let offering = catalog.offering_named(offering).unwrap();
    let inputs = Inputs {
        key: "0123456789abcdef",
        parameters: &Object::new(),
        admin_password: &Secret::generate(),
    };
    offering.workload(offering.plan_named(plan).unwrap(), &inputs).unwrap()
}

/// By its path within the volume.
fn file(
    (volume, path): (&'static str, &str),
    file: &banquet::model::workload::File,
) -> Option<File> {
    let name = file.path.strip_prefix(path)?.strip_prefix('/')?.to_owned();
    let content = file.content.expose().to_owned();
    Some(File { volume, name: name.leak(), content })
}

pub(crate) async fn serving(
    what: (&str, Workload, &[&str]),
    mounts: &[(&'static str, &'static str)],
    options: &[&str],
    engine: &dyn Engine,
) -> Secured {
    let secured = create(what, mounts, options);
    secured.live.container.start();
    secured.live.until_ready(engine).await;
    engine.bootstrap(&secured.live.target).await.unwrap();
    secured
}

/// A server that is not started yet, with a certificate for these names.
pub(crate) fn create(
    (image, mut workload, names): (&str, Workload, &[&str]),
    mounts: &[(&'static str, &'static str)],
    options: &[&str],
) -> Secured {
    let authority = authority();
    workload.identify(certify(&authority, names));
    let ports: Vec<(String, u16, u16)> = workload.containers[0]
        .ports
        .iter()
        .map(|(name, port)| (name.clone(), *port, live::free_port()))
        .collect();
    let host_ports = ports.iter().map(|(name, _, host)| (name.clone(), *host)).collect();
    let workload = workload.addressed("127.0.0.1", &host_ports).unwrap().into_owned();
    let server = &workload.containers[0];
    let more: Vec<String> = ports[1..]
        .iter()
        .map(|(_, port, host)| format!("--publish=127.0.0.1:{host}:{port}"))
        .collect();
    let options: Vec<&str> =
        options.iter().copied().chain(more.iter().map(String::as_str)).collect();
    let files = server.files.iter();
    let command: Vec<&str> = server.command.iter().map(String::as_str).collect();
    let container = Container::create(&Plan {
        image,
        host_port: ports[0].2,
        port: ports[0].1,
        mounts,
        files: files.filter_map(|one| mounts.iter().find_map(|mount| file(*mount, one))).collect(),
        options: &options,
        command: &command,
    });
    let tls =
        Tls { authority: authority.certificate().to_owned(), required: workload.tls.is_required() };
    let target = Target {
        host: "127.0.0.1".to_owned(),
        ports: host_ports,
        admin: workload.admin.clone(),
        settings: workload.settings.clone(),
        inside: Entered::into(&container),
        scripts: std::collections::BTreeMap::new(),
        tls: Some(tls),
    };
    Secured { live: Live { target, container }, workload, authority }
}

async fn redis_plan(product: (&str, &str), plan: &str, names: &[&str]) -> Secured {
    let ((image, offering), mounts) = (product, [("data", "/data"), ("conf", "/conf")]);
    serving((image, carried(offering, plan), names), &mounts, &[], &Redis).await
}

async fn postgres_plan(plan: &str, names: &[&str]) -> Secured {
    let mounts = [("data", "/var/lib/postgresql/data"), ("conf", "/conf")];
    let options = [
        "--tmpfs=/tmp:mode=1777",
        "--tmpfs=/var/run/postgresql:uid=999,gid=999,mode=2775",
        "--env=POSTGRES_PASSWORD_FILE=/conf/password",
        "--shm-size=64m",
    ];
    serving((live::POSTGRES, carried("postgresql", plan), names), &mounts, &options, &Postgres)
        .await
}

impl Secured {
    /// The same, trusting another authority.
    fn trusting(&self, authority: &Authority) -> Target {
        let mut target = self.live.target.clone();
        authority.certificate().clone_into(&mut target.tls.as_mut().unwrap().authority);
        target
    }

    /// The same, taken to be called otherwise.
    pub(crate) fn called(&self, host: &str) -> Target {
        Target { host: host.to_owned(), ..self.live.target.clone() }
    }

    /// Puts another certificate in the place of the first, and has the engine take it.
    pub(crate) async fn renew(&mut self, engine: &dyn Engine, names: &[&str]) {
        self.workload.identify(certify(&self.authority, names));
        for one in self.workload.containers[0].files.iter().filter(|file| file.tls.is_some()) {
            let file = file(("conf", "/conf"), one).unwrap();
            self.live.container.write("/conf", &file);
        }
        assert_eq!(engine.renew(&self.live.target).await.unwrap(), Renewal::Done);
    }
}

/// What no client that verifies takes, whatever the server.
pub(crate) async fn only_the_right_one_is_taken(secured: &Secured, engine: &dyn Engine) {
    engine.ready(&secured.live.target).await.unwrap();
    let fault = engine.ready(&secured.trusting(&authority())).await.unwrap_err();
    assert_eq!(fault.kind, FaultKind::Retry, "another authority: {}", fault.chain());
    let fault = engine.ready(&secured.called("localhost")).await.unwrap_err();
    assert_eq!(fault.kind, FaultKind::Retry, "another name: {}", fault.chain());
    let key = secured.workload.identity.as_ref().unwrap().key.expose().lines().nth(1).unwrap();
    for seen in [secured.live.container.logs(), secured.live.container.inspect("{{json .}}")] {
        assert!(!seen.contains(key), "the private key is to be seen");
    }
}

fn redis_app(target: &Target, port: &str, tls: bool) -> Client {
    let login = RedisConnectionInfo::default()
        .set_username(&target.admin.user)
        .set_password(target.admin.password.expose());
    let (host, port) = (target.host.clone(), target.ports[port]);
    let open =
        |address: ConnectionAddr| address.into_connection_info().unwrap().set_redis_settings(login);
    if !tls {
        return Client::open(open(ConnectionAddr::Tcp(host, port))).unwrap();
    }
    let root_cert = target.tls.as_ref().map(|tls| tls.authority.clone().into_bytes());
    let info = open(ConnectionAddr::TcpTls { host, port, insecure: false, tls_params: None });
    Client::build_with_tls(info, TlsCertificates { client_tls: None, root_cert }).unwrap()
}

async fn pong(client: &Client) -> Result<redis::aio::MultiplexedConnection, String> {
    let connecting = client.get_multiplexed_async_connection();
    let mut app = connecting.await.map_err(|error| error.to_string())?;
    let pong: Result<String, _> = redis::cmd("PING").query_async(&mut app).await;
    pong.map(|_| app).map_err(|error| error.to_string())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn redis_with_tls_alone() {
    speaks_tls_alone((live::REDIS, "redis")).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn valkey_with_tls_alone() {
    speaks_tls_alone((live::VALKEY, "valkey")).await;
}

async fn speaks_tls_alone(product: (&str, &str)) {
    let mut secured = redis_plan(product, "large", &["127.0.0.1"]).await;
    only_the_right_one_is_taken(&secured, &Redis).await;
    let target = secured.live.target.clone();
    pong(&redis_app(&target, "redis_tls", true)).await.unwrap();
    pong(&redis_app(&target, "redis_tls", false)).await.unwrap_err();
    assert!(!target.ports.contains_key("redis"), "no way in the clear");

    let mut app = pong(&redis_app(&target, "redis_tls", true)).await.unwrap();
    secured.renew(&Redis, &["127.0.0.1", "localhost"]).await;
    let (): () = redis::cmd("SET").arg("a").arg(1).query_async(&mut app).await.unwrap();
    pong(&redis_app(&secured.called("localhost"), "redis_tls", true)).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn redis_both_ways() {
    let secured = redis_plan((live::REDIS, "redis"), "small", &["localhost"]).await;
    let target = secured.live.target.clone();
    pong(&redis_app(&target, "redis", false)).await.unwrap();
    pong(&redis_app(&secured.called("localhost"), "redis_tls", true)).await.unwrap();
    pong(&redis_app(&target, "redis_tls", true)).await.unwrap_err();
}

async fn postgres_app(target: &Target, mode: PgSslMode) -> Result<PgConnection, String> {
    let authority = target.tls.as_ref().unwrap().authority.clone();
    let options = PgConnectOptions::new_without_pgpass()
        .host(&target.host)
        .port(target.ports["postgresql"])
        .username(&target.admin.user)
        .password(target.admin.password.expose())
        .database("app")
        .ssl_mode(mode)
        .ssl_root_cert_from_pem(authority.into_bytes());
    PgConnection::connect_with(&options).await.map_err(|error| error.to_string())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn postgres_with_tls_alone() {
    let mut secured = postgres_plan("large", &["127.0.0.1"]).await;
    only_the_right_one_is_taken(&secured, &Postgres).await;
    let target = secured.live.target.clone();
    let refused = postgres_app(&target, PgSslMode::Disable).await.unwrap_err();
    assert!(refused.contains("no encryption"), "{refused}");
    let mut app = postgres_app(&target, PgSslMode::VerifyFull).await.unwrap();

    secured.renew(&Postgres, &["127.0.0.1", "localhost"]).await;
    sqlx::query("SELECT 1").execute(&mut app).await.unwrap();
    let called = secured.called("localhost");
    // The server reads its files again when it comes to it.
    for _ in 0..100 {
        if postgres_app(&called, PgSslMode::VerifyFull).await.is_ok() {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    postgres_app(&called, PgSslMode::VerifyFull).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn postgres_both_ways() {
    let secured = postgres_plan("small", &["localhost"]).await;
    let target = secured.live.target.clone();
    postgres_app(&target, PgSslMode::Disable).await.unwrap();
    postgres_app(&secured.called("localhost"), PgSslMode::VerifyFull).await.unwrap();
    postgres_app(&target, PgSslMode::VerifyFull).await.unwrap_err();
}
