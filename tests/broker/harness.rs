//! A broker to ask, and what tests ask of it.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use arc_swap::ArcSwap;
use axum::Router;
use axum::body::Body;
use axum::http::{Method, Request, header};
use banquet::app::{App, Parts};
use banquet::backend::fake::Fake as FakeBackend;
use banquet::broker::Settings;
use banquet::catalog::Catalog;
use banquet::catalog::source::Source;
use banquet::clock::{Ids, SystemClock};
use banquet::engine::fake::Fake as FakeEngine;
use banquet::engine::{Engine, Engines};
use banquet::http::auth::{Gate, Platform};
use banquet::id::{BindingKey, InstanceKey, TenantId};
use banquet::lifecycle::perform::place;
use banquet::model::{Instance, OperationState};
use banquet::secret::Secret;
use banquet::secret::seal::Seal;
use banquet::store::Store;
use serde_json::Value;
use tempfile::TempDir;
use tokio::runtime::Runtime;
use tokio_util::sync::CancellationToken;

pub use crate::requests::*;

pub const OFFERING: &str = "c0ffee00-0000-4000-8000-000000000001";
pub const SMALL: &str = "c0ffee00-0000-4000-8000-000000000011";
pub const LARGE: &str = "c0ffee00-0000-4000-8000-000000000012";
pub const SYNC: &str = "c0ffee00-0000-4000-8000-000000000013";
pub const ADMIN_TOKEN: &str = "the-token-of-administrators";

/// How a test's broker is to be.
#[derive(Clone, Debug)]
pub struct Plan {
    pub inline_wait: Duration,
    pub longest_wait: Duration,
    pub ports: std::ops::RangeInclusive<u16>,
    pub advertise_host: String,
    pub certificate_life: Duration,
}

impl Default for Plan {
    fn default() -> Self {
        Self {
            inline_wait: Duration::ZERO,
            longest_wait: Duration::from_secs(10),
            ports: 20_000..=20_049,
            advertise_host: "127.0.0.1".to_owned(),
            certificate_life: Duration::from_hours(24 * 365),
        }
    }
}

/// A broker, its world, and the thread pool that it lives in: a crash ends just that.
pub struct Broker {
    pub backend: Arc<FakeBackend>,
    pub engine: Arc<FakeEngine>,
    pub folder: TempDir,
    pub plan: Plan,
    key: Secret,
    life: Option<Life>,
}

struct Life {
    runtime: Runtime,
    catalog: Arc<ArcSwap<Catalog>>,
    router: Router,
    store: Store,
    stop: CancellationToken,
}

impl Broker {
    pub fn new() -> Self {
        Self::with(Plan::default())
    }

    /// One that waits for the end of what it begins, as the shipped settings do.
    pub fn waiting() -> Self {
        Self::with(Plan { inline_wait: Duration::from_secs(5), ..Plan::default() })
    }

    pub fn with(plan: Plan) -> Self {
        let mut broker = Self {
            backend: Arc::new(FakeBackend::new()),
            engine: Arc::new(FakeEngine::default()),
            folder: TempDir::new().unwrap(),
            plan,
            key: Seal::generate_key(),
            life: None,
        };
        broker.start();
        broker
    }

    /// Begins a life on what the last one kept.
    pub fn start(&mut self) {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()
            .unwrap();
        let parts = runtime.block_on(self.parts());
        let (store, catalog) = (parts.store.clone(), parts.catalog.clone());
        let app = App::new(parts);
        let (router, stop) = (app.router(), CancellationToken::new());
        runtime.spawn(app.work(stop.clone()));
        self.life = Some(Life { runtime, catalog, router, store, stop });
    }

