//! `/v2/service_instances/{instance_id}/service_bindings/{binding_id}`

use axum::Extension;
use axum::body::Body;
use axum::extract::State;
use axum::http::StatusCode;

use super::instances::{accepted, polled, removed};
use super::{Asked, Binding};
use crate::broker::Caller;
use crate::http::Context;
use crate::http::answer::{Answer, json as answer};
use crate::http::guard;
use crate::model::Object;
use crate::osb::{bind, unbind};

pub(super) async fn bind(
    State(context): State<Context>,
    Extension(caller): Extension<Caller>,
    Binding(instance, binding): Binding,
    Asked(query): Asked,
    body: Body,
) -> Answer {
    let body = match guard::body(body).await {
        Ok(body) => body,
        Err(response) => return Ok(response),
    };
    let request = bind::Request::parse(&body)?;
    let incomplete = query.accepts_incomplete();
    let ids = (&instance, &binding);
    Ok(match context.broker.bind(&caller, ids, request, incomplete).await? {
        bind::Response::Created(access) => {
            answer(StatusCode::CREATED, &access.body(caller.version))
        }
        bind::Response::Exists(access) => answer(StatusCode::OK, &access.body(caller.version)),
        bind::Response::Accepted(operation) => accepted(Object::new(), &operation),
    })
}

pub(super) async fn fetch(
    State(context): State<Context>,
    Extension(caller): Extension<Caller>,
    Binding(instance, binding): Binding,
) -> Answer {
    let binding = context.broker.binding(&caller, (&instance, &binding)).await?;
    Ok(answer(StatusCode::OK, &binding.body(caller.version)))
}

pub(super) async fn unbind(
    State(context): State<Context>,
    Extension(caller): Extension<Caller>,
    Binding(instance, binding): Binding,
    Asked(query): Asked,
) -> Answer {
    unbind::Request::parse(&query)?;
    let incomplete = query.accepts_incomplete();
    Ok(removed(&context.broker.unbind(&caller, (&instance, &binding), incomplete).await?))
}

pub(super) async fn last_operation(
    State(context): State<Context>,
    Extension(caller): Extension<Caller>,
    Binding(instance, binding): Binding,
    Asked(query): Asked,
) -> Answer {
    let named = query.get("operation");
    let ids = (&instance, &binding);
    Ok(polled(&context.broker.last_binding_operation(&caller, ids, named).await?))
}
