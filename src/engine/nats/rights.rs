//! What a bound app may do.

use serde_json::{Value, json};

use crate::engine::read_only;
use crate::model::{Fault, Object};

/// JetStream's requests that look, and what consumers say: taking messages is reading. What makes,
/// changes or removes streams and other apps' consumers is not among them.
/// <https://docs.nats.io/reference/reference-protocols/nats_api_reference>
const LOOKING: [&str; 12] = [
    "$JS.API.INFO",
    "$JS.API.STREAM.NAMES",
    "$JS.API.STREAM.LIST",
    "$JS.API.STREAM.INFO.*",
    "$JS.API.STREAM.MSG.GET.*",
    "$JS.API.DIRECT.GET.>",
    "$JS.API.CONSUMER.NAMES.*",
    "$JS.API.CONSUMER.LIST.*",
    "$JS.API.CONSUMER.INFO.*.*",
    "$JS.API.CONSUMER.MSG.NEXT.*.*",
    "$JS.ACK.>",
    "$JS.FC.>",
];

/// A user's `permissions`. <https://docs.nats.io/running-a-nats-service/configuration/securing_nats/authorization>
///
/// # Errors
/// `Fatal` when `read_only` is not a boolean, or `subject_prefix` is no part of a subject.
pub(super) fn permissions(parameters: &Object) -> Result<Value, Fault> {
    let read_only = read_only(parameters)?;
    Ok(match (prefix(parameters)?, read_only) {
        (None, false) => json!({"publish": ">", "subscribe": ">"}),
        (None, true) => json!({"publish": LOOKING, "subscribe": ">"}),
        // Answers go where the one who asked said, once.
        (Some(below), false) => {
            json!({"publish": below, "subscribe": below, "allow_responses": true})
        }
        (Some(below), true) => json!({"publish": {"deny": ">"}, "subscribe": below}),
    })
}

/// The subjects that the app is held to, where it is.
fn prefix(parameters: &Object) -> Result<Option<String>, Fault> {
    let Some(value) = parameters.get("subject_prefix") else { return Ok(None) };
    let plain = |token: &str| {
        !token.is_empty() && token.chars().all(|c| c.is_ascii_alphanumeric() || "_-".contains(c))
    };
    let prefix = value.as_str().filter(|text| text.split('.').all(plain));
    let prefix = prefix.map(|prefix| Some(format!("{prefix}.>")));
    prefix.ok_or_else(|| {
        Fault::fatal("subject_prefix is names of letters, digits and `_-`, with dots between")
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::FaultKind;

    fn of(parameters: &Value) -> Result<Value, Fault> {
        permissions(parameters.as_object().expect("an object"))
    }

    #[test]
    fn a_reader_publishes_nothing_of_its_own() {
        let granted = of(&json!({"read_only": true})).unwrap();
        assert_eq!(granted["subscribe"], ">");
        let allowed = granted["publish"].as_array().unwrap();
        assert!(allowed.iter().all(|subject| subject.as_str().unwrap().starts_with("$JS.")));
        assert!(of(&json!({"read_only": "yes"})).is_err());
    }

    #[test]
    fn a_prefix_bounds_both_ways_and_is_no_pattern() {
        let granted = of(&json!({"subject_prefix": "shop.orders"})).unwrap();
        assert_eq!(granted["publish"], "shop.orders.>");
        assert_eq!(granted["subscribe"], "shop.orders.>");
        let reader = of(&json!({"subject_prefix": "shop", "read_only": true})).unwrap();
        assert_eq!(reader, json!({"publish": {"deny": ">"}, "subscribe": "shop.>"}));
        for prefix in ["", "*", ">", "a.>", "a..b", ".a", "a.", "a b", "a\n", "é", "$SYS"] {
            let fault = of(&json!({"subject_prefix": prefix})).unwrap_err();
            assert_eq!(fault.kind, FaultKind::Fatal, "{prefix}");
        }
        assert!(of(&json!({"subject_prefix": 1})).is_err());
    }
}
