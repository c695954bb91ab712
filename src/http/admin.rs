//! `/admin/v1`: the table of routes is in [`crate::view`].

use axum::Router;
use axum::body::Body;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::{get, post};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::answer::{self, Answer, json};
use super::path::Path;
use super::{Context, guard};
use crate::broker::admin::Answer as Begun;
use crate::model::Object;
use crate::osb::Refusal;
use crate::view;

pub(super) fn routes(context: &Context) -> Router<Context> {
    Router::new()
        .route("/status", get(status))
        .route("/catalog", get(catalog))
        .route("/catalog/reload", post(reload))
        .route("/instances", get(instances).post(create_instance))
        .route(
            "/instances/{instance}",
            get(instance).patch(update_instance).delete(delete_instance),
        )
        .route("/instances/{instance}/bindings", get(bindings).post(create_binding))
        .route("/instances/{instance}/bindings/{binding}", get(binding).delete(delete_binding))
        .route("/operations/{operation}", get(operation))
        .fallback(answer::no_such_route)
        .method_not_allowed_fallback(answer::no_such_method)
        .layer(axum::middleware::from_fn_with_state(context.clone(), guard::administrator))
}

async fn status(State(context): State<Context>) -> Answer {
    let reachable = context.engine.borrow().is_none();
    ok(&context.broker.status(reachable).await)
}

async fn catalog(State(context): State<Context>) -> Answer {
    ok(&context.broker.offerings())
}

async fn reload(State(context): State<Context>) -> Answer {
    let source = context.catalog.clone();
    let loaded = tokio::task::spawn_blocking(move || source.load()).await;
    let loaded = loaded.map_err(|_| Refusal::Internal("loading the catalog failed".into()))?;
    context.broker.replace_catalog(loaded)?;
    ok(&context.broker.offerings())
}

async fn instances(State(context): State<Context>) -> Answer {
    ok(&context.broker.all_instances().await?)
}

async fn instance(State(context): State<Context>, Path(name): Path<String>) -> Answer {
    ok(&context.broker.find(&name).await?)
}

async fn create_instance(State(context): State<Context>, body: Body) -> Answer {
    let asked: view::CreateInstance = match read(body).await? {
        Ok(asked) => asked,
        Err(response) => return Ok(response),
    };
    Ok(begun(&context.broker.create_instance(asked).await?))
}

async fn update_instance(
    State(context): State<Context>,
    Path(name): Path<String>,
    body: Body,
) -> Answer {
    let asked: view::UpdateInstance = match read(body).await? {
        Ok(asked) => asked,
        Err(response) => return Ok(response),
    };
    Ok(begun(&context.broker.update_instance(&name, asked).await?))
}

async fn delete_instance(State(context): State<Context>, Path(name): Path<String>) -> Answer {
    Ok(begun(&context.broker.delete_instance(&name).await?))
}

async fn bindings(State(context): State<Context>, Path(instance): Path<String>) -> Answer {
    ok(&context.broker.all_bindings(&instance).await?)
}

async fn binding(
    State(context): State<Context>,
    Path((instance, binding)): Path<(String, String)>,
) -> Answer {
    ok(&context.broker.find_binding(&instance, &binding).await?)
}

async fn create_binding(
    State(context): State<Context>,
    Path(instance): Path<String>,
    body: Body,
) -> Answer {
    let asked: view::CreateBinding = match read(body).await? {
        Ok(asked) => asked,
        Err(response) => return Ok(response),
    };
    Ok(begun(&context.broker.create_binding(&instance, asked).await?))
}

async fn delete_binding(
    State(context): State<Context>,
    Path((instance, binding)): Path<(String, String)>,
) -> Answer {
    Ok(begun(&context.broker.delete_binding(&instance, &binding).await?))
}

async fn operation(State(context): State<Context>, Path(id): Path<String>) -> Answer {
    ok(&context.broker.find_operation(&id).await?)
}

#[expect(clippy::unnecessary_wraps, reason = "reads as the end of a handler")]
fn ok(body: &impl Serialize) -> Answer {
    Ok(json(StatusCode::OK, body))
}

fn begun<T: Serialize>(answer: &Begun<T>) -> Response {
    match answer {
        Begun::Started(started) => json(StatusCode::ACCEPTED, started),
        Begun::Unchanged(subject) => json(StatusCode::OK, subject),
    }
}

/// A body of ours is strict: what an administrator misspells is refused, and so is a list of
/// values without names, which serde would take.
async fn read<T: DeserializeOwned>(body: Body) -> Result<Result<T, Response>, Refusal> {
    match guard::body(body).await {
        Err(response) => Ok(Err(response)),
        Ok(bytes) => serde_json::from_slice::<Object>(&bytes)
            .and_then(|fields| T::deserialize(Value::Object(fields)))
            .map(Ok)
            .map_err(|error| Refusal::Invalid(format!("the body does not fit: {error}"))),
    }
}
