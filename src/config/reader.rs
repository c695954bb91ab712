//! Looks settings up in flags, variables and file, in this order, and collects mistakes on the way.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::Serialize;

use super::keys::{self, KEYS, Key};
use super::mistake::{ConfigMistake, Source};
use super::parse::Parsed;
use super::source::{self, Layer, Raw, RawPlatform};
use super::{Environment, Flags};
use crate::secret::Secret;

/// What a masked secret shows.
pub(crate) const MASK: &str = "********";

/// A setting as it is in force, for people.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Effective {
    /// Its name in the file.
    pub key: &'static str,
    /// As text, masked if secret; none where it is unset.
    pub value: Option<String>,
    /// `default`, `file:line`, a variable or a flag.
    pub source: String,
}

/// Reads settings one by one.
pub(super) struct Reader {
    /// The winner first.
    layers: [Layer; 3],
    data_dir: PathBuf,
    docker_host: Option<String>,
    effective: BTreeMap<&'static str, Effective>,
    mistakes: Vec<ConfigMistake>,
}

impl Reader {
    pub(super) fn open(flags: &Flags, environment: &Environment) -> Self {
        let mut mistakes = Vec::new();
        let layers = [
            source::flags(flags),
            source::environment(environment, &mut mistakes),
            Layer::default(),
        ];
        let mut reader = Self {
            layers,
            data_dir: default_data_dir(environment),
            docker_host: environment.get("DOCKER_HOST").map(str::to_owned),
            effective: BTreeMap::new(),
            mistakes,
        };
        reader.open_file(flags, environment);
        reader
    }

    fn open_file(&mut self, flags: &Flags, environment: &Environment) {
        let named = flags.config.clone();
        let named = named.or_else(|| environment.get("BANQUET_CONFIG").map(PathBuf::from));
        if let Some(path) = named {
            self.layers[2] = source::file(&path, &mut self.mistakes);
            return;
        }
        let data_dir = self.raw("data_dir").map(|raw| PathBuf::from(raw.text.expose()));
        let path = data_dir.unwrap_or_else(|| self.data_dir.clone()).join("banquet.toml");
        if path.exists() {
            self.layers[2] = source::file(&path, &mut self.mistakes);
            if let Some(raw) = self.layers[2].values.remove("data_dir") {
                let message = "cannot be set in a file that was found inside the data folder: name the file with --config or BANQUET_CONFIG".to_owned();
                self.mistake(raw.source, "data_dir", message);
            }
        }
    }

    pub(super) fn mistake(&mut self, source: Source, key: &str, message: String) {
        self.mistakes.push(ConfigMistake { source, key: key.to_owned(), message });
    }

    /// All settings in the order of the keys, or all mistakes.
    pub(super) fn finish(mut self) -> Result<Vec<Effective>, Vec<ConfigMistake>> {
        if !self.mistakes.is_empty() {
            // Those of a file as they stand in it.
            self.mistakes.sort_by_key(|mistake| match mistake.source {
                Source::File { line, .. } => line,
                Source::Default | Source::Variable(_) | Source::Flag(_) => 0,
            });
            return Err(self.mistakes);
        }
        Ok(KEYS.iter().filter_map(|key| self.effective.remove(key.name)).collect())
    }

    /// Where a setting was set.
    pub(super) fn source(&self, name: &str) -> Source {
        self.raw(name).map_or(Source::Default, |raw| raw.source.clone())
    }

    fn raw(&self, name: &str) -> Option<&Raw> {
        self.layers.iter().find_map(|layer| layer.values.get(name))
    }

    /// The setting with its text; that of a secret may stand in a file.
    fn pick(&mut self, key: &'static Key) -> Option<Raw> {
        if !key.secret {
            return self.raw(key.name).cloned();
        }
        let twin = format!("{}_file", key.name);
        let held = |layer: &&Layer| {
            layer.values.contains_key(key.name) || layer.values.contains_key(&twin)
        };
        let layer = self.layers.iter().find(held)?;
        let (inline, file) =
            (layer.values.get(key.name).cloned(), layer.values.get(&twin).cloned());
        if let (Some(_), Some(file)) = (&inline, &file) {
            let message = format!("is set beside `{}`: set one of them", key.name);
            self.mistake(file.source.clone(), &twin, message);
        }
        inline.or_else(|| {
            let file = file?;
            self.secret_file(&twin, &file).map(|text| Raw { text, ..file })
        })
    }

