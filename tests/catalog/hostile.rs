//! Whatever is given for a text stays a text.

use banquet::catalog::Catalog;
use banquet::model::{Object, Workload};
use serde_json::{Value, json};

use crate::{ENGINES, echo, login, object, shipped, workload};

/// Ends a value, or opens another, somewhere.
const HOSTILE: [&str; 16] = [
    "\"",
    "'",
    "a\nb: c",
    "a\r\nrequirepass x",
    "}\n{",
    "\\",
    "a # b",
    "{{admin.password}}",
    "{{{x}}}",
    "{{address.host}}",
    "\u{e000}address.host\u{e000}",
    "- a: b",
    "\u{0}",
    "\u{202e}\u{2028}é😀",
    "' ; DROP ROLE postgres; --",
    "$(reboot) `reboot` ${HOME}",
];

/// Whatever is given for a text: the schema refuses it, or the file refuses it without telling it,
/// or it is a text in the same place and nothing else has changed. Without the schema's help, too.
#[test]
fn no_text_becomes_syntax() {
    let fixture = Catalog::load(echo(&[]), &ENGINES).unwrap();
    let mut tried = 0;
    for offering in shipped().offerings.iter().chain(&fixture.offerings) {
        let texts = texts(offering.schemas.create.document())
            .into_iter()
            .chain(texts(offering.schemas.update.document()));
        for name in texts {
            for plan in &offering.plans {
                let with = |text: &str| {
                    workload(offering, plan, &object(json!({ name.as_str(): text })))
                        .map(|workload| without_contents(&workload))
                };
                for hostile in HOSTILE {
                    tried += 1;
                    match with(hostile) {
                        Ok(got) => assert_eq!(got, with("harmless").unwrap(), "{name}={hostile:?}"),
                        Err(mistake) => {
                            assert!(mistake.message.contains(&name), "{mistake}");
                            assert!(!mistake.message.contains(hostile), "{mistake}");
                        }
                    }
                }
            }
        }
    }
    assert!(tried > 200, "{tried}");
}

#[test]
fn no_text_becomes_syntax_in_credentials() {
    let fixture = Catalog::load(echo(&[]), &ENGINES).unwrap();
    for offering in shipped().offerings.iter().chain(&fixture.offerings) {
        let workload = workload(offering, &offering.plans[0], &Object::new()).unwrap();
        for name in texts(offering.schemas.bind.document()) {
            for hostile in HOSTILE {
                let with = |text: &str| login(&workload, &object(json!({ name.as_str(): text })));
                let (got, wanted) = (with(hostile).unwrap(), with("harmless").unwrap());
                assert_eq!(shape(&got.into()), shape(&wanted.into()), "{name}={hostile:?}");
            }
        }
    }
}

/// The names of a schema's properties that are texts.
fn texts(schema: &Value) -> Vec<String> {
    let properties = schema["properties"].as_object().unwrap();
    let texts = properties.iter().filter(|(_, property)| property["type"] == "string");
    texts.map(|(name, _)| name.clone()).collect()
}

/// Everything but what texts say.
fn shape(value: &Value) -> Value {
    match value {
        Value::String(_) => json!("text"),
        Value::Array(items) => items.iter().map(shape).collect(),
        Value::Object(fields) => fields.iter().map(|(k, v)| (k.clone(), shape(v))).collect(),
        Value::Null | Value::Bool(_) | Value::Number(_) => value.clone(),
    }
}

/// The workload's shape, and each file's: parsed where it has structure, its lines' first words
/// where it has not.
fn without_contents(workload: &Workload) -> Value {
    let mut whole = serde_json::to_value(workload).unwrap();
    for container in whole["containers"].as_array_mut().unwrap() {
        for file in container["files"].as_array_mut().unwrap() {
            let content = file["content"].as_str().unwrap();
            file["content"] = match serde_json::from_str::<Value>(content) {
                Ok(value) => value,
                Err(_) => content
                    .lines()
                    .map(|line| json!({line.split(' ').next().unwrap(): 1}))
                    .collect(),
            };
        }
    }
    shape(&whole)
}
