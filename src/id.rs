//! Identifiers: one type each, so that swapping two arguments does not compile.
//!
//! Ids of the Open Service Broker API are arbitrary strings (requirement 18): they never reach a
//! container name, a file name or SQL text. What does is an [`InstanceKey`] or [`BindingKey`],
//! a short hash of them.

use std::fmt::{self, Write as _};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(String);

        impl $name {
            /// The id as text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl From<String> for $name {
            fn from(text: String) -> Self {
                Self(text)
            }
        }

        impl From<&str> for $name {
            fn from(text: &str) -> Self {
                Self(text.to_owned())
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    )*};
}

ids! {
    /// A service instance, as the platform named it.
    InstanceId;
    /// A service binding, as the platform named it.
    BindingId;
    /// A service offering of the catalog (`service_id` on the wire).
    OfferingId;
    /// A plan of the catalog.
    PlanId;
    /// A platform that calls us, as the settings name it.
    PlatformName;
    /// Who instances belong to: a platform and its organization or namespace.
    TenantId;
    /// One asked-for change; also the `operation` token on the wire: unreserved characters only.
    OperationId;
    /// This broker among others on the same engine: the value of the label `banquet.broker`.
    BrokerId;
    /// What an instance is called wherever its own id must not go: 16 hexadecimal digits.
    InstanceKey;
    /// The same for a binding.
    BindingKey;
}

impl InstanceKey {
    /// Two platforms may use the same instance id without meeting.
    #[must_use]
    pub fn derive(platform: &PlatformName, instance: &InstanceId) -> Self {
        Self(digest(&["instance", platform.as_str(), instance.as_str()]))
    }
}

impl BindingKey {
    /// A binding id need be unique within its instance only.
    #[must_use]
    pub fn derive(instance: &InstanceKey, binding: &BindingId) -> Self {
        Self(digest(&["binding", instance.as_str(), binding.as_str()]))
    }
}

impl TenantId {
    /// A name for the tenant's network: 16 hexadecimal digits.
    #[must_use]
    pub fn key(&self) -> String {
        digest(&["tenant", self.as_str()])
    }
}

/// 64 bits of SHA-256 over the parts, each led by its length so that no two lists of parts collide.
fn digest(parts: &[&str]) -> String {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part);
    }
    hex(&hash.finalize()[..8])
}

/// Bytes as hexadecimal digits.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(2 * bytes.len()), |mut text, byte| {
        write!(text, "{byte:02x}").expect("a String takes all");
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_safe_whatever_the_id() {
        let key = InstanceKey::derive(&"cf".into(), &"../a/b c'\"%2F\u{202e}".into());
        assert_eq!(key.as_str().len(), 16);
        assert!(key.as_str().bytes().all(|b| b.is_ascii_hexdigit()));
    }

    #[test]
    fn r17_platforms_do_not_meet() {
        let id: InstanceId = "1".into();
        assert_ne!(InstanceKey::derive(&"a".into(), &id), InstanceKey::derive(&"b".into(), &id));
        assert_ne!(
            InstanceKey::derive(&"ab".into(), &"c".into()),
            InstanceKey::derive(&"a".into(), &"bc".into())
        );
    }
}
