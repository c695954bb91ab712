//! Tries an offering out before anyone asks for it: every plan is rendered with the defaults and
//! with every value that a developer may choose, and then with values made to break out.

use std::collections::BTreeMap;

use serde_json::Value;

use super::mistakes::Mistakes;
use super::samples::{fullest, samples};
use super::template::{self, Flaw};
use super::workload::Recipe;
use super::{Inputs, Login, Mistake, Offering, Plan, Schema, credentials, yaml};
use crate::model::{Object, Workload};
use crate::secret::Secret;

const KEY: &str = "0123456789abcdef";
const USER: &str = "bfedcba9876543210";
const HOST: &str = "127.0.0.1";
const AUTHORITY: &str = "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n";

/// Ends a value in every quoting that there is, and opens others.
const HOSTILE: &str = "\"'`{}[]:,#&*!|>%@\\ {{x}}\n- \"a\": b\r\n\t\u{2028}é";

/// Reports everything that does not render, or not into what it should.
pub(super) fn rehearse(offering: &Offering, plans: &[&Plan], mistakes: &Mistakes) {
    let recipe = &offering.recipe;
    let wanted = wanted(offering, mistakes);
    let credentials = recipe.path("credentials.json.hbs");
    let mut last = None;
    for plan in plans {
        for sample in &wanted {
            match offering.rendered(plan, &inputs(sample, &password('a'))) {
                Ok(workload) => last = Some(workload),
                Err(flaw) => mistakes.add(for_plan(flaw, plan)),
            }
        }
        let context = context(offering, plan, &wanted);
        let templates = recipe.templates.paths().filter(|path| template::is_structured(path));
        for path in templates.filter(|path| *path != credentials) {
            quotes_hold(recipe, path, &context, mistakes);
        }
        if let Some(workload) = last.as_ref().filter(|_| offering.bindable) {
            credentials_hold(offering, workload, mistakes);
        }
    }
    if offering.bindable {
        let parameters =
            offering.schemas.bind.with_defaults(&fullest(&samples(&offering.schemas.bind)));
        let (ports, password) = (ports(last.as_ref()), password('b'));
        let login = login(last.as_ref(), &ports, &password, &parameters);
        let context = credentials::context(&login);
        quotes_hold(recipe, &credentials, &context, mistakes);
    }
    known_parameters(offering, mistakes);
}

/// What an instance's parameters may be: those of a create, and those of an update on top of the
/// least that a create must give.
fn wanted(offering: &Offering, mistakes: &Mistakes) -> Vec<Object> {
    let path = offering.recipe.path("offering.yaml");
    let of = |schema: &Schema, key: &str| {
        let found = samples(schema);
        if found.is_empty() {
            let message = format!(
                "`parameters.{key}`: no value for its required properties comes to mind; list some by `enum`"
            );
            mistakes.report(&path).at(0, message);
        }
        found
    };
    let mut wanted = of(&offering.schemas.create, "create");
    let least = wanted.first().cloned().unwrap_or_default();
    for sample in of(&offering.schemas.update, "update") {
        let mut parameters = least.clone();
        parameters.extend(sample);
        wanted.push(parameters);
    }
    of(&offering.schemas.bind, "bind");
    wanted
}

fn for_plan(flaw: Flaw, plan: &Plan) -> Mistake {
    let mut mistake = flaw.into_detailed();
    mistake.message = format!("plan `{}`: {}", plan.name, mistake.message);
    mistake
}

fn password(letter: char) -> Secret {
    letter.to_string().repeat(32).into()
}

fn inputs<'a>(parameters: &'a Object, admin_password: &'a Secret) -> Inputs<'a> {
    Inputs { key: KEY, parameters, admin_password }
}

/// The context with everything in it that can be.
fn context(offering: &Offering, plan: &Plan, samples: &[Object]) -> Value {
    let all = fullest(samples);
    let secret = password('a');
    let parameters = offering.filled(&all);
    let mut context = offering.recipe.context(plan, &inputs(&all, &secret), &parameters);
    context["admin"]["user"] = "admin".into();
    context["admin"]["database"] = "app".into();
    context
}

/// A login to the workload that is like a real one. `ports` are only lent.
fn login<'a>(
    workload: Option<&'a Workload>,
    ports: &'a BTreeMap<String, u16>,
    password: &'a Secret,
    parameters: &'a Object,
) -> Login<'a> {
    let tls = workload.map(|workload| workload.tls).unwrap_or_default();
    Login {
        host: HOST,
        ports,
        user: USER,
        password,
        database: workload.and_then(|workload| workload.admin.database.as_deref()),
        tls,
        authority: tls.is_on().then_some(AUTHORITY),
        parameters,
    }
}

fn ports(workload: Option<&Workload>) -> BTreeMap<String, u16> {
    let names = workload.into_iter().flat_map(Workload::port_names).map(str::to_owned);
    names.zip(20_000..).collect()
}

