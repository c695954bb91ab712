//! Secrets that do not print themselves, and their making. Sealing for storage is in [`seal`].

pub mod seal;

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use subtle::ConstantTimeEq;

/// Text that must not be seen: `Debug` prints `***` and there is no `Display`.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Secret(String);

impl Secret {
    /// The text itself. Every call is a place to look at in a review.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// 32 letters and digits (190 bits): no escaping question arises in any URL, shell, SQL or YAML.
    #[must_use]
    pub fn generate() -> Self {
        Self(random_alphanumeric(32))
    }

    /// Compares without telling by its duration where the two differ.
    #[must_use]
    pub fn matches(&self, other: &str) -> bool {
        use sha2::{Digest, Sha256};
        Sha256::digest(self.0.as_bytes()).ct_eq(&Sha256::digest(other.as_bytes())).into()
    }
}

impl From<String> for Secret {
    fn from(text: String) -> Self {
        Self(text)
    }
}

impl From<&str> for Secret {
    fn from(text: &str) -> Self {
        Self(text.to_owned())
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

impl<'de> Deserialize<'de> for Secret {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(Self)
    }
}

/// For `#[serde(serialize_with = "secret::exposed")]`: writing a secret out is always asked for by
/// name, on the field that needs it.
///
/// # Errors
/// Whatever the serializer reports.
pub fn exposed<S: Serializer>(secret: &Secret, serializer: S) -> Result<S::Ok, S::Error> {
    secret.0.serialize(serializer)
}

/// `length` characters of `[A-Za-z0-9]`, each equally likely.
fn random_alphanumeric(length: usize) -> String {
    const ALPHABET: &[u8; 62] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
    let mut text = String::with_capacity(length);
    let mut bytes = [0_u8; 64];
    while text.len() < length {
        getrandom::fill(&mut bytes).expect("the system's random source never fails once started");
        // 248 is the largest multiple of 62 in a byte: what lies above would favour some letters.
        let fair = bytes.iter().filter(|byte| **byte < 248).map(|byte| usize::from(*byte % 62));
        text.extend(fair.take(length - text.len()).map(|index| char::from(ALPHABET[index])));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_does_not_print_itself() {
        let secret = Secret::from("hunter2");
        assert_eq!(format!("{secret:?} {:?}", Some(&secret)), "*** Some(***)");
    }

    #[test]
    fn generated_secrets_need_no_escaping() {
        let text = Secret::generate();
        assert_eq!(text.expose().len(), 32);
        assert!(text.expose().bytes().all(|b| b.is_ascii_alphanumeric()));
        assert_ne!(text, Secret::generate());
    }

    #[test]
    fn comparison_is_by_content() {
        assert!(Secret::from("a").matches("a"));
        assert!(!Secret::from("a").matches("b"));
    }
}
