//! Parameters to try an offering out with.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::Schema;
use crate::model::Object;

/// More than this are not tried.
const MAX_SAMPLES: usize = 200;

/// Parameters that a schema allows: first none but the required, then all together, then one
/// property at a time with each value worth trying. Empty: nothing was found that it allows.
pub(super) fn samples(schema: &Schema) -> Vec<Object> {
    let values: BTreeMap<&String, Vec<Value>> = schema
        .properties()
        .map(|(name, property)| {
            let mut values = candidates(property);
            values.retain(|value| !schema.refuses(name, value));
            (name, values)
        })
        .collect();
    let first =
        |(name, values): (&&String, &Vec<Value>)| Some(((*name).clone(), values.first()?.clone()));
    let all: Object = values.iter().filter_map(first).collect();
    let required: Vec<&str> = schema.required().collect();
    let mut least = all.clone();
    least.retain(|name, _| required.contains(&name.as_str()));

    let mut samples = vec![least.clone(), all];
    for (name, values) in &values {
        for value in values {
            let mut sample = least.clone();
            sample.insert((*name).clone(), value.clone());
            samples.push(sample);
        }
    }
    samples.retain(|sample| schema.check(sample).is_ok());
    samples.truncate(MAX_SAMPLES);
    samples
}

/// Every property with its longest value: a list with something in it rather than an empty one.
pub(super) fn fullest(samples: &[Object]) -> Object {
    let length = |value: &Value| value.to_string().len();
    let mut all = Object::new();
    for (name, value) in samples.iter().flatten() {
        if all.get(name).is_none_or(|known| length(known) < length(value)) {
            all.insert(name.clone(), value.clone());
        }
    }
    all
}

/// Values that may differ in what they lead to, for any kind of property.
fn candidates(property: &Value) -> Vec<Value> {
    if let Some(values) = property["enum"].as_array() {
        return values.clone();
    }
    let named = ["default", "minimum", "maximum"].into_iter();
    let mut values: Vec<Value> = named.filter_map(|key| property.get(key)).cloned().collect();
    values.extend([json!(true), json!(false), json!(1), json!(0), json!(1.5)]);
    let length = property["minLength"].as_u64().and_then(|length| usize::try_from(length).ok());
    values.push("x".repeat(length.unwrap_or(1).clamp(1, 4_096)).into());
    values.extend(["1", "sample", "UTC", "a=b", "1s", "64Mi", "10.0.0.0/8"].map(Value::from));
    values.extend([json!([]), json!({}), json!(["x"]), json!([1])]);
    values
}
