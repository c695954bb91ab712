//! `/openapi.json`: what this broker serves, in [OpenAPI 3.1](https://spec.openapis.org/oas/v3.1.1).
//!
//! `openapi/*.yaml` is the description, a file for each area; `tests/broker/openapi.rs` holds it
//! against the routes and their answers, `tests/fuzz` tries what it allows and what it does not.

use std::sync::LazyLock;

use axum::http::HeaderMap;
use axum::response::Response;
use serde_json::{Map, Value};

use super::answer;
use crate::catalog::sha256_hex;

const PARTS: [&str; 8] = [
    include_str!("openapi/document.yaml"),
    include_str!("openapi/platform.yaml"),
    include_str!("openapi/catalog.yaml"),
    include_str!("openapi/instances.yaml"),
    include_str!("openapi/bindings.yaml"),
    include_str!("openapi/administrator.yaml"),
    include_str!("openapi/views.yaml"),
    include_str!("openapi/process.yaml"),
];

/// The description's bytes and their tag.
static DESCRIPTION: LazyLock<(Vec<u8>, String)> = LazyLock::new(|| {
    let body = serde_json::to_vec(&document()).expect("a document of texts and maps serialises");
    let etag = format!("\"{}\"", sha256_hex(&body));
    (body, etag)
});

/// The description as it is served: JSON.
#[must_use]
pub fn description() -> &'static [u8] {
    &DESCRIPTION.0
}

/// The description, without credentials; 304 to who has it.
pub(super) async fn describe(headers: HeaderMap) -> Response {
    let (body, etag) = &*DESCRIPTION;
    answer::tagged(&headers, etag, body)
}

fn document() -> Value {
    let mut document = Map::new();
    for part in PARTS {
        merge(&mut document, serde_saphyr::from_str(part).expect("a test parses every part"));
    }
    Value::Object(document)
}

/// Adds a part's maps to the document's; what stands in both must be maps in both.
fn merge(document: &mut Map<String, Value>, part: Map<String, Value>) {
    for (key, value) in part {
        match (document.get_mut(&key), value) {
            (Some(Value::Object(known)), Value::Object(more)) => merge(known, more),
            (present, value) => {
                assert!(present.is_none(), "`{key}` is described twice");
                document.insert(key, value);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_parts_make_a_document_whose_references_lead_somewhere() {
        let document = document();
        let text = document.to_string();
        let references: Vec<&str> =
            text.split("\"$ref\":\"#").skip(1).filter_map(|rest| rest.split('"').next()).collect();
        assert!(references.len() > 100, "{}", references.len());
        for reference in references {
            assert!(document.pointer(reference).is_some(), "{reference}");
        }
        for kind in ["schemas", "responses", "parameters", "headers"] {
            for name in document["components"][kind].as_object().unwrap().keys() {
                let reference = format!("\"#/components/{kind}/{name}\"");
                assert!(text.contains(&reference), "nothing refers to {reference}");
            }
        }
    }
}