    /// The text of a file that holds a secret, without the line ends after it.
    pub(super) fn secret_file(&mut self, key: &str, raw: &Raw) -> Option<Secret> {
        let path = resolve(raw);
        let text = match std::fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) => {
                let message = format!("{} cannot be read: {error}", path.display());
                self.mistake(raw.source.clone(), key, message);
                return None;
            }
        };
        let text = text.trim_end_matches(['\r', '\n']);
        if text.is_empty() {
            let message = format!("{} is empty: write the secret into it", path.display());
            self.mistake(raw.source.clone(), key, message);
            return None;
        }
        Some(Secret::from(text))
    }

    fn show(&mut self, key: &'static Key, value: Option<&str>, source: &Source) {
        let value = value.map(|text| if key.secret { masked(key, text) } else { text.to_owned() });
        let effective = Effective { key: key.name, value, source: source.to_string() };
        self.effective.insert(key.name, effective);
    }

    /// A setting, or its default in [`KEYS`].
    pub(super) fn value<T>(&mut self, name: &'static str, parse: impl Fn(&str) -> Parsed<T>) -> T {
        self.value_or(name, parse, key(name).default)
    }

    /// A setting, or a default that was worked out.
    pub(super) fn value_or<T>(
        &mut self,
        name: &'static str,
        parse: impl Fn(&str) -> Parsed<T>,
        default: &str,
    ) -> T {
        let found = self.optional(name, &parse);
        found.unwrap_or_else(|| {
            self.show(key(name), Some(default), &Source::Default);
            parse(default).expect("a default keeps the rules of its setting")
        })
    }

    /// A setting, if it was set.
    pub(super) fn optional<T>(
        &mut self,
        name: &'static str,
        parse: impl Fn(&str) -> Parsed<T>,
    ) -> Option<T> {
        let key = key(name);
        let docker_host = || {
            let source = Source::Variable("DOCKER_HOST".to_owned());
            let text = Secret::from(self.docker_host.clone()?);
            (name == "docker_host").then_some(Raw { text, source })
        };
        let fallback = docker_host();
        let Some(raw) = self.pick(key).or(fallback) else {
            self.show(key, None, &Source::Default);
            return None;
        };
        self.show(key, Some(raw.text.expose()), &raw.source);
        parse(raw.text.expose()).map_err(|message| self.mistake(raw.source, name, message)).ok()
    }

    /// A path, absolute: one in the settings file is relative to the file's folder.
    fn path(&mut self, name: &'static str) -> Option<(PathBuf, Source)> {
        let raw = self.raw(name).cloned();
        let path = raw.as_ref().map(resolve);
        let source = raw.map_or(Source::Default, |raw| raw.source);
        let shown = path.as_ref().map(|path| path.display().to_string());
        self.show(key(name), shown.as_deref(), &source);
        path.map(|path| (path, source))
    }

    /// The folder of all that is kept.
    pub(super) fn data_dir(&mut self) -> PathBuf {
        self.path("data_dir").map_or_else(
            || {
                let path = self.data_dir.clone();
                self.show(key("data_dir"), Some(&path.display().to_string()), &Source::Default);
                path
            },
            |(path, _)| path,
        )
    }

    /// A folder that must exist.
    pub(super) fn folder(&mut self, name: &'static str) -> Option<PathBuf> {
        self.existing(name, "a folder", Path::is_dir)
    }

    /// A file that must exist.
    pub(super) fn file(&mut self, name: &'static str) -> Option<PathBuf> {
        self.existing(name, "a file", Path::is_file)
    }

    fn existing(
        &mut self,
        name: &'static str,
        what: &str,
        is: impl Fn(&Path) -> bool,
    ) -> Option<PathBuf> {
        let (path, source) = self.path(name)?;
        if !is(&path) {
            let message = format!("there is not {what} at {}", path.display());
            self.mistake(source, name, message);
        }
        Some(path)
    }

    /// The tables of `platforms`.
    pub(super) fn raw_platforms(&mut self) -> Vec<RawPlatform> {
        let platforms = self.layers.iter().find_map(|layer| layer.platforms.clone());
        let platforms = platforms.unwrap_or_default();
        let names: Vec<&str> = platforms
            .iter()
            .filter_map(|platform| platform.fields.get("name").map(|raw| raw.text.expose()))
            .collect();
        let shown = (!names.is_empty()).then(|| names.join(", "));
        let source = platforms.first().map_or(Source::Default, |first| first.source.clone());
        self.show(key("platforms"), shown.as_deref(), &source);
        platforms
    }
}

fn key(name: &'static str) -> &'static Key {
    keys::find(name).map(|(key, _)| key).expect("only settings of the table are asked for")
}

fn default_data_dir(environment: &Environment) -> PathBuf {
    let home = environment.get("HOME").filter(|_| !environment.is_root);
    home.map_or_else(
        || PathBuf::from("/var/lib/banquet"),
        |home| Path::new(home).join(".local/share/banquet"),
    )
}

/// The path that a setting names, absolute.
fn resolve(raw: &Raw) -> PathBuf {
    let path = Path::new(raw.text.expose());
    let path = match &raw.source {
        Source::File { path: file, .. } => file.parent().unwrap_or(Path::new("")).join(path),
        Source::Default | Source::Variable(_) | Source::Flag(_) => path.to_owned(),
    };
    std::path::absolute(&path).unwrap_or(path)
}

/// A secret for showing: of the database's address, all but what may hold a password.
fn masked(key: &Key, text: &str) -> String {
    let Some(mut url) = reqwest::Url::parse(text).ok().filter(|_| key.name == "database_url")
    else {
        return MASK.to_owned();
    };
    if url.scheme() == "sqlite" {
        return text.to_owned();
    }
    let hidden = url.password().is_none() || url.set_password(Some(MASK)).is_ok();
    url.set_query(url.query().map(|_| MASK));
    if hidden { url.to_string() } else { MASK.to_owned() }
}
