//! JSON Schema (draft-04) of what developers may ask for.

use std::fmt;
use std::sync::Arc;

use jsonschema::{Draft, PatternOptions, Validator};
use serde_json::{Value, json};

use super::mistakes::Report;
use super::schemas::bound_problems;
use super::yaml::Node;
use crate::model::Object;

/// The dialect that every platform knows (requirement 36).
const DRAFT_04: &str = "http://json-schema.org/draft-04/schema#";

/// Requirement 36; Cloud Controller counts the characters of the JSON text.
const MAX_SCHEMA_CHARS: usize = 65_536;

/// Parameters come from outside: they are looked at only so far.
const MAX_DEPTH: usize = 32;
const MAX_FAULTS: usize = 20;
const MAX_FAULT_CHARS: usize = 300;

/// A JSON Schema (draft-04), compiled.
#[derive(Clone)]
pub struct Schema {
    document: Value,
    validator: Arc<Validator>,
}

/// Which parameters a schema is of.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place<'a> {
    /// `create`, `update` or `bind`.
    pub(super) key: &'a str,
    /// Where it is of one plan.
    pub(super) plan: Option<&'a str>,
}

impl Place<'_> {
    fn of(&self, property: &str) -> String {
        let Self { key, plan } = self;
        let plan = plan.map(|plan| format!(" of plan `{plan}`")).unwrap_or_default();
        let dot = if property.is_empty() { "" } else { "." };
        format!("`parameters.{key}{dot}{property}`{plan}")
    }
}

impl fmt::Display for Place<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.of(""))
    }
}

impl fmt::Debug for Schema {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Schema({})", self.document)
    }
}

impl Schema {
    /// What `parameters.create` and the like say. A mapping of property → schema is the short form,
    /// and closed to other properties. What says `type: object` or `$schema` is a whole schema and is
    /// taken as it is.
    pub(super) fn whole(node: Option<&Node>) -> Value {
        node.map_or_else(|| closed(&Object::new()), |node| whole(&node.json()))
    }

    /// Compiles a whole one, which was written at `node`; what is wrong with it is reported.
    pub(super) fn compile(
        document: Value,
        node: Option<&Node>,
        place: Place<'_>,
        report: Report<'_>,
    ) -> Option<Self> {
        let line = node.map_or(0, |node| node.line);
        let problems = problems(&document);
        for problem in &problems {
            report.at(line, format!("{place}: {problem}"));
        }
        if !problems.is_empty() {
            return None;
        }
        let built = jsonschema::options()
            .with_draft(Draft::Draft4)
            .with_pattern_options(PatternOptions::regex())
            .offline()
            .build(&document);
        let validator = match built {
            Ok(validator) => validator,
            Err(error) => {
                let path = error.instance_path().to_string();
                report.at(
                    line_below(node, &path).unwrap_or(line),
                    format!("{place} is not a draft-04 schema: {path}: {error}"),
                );
                return None;
            }
        };
        let schema = Self { document, validator: Arc::new(validator) };
        schema.check_defaults(node, place, report);
        Some(schema)
    }

    /// A default, or an allowed value, that the schema itself would refuse.
    fn check_defaults(&self, node: Option<&Node>, place: Place<'_>, report: Report<'_>) {
        for (name, property) in self.properties() {
            let line = node
                .and_then(|node| node.get("properties").unwrap_or(node).get(name))
                .map_or(0, |node| node.line);
            let at = |problem: &str| report.at(line, format!("{} {problem}", place.of(name)));
            if property.get("default").is_some_and(|value| self.refuses(name, value)) {
                at("has a default that it does not allow");
            }
            let mut values = property["enum"].as_array().into_iter().flatten();
            if values.any(|value| self.refuses(name, value)) {
                at("lists a value that it does not allow: is it quoted, and of the right type?");
            }
        }
    }

    /// Whether this value of a property is a fault, whatever else may be.
    pub(super) fn refuses(&self, name: &str, value: &Value) -> bool {
        let alone = json!({ name: value });
        self.validator.iter_errors(&alone).any(|error| !error.instance_path().is_empty())
    }

    /// The whole schema, as platforms get it.
    #[must_use]
    pub fn document(&self) -> &Value {
        &self.document
    }

    /// What is wrong with the parameters: each with the path of the fault; never their values.
    ///
    /// # Errors
    /// At most 20 faults, for people.
    pub fn check(&self, parameters: &Object) -> Result<(), Vec<String>> {
        if parameters.values().any(|value| deeper_than(value, MAX_DEPTH)) {
            return Err(vec![format!(
                "parameters may be nested {MAX_DEPTH} levels deep, no deeper"
            )]);
        }
        self.faults(parameters, |_| true)
    }

