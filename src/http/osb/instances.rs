//! `/v2/service_instances/{instance_id}`

use axum::Extension;
use axum::body::Body;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde_json::json;

use super::{Asked, Instance};
use crate::broker::Caller;
use crate::http::Context;
use crate::http::answer::{Answer, json as answer, pending};
use crate::http::guard;
use crate::id::OperationId;
use crate::model::{Object, OperationState};
use crate::osb::{deprovision, last_operation as wire, provision, update};

pub(super) async fn provision(
    State(context): State<Context>,
    Extension(caller): Extension<Caller>,
    Instance(id): Instance,
    Asked(query): Asked,
    body: Body,
) -> Answer {
    let body = match guard::body(body).await {
        Ok(body) => body,
        Err(response) => return Ok(response),
    };
    let request = provision::Request::parse(&body)?;
    let incomplete = query.accepts_incomplete();
    let response = context.broker.provision(&caller, &id, request, incomplete).await?;
    let mut body = Object::new();
    context.broker.metadata(&caller, &id).await?.add_to(&mut body, caller.version);
    Ok(match response {
        provision::Response::Created => answer(StatusCode::CREATED, &body),
        provision::Response::Exists => answer(StatusCode::OK, &body),
        provision::Response::Accepted(operation) => accepted(body, &operation),
    })
}

pub(super) async fn fetch(
    State(context): State<Context>,
    Extension(caller): Extension<Caller>,
    Instance(id): Instance,
) -> Answer {
    let instance = context.broker.instance(&caller, &id).await?;
    Ok(answer(StatusCode::OK, &instance.body(caller.version)))
}

pub(super) async fn update(
    State(context): State<Context>,
    Extension(caller): Extension<Caller>,
    Instance(id): Instance,
    Asked(query): Asked,
    body: Body,
) -> Answer {
    let body = match guard::body(body).await {
        Ok(body) => body,
        Err(response) => return Ok(response),
    };
    let request = update::Request::parse(&body)?;
    let incomplete = query.accepts_incomplete();
    let response = context.broker.update(&caller, &id, request, incomplete).await?;
    let mut body = Object::new();
    context.broker.metadata(&caller, &id).await?.add_to(&mut body, caller.version);
    Ok(match response {
        update::Response::Applied => answer(StatusCode::OK, &body),
        update::Response::Accepted(operation) => accepted(body, &operation),
    })
}

pub(super) async fn deprovision(
    State(context): State<Context>,
    Extension(caller): Extension<Caller>,
    Instance(id): Instance,
    Asked(query): Asked,
) -> Answer {
    let request = deprovision::Request::parse(&query)?;
    let incomplete = query.accepts_incomplete();
    Ok(removed(&context.broker.deprovision(&caller, &id, &request, incomplete).await?))
}

/// The answer to a DELETE, of an instance or a binding.
pub(super) fn removed(response: &deprovision::Response) -> Response {
    match response {
        deprovision::Response::Removed => answer(StatusCode::OK, &json!({})),
        deprovision::Response::Accepted(operation) => accepted(Object::new(), operation),
    }
}

/// 202 with the operation to poll.
pub(super) fn accepted(mut body: Object, operation: &OperationId) -> Response {
    body.insert("operation".into(), operation.as_str().into());
    pending(StatusCode::ACCEPTED, &body)
}

pub(super) async fn last_operation(
    State(context): State<Context>,
    Extension(caller): Extension<Caller>,
    Instance(id): Instance,
    Asked(query): Asked,
) -> Answer {
    let named = query.get("operation");
    let operation = context.broker.last_operation(&caller, &id, named).await?;
    Ok(polled(&operation).into_response())
}

/// The answer to a poll; `Retry-After` while there is something to come back for
/// (requirement 52).
pub(super) fn polled(operation: &crate::model::Operation) -> Response {
    let body = wire::body(operation);
    match operation.state {
        OperationState::Running => pending(StatusCode::OK, &body),
        OperationState::Succeeded | OperationState::Failed => answer(StatusCode::OK, &body),
    }
}
