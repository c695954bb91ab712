//! `X-Broker-API-Originating-Identity` and `X-Broker-API-Request-Identity`.

use base64::Engine as _;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

/// Beyond this many bytes what is kept of a header is cut off.
const LONGEST: usize = 2048;

/// Decodes `<platform> <base64 of a JSON object>` to `<platform> <JSON>` (requirement 8). What is
/// malformed is nobody: the request goes on without.
#[must_use]
pub fn originating(header: &str) -> Option<String> {
    const LENIENT: GeneralPurpose = GeneralPurpose::new(
        &STANDARD,
        GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
    );
    let (platform, encoded) = header.trim().split_once(' ')?;
    let bytes = LENIENT.decode(encoded.trim()).ok()?;
    let value: serde_json::Value = serde_json::from_slice(&bytes).ok()?;
    value.is_object().then(|| bounded(&format!("{platform} {value}")))
}

/// A request identity as it may go into logs: bounded, without control characters
/// (requirement 11).
#[must_use]
pub fn request(header: &str) -> Option<String> {
    let text = bounded(header.trim());
    (!text.is_empty()).then_some(text)
}

fn bounded(text: &str) -> String {
    let mut kept: String = text.chars().filter(|c| !c.is_control()).collect();
    if kept.len() > LONGEST {
        let end = (0..=LONGEST).rev().find(|end| kept.is_char_boundary(*end)).unwrap_or(0);
        kept.truncate(end);
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decodes_what_platforms_send_and_forgives_the_rest() {
        // {"user_id":"x"}
        let sent = originating("cloudfoundry eyJ1c2VyX2lkIjoieCJ9");
        assert_eq!(sent.as_deref(), Some(r#"cloudfoundry {"user_id":"x"}"#));
        assert!(originating("kubernetes eyJhIjoxfQ").is_some(), "padding may be missing");
        for bad in ["", "x", "x !!!", "x bnVsbA=="] {
            assert_eq!(originating(bad), None, "{bad}");
        }
    }

    #[test]
    fn request_identity_is_bounded() {
        assert_eq!(request(" a\u{7}b ").as_deref(), Some("ab"));
        assert_eq!(request(" "), None);
        assert_eq!(request(&"é".repeat(5000)).unwrap().len(), LONGEST);
    }
}
