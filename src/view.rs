//! The admin API's bodies: what `/admin/v1` answers and the CLI reads.
//!
//! | route | asks | answers |
//! | --- | --- | --- |
//! | `GET /admin/v1/status` | | [`Status`] |
//! | `GET /admin/v1/catalog` | | [`Vec<Offering>`] |
//! | `POST /admin/v1/catalog/reload` | | [`Vec<Offering>`], or 422 with every mistake |
//! | `GET /admin/v1/instances` | | [`Vec<Instance>`] |
//! | `POST /admin/v1/instances` | [`CreateInstance`] | 202 [`Started<Instance>`] |
//! | `GET /admin/v1/instances/{ref}` | | [`Instance`] |
//! | `PATCH /admin/v1/instances/{ref}` | [`UpdateInstance`] | 202 [`Started<Instance>`], or 200 where nothing is to be done |
//! | `DELETE /admin/v1/instances/{ref}` | | 202 [`Started<Instance>`] |
//! | `GET /admin/v1/instances/{ref}/bindings` | | [`Vec<Binding>`] |
//! | `POST /admin/v1/instances/{ref}/bindings` | [`CreateBinding`] | 202 [`Started<Binding>`] |
//! | `GET /admin/v1/instances/{ref}/bindings/{id}` | | [`Binding`] with its credentials |
//! | `DELETE /admin/v1/instances/{ref}/bindings/{id}` | | 202 [`Started<Binding>`] |
//! | `GET /admin/v1/operations/{id}` | | [`Operation`] |
//!
//! `{ref}` is an instance's id, `<platform>/<id>` or its name; what several are called is answered
//! 409 and lists what tells them apart. Every error is an [`Error`]. Times are RFC 3339 in UTC.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::model::Object;

/// How the broker is.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Status {
    /// Of the program.
    pub version: String,
    /// The value of our containers' label `banquet.broker`.
    pub broker_id: String,
    /// Whether the container engine answers.
    pub engine_reachable: bool,
    /// Whether the database answers.
    pub database_reachable: bool,
    /// Instances kept, those being made included.
    pub instances: u64,
    /// Operations that run or wait.
    pub operations_running: u64,
}

/// An offering of the catalog.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Offering {
    /// `service_id` on the wire.
    pub id: String,
    /// `redis`.
    pub name: String,
    /// One line.
    pub description: String,
    /// For platforms and buildpacks.
    pub tags: Vec<String>,
    /// The first is the smallest.
    pub plans: Vec<Plan>,
    /// JSON Schemas of the parameters, by `create`, `update`, `bind`.
    pub parameters: BTreeMap<String, serde_json::Value>,
}

/// A plan of an offering.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Plan {
    /// `plan_id` on the wire.
    pub id: String,
    /// `small`.
    pub name: String,
    /// One line.
    pub description: String,
    /// Whether it costs nothing.
    pub free: bool,
    /// In bytes.
    pub memory_bytes: u64,
    /// Cores, in thousandths.
    pub cpu_millis: u32,
    /// In bytes.
    pub disk_bytes: u64,
    /// Clients at once.
    pub connections: u32,
    /// Plans that an instance may change to.
    pub update_to: Vec<String>,
}

/// An instance.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Instance {
    /// As the platform sent it.
    pub id: String,
    /// For people.
    pub name: String,
    /// Which platform asked for it.
    pub platform: String,
    /// Who it belongs to.
    pub tenant: String,
    /// The offering's name, or its id where it has left the catalog.
    pub offering: String,
    /// The plan's name, or its id where it has left the catalog.
    pub plan: String,
    /// `creating`, `ready`, `updating`, `deleting`, `failed`.
    pub state: String,
    /// Whether it can be worked with.
    pub usable: bool,
    /// As sent.
    pub parameters: Object,
    /// Where apps reach it.
    pub host: String,
    /// Port name → host port.
    pub ports: BTreeMap<String, u16>,
    /// `off`, `optional`, `required`.
    #[serde(default)]
    pub tls: String,
    /// When its certificate ends, in RFC 3339; it is renewed long before. None without TLS.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub certificate_ends_at: Option<String>,
    /// The container engine's names of what it runs in.
    pub containers: Vec<String>,
    /// How many bindings it has.
    pub bindings: u64,
    /// The newest operation on it.
    pub operation: Option<Operation>,
    /// RFC 3339.
    pub created_at: String,
    /// RFC 3339.
    pub updated_at: String,
}

/// A binding.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Binding {
    /// As the platform sent it.
    pub id: String,
    /// The instance's id.
    pub instance: String,
    /// Which app; empty for a service key.
    pub app: String,
    /// The user inside the instance.
    pub user: String,
    /// `creating`, `ready`, `deleting`, `failed`, `expired`.
    pub state: String,
    /// As sent.
    pub parameters: Object,
    /// Only where a single, ready binding is asked for. Holds secrets.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub credentials: Option<Object>,
    /// RFC 3339; none: never.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<String>,
    /// The id of the binding that it takes over from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub predecessor: Option<String>,
    /// The newest operation on it.
    pub operation: Option<Operation>,
    /// RFC 3339.
    pub created_at: String,
}

/// An operation.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Operation {
    /// Its token.
    pub id: String,
    /// `provision`, `update`, `deprovision`, `bind`, `unbind`, `expire`, `renew`.
    pub kind: String,
    /// `running`, `succeeded`, `failed`.
    pub state: String,
    /// What is being done, or why it failed.
    pub description: String,
    /// The present step's name; empty once ended.
    pub step: String,
    /// How many steps are done.
    pub done: usize,
    /// How many there are in all.
    pub steps: usize,
    /// Whether it is being taken back.
    pub undoing: bool,
    /// RFC 3339.
    pub created_at: String,
    /// RFC 3339.
    pub finished_at: Option<String>,
}

/// Something was begun; follow it by its operation.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Started<T> {
    /// What it is about, as it is now.
    pub subject: T,
    /// What was begun, or what runs already.
    pub operation: Operation,
}

/// Asks for an instance.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CreateInstance {
    /// Its name.
    pub name: String,
    /// An offering's name.
    pub offering: String,
    /// A plan's name; the smallest if none is given.
    #[serde(default)]
    pub plan: Option<String>,
    /// Who it is to belong to; `default` if none is given.
    #[serde(default)]
    pub tenant: Option<String>,
    /// By the offering's schema.
    #[serde(default)]
    pub parameters: Object,
}

/// Asks for a change.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UpdateInstance {
    /// A plan's name.
    #[serde(default)]
    pub plan: Option<String>,
    /// By the offering's schema.
    #[serde(default)]
    pub parameters: Option<Object>,
}

/// Asks for a binding.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CreateBinding {
    /// Its id; made up if none is given.
    #[serde(default)]
    pub id: Option<String>,
    /// Which app it is for.
    #[serde(default)]
    pub app: Option<String>,
    /// The id of a binding to take over from; its parameters are inherited.
    #[serde(default)]
    pub rotate: Option<String>,
    /// By the offering's schema.
    #[serde(default)]
    pub parameters: Object,
}

/// Why not. The same two fields as the Open Service Broker API's errors (requirement 20).
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Error {
    /// A word for programs, where there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// For people, with what to do next.
    pub description: String,
}
