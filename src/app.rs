//! Puts the parts together: the one place that knows everything.

use std::future::Future;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use arc_swap::ArcSwap;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::{Semaphore, watch};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::authority::Authority;
use crate::backend::Backend;
use crate::backend::docker::{self, Docker};
use crate::broker::{self, Broker};
use crate::catalog::Catalog;
use crate::catalog::source::Source;
use crate::clock::{Clock, Ids, SystemClock};
use crate::config::{Config, ImagesBuild, Settings};
use crate::engine::{self, Engines};
use crate::http::{self, Gate, auth};
use crate::id::BrokerId;
use crate::lifecycle::perform::World;
use crate::lifecycle::{Bell, Worker};
use crate::secret::Secret;
use crate::store::Store;
use crate::tasks::certificates::Certificates;
use crate::tasks::expiry::Expiry;
use crate::tasks::{every_period, health::Health, orphans::Orphans, retention::Retention};

/// How long an answer waits that may not be 202. Platforms give up after 60 s.
const LONGEST_WAIT: Duration = Duration::from_secs(50);
/// Requests at once. An inline wait holds one, so there must be room for many.
const REQUESTS: usize = 2048;
/// How long requests may take to end once the program was told to stop.
const GRACE: Duration = Duration::from_secs(10);

/// Everything that a broker is put together from; tests bring their own.
pub struct Parts {
    /// Which broker it is.
    pub id: BrokerId,
    /// What is kept.
    pub store: Store,
    /// Where workloads run.
    pub backend: Arc<dyn Backend>,
    /// What runs in them.
    pub engines: Engines,
    /// What is offered, shared with whoever builds images from it.
    pub catalog: Arc<ArcSwap<Catalog>>,
    /// Where it is loaded from again.
    pub source: Source,
    /// What the broker is told.
    pub settings: broker::Settings,
    /// Who may ask.
    pub gate: Gate,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Who vouches for the instances.
    pub authority: Authority,
    /// New ids.
    pub ids: Ids,
    /// Operations at once.
    pub workers: usize,
    /// How long ended operations are remembered.
    pub retention: Duration,
}

/// A broker that is ready to run.
pub struct App {
    context: http::Context,
    world: Arc<World>,
    bell: Arc<Bell>,
    workers: usize,
    health: Health,
    orphans: Orphans,
    retention: Retention,
    expiry: Expiry,
    certificates: Certificates,
}

impl App {
    /// Puts the parts together.
    #[must_use]
    pub fn new(parts: Parts) -> Self {
        let bell = Arc::new(Bell::default());
        let health = Health::new(Arc::clone(&parts.backend));
        let orphans = Orphans { store: parts.store.clone(), backend: Arc::clone(&parts.backend) };
        let retention = Retention {
            store: parts.store.clone(),
            clock: Arc::clone(&parts.clock),
            keep_ms: i64::try_from(parts.retention.as_millis()).unwrap_or(i64::MAX / 2),
        };
        let world = Arc::new(World {
            store: parts.store.clone(),
            backend: parts.backend,
            engines: parts.engines,
            clock: Arc::clone(&parts.clock),
            advertise_host: parts.settings.advertise_host.clone(),
            ports: parts.settings.ports.clone(),
        });
        let broker = Broker {
            id: parts.id,
            store: parts.store,
            catalog: parts.catalog,
            clock: parts.clock,
            authority: parts.authority,
            ids: parts.ids,
            bell: Arc::clone(&bell),
            settings: parts.settings,
        };
        let context = http::Context {
            broker: Arc::new(broker),
            gate: Arc::new(parts.gate),
            engine: health.follow(),
            catalog: Arc::new(parts.source),
            slots: Arc::new(Semaphore::new(REQUESTS)),
        };
        let expiry = Expiry { broker: Arc::clone(&context.broker) };
        let certificates = Certificates { broker: Arc::clone(&context.broker) };
        Self {
            context,
            world,
            bell,
            workers: parts.workers,
            health,
            orphans,
            retention,
            expiry,
            certificates,
        }
    }

    /// Why the container engine does not answer; none while it does.
    #[must_use]
    pub fn engine(&self) -> watch::Receiver<Option<String>> {
        self.context.engine.clone()
    }

    /// Loads the catalog again whenever asked; one with mistakes is told and does not count.
    pub fn reloader(&self) -> impl Fn() + Send + Sync + 'static {
        let http::Context { broker, catalog: source, .. } = self.context.clone();
        move || {
            if let Err(refusal) = broker.replace_catalog(source.load()) {
                tracing::error!("{}", refusal.description());
            }
        }
    }

    /// All routes.
    pub fn router(&self) -> axum::Router {
        http::router(self.context.clone())
    }

    /// Carries out operations and runs the tasks until `stop` fires, then brings operations to a
    /// safe point, from which the next start goes on.
    pub async fn work(self, stop: CancellationToken) {
        let tasks = TaskTracker::new();
        let worker = Worker::new(self.world, self.bell, self.workers);
        tasks.spawn(worker.run(stop.clone()));
        tasks.spawn(every_period(self.health, stop.clone()));
        tasks.spawn(every_period(self.orphans, stop.clone()));
        tasks.spawn(every_period(self.retention, stop.clone()));
        tasks.spawn(every_period(self.expiry, stop.clone()));
        tasks.spawn(every_period(self.certificates, stop));
        tasks.close();
        tasks.wait().await;
    }

    /// Serves and works until `shutdown`; then takes no more work and finishes the requests under
    /// way.
    pub async fn run(
        self,
        listener: TcpListener,
        shutdown: impl Future<Output = ()> + Send + 'static,
    ) -> anyhow::Result<()> {
        let stop = CancellationToken::new();
        let stopping = stop.clone();
        let until = async move {
            shutdown.await;
            tracing::info!("Stopping: no more work is taken; operations go on at the next start");
            stopping.cancel();
        };
        let serving = http::serve(listener, self.context.clone(), until);
        let working = tokio::spawn(self.work(stop.clone()));
        let late = async {
            stop.cancelled().await;
            tokio::time::sleep(GRACE).await;
        };
        tokio::select! {
            () = serving => {}
            () = late => {}
        }
        stop.cancel();
        working.await.context("the worker failed")?;
        Ok(())
    }
}

