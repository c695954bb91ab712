//! What an image is built from: files of the catalog, and files of the network that are fetched
//! beside them, each pinned by its checksum.

use std::collections::BTreeMap;

use bytes::Bytes;
use sha2::{Digest as _, Sha256};

use crate::id::hex;

/// Everything that a build needs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Makings {
    /// By path within the build's context.
    pub files: BTreeMap<String, Bytes>,
    /// What has to be fetched before.
    pub fetches: Vec<Fetch>,
}

impl Makings {
    /// 64 hexadecimal digits: others where anything is another.
    #[must_use]
    pub fn fingerprint(&self) -> String {
        let mut hash = Sha256::new();
        let mut add = |part: &[u8]| {
            hash.update((part.len() as u64).to_be_bytes());
            hash.update(part);
        };
        for (path, content) in &self.files {
            add(path.as_bytes());
            add(content);
        }
        // What is fetched is as good as its checksum, wherever it comes from.
        for fetch in &self.fetches {
            add(fetch.sha256.as_bytes());
            add(fetch.into.as_bytes());
        }
        hex(&hash.finalize())
    }
}

impl From<BTreeMap<String, Bytes>> for Makings {
    fn from(files: BTreeMap<String, Bytes>) -> Self {
        Self { files, fetches: Vec::new() }
    }
}

/// A file of the network.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fetch {
    /// Where it is.
    pub origin: Origin,
    /// 64 hexadecimal digits, in lower case.
    pub sha256: String,
    /// Its path within the build's context.
    pub into: String,
}

/// Where a file of the network is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// At `https://…`.
    Url(String),
    /// Below the base of whichever Maven repository the settings name.
    Maven(String),
}

impl Origin {
    /// A jar by its coordinates, `group:artifact:version`. None: those are none.
    #[must_use]
    pub fn jar(coordinates: &str) -> Option<Self> {
        let parts: Vec<&str> = coordinates.split(':').collect();
        let [group, artifact, version] = parts[..] else { return None };
        let plain = |part: &&str| {
            part.starts_with(|c: char| c.is_ascii_alphanumeric())
                && !part.contains("..")
                && part.chars().all(|c| c.is_ascii_alphanumeric() || "._-".contains(c))
        };
        let group = parts.iter().all(plain).then(|| group.replace('.', "/"))?;
        Some(Self::Maven(format!("{group}/{artifact}/{version}/{artifact}-{version}.jar")))
    }

    /// The last part of its path.
    #[must_use]
    pub fn file_name(&self) -> &str {
        let (Self::Url(path) | Self::Maven(path)) = self;
        path.rsplit('/').next().unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn coordinates_name_a_jar() {
        let jar = Origin::jar("org.apache.kafka:kafka_2.13:4.4.0").unwrap();
        let path = "org/apache/kafka/kafka_2.13/4.4.0/kafka_2.13-4.4.0.jar";
        assert_eq!(jar, Origin::Maven(path.to_owned()));
        assert_eq!(jar.file_name(), "kafka_2.13-4.4.0.jar");
        for other in ["a:b", "a:b:1:x", "a:b:", "a:..:1", "a/b:c:1", "a:b:1?x", "../a:b:1"] {
            assert_eq!(Origin::jar(other), None, "{other}");
        }
    }
}
