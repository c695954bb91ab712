//! The Open Service Broker API 2.17 as types, one endpoint a file: what is asked and what is
//! answered, and nothing about how.
//!
//! Bodies and queries are read by hand ([`fields`]): a mistake in them is always 400 with a
//! `description` (requirement 27), unknown fields are ignored (requirement 12), and `null` counts
//! as absent.
//!
//! [Specification](https://github.com/openservicebrokerapi/servicebroker/blob/v2.17/spec.md)

pub mod bind;
pub mod deprovision;
pub mod fetch;
pub mod fields;
pub mod identity;
pub mod last_operation;
pub mod metadata;
pub mod provision;
pub mod refusal;
pub mod unbind;
pub mod update;
pub mod version;

pub use refusal::Refusal;
pub use version::Version;
