//! `/v2`: the ten endpoints of the Open Service Broker API, in the order of the specification.

mod bindings;
mod catalog;
mod instances;

use axum::Router;
use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::routing::get;

use super::path::Path;
use super::{Context, answer, guard};
use crate::id::{BindingId, InstanceId};
use crate::osb::Refusal;
use crate::osb::fields::{Query, checked_id};

/// The routes, behind authentication and the version check, as are the answers to routes and
/// methods that do not exist.
pub(super) fn routes(context: &Context) -> Router<Context> {
    Router::new()
        .route("/catalog", get(catalog::fetch))
        .route("/service_instances/{instance_id}/last_operation", get(instances::last_operation))
        .route(
            "/service_instances/{instance_id}",
            get(instances::fetch)
                .put(instances::provision)
                .patch(instances::update)
                .delete(instances::deprovision),
        )
        .route(
            "/service_instances/{instance_id}/service_bindings/{binding_id}/last_operation",
            get(bindings::last_operation),
        )
        .route(
            "/service_instances/{instance_id}/service_bindings/{binding_id}",
            get(bindings::fetch).put(bindings::bind).delete(bindings::unbind),
        )
        .fallback(answer::no_such_route)
        .method_not_allowed_fallback(answer::no_such_method)
        .layer(axum::middleware::from_fn_with_state(context.clone(), guard::platform))
}

/// The instance that a path names.
pub(super) struct Instance(pub InstanceId);

/// The instance and the binding that a path names.
pub(super) struct Binding(pub InstanceId, pub BindingId);

/// A request's query.
pub(super) struct Asked(pub Query);

impl<S: Send + Sync> FromRequestParts<S> for Instance {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Refusal> {
        let Path(id) = Path::<String>::from_request_parts(parts, state).await?;
        Ok(Self(id_of("instance_id", &id)?.into()))
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Binding {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Refusal> {
        let Path((instance, binding)) =
            Path::<(String, String)>::from_request_parts(parts, state).await?;
        Ok(Self(id_of("instance_id", &instance)?.into(), id_of("binding_id", &binding)?.into()))
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Asked {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Self::Rejection> {
        Ok(Self(Query::parse(parts.uri.query())))
    }
}

fn id_of(name: &str, text: &str) -> Result<String, Refusal> {
    if text.is_empty() {
        return Err(Refusal::Invalid(format!("{name} must not be empty")));
    }
    checked_id(name, text)
}
