//! What schemas take, and what is told of those that they do not.

use super::*;
use crate::catalog::mistakes::Mistakes;
use crate::catalog::yaml;

fn compiled(text: &str) -> Result<Schema, String> {
    let mistakes = Mistakes::default();
    let node: Node = yaml::parse(text).unwrap();
    let (whole, report) = (Schema::whole(Some(&node)), mistakes.report("o.yaml"));
    let place = Place { key: "create", plan: None };
    let schema = Schema::compile(whole, Some(&node), place, report);
    let told: Vec<String> = mistakes.into_sorted().iter().map(ToString::to_string).collect();
    if told.is_empty() { Ok(schema.unwrap()) } else { Err(told.join("\n")) }
}

fn object(value: Value) -> Object {
    let Value::Object(object) = value else { panic!("an object") };
    object
}

#[test]
fn the_short_form_is_closed() {
    let schema = compiled("size: {type: integer, default: 3}").unwrap();
    assert!(schema.check(&object(json!({"size": 1}))).is_ok());
    let faults = schema.check(&object(json!({"size": "hunter2", "sise": 1}))).unwrap_err();
    assert_eq!(faults.len(), 2, "{faults:?}");
    assert!(faults.iter().any(|fault| fault.starts_with("/size: ")), "{faults:?}");
    assert!(!faults.join(" ").contains("hunter2"), "{faults:?}");
    assert_eq!(schema.with_defaults(&Object::new()), object(json!({"size": 3})));
    assert_eq!(schema.with_defaults(&object(json!({"size": 4}))), object(json!({"size": 4})));
}

#[test]
fn no_fault_tells_a_value() {
    let schema = compiled(
        "a: {type: string, pattern: '^x$', maxLength: 3}\n\
         b: {enum: [p, q]}\n\
         c: {type: object, properties: {d: {type: integer}}, required: [e]}\n\
         f: {type: array, items: {type: integer}, uniqueItems: true}\n\
         g: {anyOf: [{type: integer}, {type: string, format: ipv4}]}\n\
         h: {not: {type: string}}\n",
    )
    .unwrap();
    let marked = "s3cr3t";
    let faults = schema
        .check(&object(json!({
            "a": marked, "b": marked, "c": {"d": marked}, "f": [marked, marked],
            "g": marked, "h": marked,
        })))
        .unwrap_err();
    assert!(faults.len() >= 7, "{faults:?}");
    assert!(!faults.join(" ").contains(marked), "{faults:?}");
}

#[test]
fn what_is_looked_at_is_bounded() {
    let schema = compiled("a: {type: array, items: {type: integer}}").unwrap();
    let faults = schema.check(&object(json!({"a": vec!["x"; 500]}))).unwrap_err();
    assert_eq!(faults.len(), MAX_FAULTS);
    let deep = (0..100).fold(json!(1), |value, _| json!([value]));
    let faults = schema.check(&object(json!({ "a": deep }))).unwrap_err();
    assert_eq!(faults, ["parameters may be nested 32 levels deep, no deeper"]);
    let faults = schema.check(&object(json!({ "k".repeat(9_000): 1 }))).unwrap_err();
    assert!(faults[0].chars().count() <= MAX_FAULT_CHARS + 1);
}

#[test]
fn a_whole_schema_is_taken_as_it_is() {
    let schema = compiled("type: object\nrequired: [a]\nproperties: {a: {type: string}}").unwrap();
    assert_eq!(schema.document()["$schema"], DRAFT_04);
    assert!(schema.check(&object(json!({"a": "x", "b": 1}))).is_ok());
    assert!(schema.check(&Object::new()).is_err());
}

#[test]
fn schemas_that_platforms_refuse_are_mistakes() {
    for (text, wanted) in [
        ("a: 3", "o.yaml:1: `parameters.create`: `a` is a schema, written as a mapping, not 3"),
        ("x: {type: integer}\na: {type: text}", "o.yaml:2: `parameters.create` is not a draft-04"),
        ("a: {$ref: 'http://example.com/s'}", "leads outside"),
        ("a: {$ref: 'other.json#/a'}", "leads outside"),
        ("$schema: http://json-schema.org/draft-07/schema#\ntype: object", "`$schema` must be"),
        ("type: string", "say `type: object`"),
        ("a: {type: integer, default: x}", "has a default that it does not allow"),
        ("a: {type: string, enum: [1, b]}", "lists a value that it does not allow"),
        ("a: {type: integer, required: true}", "draft-04"),
        ("a: {type: string, pattern: '('}", "draft-04"),
        ("a: {type: string, pattern: '(?=x)'}", "draft-04"),
    ] {
        let told = compiled(text).unwrap_err();
        assert!(told.contains(wanted), "{text}: {told}");
    }
    let long = format!("a: {{type: string, description: {}}}", "x".repeat(70_000));
    assert!(compiled(&long).unwrap_err().contains("longer than 65536"));
}
