//! `credentials.json.hbs`: what an app gets.

use serde_json::{Value, json};

use super::{Login, template};
use crate::model::Object;

/// Renders a workload's credentials text for one login.
///
/// # Errors
/// What is wrong with the text; never the password.
pub fn credentials(template: &str, login: &Login<'_>) -> Result<Object, String> {
    parse(&template::render_json(template, &context(login))?)
}

pub(super) fn context(login: &Login<'_>) -> Value {
    json!({
        "host": login.host,
        "ports": login.ports,
        "user": login.user,
        "password": login.password.expose(),
        "database": login.database.unwrap_or_default(),
        "tls": {
            "on": login.tls.is_on(),
            "required": login.tls.is_required(),
            "authority": login.authority.unwrap_or_default(),
        },
        "parameters": login.parameters,
    })
}

/// What was rendered, as an object without nulls.
pub(super) fn parse(text: &str) -> Result<Object, String> {
    let value: Value = serde_json::from_str(text).map_err(|error| {
        format!("what it renders to is not JSON: line {}, column {}", error.line(), error.column())
    })?;
    let Value::Object(object) = value else {
        return Err("credentials are a JSON object".to_owned());
    };
    match null_in(&object) {
        // java-cfenv calls toString() on every value.
        Some(key) => Err(format!("`{key}` is null, at which Java apps fail: leave it out")),
        None => Ok(object),
    }
}

/// The first key whose value is null or holds one.
fn null_in(object: &Object) -> Option<&str> {
    fn holds_null(value: &Value) -> bool {
        match value {
            Value::Null => true,
            Value::Array(items) => items.iter().any(holds_null),
            Value::Object(fields) => fields.values().any(holds_null),
            Value::Bool(_) | Value::Number(_) | Value::String(_) => false,
        }
    }
    object.iter().find(|(_, value)| holds_null(value)).map(|(key, _)| key.as_str())
}

/// What client libraries rely on, for the check of a catalog.
pub(super) fn faults(object: &Object, login: &Login<'_>) -> Vec<String> {
    let mut faults = Vec::new();
    for (key, wanted) in [("username", login.user), ("password", login.password.expose())] {
        if object.get(key).and_then(Value::as_str) != Some(wanted) {
            faults.push(format!("`{key}` must be the binding's own"));
        }
    }
    if login.tls.is_on() && object.get("ca_certificate").and_then(Value::as_str) != login.authority
    {
        faults.push("`ca_certificate` must be {{tls.authority}} where there is TLS".to_owned());
    }
    for key in ["host", "hostname", "port", "uri"] {
        if !object.contains_key(key) {
            faults.push(format!("`{key}` is missing, by which client libraries find a service"));
        }
    }
    let uris = object.iter().filter(|(key, _)| matches!(key.as_str(), "uri" | "url"));
    for (key, uri) in uris {
        if !uri.as_str().is_some_and(has_explicit_port) {
            faults.push(format!("`{key}` must say scheme, host and port: redis://host:6379"));
        }
    }
    faults
}

/// Libraries that are left to guess a port take -1.
fn has_explicit_port(uri: &str) -> bool {
    let Some((scheme, rest)) = uri.split_once("://") else { return false };
    let authority = rest.split(['/', '?']).next().unwrap_or_default();
    let hosts = authority.rsplit('@').next().unwrap_or_default();
    let with_port = |host: &str| {
        host.rsplit_once(':').is_some_and(|(name, port)| {
            !name.is_empty() && port.parse::<u16>().is_ok_and(|port| port > 0)
        })
    };
    !scheme.is_empty() && hosts.split(',').all(with_port)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::tls::Mode;

    #[test]
    fn nulls_and_other_shapes_are_refused() {
        for (text, wanted) in [
            ("{\"a\": null}", "`a` is null"),
            ("{\"a\": [{\"b\": null}]}", "`a` is null"),
            ("[]", "a JSON object"),
            ("{\"a\": }", "line 1, column 7"),
            ("{\"a\": \"{{pasword}}\"}", "pasword"),
        ] {
            let login = Login {
                host: "127.0.0.1",
                ports: &[("redis".to_owned(), 20_000)].into(),
                user: "b1",
                password: &"hunter2".into(),
                database: None,
                tls: Mode::Off,
                authority: None,
                parameters: &Object::new(),
            };
            let told = credentials(text, &login).unwrap_err();
            assert!(told.contains(wanted) && !told.contains("hunter2"), "{text}: {told}");
        }
    }

    #[test]
    fn a_uri_says_its_port() {
        assert!(has_explicit_port("redis://u:p@host:6379/0"));
        assert!(has_explicit_port("postgres://u:p@h1:1,h2:2/app?x=y:z"));
        assert!(!has_explicit_port("redis://u:p@host/0"));
        assert!(!has_explicit_port("redis://host:0/0"));
        assert!(!has_explicit_port("host:6379"));
    }
}
