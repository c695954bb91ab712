//! What may be asked for on a plan: its offering's parameters, with the bounds that the plan sets.

use serde_json::Value;

use super::Schema;
use super::file::{ParametersFile, PlanFile, ResourcesFile};
use super::mistakes::Report;
use super::schema::Place;
use super::yaml::Node;
use crate::model::Object;

/// The schemas of a plan's parameters.
#[derive(Clone, Debug)]
pub struct Schemas {
    /// The parameters of a provision.
    pub create: Schema,
    /// The parameters of an update.
    pub update: Schema,
    /// The parameters of a bind.
    pub bind: Schema,
}

/// Bounds that may be a plan's: `maximum: plan.connections`.
const BOUNDS: [&str; 2] = ["minimum", "maximum"];

/// What they may name, as in templates.
const MEASURES: [&str; 6] =
    ["connections", "cpu_millis", "disk_bytes", "memory_bytes", "memory_mib", "pids"];

impl Schemas {
    /// What some plan of the offering allows; what is wrong with it is reported.
    pub(super) fn widest(
        file: &ParametersFile,
        plans: &[PlanFile],
        report: Report<'_>,
    ) -> Option<Self> {
        let resources: Vec<&ResourcesFile> = plans.iter().map(|plan| &plan.resources).collect();
        let compile = |node: &Option<Node>, key| {
            let document = settled(&Schema::whole(node.as_ref()), &resources);
            Schema::compile(document, node.as_ref(), Place { key, plan: None }, report)
        };
        // Each is looked at, so that all mistakes are told at once.
        let (create, update) = (compile(&file.create, "create"), compile(&file.update, "update"));
        let bind = compile(&file.bind, "bind");
        Some(Self { create: create?, update: update?, bind: bind? })
    }

    /// What this plan allows of them.
    pub(super) fn narrowed(
        &self,
        file: &ParametersFile,
        plan: &PlanFile,
        report: Report<'_>,
    ) -> Option<Self> {
        let narrow = |wide: &Schema, node: &Option<Node>, key| {
            let document = settled(&Schema::whole(node.as_ref()), &[&plan.resources]);
            if document == *wide.document() {
                return Some(wide.clone());
            }
            let place = Place { key, plan: Some(&plan.name.value) };
            Schema::compile(document, node.as_ref(), place, report)
        };
        Some(Self {
            create: narrow(&self.create, &file.create, "create")?,
            update: narrow(&self.update, &file.update, "update")?,
            bind: narrow(&self.bind, &file.bind, "bind")?,
        })
    }

    /// Whether what an instance has fits, each parameter by itself: what it was made with, and what
    /// was changed since.
    ///
    /// # Errors
    /// What does not, each with the path of the fault; never a value.
    pub fn check_instance(&self, parameters: &Object) -> Result<(), Vec<String>> {
        self.update.check_own(parameters)?;
        self.create.check_own(parameters)
    }
}

/// The schema with numbers in the place of names: the widest bounds of these plans. A name that
/// there is not stays, and is no number then.
fn settled(document: &Value, plans: &[&ResourcesFile]) -> Value {
    match document {
        Value::Object(fields) => {
            let settle = |(key, value): (&String, &Value)| {
                let bound = value.as_str().and_then(|text| text.strip_prefix("plan."));
                let bound = bound.filter(|_| BOUNDS.contains(&key.as_str()));
                let number = bound.and_then(|name| {
                    let numbers = plans.iter().filter_map(|plan| measure(plan, name));
                    if key == "maximum" { numbers.max() } else { numbers.min() }
                });
                (key.clone(), number.map_or_else(|| settled(value, plans), Value::from))
            };
            Value::Object(fields.iter().map(settle).collect())
        }
        Value::Array(items) => items.iter().map(|item| settled(item, plans)).collect(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => document.clone(),
    }
}

fn measure(plan: &ResourcesFile, name: &str) -> Option<u64> {
    Some(match name {
        "connections" => plan.connections.into(),
        "cpu_millis" => plan.cpu_millis.into(),
        "disk_bytes" => plan.disk.value,
        "memory_bytes" => plan.memory.value,
        "memory_mib" => plan.memory.value >> 20,
        "pids" => plan.pids.into(),
        _ => return None,
    })
}

/// What is wrong with the bounds of a schema that was settled.
pub(super) fn bound_problems(document: &Value) -> Vec<String> {
    match document {
        Value::Object(fields) => {
            let problem = |(key, value): (&String, &Value)| match value.as_str() {
                Some(text) if BOUNDS.contains(&key.as_str()) => vec![format!(
                    "`{key}: {text}` is no number and no measure of a plan; there are: plan.{}",
                    MEASURES.join(", plan.")
                )],
                _ => bound_problems(value),
            };
            fields.iter().flat_map(problem).collect()
        }
        Value::Array(items) => items.iter().flat_map(bound_problems).collect(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::catalog::yaml::At;

    fn plan(connections: u32) -> ResourcesFile {
        let memory = At { value: 64 << 20, line: 1 };
        ResourcesFile { memory, connections, ..ResourcesFile::default() }
    }

    #[test]
    fn a_bound_is_the_plans_and_the_widest_of_several() {
        let schema = json!({"properties": {
            "seats": {"minimum": "plan.memory_mib", "maximum": "plan.connections"},
            "list": {"items": [{"maximum": "plan.connections"}]},
            "text": {"description": "plan.connections", "enum": ["plan.connections"]},
        }});
        let (small, large) = (plan(10), plan(20));
        for (plans, least, most) in [(vec![&small], 64, 10), (vec![&large, &small], 64, 20)] {
            let settled = settled(&schema, &plans);
            let properties = &settled["properties"];
            assert_eq!(properties["seats"], json!({"minimum": least, "maximum": most}));
            assert_eq!(properties["list"]["items"][0]["maximum"], most);
            assert_eq!(properties["text"], schema["properties"]["text"]);
            assert_eq!(bound_problems(&settled), [""; 0]);
        }
    }

    #[test]
    fn a_measure_that_there_is_not_is_told_with_those_that_there_are() {
        let schema = settled(&json!({"a": {"maximum": "plan.seats"}}), &[&plan(1)]);
        let problems = bound_problems(&schema);
        assert_eq!(problems.len(), 1);
        assert!(problems[0].starts_with("`maximum: plan.seats` is no number"), "{problems:?}");
        for name in MEASURES {
            assert!(measure(&plan(1), name).is_some() && problems[0].contains(name), "{name}");
        }
    }
}
