//! The three places that settings come from, read into one shape: key → text and where it stood.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::keys::{self, Kind};
use super::mistake::{ConfigMistake, Source};
use super::{Environment, Flags};
use crate::secret::Secret;

/// A setting as given. The text may be secret.
#[derive(Clone, Debug)]
pub(super) struct Raw {
    pub(super) text: Secret,
    pub(super) source: Source,
}

/// One table of `platforms`, as given.
#[derive(Clone, Debug)]
pub(super) struct RawPlatform {
    pub(super) source: Source,
    pub(super) fields: BTreeMap<String, Raw>,
}

/// What one place says.
#[derive(Debug, Default)]
pub(super) struct Layer {
    /// By the key's name, or that of its `_file` twin.
    pub(super) values: BTreeMap<String, Raw>,
    pub(super) platforms: Option<Vec<RawPlatform>>,
}

/// The flags.
pub(super) fn flags(flags: &Flags) -> Layer {
    let raw = |(key, text, flag): &(&'static str, String, &'static str)| {
        let raw = Raw { text: Secret::from(text.as_str()), source: Source::Flag(flag) };
        ((*key).to_owned(), raw)
    };
    Layer { values: flags.values.iter().map(raw).collect(), platforms: None }
}

/// The variables that begin with `BANQUET_`.
pub(super) fn environment(environment: &Environment, mistakes: &mut Vec<ConfigMistake>) -> Layer {
    let mut layer = Layer::default();
    for (name, value) in environment.starting_with("BANQUET_") {
        let source = Source::Variable(name.to_owned());
        let key = name["BANQUET_".len()..].to_lowercase();
        let Some(text) = value.to_str() else {
            mistakes.push(ConfigMistake { source, key, message: "is not UTF-8".to_owned() });
            continue;
        };
        if text.is_empty() || is_not_ours(name, text) {
            continue;
        }
        match keys::find(&key) {
            Some((found, _)) if found.kind == Kind::Tables => {
                layer.platforms = Some(platforms_of_json(text, &source, mistakes));
            }
            Some(_) => {
                layer.values.insert(key, Raw { text: Secret::from(text), source });
            }
            None => {
                let variables = keys::names().map(|name| keys::variable(&name));
                let others = keys::OTHER_VARIABLES.iter().map(|(name, _)| (*name).to_owned());
                let known: Vec<String> = variables.chain(others).collect();
                let near = keys::suggestion(name, known.iter().map(String::as_str));
                let message = format!("there is no such variable{near}");
                mistakes.push(ConfigMistake { source, key: String::new(), message });
            }
        }
    }
    layer
}

/// Variables of the command line; and those that Kubernetes puts into every pod of a namespace that
/// has a Service called `banquet`: <https://kubernetes.io/docs/concepts/services-networking/service/#environment-variables>.
fn is_not_ours(name: &str, text: &str) -> bool {
    let of_service_link = ["BANQUET_SERVICE_", "BANQUET_PORT_"];
    keys::OTHER_VARIABLES.iter().any(|(other, _)| *other == name)
        || of_service_link.iter().any(|prefix| name.starts_with(prefix))
        || (name == "BANQUET_PORT" && text.contains("://"))
}

/// The settings file.
pub(super) fn file(path: &Path, mistakes: &mut Vec<ConfigMistake>) -> Layer {
    let text = match std::fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) => {
            let source = Source::File { path: path.to_owned(), line: 0 };
            let message = format!("the settings file cannot be read: {error}");
            mistakes.push(ConfigMistake { source, key: String::new(), message });
            return Layer::default();
        }
    };
    let place = Place { path, text: &text };
    let (table, errors) = DeTable::parse_recoverable(&text);
    if !errors.is_empty() {
        // An error's own Display shows the line, which may hold a secret.
        mistakes.extend(errors.iter().map(|error| ConfigMistake {
            source: place.at(error.span().map_or(0, |span| span.start)),
            key: String::new(),
            message: format!("this is not TOML: {}", error.message()),
        }));
        return Layer::default();
    }
    place.layer(table.get_ref(), mistakes)
}

/// A settings file, for telling lines.
struct Place<'a> {
    path: &'a Path,
    text: &'a str,
}

