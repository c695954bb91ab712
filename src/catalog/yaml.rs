//! YAML as a tree that remembers its lines, and a reader that tells every mistake of a mapping
//! instead of only the first, as a derived `Deserialize` would.

use std::collections::BTreeMap;
use std::fmt;

use serde::de::{Deserialize, DeserializeOwned, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::Value;
use serde_saphyr::Spanned;

use super::mistakes::Report;
use super::size;

/// A node with the line on which it starts, from 1.
#[derive(Clone, Debug)]
pub(super) struct Node {
    pub(super) line: usize,
    pub(super) tree: Tree,
}

/// What a node is.
#[derive(Clone, Debug)]
pub(super) enum Tree {
    /// Null, boolean, number or text.
    Scalar(Value),
    List(Vec<Node>),
    /// In the file's order; the line is the key's.
    Map(Vec<(String, usize, Node)>),
}

/// A value with the line on which it stands.
#[derive(Clone, Debug, Default)]
pub(super) struct At<T> {
    pub(super) line: usize,
    pub(super) value: T,
}

/// Parses one document into whatever deserializes; `Err` is (line, message).
///
/// `no`, `012` and `1_000` stay text, as everyone but YAML 1.1 expects. Snippets are off, because
/// rendered templates hold secrets.
pub(super) fn parse<T: DeserializeOwned>(text: &str) -> Result<T, (usize, String)> {
    let options = serde_saphyr::options! {
        strict_booleans: true,
        leading_zero_numbers_as_strings: true,
        underscored_numbers_as_strings: true,
        with_snippet: false,
    };
    serde_saphyr::from_str_with_options(text, options).map_err(|error| {
        let line = error.location().map_or(0, |place| line_of(place.line()));
        (line, one_line(&error.to_string()))
    })
}

/// The first line of a parser's message, without the position, which the mistake carries already.
fn one_line(message: &str) -> String {
    let line = message.lines().next().unwrap_or_default();
    let end = line.find(" at line ").unwrap_or(line.len());
    let start = line.strip_prefix("error: ").map_or(0, |rest| line.len() - rest.len());
    let text = line.get(start..end).unwrap_or(line);
    let text = text
        .strip_prefix("line ")
        .and_then(|rest| rest.split_once(": "))
        .map_or(text, |(_, rest)| rest);
    // Advice for whoever calls the parser.
    text.split(", set DuplicateKeyPolicy").next().unwrap_or(text).to_owned()
}

fn line_of(line: u64) -> usize {
    usize::try_from(line).unwrap_or(0)
}

impl<'de> Deserialize<'de> for Node {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let spanned = Spanned::<Tree>::deserialize(deserializer)?;
        Ok(Self { line: line_of(spanned.referenced.line()), tree: spanned.value })
    }
}

impl<'de> Deserialize<'de> for Tree {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct TreeVisitor;

        impl<'de> Visitor<'de> for TreeVisitor {
            type Value = Tree;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("any YAML")
            }
            fn visit_unit<E>(self) -> Result<Tree, E> {
                Ok(Tree::Scalar(Value::Null))
            }
            fn visit_none<E>(self) -> Result<Tree, E> {
                Ok(Tree::Scalar(Value::Null))
            }
            fn visit_bool<E>(self, value: bool) -> Result<Tree, E> {
                Ok(Tree::Scalar(value.into()))
            }
            fn visit_i64<E>(self, value: i64) -> Result<Tree, E> {
                Ok(Tree::Scalar(value.into()))
            }
            fn visit_u64<E>(self, value: u64) -> Result<Tree, E> {
                Ok(Tree::Scalar(value.into()))
            }
            fn visit_f64<E>(self, value: f64) -> Result<Tree, E> {
                Ok(Tree::Scalar(value.into()))
            }
            fn visit_str<E>(self, value: &str) -> Result<Tree, E> {
                Ok(Tree::Scalar(value.into()))
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Tree, A::Error> {
                let mut items = Vec::new();
                while let Some(item) = seq.next_element()? {
                    items.push(item);
                }
                Ok(Tree::List(items))
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Tree, A::Error> {
                let mut entries = Vec::new();
                while let Some((key, node)) = map.next_entry::<Spanned<String>, Node>()? {
                    entries.push((key.value, line_of(key.referenced.line()), node));
                }
                Ok(Tree::Map(entries))
            }
        }

        deserializer.deserialize_any(TreeVisitor)
    }
}

impl Node {
    /// The same without lines.
    pub(super) fn json(&self) -> Value {
        match &self.tree {
            Tree::Scalar(value) => value.clone(),
            Tree::List(items) => items.iter().map(Self::json).collect(),
            Tree::Map(entries) => {
                Value::Object(entries.iter().map(|(k, _, node)| (k.clone(), node.json())).collect())
            }
        }
    }

