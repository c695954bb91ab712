//! The catalog: what is offered. A folder an offering, loaded and checked as a whole; a catalog
//! with one mistake is no catalog, and all its mistakes are told at once.
//!
//! ```text
//! catalog/catalog.lock                ids, so that they never move
//! catalog/<offering>/offering.yaml    what the platform sees, plans, limits, parameters
//! catalog/<offering>/workload.yaml.hbs
//! catalog/<offering>/credentials.json.hbs
//! catalog/<offering>/files/*.hbs      files for the containers
//! catalog/<offering>/image/           Dockerfile and what it copies
//! ```
//!
//! How to write one is told in `docs/CATALOG.md`.

mod check;
mod credentials;
mod document;
mod fetch;
mod file;
mod files;
mod limits;
pub mod lock;
mod mistakes;
mod offering;
mod osb;
mod rehearse;
mod samples;
mod schema;
mod schemas;
mod size;
pub mod source;
mod template;
mod workload;
mod yaml;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use bytes::Bytes;
use sha2::{Digest, Sha256};

pub use credentials::credentials;
pub use schema::Schema;
pub use schemas::Schemas;

use crate::id::{OfferingId, PlanId, hex};
use crate::model::fetch::{Fetch, Makings};
use crate::model::tls::Mode;
use crate::model::{Object, Workload};
use crate::secret::Secret;

/// A set of files by path relative to the catalog's root (`redis/offering.yaml`): read from a
/// folder, or the one that the program carries.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Files(pub BTreeMap<String, Bytes>);

/// A mistake in a catalog, with its place: `redis/offering.yaml:12: unknown field …`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Mistake {
    /// Relative to the catalog's root; empty: the catalog as a whole.
    pub file: String,
    /// From 1; 0: the file as a whole.
    pub line: usize,
    /// What is wrong and, where it can be said, what would be right.
    pub message: String,
}

impl fmt::Display for Mistake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let file = if self.file.is_empty() { "catalog" } else { self.file.as_str() };
        match self.line {
            0 => write!(f, "{file}: {}", self.message),
            line => write!(f, "{file}:{line}: {}", self.message),
        }
    }
}

impl std::error::Error for Mistake {}

/// A catalog that passed every check.
#[derive(Debug)]
pub struct Catalog {
    /// Sorted by name.
    pub offerings: Vec<Offering>,
    /// The body of `GET /v2/catalog`, serialised once.
    pub body: Bytes,
    /// A strong ETag of it, quotes included.
    pub etag: String,
    /// The whole set of files, for building images.
    pub files: Arc<Files>,
}

/// A service offering.
#[derive(Debug)]
pub struct Offering {
    /// `service_id` on the wire.
    pub id: OfferingId,
    /// `redis`; also the name of its folder.
    pub name: String,
    /// One line.
    pub description: String,
    /// `redis`, `postgres` …: one of the engines that the program knows.
    pub engine: String,
    /// Whether apps can be given a user, unless a plan says otherwise.
    pub bindable: bool,
    /// Permissions that a platform must grant (requirement 35).
    pub requires: Vec<String>,
    /// `dashboard_client` on the wire.
    pub dashboard_client: Option<Object>,
    /// For platforms and buildpacks.
    pub tags: Vec<String>,
    /// `metadata` on the wire: `displayName` and the like.
    pub metadata: Object,
    /// At least one; the first is the smallest.
    pub plans: Vec<Plan>,
    /// What some plan of it allows.
    pub schemas: Schemas,
    /// What is fetched when its image is built.
    pub fetches: Vec<Fetch>,
    recipe: workload::Recipe,
}

/// A plan of an offering.
#[derive(Debug)]
#[expect(clippy::struct_excessive_bools, reason = "the specification's fields")]
pub struct Plan {
    /// `plan_id` on the wire.
    pub id: PlanId,
    /// `small`.
    pub name: String,
    /// One line.
    pub description: String,
    /// Whether it costs nothing.
    pub free: bool,
    /// 202 is never needed: without `accepts_incomplete` the answer waits for the end.
    pub synchronous: bool,
    /// Whether apps can be given a user.
    pub bindable: bool,
    /// Whether a binding may take over from another (§Binding Rotation).
    pub binding_rotatable: bool,
    /// When credentials end at the latest, in seconds after the bind; none: never.
    pub bindings_expire_after_s: Option<u64>,
    /// How long before that they should be replaced, in seconds.
    pub bindings_renew_before_s: Option<u64>,
    /// Of all containers together.
    pub memory_bytes: u64,
    /// Cores, in thousandths.
    pub cpu_millis: u32,
    /// Processes and threads.
    pub pids: u32,
    /// What is promised; see [`crate::model::workload::Volume::size_bytes`].
    pub disk_bytes: u64,
    /// Clients at once.
    pub connections: u32,
    /// How apps reach an instance.
    pub tls: Mode,
    /// Names of plans that PATCH may change to.
    pub update_to: Vec<String>,
    /// None: no limit.
    pub instances_per_tenant: Option<u64>,
    /// `maintenance_info.version`.
    pub maintenance_version: Option<String>,
    /// `maintenance_info.description`.
    pub maintenance_description: Option<String>,
    /// How long a platform may poll an operation, in seconds.
    pub maximum_polling_duration_s: Option<u64>,
    /// Whether there is a plan to change to.
    pub plan_updateable: bool,
    /// What may be asked for on it.
    pub schemas: Schemas,
    /// `metadata` on the wire: `bullets`, `costs`, `displayName`.
    pub metadata: Object,
}