    /// The same of the schema's own properties alone, each by itself.
    pub(super) fn check_own(&self, parameters: &Object) -> Result<(), Vec<String>> {
        let mut own = parameters.clone();
        own.retain(|name, _| self.properties().any(|(known, _)| known == name));
        self.faults(&own, |path| !path.is_empty())
    }

    /// At places that count.
    fn faults(&self, parameters: &Object, counts: fn(&str) -> bool) -> Result<(), Vec<String>> {
        let value = Value::Object(parameters.clone());
        let faults: Vec<String> = self
            .validator
            .iter_errors(&value)
            .filter(|error| counts(error.instance_path().as_str()))
            .take(MAX_FAULTS)
            .map(|error| {
                let path = error.instance_path().to_string();
                let path = if path.is_empty() { "parameters" } else { path.as_str() };
                clip(&format!("{path}: {}", error.masked()))
            })
            .collect();
        if faults.is_empty() { Ok(()) } else { Err(faults) }
    }

    /// The parameters with the defaults of the schema's own properties filled in.
    #[must_use]
    pub fn with_defaults(&self, parameters: &Object) -> Object {
        let mut filled = parameters.clone();
        for (name, property) in self.properties() {
            if let Some(default) = property.get("default")
                && !filled.contains_key(name)
            {
                filled.insert(name.clone(), default.clone());
            }
        }
        filled
    }

    pub(super) fn properties(&self) -> impl Iterator<Item = (&String, &Value)> {
        self.document.get("properties").and_then(Value::as_object).into_iter().flatten()
    }

    /// The names of properties that must be given.
    pub(super) fn required(&self) -> impl Iterator<Item = &str> {
        let required = self.document.get("required").and_then(Value::as_array);
        required.into_iter().flatten().filter_map(Value::as_str)
    }
}

/// The short form made whole; a whole schema gets its `$schema`.
fn whole(value: &Value) -> Value {
    let Value::Object(fields) = value else { return value.clone() };
    let is_whole =
        fields.get("type").is_some_and(Value::is_string) || fields.contains_key("$schema");
    if !is_whole {
        return closed(fields);
    }
    let mut fields = fields.clone();
    fields.entry("$schema").or_insert_with(|| DRAFT_04.into());
    Value::Object(fields)
}

fn closed(properties: &Object) -> Value {
    json!({
        "$schema": DRAFT_04,
        "type": "object",
        "additionalProperties": false,
        "properties": properties,
    })
}

/// What platforms would refuse, beyond what the compiler does (requirement 36).
fn problems(document: &Value) -> Vec<String> {
    let mut problems = Vec::new();
    if !document.is_object() {
        return vec!["it is written as a mapping: property → schema".to_owned()];
    }
    if document["$schema"] != DRAFT_04 && document["$schema"] != DRAFT_04.trim_end_matches('#') {
        problems.push(format!("`$schema` must be {DRAFT_04}"));
    }
    if document["type"] != "object" {
        problems.push("parameters are an object: say `type: object`".to_owned());
    }
    if let Some(properties) = document["properties"].as_object() {
        for (name, property) in properties.iter().filter(|(_, property)| !property.is_object()) {
            problems.push(format!("`{name}` is a schema, written as a mapping, not {property}"));
        }
    }
    if document.to_string().chars().count() > MAX_SCHEMA_CHARS {
        problems.push(format!("it is longer than {MAX_SCHEMA_CHARS} characters"));
    }
    problems.extend(bound_problems(document));
    for reference in references(document) {
        if !reference.starts_with('#') {
            problems.push(format!("`$ref: {reference}` leads outside, which platforms refuse"));
        }
    }
    problems
}

fn references(value: &Value) -> Vec<&str> {
    match value {
        Value::Object(fields) => fields
            .iter()
            .flat_map(|(key, value)| match value {
                Value::String(text) if key == "$ref" => vec![text.as_str()],
                _ => references(value),
            })
            .collect(),
        Value::Array(items) => items.iter().flat_map(references).collect(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => Vec::new(),
    }
}

/// The line of what a JSON pointer into the schema means, in the short form or the whole.
fn line_below(node: Option<&Node>, pointer: &str) -> Option<usize> {
    let mut node = node?;
    for key in pointer.split('/').skip(1) {
        match node.get(key) {
            Some(below) => node = below,
            None if key == "properties" => {}
            None => break,
        }
    }
    Some(node.line)
}

fn deeper_than(value: &Value, levels: usize) -> bool {
    match value {
        Value::Array(items) => {
            levels == 0 || items.iter().any(|item| deeper_than(item, levels - 1))
        }
        Value::Object(fields) => {
            levels == 0 || fields.values().any(|item| deeper_than(item, levels - 1))
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => false,
    }
}

fn clip(message: &str) -> String {
    match message.char_indices().nth(MAX_FAULT_CHARS) {
        Some((end, _)) => format!("{}…", &message[..end]),
        None => message.to_owned(),
    }
}

#[cfg(test)]
mod tests;
