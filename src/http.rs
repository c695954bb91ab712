//! The edge towards platforms and administrators: reads requests, calls the broker once, answers.
//!
//! `/v2` is the Open Service Broker API ([`osb`]), `/admin/v1` the administrators' ([`admin`]),
//! `/healthz` and `/readyz` are for whoever keeps the process running ([`health`]), and
//! `/openapi.json` describes all of them ([`openapi`]).

mod admin;
mod answer;
pub mod auth;
mod guard;
mod health;
mod listen;
mod openapi;
mod osb;
mod path;

use std::future::Future;
use std::sync::Arc;

use axum::Router;
use axum::routing::get;
use tokio::net::TcpListener;
use tokio::sync::{Semaphore, watch};
use tower_http::catch_panic::CatchPanicLayer;

use crate::broker::Broker;
use crate::catalog::source::Source;

pub use auth::Gate;
pub use openapi::description;

/// What handlers need. Cheap to clone.
#[derive(Clone)]
pub struct Context {
    /// Decides.
    pub broker: Arc<Broker>,
    /// Knows who may ask.
    pub gate: Arc<Gate>,
    /// Why the container engine does not answer; none while it does.
    pub engine: watch::Receiver<Option<String>>,
    /// Where the catalog is loaded from again.
    pub catalog: Arc<Source>,
    /// Requests at once; beyond them the answer is 503.
    pub slots: Arc<Semaphore>,
}

/// All routes.
pub fn router(context: Context) -> Router {
    Router::new()
        .nest("/v2", osb::routes(&context))
        .nest("/admin/v1", admin::routes(&context))
        .route("/healthz", get(health::alive))
        .route("/readyz", get(health::ready))
        .route("/openapi.json", get(openapi::describe))
        .fallback(answer::no_such_route)
        .method_not_allowed_fallback(answer::no_such_method)
        .layer(axum::middleware::from_fn_with_state(context.clone(), guard::bounded))
        .layer(CatchPanicLayer::custom(answer::panicked))
        .with_state(context)
}

/// Serves until `shutdown`, then finishes the requests that are under way.
pub async fn serve(
    listener: TcpListener,
    context: Context,
    shutdown: impl Future<Output = ()> + Send + 'static,
) {
    listen::serve(listener, router(context), listen::Limits::default(), shutdown).await;
}
