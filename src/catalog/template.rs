//! Templates: handlebars with strict look-up, a few helpers, and escaping by the kind of file.
//!
//! | file | what `{{x}}` writes |
//! | --- | --- |
//! | `*.yaml.hbs`, `*.json.hbs` | what belongs between the double quotes that the author wrote |
//! | any other | the value as it is, or nothing at all: a character that could end a value makes rendering fail |
//!
//! So a value can never become syntax. What would get around that is refused when the catalog is
//! loaded: `{{{x}}}`, partials, and places that are not between quotes (see `rehearse`).

mod helpers;

use std::collections::BTreeMap;
use std::fmt::{self, Write as _};
use std::io;

use handlebars::{Handlebars, RenderError, RenderErrorReason};
use serde_json::Value;

use super::Mistake;
use super::mistakes::Mistakes;
use crate::model::workload::address;

/// What a template may grow to.
const MAX_BYTES: usize = 1 << 20;

/// Stands in a rendered text where a value could not be written; no template can hold it itself.
const REFUSED: char = '\0';

/// Why a rendering failed.
#[derive(Debug)]
pub(super) struct Flaw {
    /// Holds no parameter and no secret.
    pub(super) mistake: Mistake,
    /// May quote what was rendered: for samples only.
    pub(super) detail: String,
}

impl Flaw {
    pub(super) fn new(file: &str, line: usize, message: impl Into<String>) -> Self {
        let mistake = Mistake { file: file.to_owned(), line, message: message.into() };
        Self { mistake, detail: String::new() }
    }

    pub(super) fn quoting(mut self, detail: impl Into<String>) -> Self {
        self.detail = detail.into();
        self
    }

    /// For whoever wrote the catalog, about a sample.
    pub(super) fn into_detailed(mut self) -> Mistake {
        if !self.detail.is_empty() {
            self.mistake.message.push_str(": ");
            self.mistake.message.push_str(&self.detail);
        }
        self.mistake
    }
}

/// Compiled templates, by path relative to the catalog's root.
pub(super) struct Templates {
    structured: Handlebars<'static>,
    plain: Handlebars<'static>,
    texts: BTreeMap<String, String>,
}

impl fmt::Debug for Templates {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.paths()).finish()
    }
}

impl Templates {
    pub(super) fn new() -> Self {
        let mut structured = registry(escape_quoted);
        structured.register_helper("json", Box::new(helpers::json));
        Self { structured, plain: registry(refuse_special), texts: BTreeMap::new() }
    }

    /// Compiles one; what is wrong with it is reported.
    pub(super) fn add(&mut self, path: &str, text: &str, mistakes: &Mistakes) {
        let report = mistakes.report(path);
        for (line, message) in forbidden(text) {
            report.at(line, message);
        }
        let registry = if is_structured(path) { &mut self.structured } else { &mut self.plain };
        if let Err(error) = registry.register_template_string(path, with_stand_ins(path, text)) {
            let line = error.pos().map_or(0, |(line, _)| line);
            report.at(line, one_line(&error.reason().to_string()));
        }
        self.texts.insert(path.to_owned(), text.to_owned());
    }

    pub(super) fn paths(&self) -> impl Iterator<Item = &str> {
        self.texts.keys().map(String::as_str)
    }

    /// A template's own text.
    pub(super) fn text(&self, path: &str) -> Option<&str> {
        self.texts.get(path).map(String::as_str)
    }

    /// Whether there is such a template and it compiled.
    pub(super) fn holds(&self, path: &str) -> bool {
        self.structured.has_template(path) || self.plain.has_template(path)
    }

    pub(super) fn render(&self, path: &str, context: &Value) -> Result<String, Flaw> {
        let registry = if is_structured(path) { &self.structured } else { &self.plain };
        let mut out = Bounded(Vec::new());
        registry.render_to_write(path, context, &mut out).map_err(|error| failed(path, &error))?;
        let text = String::from_utf8(out.0).expect("handlebars writes whole strings");
        match text.find(REFUSED) {
            None => Ok(text),
            Some(_) => Err(self.refused(path, context)),
        }
    }

    /// Says which values a plain file can't hold, and the line of the first of them.
    fn refused(&self, path: &str, context: &Value) -> Flaw {
        let text = self.text(path).unwrap_or_default();
        let mut names = Vec::new();
        each_text(context, "", &mut |name, value| {
            if refuse_special(value).contains(REFUSED) && text.contains(name) {
                names.push(name.to_owned());
            }
        });
        let line = names.first().map_or(0, |name| line_with(text, name));
        let names = if names.is_empty() { "a value".to_owned() } else { names.join(", ") };
        let message = format!("{names} holds a character that has no place in a file of this kind");
        Flaw::new(path, line, message)
    }
}

/// Renders a text that belongs to no catalog any more, as JSON.
pub(super) fn render_json(text: &str, context: &Value) -> Result<String, String> {
    const NAME: &str = "credentials.json.hbs";
    let mistakes = Mistakes::default();
    let mut templates = Templates::new();
    templates.add(NAME, text, &mistakes);
    if let Some(mistake) = mistakes.into_sorted().first() {
        return Err(mistake.to_string());
    }
    templates.render(NAME, context).map_err(|flaw| flaw.mistake.to_string())
}