/// What the system puts into a workload's templates.
#[derive(Clone, Debug)]
pub struct Inputs<'a> {
    /// The container's host name and the like: the instance's key.
    pub key: &'a str,
    /// As the developer gave them, without defaults; already checked by the schema.
    pub parameters: &'a Object,
    /// The broker's own password inside the instance.
    pub admin_password: &'a Secret,
}

/// What the credentials template gets.
#[derive(Clone, Debug)]
pub struct Login<'a> {
    /// Where apps reach the instance.
    pub host: &'a str,
    /// Port name → host port.
    pub ports: &'a BTreeMap<String, u16>,
    /// The binding's own.
    pub user: &'a str,
    /// The binding's own.
    pub password: &'a Secret,
    /// [`crate::model::workload::Admin::database`].
    pub database: Option<&'a str>,
    /// [`Workload::tls`].
    pub tls: Mode,
    /// The certificate in PEM by which apps verify the instance, where there is TLS.
    pub authority: Option<&'a str>,
    /// The binding's, with defaults: [`Workload::bind_parameters`].
    pub parameters: &'a Object,
}

impl Catalog {
    /// Checks and prepares. `engines`: the names that the program knows.
    ///
    /// # Errors
    /// Every mistake in every file, sorted.
    pub fn load(files: Files, engines: &[&str]) -> Result<Self, Vec<Mistake>> {
        let mistakes = mistakes::Mistakes::default();
        let lock = lock::Lock::read(&files, &mistakes);
        let mut claims = limits::Claims::default();
        let mut offerings: Vec<Offering> = files
            .folders()
            .into_iter()
            .filter_map(|folder| {
                let around = check::Surroundings { files: &files, folder, engines };
                offering::load(around, &lock, &mut claims, &mistakes)
            })
            .collect();
        if files.folders().is_empty() {
            mistakes.report("").at(0, "there is no offering in it: each is a folder");
        }
        if mistakes.count() > 0 {
            return Err(mistakes.into_sorted());
        }
        offerings.sort_by(|a, b| a.name.cmp(&b.name));
        let body = osb::body(&offerings);
        let etag = osb::etag(&body);
        Ok(Self { offerings, body: body.into(), etag, files: Arc::new(files) })
    }

    /// By `service_id`.
    #[must_use]
    pub fn offering(&self, id: &OfferingId) -> Option<&Offering> {
        self.offerings.iter().find(|offering| offering.id == *id)
    }

    /// What an offering's image is built from; none where it has no `image/` folder.
    #[must_use]
    pub fn makings(&self, offering: &str) -> Option<Makings> {
        let files = self.files.image(offering)?;
        let fetches = self.offering_named(offering).map(|offering| offering.fetches.clone());
        Some(Makings { files, fetches: fetches.unwrap_or_default() })
    }

    /// By name.
    #[must_use]
    pub fn offering_named(&self, name: &str) -> Option<&Offering> {
        self.offerings.iter().find(|offering| offering.name == name)
    }
}

impl Offering {
    /// By `plan_id`.
    #[must_use]
    pub fn plan(&self, id: &PlanId) -> Option<&Plan> {
        self.plans.iter().find(|plan| plan.id == *id)
    }

    /// By name.
    #[must_use]
    pub fn plan_named(&self, name: &str) -> Option<&Plan> {
        self.plans.iter().find(|plan| plan.name == name)
    }

    /// Renders the plan's workload.
    ///
    /// # Errors
    /// A parameter that a file can't hold: a text with a quote in it where there can be none. The
    /// message names the parameter and quotes no value.
    pub fn workload(&self, plan: &Plan, inputs: &Inputs<'_>) -> Result<Workload, Mistake> {
        self.rendered(plan, inputs).map_err(|flaw| flaw.mistake)
    }

    fn rendered(&self, plan: &Plan, inputs: &Inputs<'_>) -> Result<Workload, template::Flaw> {
        let context = self.recipe.context(plan, inputs, &self.filled(inputs.parameters));
        self.recipe.workload(plan, context)
    }

    /// An instance's parameters are what create and update gave, so both know defaults.
    fn filled(&self, parameters: &Object) -> Object {
        self.schemas.update.with_defaults(&self.schemas.create.with_defaults(parameters))
    }
}

/// 64 hexadecimal digits.
pub(crate) fn sha256_hex(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes))
}
