//! Holds answers against `/openapi.json`: the harness asks this of every answer that a test gets.

use std::collections::HashMap;
use std::sync::{Arc, LazyLock, Mutex};

use axum::http::{HeaderMap, Method};
use jsonschema::Validator;
use serde_json::{Value, json};

/// The description as it is served.
pub static DOCUMENT: LazyLock<Value> =
    LazyLock::new(|| serde_json::from_slice(banquet::http::description()).unwrap());

/// Headers that must be described where they are sent.
const TELLING: [&str; 3] = ["etag", "retry-after", "www-authenticate"];

/// An answer is one of those that the description has for its request.
#[track_caller]
pub fn assert_described(
    method: &Method,
    path: &str,
    (status, headers, body): (u16, &HeaderMap, &Value),
) {
    let Some((template, item)) = item(path) else {
        assert!([401, 404, 412, 503].contains(&status), "{method} {path} {status}");
        return;
    };
    let operation = &item[method.as_str().to_lowercase()];
    if operation.is_null() {
        assert!([401, 405, 412, 503].contains(&status), "{method} {path} {status}");
        return;
    }
    let place = format!("{method} {template} {status}");
    let response = resolved(&operation["responses"][status.to_string()]);
    assert!(response.is_object(), "{place} is not described: {body}");
    assert_headers(&place, &response["headers"], headers);
    let schema = &response["content"]["application/json"]["schema"];
    if schema.is_null() {
        assert!(body.is_null(), "{place} has a body: {body}");
        return;
    }
    let validator = validator(&place, schema);
    let mistakes: Vec<String> = validator
        .iter_errors(body)
        .map(|error| format!("{}: {error}", error.instance_path()))
        .collect();
    assert!(mistakes.is_empty(), "{place} is not as described: {mistakes:#?} {body}");
}

/// The path's template and what it may be asked.
fn item(path: &str) -> Option<(&'static str, &'static Value)> {
    let path = path.split('?').next().unwrap();
    let paths = DOCUMENT["paths"].as_object().unwrap();
    let matches = |template: &str| {
        let (is, should): (Vec<&str>, Vec<&str>) =
            (path.split('/').collect(), template.split('/').collect());
        is.len() == should.len()
            && is
                .iter()
                .zip(should)
                .all(|(is, should)| *is == should || should.starts_with('{') && !is.is_empty())
    };
    // What is named literally counts before what is matched.
    let found = paths.get_key_value(path).or_else(|| paths.iter().find(|(key, _)| matches(key)));
    found.map(|(template, item)| (template.as_str(), item))
}

/// What a reference leads to.
pub fn resolved(value: &'static Value) -> &'static Value {
    match value["$ref"].as_str() {
        Some(reference) => resolved(DOCUMENT.pointer(&reference[1..]).unwrap()),
        None => value,
    }
}

#[track_caller]
fn assert_headers(place: &str, described: &'static Value, headers: &HeaderMap) {
    static NONE: LazyLock<serde_json::Map<String, Value>> = LazyLock::new(Default::default);
    let described = described.as_object().unwrap_or(&NONE);
    let named = |name: &str| described.keys().any(|known| known.eq_ignore_ascii_case(name));
    for name in TELLING.iter().filter(|name| headers.contains_key(**name)) {
        assert!(named(name), "{place} has an undescribed {name}");
    }
    for (name, header) in described {
        let header = resolved(header);
        let Some(value) = headers.get(name) else {
            assert_ne!(header["required"], true, "{place} lacks {name}");
            continue;
        };
        let text = String::from_utf8(value.as_bytes().to_vec()).unwrap();
        let value = text.parse::<u64>().map_or(Value::String(text), Value::from);
        assert!(validator("", &header["schema"]).is_valid(&value), "{place} {name}: {value}");
    }
}

/// Made once for each place and schema.
fn validator(place: &str, schema: &Value) -> Arc<Validator> {
    static KNOWN: LazyLock<Mutex<HashMap<String, Arc<Validator>>>> = LazyLock::new(Mutex::default);
    let key = format!("{place} {schema}");
    let mut known = KNOWN.lock().unwrap();
    let new = || {
        let schema = json!({"allOf": [schema], "components": DOCUMENT["components"]});
        let options = jsonschema::draft202012::options().should_validate_formats(true);
        Arc::new(options.build(&schema).unwrap())
    };
    known.entry(key).or_insert_with(new).clone()
}
