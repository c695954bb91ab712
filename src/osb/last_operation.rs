//! `GET …/last_operation`, of instances and of bindings
//!
//! [Specification](https://github.com/openservicebrokerapi/servicebroker/blob/v2.17/spec.md#polling-last-operation-for-service-instances)

use serde_json::Value;

use crate::model::{Kind, Object, Operation, OperationState};

/// The body. `instance_usable` and `update_repeatable` stand only where they may (requirement 48);
/// `description` is never empty (requirement 47).
#[must_use]
pub fn body(operation: &Operation) -> Object {
    let mut body = Object::new();
    let failed = operation.state == OperationState::Failed;
    let state = match operation.state {
        OperationState::Running => "in progress",
        OperationState::Succeeded => "succeeded",
        OperationState::Failed => "failed",
    };
    body.insert("state".into(), state.into());
    if !operation.description.is_empty() {
        body.insert("description".into(), Value::String(operation.description.clone()));
    }
    let update = failed && operation.kind == Kind::Update;
    let deprovision = failed && operation.kind == Kind::Deprovision;
    if let Some(usable) = operation.instance_usable.filter(|_| update || deprovision) {
        body.insert("instance_usable".into(), usable.into());
    }
    if let Some(repeatable) = operation.update_repeatable.filter(|_| update) {
        body.insert("update_repeatable".into(), repeatable.into());
    }
    body
}