    /// The value, if the node is text.
    pub(super) fn as_text(&self) -> Option<&str> {
        match &self.tree {
            Tree::Scalar(Value::String(text)) => Some(text),
            Tree::Scalar(_) | Tree::List(_) | Tree::Map(_) => None,
        }
    }

    /// The value below a key, if the node is a mapping that has it.
    pub(super) fn get(&self, key: &str) -> Option<&Self> {
        match &self.tree {
            Tree::Map(entries) => entries.iter().find(|(name, ..)| name == key).map(|e| &e.2),
            Tree::Scalar(_) | Tree::List(_) => None,
        }
    }
}

/// Takes a mapping apart field by field. What is wrong is reported and replaced by a default, so
/// that reading goes on; fields that nobody asked for are reported by [`Fields::end`].
#[derive(Debug)]
pub(super) struct Fields<'a> {
    pub(super) line: usize,
    entries: BTreeMap<&'a str, (usize, &'a Node)>,
    asked: Vec<&'static str>,
    report: Report<'a>,
}

impl<'a> Fields<'a> {
    /// `what` names the node in messages: "a plan".
    pub(super) fn of(node: &'a Node, what: &str, report: Report<'a>) -> Self {
        let entries = match &node.tree {
            Tree::Map(entries) => {
                entries.iter().map(|(key, line, node)| (key.as_str(), (*line, node))).collect()
            }
            Tree::Scalar(_) | Tree::List(_) => {
                report.at(node.line, format!("{what} is written as a mapping of fields"));
                BTreeMap::new()
            }
        };
        Self { line: node.line, entries, asked: Vec::new(), report }
    }