impl Place<'_> {
    fn at(&self, offset: usize) -> Source {
        let before = self.text.get(..offset).unwrap_or(self.text);
        let line = 1 + before.matches('\n').count();
        Source::File { path: PathBuf::from(self.path), line }
    }

    fn layer(&self, table: &DeTable<'_>, mistakes: &mut Vec<ConfigMistake>) -> Layer {
        let mut layer = Layer::default();
        for (name, value) in table {
            let source = self.at(name.span().start);
            let key = name.get_ref().to_string();
            match keys::find(&key) {
                Some((found, _)) if found.kind == Kind::Tables => {
                    layer.platforms = Some(self.platforms(value, mistakes));
                }
                Some((found, _)) => match text_of(value.get_ref(), found.kind) {
                    Ok(text) => {
                        layer.values.insert(key, Raw { text, source });
                    }
                    Err(message) => mistakes.push(ConfigMistake { source, key, message }),
                },
                None => {
                    let known: Vec<String> = keys::names().collect();
                    let near = keys::suggestion(&key, known.iter().map(String::as_str));
                    let message = format!("there is no such setting{near}");
                    mistakes.push(ConfigMistake { source, key, message });
                }
            }
        }
        layer
    }

    fn platforms(
        &self,
        value: &Spanned<DeValue<'_>>,
        mistakes: &mut Vec<ConfigMistake>,
    ) -> Vec<RawPlatform> {
        let wrong = |value: &Spanned<DeValue<'_>>| ConfigMistake {
            source: self.at(value.span().start),
            key: "platforms".to_owned(),
            message: format!("must be {}", Kind::Tables.words()),
        };
        let Some(entries) = value.get_ref().as_array() else {
            mistakes.push(wrong(value));
            return Vec::new();
        };
        let mut platforms = Vec::new();
        for entry in entries {
            match entry.get_ref().as_table() {
                Some(table) => platforms.push(RawPlatform {
                    source: self.at(entry.span().start),
                    fields: self.fields(table, mistakes),
                }),
                None => mistakes.push(wrong(entry)),
            }
        }
        platforms
    }

    fn fields(
        &self,
        table: &DeTable<'_>,
        mistakes: &mut Vec<ConfigMistake>,
    ) -> BTreeMap<String, Raw> {
        let mut fields = BTreeMap::new();
        for (name, value) in table {
            let source = self.at(name.span().start);
            match text_of(value.get_ref(), Kind::Text) {
                Ok(text) => {
                    fields.insert(name.get_ref().to_string(), Raw { text, source });
                }
                Err(message) => {
                    let key = format!("platforms.{}", name.get_ref());
                    mistakes.push(ConfigMistake { source, key, message });
                }
            }
        }
        fields
    }
}

/// The text of a TOML value of the right kind.
fn text_of(value: &DeValue<'_>, kind: Kind) -> Result<Secret, String> {
    match (kind, value) {
        (Kind::Text, DeValue::String(text)) if text.is_empty() => {
            Err("must not be empty: leave the line out instead".to_owned())
        }
        (Kind::Text, DeValue::String(text)) => Ok(Secret::from(text.as_ref())),
        (Kind::Integer, DeValue::Integer(number)) => Ok(Secret::from(number.as_str())),
        (Kind::Boolean, DeValue::Boolean(yes)) => Ok(Secret::from(yes.to_string())),
        _ => Err(format!("must be {}", kind.words())),
    }
}

/// `BANQUET_PLATFORMS`: its text is never repeated, it holds passwords.
fn platforms_of_json(
    text: &str,
    source: &Source,
    mistakes: &mut Vec<ConfigMistake>,
) -> Vec<RawPlatform> {
    type Platforms = Vec<BTreeMap<String, Secret>>;
    match serde_json::from_str::<Platforms>(text) {
        Ok(platforms) => platforms
            .into_iter()
            .map(|fields| RawPlatform {
                source: source.clone(),
                fields: fields
                    .into_iter()
                    .map(|(name, text)| (name, Raw { text, source: source.clone() }))
                    .collect(),
            })
            .collect(),
        Err(error) => {
            let message = format!(
                "is not a JSON array of objects of strings (column {}): write [{{\"name\": …, \"username\": …, \"password\": …}}]",
                error.column()
            );
            let key = "platforms".to_owned();
            mistakes.push(ConfigMistake { source: source.clone(), key, message });
            Vec::new()
        }
    }
}