/// Calls `visit` with every text in a context and its path, as a template would write it.
pub(super) fn each_text(value: &Value, path: &str, visit: &mut dyn FnMut(&str, &str)) {
    match value {
        Value::String(text) => visit(path, text),
        Value::Array(items) => items.iter().for_each(|item| each_text(item, path, visit)),
        Value::Object(fields) => {
            for (key, item) in fields {
                let path = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
                each_text(item, &path, visit);
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// The first line that holds the words; 0 if none does.
pub(super) fn line_with(text: &str, words: &str) -> usize {
    text.lines().position(|line| line.contains(words)).map_or(0, |index| index + 1)
}

/// JSON text with everything escaped that YAML or a terminal could take amiss; what is in quotes
/// stays what it is.
pub(super) fn escape_specials(json: &str) -> String {
    let mut out = String::with_capacity(json.len());
    for c in json.chars() {
        let special = matches!(
            c,
            '\u{7f}'..='\u{9f}' | '\u{2028}' | '\u{2029}' | '\u{feff}' | '\u{fffe}' | '\u{ffff}'
        ) || c == address::MARK;
        if special {
            write!(out, "\\u{:04x}", u32::from(c)).expect("a String takes all");
        } else {
            out.push(c);
        }
    }
    out
}

pub(super) fn is_structured(path: &str) -> bool {
    [".yaml.hbs", ".yml.hbs", ".json.hbs"].iter().any(|end| path.ends_with(end))
}

/// A file's text with what stands for the address, which is not known when it is rendered. Only a
/// tag of the template becomes a stand-in, never a value: see [`address`].
fn with_stand_ins(path: &str, text: &str) -> String {
    let name = path.rsplit('/').next().unwrap_or_default();
    if ["workload.yaml.hbs", "credentials.json.hbs"].contains(&name) {
        return text.to_owned();
    }
    let mut pieces = text.split("{{");
    let mut out = pieces.next().unwrap_or_default().to_owned();
    for piece in pieces {
        let tag = piece.split_once("}}");
        match tag.and_then(|(name, rest)| Some((address::stand_in(name.trim())?, rest))) {
            Some((stand_in, rest)) => out.extend([stand_in.as_str(), rest]),
            None => out.extend(["{{", piece]),
        }
    }
    out
}

fn registry(escape: fn(&str) -> String) -> Handlebars<'static> {
    let mut registry = Handlebars::new();
    registry.set_strict_mode(true);
    registry.register_escape_fn(escape);
    // It would write values to the log.
    registry.unregister_helper("log");
    helpers::register(&mut registry);
    registry
}

/// For text between double quotes, in JSON and YAML alike.
fn escape_quoted(text: &str) -> String {
    let json = serde_json::to_string(text).expect("a string always serialises");
    escape_specials(&json[1..json.len() - 1])
}

/// The text, if it can end no value and open no other in any usual configuration file.
fn refuse_special(text: &str) -> String {
    let harmless = |c: char| c.is_ascii_alphanumeric() || " ._:/@%+,=-".contains(c);
    if text.chars().all(harmless) { text.to_owned() } else { REFUSED.to_string() }
}

/// The tags that would write a value unescaped, or bring in text from elsewhere.
fn forbidden(text: &str) -> Vec<(usize, &'static str)> {
    let mut found = Vec::new();
    if let Some(index) = text.find([REFUSED, address::MARK]) {
        found.push((line_at(text, index), "a template holds text: no NUL, and no U+E000"));
    }
    let mut from = 0;
    while let Some(index) = text[from..].find("{{") {
        let start = from + index;
        let tag = text[start + 2..].trim_start_matches(['~', '#', ' ']);
        let message = match tag.chars().next() {
            Some('{' | '&') => Some("values are always escaped: write {{x}}, or {{json x}}"),
            Some('>' | '*') => Some("partials are not available: write the text here"),
            _ => None,
        };
        found.extend(message.map(|message| (line_at(text, start), message)));
        let comment = tag.starts_with("!--").then(|| text[start..].find("--}}")).flatten();
        from = start + comment.unwrap_or(2) + usize::from(tag.starts_with('{'));
    }
    found
}

fn line_at(text: &str, index: usize) -> usize {
    1 + text[..index].matches('\n').count()
}

fn failed(path: &str, error: &RenderError) -> Flaw {
    let message = match error.reason() {
        RenderErrorReason::MissingVariable(Some(name)) => {
            format!("there is no `{name}` here: give it a default, or ask {{{{#if {name}}}}} first")
        }
        reason => one_line(&reason.to_string()),
    };
    Flaw::new(path, error.line_no.unwrap_or(0), message)
}

fn one_line(message: &str) -> String {
    message.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Refuses to grow past [`MAX_BYTES`].
struct Bounded(Vec<u8>);

impl io::Write for Bounded {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.0.len() + bytes.len() > MAX_BYTES {
            return Err(io::Error::other("it renders to more than 1 MiB"));
        }
        self.0.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests;
