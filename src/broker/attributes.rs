//! What makes two requests the same.

use serde_json::Value;

use crate::model::{Binding, Instance, Object};
use crate::osb::{bind, provision};

/// Whether a PUT asks for what an instance is now. Names, annotations and signatures in the
/// context may differ from one try to the next; they and the maintenance version do not count.
#[must_use]
pub fn same_instance(instance: &Instance, asked: &provision::Request) -> bool {
    instance.offering_id == asked.offering_id
        && instance.plan_id == asked.plan_id
        && instance.organization_guid == asked.organization_guid
        && instance.space_guid == asked.space_guid
        && same_objects(&instance.parameters, &asked.parameters)
}

/// Whether a PUT asks for what a binding is. In a rotation the predecessor says it all, also when
/// it is gone by now; what it was bound with is inherited, and ids may be left out.
#[must_use]
pub fn same_binding(binding: &Binding, asked: &bind::Request) -> bool {
    let same_ids = asked.offering_id.as_ref().is_none_or(|id| *id == binding.offering_id)
        && asked.plan_id.as_ref().is_none_or(|id| *id == binding.plan_id);
    let rest = match &asked.predecessor {
        Some(_) => asked.app_guid.is_none() || binding.app_guid == asked.app_guid,
        None => {
            binding.app_guid == asked.app_guid
                && same_objects(&binding.parameters, &asked.parameters)
        }
    };
    binding.predecessor == asked.predecessor && same_ids && rest
}

/// Whether two objects say the same: the order of keys does not count, `null` is absent, and
/// `1` is `1.0`.
#[must_use]
pub fn same_objects(left: &Object, right: &Object) -> bool {
    let present = |object: &Object| object.values().filter(|value| !value.is_null()).count();
    present(left) == present(right)
        && left
            .iter()
            .filter(|(_, value)| !value.is_null())
            .all(|(key, value)| right.get(key).is_some_and(|other| same_values(value, other)))
}

fn same_values(left: &Value, right: &Value) -> bool {
    match (left, right) {
        (Value::Object(left), Value::Object(right)) => same_objects(left, right),
        (Value::Array(left), Value::Array(right)) => {
            left.len() == right.len() && left.iter().zip(right).all(|(l, r)| same_values(l, r))
        }
        (Value::Number(left), Value::Number(right)) => {
            left == right || left.as_f64().is_some_and(|number| right.as_f64() == Some(number))
        }
        _ => left == right,
    }
}

/// The parameters after an update: a key given replaces, a key of `null` removes, the rest stays.
#[must_use]
pub fn merged(present: &Object, changes: &Object) -> Object {
    let mut merged = present.clone();
    for (key, value) in changes {
        if value.is_null() {
            merged.remove(key);
        } else {
            merged.insert(key.clone(), value.clone());
        }
    }
    merged
}

#[cfg(test)]
mod tests {
    use super::*;

    fn object(text: &str) -> Object {
        serde_json::from_str(text).unwrap()
    }

    #[test]
    fn sameness() {
        for (left, right, same) in [
            (r"{}", r#"{"a":null}"#, true),
            (r#"{"a":1,"b":{"c":[2]}}"#, r#"{"b":{"c":[2.0]},"a":1.0}"#, true),
            (r#"{"a":1}"#, r#"{"a":"1"}"#, false),
            (r#"{"a":1}"#, r#"{"b":1}"#, false),
            (r#"{"a":[1,2]}"#, r#"{"a":[2,1]}"#, false),
            (r#"{"a":9007199254740993}"#, r#"{"a":9007199254740993}"#, true),
        ] {
            assert_eq!(same_objects(&object(left), &object(right)), same, "{left} {right}");
            assert_eq!(same_objects(&object(right), &object(left)), same, "{right} {left}");
        }
    }

    #[test]
    fn merging() {
        let merged = merged(&object(r#"{"a":1,"b":2}"#), &object(r#"{"a":null,"c":3}"#));
        assert_eq!(merged, object(r#"{"b":2,"c":3}"#));
    }
}
