//! Takes secrets out of what is shown.

use serde_json::Value;

use crate::config::MASK;

/// Fields of credentials that are not secret by themselves; all others are taken to be.
const HARMLESS: &[&str] = &[
    "access", "schema", "database", "db", "dbname", "host", "hostname", "hosts", "instance",
    "name", "port", "ports", "protocol", "provider", "scheme", "ssl", "sslmode", "tls", "type",
    "user", "username", "vhost",
];

/// Names that tell of a secret, in parameters.
const TELLING: &[&str] = &["password", "passwd", "secret", "token", "private_key", "credential"];

/// Masks credentials and telling parameters, wherever they are in a body of the admin API.
pub(super) fn view(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            for (name, value) in fields {
                match name.as_str() {
                    "credentials" => credentials(value),
                    "parameters" => parameters(value),
                    _ => view(value),
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(view),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// All but harmless fields; of an address, only its password.
fn credentials(value: &mut Value) {
    let mut secrets = Vec::new();
    mask_unless_harmless("", value, &mut secrets);
    scrub(value, &secrets);
}

fn mask_unless_harmless(name: &str, value: &mut Value, secrets: &mut Vec<String>) {
    match value {
        Value::Object(fields) => {
            for (name, value) in fields {
                mask_unless_harmless(name, value, secrets);
            }
        }
        Value::Array(items) => {
            for item in items {
                mask_unless_harmless(name, item, secrets);
            }
        }
        Value::String(text) => {
            if let Some(address) = address_without_password(text, secrets) {
                *text = address;
            } else if !HARMLESS.contains(&name.to_lowercase().as_str()) {
                secrets.push(std::mem::replace(text, MASK.to_owned()));
            }
        }
        Value::Number(_) if !HARMLESS.contains(&name.to_lowercase().as_str()) => {
            *value = Value::from(MASK);
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// `scheme://user:********@host/…`, if it is an address of that shape and nothing more.
fn address_without_password(text: &str, secrets: &mut Vec<String>) -> Option<String> {
    let mut url = reqwest::Url::parse(text).ok().filter(reqwest::Url::has_host)?;
    secrets.push(url.password()?.to_owned());
    url.set_password(Some(MASK)).ok()?;
    url.set_query(url.query().map(|_| MASK));
    Some(url.to_string())
}

/// A secret found in one field must not stand in another, whatever that is called.
fn scrub(value: &mut Value, secrets: &[String]) {
    match value {
        Value::Object(fields) => fields.values_mut().for_each(|value| scrub(value, secrets)),
        Value::Array(items) => items.iter_mut().for_each(|item| scrub(item, secrets)),
        Value::String(text) => {
            // Shorter ones would tear holes into host names.
            for secret in secrets.iter().filter(|secret| secret.len() >= 8) {
                if text.contains(secret.as_str()) {
                    *text = text.replace(secret.as_str(), MASK);
                }
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// Only texts and numbers: a JSON Schema of parameters describes a `password` by an object.
fn parameters(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            for (name, value) in fields {
                let name = name.to_lowercase();
                let telling = TELLING.iter().any(|word| name.contains(word));
                if telling && (value.is_string() || value.is_number()) {
                    *value = Value::from(MASK);
                } else {
                    parameters(value);
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(parameters),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn credentials_keep_what_is_harmless() {
        let mut body = json!({"binding": {"credentials": {
            "host": "127.0.0.1", "port": 20000, "username": "u1", "password": "geheim-geheim",
            "uri": "redis://u1:geheim-geheim@127.0.0.1:20000/0?x=geheim-geheim",
            "jdbc_url": "jdbc:postgresql://127.0.0.1/db?user=u1&password=geheim-geheim",
            "name": "holds geheim-geheim", "pin": 1234, "nodes": [{"host": "a", "key": "k"}],
        }}});
        view(&mut body);
        assert!(!body.to_string().contains("geheim"));
        assert_eq!(
            body["binding"]["credentials"],
            json!({
                "host": "127.0.0.1", "port": 20000, "username": "u1", "password": MASK,
                "uri": format!("redis://u1:{MASK}@127.0.0.1:20000/0?{MASK}"),
                "jdbc_url": MASK, "name": format!("holds {MASK}"), "pin": MASK,
                "nodes": [{"host": "a", "key": MASK}],
            })
        );
    }

    #[test]
    fn parameters_lose_only_what_tells() {
        let mut body =
            json!({"parameters": {"maxmemory_policy": "noeviction", "admin_password": "x"}});
        view(&mut body);
        assert_eq!(
            body,
            json!({"parameters": {"maxmemory_policy": "noeviction", "admin_password": MASK}})
        );
        let schema =
            json!({"parameters": {"create": {"properties": {"password": {"type": "string"}}}}});
        let mut same = schema.clone();
        view(&mut same);
        assert_eq!(same, schema);
    }
}