/// What an app gets that asks for nothing in particular; none where the plan does not render.
pub(super) fn example(offering: &Offering, plan: &Plan) -> Option<Object> {
    let least = samples(&offering.schemas.create).into_iter().next()?;
    let workload = offering.rendered(plan, &inputs(&least, &password('a'))).ok()?;
    let (ports, password) = (ports(Some(&workload)), password('b'));
    let parameters = offering.schemas.bind.with_defaults(&Object::new());
    let login = login(Some(&workload), &ports, &password, &parameters);
    credentials(&workload.credentials, &login).ok()
}

/// Credentials render for everything that a binding may ask for.
fn credentials_hold(offering: &Offering, workload: &Workload, mistakes: &Mistakes) {
    let path = offering.recipe.path("credentials.json.hbs");
    let report = mistakes.report(&path);
    let (ports, password) = (ports(Some(workload)), password('b'));
    for sample in samples(&offering.schemas.bind) {
        let parameters = offering.schemas.bind.with_defaults(&sample);
        let login = login(Some(workload), &ports, &password, &parameters);
        let text = match offering.recipe.templates.render(&path, &credentials::context(&login)) {
            Ok(text) => text,
            Err(flaw) => return mistakes.add(flaw.into_detailed()),
        };
        match credentials::parse(&text) {
            Ok(object) => {
                for fault in credentials::faults(&object, &login) {
                    report.at(0, fault);
                }
            }
            Err(why) => report.at(0, why),
        }
    }
}

/// A value stays a value whatever is in it: with each text of the context made hostile in turn,
/// the template must render into the same structure.
fn quotes_hold(recipe: &Recipe, path: &str, context: &Value, mistakes: &Mistakes) {
    let shape = |context: &Value| {
        let text = recipe.templates.render(path, context).ok()?;
        yaml::parse::<Value>(&text).ok().as_ref().map(shape_of)
    };
    let mut names = Vec::new();
    template::each_text(context, "", &mut |name, _| names.push(name.to_owned()));
    names.dedup();
    for name in names {
        let harmless = with_text(context, &name, "harmless");
        // What does not even render then is told elsewhere.
        let Some(wanted) = shape(&harmless) else { continue };
        if shape(&with_text(context, &name, HOSTILE)).as_ref() != Some(&wanted) {
            let text = recipe.templates.text(path).unwrap_or_default();
            let line = template::line_with(text, &name);
            let message = format!(
                "`{name}` stands where it could become syntax: write \"{{{{{name}}}}}\" in double \
                 quotes, or {{{{json {name}}}}}"
            );
            mistakes.report(path).at(line, message);
        }
    }
}

/// Everything but the texts' content.
fn shape_of(value: &Value) -> Value {
    match value {
        Value::String(_) => "text".into(),
        Value::Array(items) => items.iter().map(shape_of).collect(),
        Value::Object(fields) => {
            Value::Object(fields.iter().map(|(key, item)| (key.clone(), shape_of(item))).collect())
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => value.clone(),
    }
}

/// The context with every text at a path replaced.
fn with_text(value: &Value, path: &str, text: &str) -> Value {
    match (value, path.split_once('.')) {
        (Value::String(_), _) if path.is_empty() => text.into(),
        (Value::Array(items), _) => items.iter().map(|item| with_text(item, path, text)).collect(),
        (Value::Object(fields), split) => {
            let (key, rest) = split.unwrap_or((path, ""));
            let replaced = |(name, item): (&String, &Value)| {
                let item = if name == key { with_text(item, rest, text) } else { item.clone() };
                (name.clone(), item)
            };
            Value::Object(fields.iter().map(replaced).collect())
        }
        _ => value.clone(),
    }
}

/// Strict look-up does not see into conditions, where a misspelt parameter is only ever false.
fn known_parameters(offering: &Offering, mistakes: &Mistakes) {
    let recipe = &offering.recipe;
    let credentials = recipe.path("credentials.json.hbs");
    for path in recipe.templates.paths() {
        let schemas: &[&Schema] = if *path == credentials {
            &[&offering.schemas.bind]
        } else {
            &[&offering.schemas.create, &offering.schemas.update]
        };
        let known = |name: &str| {
            schemas.iter().any(|schema| schema.properties().any(|(key, _)| key == name))
        };
        let text = recipe.templates.text(path).unwrap_or_default();
        for (index, line) in text.lines().enumerate() {
            let tags = line.split("{{").skip(1).filter_map(|tag| tag.split("}}").next());
            for rest in tags.flat_map(|tag| tag.split("parameters.").skip(1)) {
                let end =
                    rest.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(rest.len());
                if !known(&rest[..end]) {
                    let message = format!("there is no parameter `{}`", &rest[..end]);
                    mistakes.report(path).at(index + 1, message);
                }
            }
        }
    }
}