/// Where the catalog comes from, for the engines that this program has: a folder, or the catalog
/// that it carries.
#[must_use]
pub fn source(folder: Option<PathBuf>) -> Source {
    Source { folder, engines: engine::engines().keys().cloned().collect() }
}

/// Runs the broker until SIGTERM or SIGINT; SIGHUP loads the catalog again.
///
/// # Errors
/// What kept it from starting: a catalog with mistakes, a database that can't be opened, an address
/// in use.
pub async fn serve(settings: Settings) -> anyhow::Result<()> {
    let config = &settings.config;
    let source = source(config.catalog.clone());
    let catalog = load(&source)?;
    let store = Store::open(config.database_url.expose(), settings.seal.clone())
        .await
        .context("the database could not be opened")?;
    let listen = config.listen;
    let listener = TcpListener::bind(listen)
        .await
        .with_context(|| format!("could not listen on {listen}: is another program there?"))?;
    if config.is_sqlite() {
        // The data folder's lock says that nobody else works on it, so whoever held an operation
        // is dead.
        store.release_all().await.context("could not take over from the last run")?;
    }
    let app = App::new(parts(&settings, store, catalog, source).await?);
    let reload = app.reloader();
    let hangups = signal(SignalKind::hangup()).context("could not listen for SIGHUP")?;
    let reloading = tokio::spawn(on_each(hangups, reload));
    tracing::info!(
        "banquet {} serves on http://{}; the catalog has {} offerings",
        env!("CARGO_PKG_VERSION"),
        listener.local_addr().unwrap_or(listen),
        app.context.broker.catalog.load().offerings.len()
    );
    let ended = app.run(listener, told_to_stop()).await;
    reloading.abort();
    ended
}

async fn parts(
    settings: &Settings,
    store: Store,
    catalog: Catalog,
    source: Source,
) -> anyhow::Result<Parts> {
    let config = &settings.config;
    let id = store.broker_id().await.context("the database does not know which broker it is of")?;
    let authority = authority(&store, &id).await?;
    let catalog = Arc::new(ArcSwap::from_pointee(catalog));
    let backend = docker(config, &id, &catalog)?;
    Ok(Parts {
        id,
        store,
        backend: Arc::new(backend),
        engines: engine::engines(),
        catalog,
        source,
        settings: broker::Settings {
            advertise_host: config.advertise_host.clone(),
            ports: config.ports.clone(),
            subnets: config.subnets,
            subnet_prefix: config.subnet_prefix,
            inline_wait: config.inline_wait,
            longest_wait: LONGEST_WAIT,
            certificate_life: config.certificate_life,
        },
        gate: gate(config, settings.admin_token.clone()),
        clock: Arc::new(SystemClock),
        authority,
        ids: Ids::Random,
        workers: config.workers,
        retention: config.retention,
    })
}

/// The authority that the database keeps, made at the first start.
///
/// # Errors
/// A database that does not answer, or what it keeps is damaged.
pub async fn authority(store: &Store, id: &BrokerId) -> anyhow::Result<Authority> {
    let new = Authority::found(id, SystemClock.now_ms())?;
    let kept = store.authority(&new).await.context("the certificate authority is not to be had")?;
    Ok(Authority::open(&kept)?)
}

fn docker(
    config: &Config,
    id: &BrokerId,
    catalog: &Arc<ArcSwap<Catalog>>,
) -> anyhow::Result<Docker> {
    let catalog = Arc::clone(catalog);
    Docker::connect(docker::Settings {
        broker: id.clone(),
        host: config.docker_host.clone(),
        publish_address: config.publish_address,
        pull: config.images_pull,
        build: config.images_build == ImagesBuild::Auto,
        maven: config.images_maven.clone(),
        makings: Arc::new(move |offering| catalog.load().makings(offering)),
    })
    .context("the container engine's address cannot be used")
}

fn gate(config: &Config, admin_token: Secret) -> Gate {
    let platforms = config.platforms.iter().map(|platform| auth::Platform {
        name: platform.name.clone(),
        username: platform.username.clone(),
        password: platform.password.clone(),
    });
    Gate { platforms: platforms.collect(), admin_token }
}

fn load(source: &Source) -> anyhow::Result<Catalog> {
    source.load().map_err(|mistakes| {
        let list: Vec<String> = mistakes.iter().map(ToString::to_string).collect();
        anyhow::anyhow!("the catalog has mistakes:\n{}", list.join("\n"))
    })
}

async fn on_each(mut signals: tokio::signal::unix::Signal, act: impl Fn() + Send + Sync + 'static) {
    let act = Arc::new(act);
    while signals.recv().await.is_some() {
        let act = Arc::clone(&act);
        // Loading reads files and compiles schemas.
        let _ = tokio::task::spawn_blocking(move || act()).await;
    }
}

async fn told_to_stop() {
    let mut terminated = match signal(SignalKind::terminate()) {
        Ok(terminated) => terminated,
        Err(error) => {
            tracing::error!(%error, "Could not listen for SIGTERM");
            return std::future::pending().await;
        }
    };
    tokio::select! {
        _ = terminated.recv() => {}
        _ = tokio::signal::ctrl_c() => {}
    }
}
