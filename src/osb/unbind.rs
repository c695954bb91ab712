//! `DELETE /v2/service_instances/{instance_id}/service_bindings/{binding_id}`
//!
//! [Specification](https://github.com/openservicebrokerapi/servicebroker/blob/v2.17/spec.md#unbinding)
//!
//! The query is that of [`super::deprovision`].

pub use super::deprovision::{Request, Response};