    async fn parts(&self) -> Parts {
        let url = format!("sqlite://{}", self.folder.path().join("banquet.db").display());
        let store =
            Store::open(&url, Seal::new(std::slice::from_ref(&self.key)).unwrap()).await.unwrap();
        store.release_all().await.unwrap();
        let source = Source {
            folder: Some(Path::new("tests/broker/catalog").to_owned()),
            engines: vec!["fake".into()],
        };
        let catalog = source.load().unwrap_or_else(|mistakes| panic!("{mistakes:#?}"));
        let id = store.broker_id().await.unwrap();
        let fake: Arc<dyn Engine> = self.engine.clone();
        Parts {
            authority: banquet::app::authority(&store, &id).await.unwrap(),
            id,
            store,
            backend: self.backend.clone(),
            engines: Engines::from([("fake".to_owned(), fake)]),
            catalog: Arc::new(ArcSwap::from_pointee(catalog)),
            source,
            settings: Settings {
                advertise_host: self.plan.advertise_host.clone(),
                ports: self.plan.ports.clone(),
                subnets: "10.213.0.0/16".parse().unwrap(),
                subnet_prefix: 26,
                inline_wait: self.plan.inline_wait,
                longest_wait: self.plan.longest_wait,
                certificate_life: self.plan.certificate_life,
            },
            gate: Gate {
                platforms: ["cf", "k8s"]
                    .map(|name| Platform {
                        name: name.into(),
                        username: name.into(),
                        password: format!("{name}-password").into(),
                    })
                    .into(),
                admin_token: ADMIN_TOKEN.into(),
            },
            clock: Arc::new(SystemClock),
            ids: Ids::Random,
            workers: 4,
            retention: Duration::from_hours(72),
        }
    }

    /// Puts another catalog in force.
    pub fn replace_catalog(&self, catalog: Arc<Catalog>) {
        self.life().catalog.store(catalog);
    }

    /// Ends this life as `kill -9` would: nothing more is done, nothing is finished.
    pub fn crash(&mut self) {
        let life = self.life.take().expect("it lives");
        life.runtime.shutdown_timeout(Duration::from_millis(200));
    }

    /// Ends this life as SIGTERM would.
    pub fn stop(&mut self) {
        let life = self.life.take().expect("it lives");
        life.stop.cancel();
        std::thread::sleep(Duration::from_millis(100));
        life.runtime.shutdown_timeout(Duration::from_secs(5));
    }

    fn life(&self) -> &Life {
        self.life.as_ref().expect("it lives")
    }

    pub fn store(&self) -> &Store {
        &self.life().store
    }

    /// Runs something in the broker's own thread pool.
    pub fn wait<T>(&self, future: impl Future<Output = T>) -> T {
        self.life().runtime.block_on(future)
    }

    pub fn router(&self) -> Router {
        self.life().router.clone()
    }

    pub fn send(&self, request: Request<Body>) -> Reply {
        self.wait(answered(self.router(), request))
    }

    /// A platform's request of version 2.17, with credentials of `cf`.
    pub fn ask(&self, method: Method, path: &str, body: &Value) -> Reply {
        self.send(as_platform("cf", method, path, body))
    }

    pub fn get(&self, path: &str) -> Reply {
        self.ask(Method::GET, path, &Value::Null)
    }

    pub fn put(&self, path: &str, body: &Value) -> Reply {
        self.ask(Method::PUT, path, body)
    }

    pub fn patch(&self, path: &str, body: &Value) -> Reply {
        self.ask(Method::PATCH, path, body)
    }

    pub fn delete(&self, path: &str) -> Reply {
        self.ask(Method::DELETE, path, &Value::Null)
    }

    /// An administrator's request.
    pub fn administer(&self, method: Method, path: &str, body: &Value) -> Reply {
        let request = request(method, &format!("/admin/v1{path}"), body)
            .header(header::AUTHORIZATION, format!("Bearer {ADMIN_TOKEN}"));
        self.send(request.body(bytes(body)).unwrap())
    }

