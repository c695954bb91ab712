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

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;

use crate::id::{OfferingId, PlanId};
use crate::model::{Object, Workload};
use crate::secret::Secret;

/// A set of files by path relative to the catalog's root (`redis/offering.yaml`): read from a
/// folder, or the one that the program carries.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Files(pub BTreeMap<String, Bytes>);

/// A mistake in a catalog, with its place: `redis/offering.yaml:12: unknown field …`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Mistake {
    /// Relative to the catalog's root.
    pub file: String,
    /// From 1; 0: the file as a whole.
    pub line: usize,
    /// What is wrong and, where it can be said, what would be right.
    pub message: String,
}

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
    pub id: OfferingId,
    pub name: String,
    pub description: String,
    /// `redis`, `postgres` …: a key of [`crate::engine::Engines`].
    pub engine: String,
    pub bindable: bool,
    pub tags: Vec<String>,
    pub plans: Vec<Plan>,
    pub create: Schema,
    pub update: Schema,
    pub bind: Schema,
    // templates …
}

/// A plan of an offering.
#[derive(Debug)]
pub struct Plan {
    pub id: PlanId,
    pub name: String,
    pub description: String,
    pub free: bool,
    /// 202 is never needed: without `accepts_incomplete` the answer waits for the end.
    pub synchronous: bool,
    pub memory_bytes: u64,
    pub cpu_millis: u32,
    pub pids: u32,
    pub disk_bytes: u64,
    pub connections: u32,
    /// Names of plans that PATCH may change to.
    pub update_to: Vec<String>,
    pub instances_per_tenant: Option<u64>,
    pub maintenance_version: Option<String>,
    pub plan_updateable: bool,
}

/// A JSON Schema (draft-04), compiled.
#[derive(Debug)]
pub struct Schema {}

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
    pub host: &'a str,
    pub ports: &'a BTreeMap<String, u16>,
    pub user: &'a str,
    pub password: &'a Secret,
    pub database: Option<&'a str>,
    pub parameters: &'a Object,
}

impl Catalog {
    /// Checks and prepares. `engines`: the names that the program knows.
    pub fn load(files: Files, engines: &[&str]) -> Result<Self, Vec<Mistake>> {
        todo!()
    }
    pub fn offering(&self, id: &OfferingId) -> Option<&Offering> {
        todo!()
    }
    pub fn offering_named(&self, name: &str) -> Option<&Offering> {
        todo!()
    }
}

impl Offering {
    pub fn plan(&self, id: &PlanId) -> Option<&Plan> {
        todo!()
    }
    pub fn plan_named(&self, name: &str) -> Option<&Plan> {
        todo!()
    }
    /// Renders the plan's workload.
    pub fn workload(&self, plan: &Plan, inputs: &Inputs<'_>) -> Result<Workload, Mistake> {
        todo!()
    }
}

impl Schema {
    /// What is wrong with the parameters: each with the path of the fault; never their values.
    pub fn check(&self, parameters: &Object) -> Result<(), Vec<String>> {
        todo!()
    }
    /// The parameters with the schema's defaults filled in.
    pub fn with_defaults(&self, parameters: &Object) -> Object {
        todo!()
    }
}

/// Renders a workload's credentials text for one login.
pub fn credentials(template: &str, login: &Login<'_>) -> Result<Object, String> {
    todo!()
}

impl Files {
    /// The catalog that the program carries.
    pub fn shipped() -> Self {
        todo!()
    }
    /// Reads a folder.
    pub fn read(folder: &std::path::Path) -> Result<Self, Vec<Mistake>> {
        todo!()
    }
    /// The files below `<offering>/image/`, by path relative to it.
    pub fn image(&self, offering: &str) -> Option<BTreeMap<String, Bytes>> {
        todo!()
    }
}

pub mod source;

impl std::fmt::Display for Mistake {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}:{}: {}", self.file, self.line, self.message)
    }
}

impl Schema {
    /// The schema itself.
    pub fn json(&self) -> &serde_json::Value {
        todo!()
    }
}
