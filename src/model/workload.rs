//! The containers, volumes, files and ports of one instance, as wanted: a snapshot kept with the
//! instance, so that editing the catalog changes nothing that runs. It speaks no Docker.

pub mod address;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::Object;
use super::scripts::Scripts;
use super::tls::{Identity, Mode, Part};
use crate::secret::{self, Secret};

/// Everything needed to run an instance, heal it, bind to it and remove it without the catalog.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Workload {
    /// Which engine speaks to it: `redis`, `postgres` …
    pub engine: String,
    /// How the broker logs in.
    pub admin: Admin,
    /// What the engine sets over its own protocol while it runs, from the plan (`maxmemory` …).
    #[serde(default)]
    pub settings: Object,
    /// The handlebars text of the credentials that an app gets, of the offering that it came from.
    #[serde(default)]
    pub credentials: String,
    /// What a binding's parameters are where it says nothing, of the same offering.
    #[serde(default)]
    pub bind_defaults: Object,
    /// What the engine `scripted` runs.
    #[serde(default, skip_serializing_if = "Scripts::is_empty")]
    pub scripts: Scripts,
    /// How apps reach it.
    #[serde(default, skip_serializing_if = "Mode::is_off")]
    pub tls: Mode,
    /// What it shows to them where there is TLS.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub identity: Option<Identity>,
    /// In the order in which they start.
    pub containers: Vec<Container>,
    /// Named volumes, by the name that mounts use.
    #[serde(default)]
    pub volumes: BTreeMap<String, Volume>,
}

/// The broker's own login to an instance. Never given to an app.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Admin {
    /// The user.
    pub user: String,
    /// Its password.
    #[serde(serialize_with = "secret::exposed")]
    pub password: Secret,
    /// The database that apps use, where the engine has databases.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub database: Option<String>,
}

/// One container (or, later, `count` of them).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Container {
    /// What it does in the workload: `server`. Part of its name.
    pub role: String,
    /// What it runs.
    pub image: Image,
    /// Arguments after the image's entry point.
    #[serde(default)]
    pub command: Vec<String>,
    /// No secrets here: the environment is seen by everyone who may inspect containers.
    #[serde(default)]
    pub environment: BTreeMap<String, String>,
    /// `uid` or `uid:gid`; empty: as the image says.
    #[serde(default)]
    pub user: String,
    /// Written into volumes before the start.
    #[serde(default)]
    pub files: Vec<File>,
    /// Volume name → path.
    #[serde(default)]
    pub mounts: BTreeMap<String, String>,
    /// Path → mount options (`size=16m,mode=1777,uid=999`).
    #[serde(default)]
    pub tmpfs: BTreeMap<String, String>,
    /// Port name → port inside the container (TCP), each published on a host port of ours.
    #[serde(default)]
    pub ports: BTreeMap<String, u16>,
    /// Capabilities given back after all were dropped.
    #[serde(default)]
    pub capabilities: Vec<String>,
    /// Whether the root file system may be written.
    #[serde(default)]
    pub writable_root: bool,
    /// What it may use.
    pub resources: Resources,
    /// How it ends.
    #[serde(default)]
    pub stop: Stop,
}

/// An image by reference, and how to make it where it can't be had.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Image {
    /// The official image: `docker.io/library/redis:8.0`.
    #[serde(rename = "ref")]
    pub reference: String,
    /// The offering whose `image/` folder builds a stand-in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub build: Option<String>,
    /// What was really used, once known: the engine's image id (`sha256:…`), so that a recreate
    /// runs the same.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resolved: Option<String>,
}

/// A file in a volume.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct File {
    /// Absolute; inside one of the container's mounts.
    pub path: String,
    /// The bytes, as text. May hold secrets.
    #[serde(serialize_with = "secret::exposed")]
    pub content: Secret,
    /// Permission bits: `0o400`.
    #[serde(default = "File::default_mode")]
    pub mode: u32,
    /// Owner.
    #[serde(default)]
    pub uid: u32,
    /// Group.
    #[serde(default)]
    pub gid: u32,
    /// What a change of it asks for.
    #[serde(default)]
    pub change: Change,
    /// What of the workload's identity it holds, if that is its content.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tls: Option<Part>,
}

impl File {
    const fn default_mode() -> u32 {
        0o400
    }
}

/// What it takes to bring a changed file into force.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Change {
    /// The container is started anew.
    #[default]
    Restart,
    /// Nothing: the engine sets the same over its protocol while it runs.
    Live,
    /// It is a seed: written before the instance is first ready, then the engine's own.
    Seed,
}

/// A named volume.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Volume {
    /// How much the plan promises, in bytes. Docker's local driver does not enforce it.
    #[serde(default)]
    pub size_bytes: u64,
}

/// What a container may use.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Resources {
    /// Memory and swap together, in bytes.
    pub memory_bytes: u64,
    /// Cores, in thousandths.
    pub cpu_millis: u32,
    /// Processes and threads.
    pub pids: u32,
    /// `/dev/shm`, in bytes; 0: as the engine has it.
    #[serde(default)]
    pub shm_bytes: u64,
}

/// How a container is stopped.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Stop {
    /// Which signal: PostgreSQL wants `SIGINT`.
    pub signal: String,
    /// How long until it is killed, in seconds.
    pub timeout_s: u32,
}

impl Default for Stop {
    fn default() -> Self {
        Self { signal: "SIGTERM".to_owned(), timeout_s: 10 }
    }
}

impl Workload {
    /// A binding's parameters with what it did not say.
    #[must_use]
    pub fn bind_parameters(&self, given: &Object) -> Object {
        let mut filled = self.bind_defaults.clone();
        filled.extend(given.clone());
        filled
    }

    /// Gives it the identity that it shows from now on.
    pub fn identify(&mut self, identity: Identity) {
        for file in self.containers.iter_mut().flat_map(|container| &mut container.files) {
            if let Some(part) = file.tls {
                file.content = identity.part(part);
            }
        }
        self.identity = Some(identity);
    }

    /// The names of all ports to be published.
    pub fn port_names(&self) -> impl Iterator<Item = &str> {
        self.containers.iter().flat_map(|container| container.ports.keys().map(String::as_str))
    }
}
