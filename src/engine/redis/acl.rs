//! What a bound app may do.

use sha2::{Digest, Sha256};

use crate::engine::{Grant, read_only};
use crate::id::hex;
use crate::model::Fault;

/// All of Redis but its administration. `@dangerous` also holds a few commands that apps need.
const READ_WRITE: &[&str] = &[
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

/// Reading and listening.
const READ_ONLY: &[&str] = &[
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

/// What shows or takes the keys of others: access lists do not look at patterns there.
const OF_ALL_KEYS: &[&str] =
    &["-keys", "-scan", "-randomkey", "-dbsize", "-flushdb", "-flushall", "-swapdb"];

/// The rules of a user, for `ACL SETUSER`: complete, so that a repeated grant ends in the same.
///
/// # Errors
/// `Fatal` when `read_only` is not a boolean, or `key_prefix` holds what patterns are made of.
pub(super) fn rules(grant: &Grant) -> Result<Vec<String>, Fault> {
    let prefix = prefix(grant)?;
    let read_only = read_only(&grant.parameters)?;
    let (keys, rights) = if read_only { ("%R~", READ_ONLY) } else { ("~", READ_WRITE) };
    // What may only read a key holds even where a script or a later command would write.
    let scope = [format!("{keys}{prefix}*"), format!("&{prefix}*")];
    let hidden = if prefix.is_empty() { &[] } else { OF_ALL_KEYS };
    let fixed = rights.iter().chain(hidden).map(|rule| (*rule).to_owned());
    let begin = ["reset", "on"].map(str::to_owned).into_iter().chain(scope);
    Ok(begin.chain(fixed).chain([hashed(grant.password.expose())]).collect())
}

/// Where the app's keys and channels begin; empty: anywhere.
fn prefix(grant: &Grant) -> Result<&str, Fault> {
    let Some(value) = grant.parameters.get("key_prefix") else { return Ok("") };
    let plain = |c: char| c.is_ascii_alphanumeric() || "._:-".contains(c);
    let prefix = value.as_str().filter(|text| text.chars().all(plain));
    prefix.ok_or_else(|| Fault::fatal("key_prefix has letters, digits and `._:-`"))
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
    fn a_prefix_bounds_keys_and_channels_and_is_no_pattern() {
        let granted = rules(&grant(&json!({"key_prefix": "orders:"}))).unwrap();
        for rule in ["~orders:*", "&orders:*", "-scan", "-flushdb"] {
            assert!(granted.contains(&rule.to_owned()), "{rule}");
        }
        assert!(!granted.contains(&"~*".to_owned()));
        for prefix in ["*", "a[b", "a b", "a ~*", "\n", "é"] {
            let fault = rules(&grant(&json!({"key_prefix": prefix}))).unwrap_err();
            assert_eq!(fault.kind, FaultKind::Fatal, "{prefix}");
        }
    }

    #[test]
    fn read_only_is_a_boolean() {
        assert!(rules(&grant(&json!({"read_only": true}))).unwrap().contains(&"%R~*".to_owned()));
        assert!(rules(&grant(&json!({"read_only": false}))).unwrap().contains(&"~*".to_owned()));
        let fault = rules(&grant(&json!({"read_only": "yes"}))).unwrap_err();
        assert_eq!(fault.kind, FaultKind::Fatal);
    }
}