    /// Polls until the newest operation of an instance or binding ended.
    #[track_caller]
    pub fn settled(&self, path: &str) -> Reply {
        let end = Instant::now() + Duration::from_secs(20);
        loop {
            let reply = self.get(&format!("{path}/last_operation"));
            if reply.status != 200 || reply.body["state"] != "in progress" {
                return reply;
            }
            assert!(Instant::now() < end, "{path} does not end: {}", reply.body);
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    #[track_caller]
    pub fn provisioned(&self, id: &str) -> String {
        let path = instance(id);
        let reply = self.put(&format!("{path}?accepts_incomplete=true"), &provision(SMALL));
        assert!([201, 202].contains(&reply.status), "{reply:?}");
        assert_eq!(self.settled(&path).body["state"], "succeeded");
        path
    }

    #[track_caller]
    pub fn bound(&self, instance: &str, id: &str) -> String {
        let path = format!("{instance}/service_bindings/{id}");
        self.put(&path, &bind()).is(201);
        path
    }

    #[track_caller]
    pub fn deprovisioned(&self, id: &str) {
        let path = instance(id);
        let reply = self.delete(&format!("{path}?{IDS}&accepts_incomplete=true"));
        assert!([200, 202].contains(&reply.status), "{reply:?}");
        assert_eq!(self.settled(&path).body["state"], "succeeded");
    }

    /// Removes an instance in whatever state, or finds it gone.
    #[track_caller]
    pub fn deprovisioned_whatever(&self, id: &str) {
        let path = instance(id);
        let gone = || {
            let reply = self.delete(&format!("{path}?{IDS}&accepts_incomplete=true"));
            self.settled(&path);
            reply.status == 410
        };
        Self::until(gone);
    }

    /// Waits until something holds.
    #[track_caller]
    pub fn until(holds: impl Fn() -> bool) {
        let end = Instant::now() + Duration::from_secs(20);
        while !holds() {
            assert!(Instant::now() < end, "it does not come about");
            std::thread::sleep(Duration::from_millis(2));
        }
    }

    pub fn row(&self, id: &str) -> Option<Instance> {
        let key = InstanceKey::derive(&"cf".into(), &id.into());
        self.wait(self.store().instance(&key)).unwrap()
    }

    pub fn key(id: &str) -> InstanceKey {
        InstanceKey::derive(&"cf".into(), &id.into())
    }

    pub fn user(instance: &str, binding: &str) -> String {
        format!("b{}", BindingKey::derive(&Self::key(instance), &binding.into()))
    }

    /// The container engine holds exactly one of everything that this instance is to have.
    #[track_caller]
    pub fn assert_whole(&self, id: &str) {
        let row = self.row(id).unwrap_or_else(|| panic!("there is no row of {id}"));
        let place = place(&row, "10.213.0.0/26".parse().unwrap());
        let workload = row.workload.addressed(&self.plan.advertise_host, &row.ports).unwrap();
        assert!(
            self.backend.has_exactly(&place, &workload),
            "{id} is not whole: {:?} {:?}",
            self.backend.containers(),
            self.backend.volumes()
        );
    }

    /// Nothing is left anywhere: no container, volume or network, no row, port or subnet.
    #[track_caller]
    pub fn assert_nothing_left(&self) {
        assert!(
            self.backend.is_empty(),
            "left: {:?} {:?} {:?}",
            self.backend.containers(),
            self.backend.volumes(),
            self.backend.networks()
        );
        assert_eq!(self.wait(self.store().instances()).unwrap(), []);
        assert_eq!(self.wait(self.store().count_running()).unwrap(), 0);
        let tenant = TenantId::from("cf/org");
        assert_eq!(self.wait(self.store().subnet(&tenant)).unwrap(), None);
    }

    /// How many operations of each state there are on an instance and its bindings.
    pub fn operations(&self, id: &str) -> BTreeMap<(&'static str, &'static str), usize> {
        let mut count = BTreeMap::new();
        for one in self.wait(self.store().operations(Some(&Self::key(id)), 1000)).unwrap() {
            *count.entry((one.kind.as_str(), one.state.as_str())).or_default() += 1;
        }
        count
    }

    pub fn idle(&self) -> bool {
        let all = self.wait(self.store().operations(None, 1000)).unwrap();
        all.iter().all(|one| one.state != OperationState::Running)
    }
}

impl Drop for Broker {
    fn drop(&mut self) {
        if let Some(life) = self.life.take() {
            life.stop.cancel();
            life.runtime.shutdown_background();
        }
    }
}