    /// The field's node; none if it is not there. `key:` with nothing after it counts as absent.
    pub(super) fn optional(&mut self, key: &'static str) -> Option<&'a Node> {
        if !self.asked.contains(&key) {
            self.asked.push(key);
        }
        let (_, node) = self.entries.get(key)?;
        (!matches!(node.tree, Tree::Scalar(Value::Null))).then_some(*node)
    }

    /// The field's node; reports if it is not there.
    pub(super) fn required(&mut self, key: &'static str) -> Option<&'a Node> {
        let node = self.optional(key);
        if node.is_none() {
            let line = self.entries.get(key).map_or(self.line, |(line, _)| *line);
            self.report.at(line, format!("`{key}` is missing"));
        }
        node
    }

    /// Text that must be there and not be blank.
    pub(super) fn text(&mut self, key: &'static str) -> At<String> {
        self.required(key).map_or_else(Default::default, |node| text(node, key, self.report))
    }

    /// Text that may be absent, but not blank.
    pub(super) fn optional_text(&mut self, key: &'static str) -> Option<At<String>> {
        self.optional(key).map(|node| text(node, key, self.report))
    }

    /// A list of texts; empty if absent.
    pub(super) fn texts(&mut self, key: &'static str) -> Vec<At<String>> {
        let report = self.report;
        self.list(key).iter().map(|item| text(item, key, report)).collect()
    }

    /// A list; empty if absent.
    pub(super) fn list(&mut self, key: &'static str) -> &'a [Node] {
        match self.optional(key) {
            None => &[],
            Some(Node { tree: Tree::List(items), .. }) => items,
            Some(node) => {
                self.report.at(node.line, format!("`{key}` is a list"));
                &[]
            }
        }
    }

    /// `true` or `false`.
    pub(super) fn flag(&mut self, key: &'static str, default: bool) -> bool {
        match self.optional(key).map(|node| (node.line, &node.tree)) {
            None => default,
            Some((_, Tree::Scalar(Value::Bool(value)))) => *value,
            Some((line, _)) => {
                self.report.at(line, format!("`{key}` is `true` or `false`"));
                default
            }
        }
    }

    /// A whole number from 1.
    /// A flag that may be left to others to say.
    pub(super) fn optional_flag(&mut self, key: &'static str) -> Option<bool> {
        let given = self.entries.contains_key(key);
        let flag = self.flag(key, false);
        given.then_some(flag)
    }

    pub(super) fn count(&mut self, key: &'static str) -> Option<u64> {
        let node = self.optional(key)?;
        let count = match &node.tree {
            Tree::Scalar(value) => value.as_u64().filter(|count| *count > 0),
            Tree::List(_) | Tree::Map(_) => None,
        };
        if count.is_none() {
            self.report.at(node.line, format!("`{key}` is a whole number, 1 or more"));
        }
        count
    }

    /// An amount of memory or disk, in bytes; 0 if it is wrong or absent, which is reported.
    pub(super) fn size(&mut self, key: &'static str) -> At<u64> {
        let Some(node) = self.required(key) else { return At::default() };
        let text = match &node.tree {
            Tree::Scalar(Value::String(text)) => text.clone(),
            Tree::Scalar(value) => value.to_string(),
            Tree::List(_) | Tree::Map(_) => String::new(),
        };
        let value = size::parse(&text).unwrap_or_else(|why| {
            self.report.at(node.line, format!("`{key}`: {why}"));
            0
        });
        At { line: node.line, value }
    }

    /// Reports the fields that nobody asked for.
    pub(super) fn end(self) {
        for (key, (line, _)) in &self.entries {
            if self.asked.contains(key) {
                continue;
            }
            let hint = nearest(key, &self.asked).map_or_else(
                || format!("known here: {}", self.asked.join(", ")),
                |name| format!("did you mean `{name}`?"),
            );
            self.report.at(*line, format!("unknown field `{key}`; {hint}"));
        }
    }
}

/// Text that is not blank; anything else is reported.
pub(super) fn text(node: &Node, key: &str, report: Report<'_>) -> At<String> {
    let value = match node.as_text() {
        Some(text) if !text.trim().is_empty() => text.to_owned(),
        Some(_) => {
            report.at(node.line, format!("`{key}` must not be blank"));
            String::new()
        }
        None => {
            report.at(node.line, format!("`{key}` is text; if it is meant to be, quote it"));
            String::new()
        }
    };
    At { line: node.line, value }
}

/// The known name that is at most a few slips away.
fn nearest(word: &str, known: &[&'static str]) -> Option<&'static str> {
    known
        .iter()
        .map(|name| (distance(word, name), *name))
        .filter(|(distance, name)| *distance <= 1 + name.len() / 4)
        .min()
        .map(|(_, name)| name)
}

/// Levenshtein's.
fn distance(a: &str, b: &str) -> usize {
    let mut row: Vec<usize> = (0..=b.chars().count()).collect();
    for (i, x) in a.chars().enumerate() {
        let mut diagonal = i;
        row[0] = i + 1;
        for (j, y) in b.chars().enumerate() {
            let change = diagonal + usize::from(x != y);
            diagonal = row[j + 1];
            row[j + 1] = change.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[row.len() - 1]
}

#[cfg(test)]
mod tests {
    use super::super::mistakes::Mistakes;
    use super::*;

    #[test]
    fn lines_are_kept() {
        let node: Node = parse("a: 1\nb:\n  - x\n  - {c: y}\n").unwrap();
        let Tree::Map(entries) = &node.tree else { panic!("a mapping") };
        assert_eq!(entries.iter().map(|e| e.1).collect::<Vec<_>>(), [1, 2]);
        let Tree::List(items) = &node.get("b").unwrap().tree else { panic!("a list") };
        assert_eq!(items.iter().map(|item| item.line).collect::<Vec<_>>(), [3, 4]);
    }

    #[test]
    fn yaml_1_1_surprises_stay_text() {
        let node: Node = parse("[no, yes, on, 012, 1_000, 'true']").unwrap();
        assert_eq!(node.json(), serde_json::json!(["no", "yes", "on", "012", "1_000", "true"]));
    }

    #[test]
    fn syntax_errors_have_a_line_and_no_snippet() {
        let (line, message) = parse::<Node>("a: 1\nb: [1\nc: 2\n").unwrap_err();
        assert!((2..=4).contains(&line), "{line}");
        assert!(!message.contains('\n') && !message.contains("line"), "{message}");
        let (line, message) = parse::<Node>("a: 1\nb: 2\na: 3\n").unwrap_err();
        assert_eq!(line, 3);
        assert!(message.contains("duplicate"), "{message}");
    }

    #[test]
    fn every_wrong_field_is_told() {
        let mistakes = Mistakes::default();
        let node: Node = parse("descripton: x\nfree: maybe\nname: 3\nsize: 1g\nodd: 1").unwrap();
        let mut fields = Fields::of(&node, "a thing", mistakes.report("f"));
        fields.text("description");
        fields.flag("free", true);
        fields.text("name");
        fields.size("size");
        fields.end();
        let told: Vec<String> = mistakes.into_sorted().iter().map(ToString::to_string).collect();
        insta::assert_snapshot!(told.join("\n"), @"
        f:1: `description` is missing
        f:1: unknown field `descripton`; did you mean `description`?
        f:2: `free` is `true` or `false`
        f:3: `name` is text; if it is meant to be, quote it
        f:4: `size`: `1g` is not a size; write `64Mi`, `1Gi` or a number of bytes
        f:5: unknown field `odd`; known here: description, free, name, size
        ");
    }
}
