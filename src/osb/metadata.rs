//! `metadata` of service instances (§Service Instance Metadata): what a platform may show and search.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::Version;
use crate::model::Object;

/// What is told of an instance beside its parameters.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Metadata {
    /// Short, for searching.
    pub labels: BTreeMap<String, String>,
    /// For reading.
    pub attributes: BTreeMap<String, String>,
}

impl Metadata {
    /// Adds the field to a body: `labels` came with 2.16, `attributes` with 2.17.
    pub fn add_to(&self, body: &mut Object, version: Version) {
        let mut metadata = Object::new();
        if version >= Version::V2_16 && !self.labels.is_empty() {
            metadata.insert("labels".into(), json!(self.labels));
        }
        if version >= Version::V2_17 && !self.attributes.is_empty() {
            metadata.insert("attributes".into(), json!(self.attributes));
        }
        if !metadata.is_empty() {
            body.insert("metadata".into(), Value::Object(metadata));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_part_from_its_version_on() {
        let one = |text: &str| BTreeMap::from([(text.to_owned(), "x".to_owned())]);
        let metadata = Metadata { labels: one("label"), attributes: one("attribute") };
        let body = |version: &str| {
            let mut body = Object::new();
            metadata.add_to(&mut body, Version::parse(version).unwrap());
            Value::Object(body)
        };
        assert_eq!(body("2.15"), json!({}));
        assert_eq!(body("2.16"), json!({"metadata": {"labels": {"label": "x"}}}));
        assert_eq!(
            body("2.17"),
            json!({"metadata": {"labels": {"label": "x"}, "attributes": {"attribute": "x"}}})
        );
        let mut empty = Object::new();
        Metadata::default().add_to(&mut empty, Version::V2_17);
        assert!(empty.is_empty());
    }
}
