//! What a bound app may do.

use sha2::{Digest, Sha256};

use crate::engine::Grant;
use crate::id::hex;
use crate::model::Fault;

/// All of Redis but its administration. `@dangerous` also holds a few commands that apps need.
const READ_WRITE: &[&str] = &[
    "~*",
    "&*",
    "+@all",
    "-@admin",
    "-@dangerous",
    "+info",
    "+keys",
    "+flushdb",
    "+flushall",
    "+sort",
    "+sort_ro",
    "+restore",
    "+role",
];

/// Reading and listening. `%R~*` holds even where a script or a later command would write.
const READ_ONLY: &[&str] = &[
    "%R~*",
    "&*",
    "-@all",
    "+@read",
    "+@connection",
    "+@pubsub",
    "-publish",
    "-spublish",
    "+multi",
    "+exec",
    "+discard",
    "+watch",
    "+unwatch",
    "-@dangerous",
    "+info",
    "+eval_ro",
    "+evalsha_ro",
    "+fcall_ro",
];

/// The rules of a user, for `ACL SETUSER`: complete, so that a repeated grant ends in the same.
///
/// # Errors
/// `Fatal` when `read_only` is not a boolean.
pub(super) fn rules(grant: &Grant) -> Result<Vec<String>, Fault> {
    let rights = match grant.parameters.get("read_only") {
        None => READ_WRITE,
        Some(value) => match value.as_bool() {
            Some(true) => READ_ONLY,
            Some(false) => READ_WRITE,
            None => return Err(Fault::fatal(format!("read_only is not a boolean: {value}"))),
        },
    };
    let fixed = ["reset", "on"].into_iter().chain(rights.iter().copied()).map(str::to_owned);
    Ok(fixed.chain([hashed(grant.password.expose())]).collect())
}

/// The password as a rule that does not show it: commands are seen by `MONITOR` and the slow log.
fn hashed(password: &str) -> String {
    format!("#{}", hex(&Sha256::digest(password.as_bytes())))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::model::FaultKind;

    fn grant(parameters: &serde_json::Value) -> Grant {
        Grant {
            user: "b1".to_owned(),
            password: "abc".into(),
            parameters: parameters.as_object().expect("an object").clone(),
            expires_at: None,
        }
    }

    #[test]
    fn the_password_is_never_sent_in_clear() {
        let rules = rules(&grant(&json!({}))).unwrap();
        assert_eq!(rules[0], "reset");
        assert!(rules.contains(
            &"#ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad".to_owned()
        ));
        assert!(rules.iter().all(|rule| rule != "abc" && rule != ">abc"));
    }

    #[test]
    fn read_only_is_a_boolean() {
        assert!(rules(&grant(&json!({"read_only": true}))).unwrap().contains(&"%R~*".to_owned()));
        assert!(rules(&grant(&json!({"read_only": false}))).unwrap().contains(&"~*".to_owned()));
        let fault = rules(&grant(&json!({"read_only": "yes"}))).unwrap_err();
        assert_eq!(fault.kind, FaultKind::Fatal);
    }
}
