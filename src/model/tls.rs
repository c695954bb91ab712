//! What encrypts the way to an instance: how a plan wants it, and the certificate that an instance
//! shows.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::clock::Millis;
use crate::secret::{self, Secret};

/// How apps reach an instance.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Mode {
    /// In the clear.
    #[default]
    Off,
    /// In the clear or over TLS, as they like.
    Optional,
    /// Over TLS alone.
    Required,
}

/// What an instance shows to its clients. Made by the broker's authority, kept with the workload.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Identity {
    /// The certificate, in PEM.
    pub certificate: String,
    /// Its private key: PKCS#8, in PEM.
    #[serde(serialize_with = "secret::exposed")]
    pub key: Secret,
    /// The certificate of the authority that signed it, in PEM: what clients verify it by.
    pub authority: String,
    /// The host names and addresses that it is good for, in order.
    pub names: Vec<String>,
    /// When it was made, in ms since 1970.
    pub made_at: Millis,
    /// When it ends, in ms since 1970.
    pub ends_at: Millis,
}

/// What of an [`Identity`] a file holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Part {
    /// The certificate.
    Certificate,
    /// The private key.
    Key,
    /// The private key, then the certificate.
    Bundle,
    /// The authority's certificate.
    Authority,
}

impl Mode {
    /// Every mode.
    pub const ALL: [Self; 3] = [Self::Off, Self::Optional, Self::Required];

    /// As written in a catalog.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Off => "off",
            Self::Optional => "optional",
            Self::Required => "required",
        }
    }

    /// From what is written.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|mode| mode.as_str() == text)
    }

    /// Whether apps can come over TLS.
    #[must_use]
    pub const fn is_on(self) -> bool {
        !self.is_off()
    }

    /// Whether there is no TLS.
    #[must_use]
    pub const fn is_off(&self) -> bool {
        matches!(self, Self::Off)
    }

    /// Whether apps cannot come in the clear.
    #[must_use]
    pub const fn is_required(self) -> bool {
        matches!(self, Self::Required)
    }
}

impl fmt::Display for Mode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Identity {
    /// The text of a file that holds this part.
    #[must_use]
    pub fn part(&self, part: Part) -> Secret {
        match part {
            Part::Certificate => self.certificate.as_str().into(),
            Part::Key => self.key.clone(),
            Part::Bundle => format!("{}{}", self.key.expose(), self.certificate).into(),
            Part::Authority => self.authority.as_str().into(),
        }
    }

    /// Whether it is time to make the next: two thirds of its life are over, so that a broker that
    /// was away for months is still in time.
    #[must_use]
    pub fn is_due(&self, now: Millis) -> bool {
        now >= self.made_at + (self.ends_at - self.made_at) / 3 * 2
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn identity() -> Identity {
        Identity {
            certificate: "C\n".to_owned(),
            key: "K\n".into(),
            authority: "A\n".to_owned(),
            names: vec!["localhost".to_owned()],
            made_at: 1_000,
            ends_at: 4_000,
        }
    }

    #[test]
    fn a_bundle_is_the_key_and_then_the_certificate() {
        let parts = [Part::Certificate, Part::Key, Part::Bundle, Part::Authority];
        let texts = parts.map(|part| identity().part(part).expose().to_owned());
        assert_eq!(texts, ["C\n", "K\n", "K\nC\n", "A\n"]);
    }

    #[test]
    fn the_last_third_of_its_life_is_for_renewing_it() {
        assert!(!identity().is_due(2_999));
        assert!(identity().is_due(3_000));
    }

    #[test]
    fn modes_are_written_as_they_are_read() {
        for mode in Mode::ALL {
            assert_eq!(Mode::parse(mode.as_str()), Some(mode));
            assert_eq!(serde_json::to_value(mode).unwrap(), mode.as_str());
        }
        assert_eq!(Mode::parse("on"), None);
    }
}
