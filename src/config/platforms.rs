//! Who may call: `[[platforms]]`, and `username` and `password` for the one called `default`.

use std::collections::BTreeSet;

use super::keys::{self, PLATFORM_FIELDS};
use super::mistake::Source;
use super::reader::Reader;
use super::source::{Raw, RawPlatform};
use super::{Platform, parse};
use crate::id::PlatformName;
use crate::secret::Secret;

/// The platform that `username` and `password` are of.
pub(super) const DEFAULT: &str = "default";

impl Reader {
    /// The username of the platform `default`, and all platforms that have a password.
    pub(super) fn platforms(&mut self) -> (String, Vec<Platform>) {
        let username_source = self.source("username");
        let username = self.value("username", parse::username);
        let password = self.optional("password", parse::password);
        let raw = self.raw_platforms();
        let mut platforms = Vec::new();
        if let Some(password) = password {
            let name = PlatformName::from(DEFAULT);
            platforms.push(Platform { name, username: username.clone(), password });
        } else if !raw.is_empty() && username_source != Source::Default {
            let message = "is set without `password`, beside `platforms`: set both, or neither";
            self.mistake(username_source, "username", message.to_owned());
        }
        for raw in raw {
            let source = raw.source.clone();
            if let Some(platform) = self.platform(raw) {
                self.refuse_twins(&platforms, &platform, &source);
                platforms.push(platform);
            }
        }
        (username, platforms)
    }

    fn platform(&mut self, raw: RawPlatform) -> Option<Platform> {
        let RawPlatform { source, mut fields } = raw;
        let known: BTreeSet<&str> = PLATFORM_FIELDS.iter().copied().collect();
        for (field, raw) in fields.iter().filter(|(field, _)| !known.contains(field.as_str())) {
            let near = keys::suggestion(field, known.iter().copied());
            let key = format!("platforms.{field}");
            self.mistake(raw.source.clone(), &key, format!("there is no such field{near}"));
        }
        if let (Some(_), Some(file)) = (fields.get("password"), fields.get("password_file")) {
            let message = "is set beside `password`: set one of them".to_owned();
            self.mistake(file.source.clone(), "platforms.password_file", message);
        }
        let from_file = fields.remove("password_file").and_then(|raw| {
            self.secret_file("platforms.password_file", &raw).map(|text| Raw { text, ..raw })
        });
        let password = fields.remove("password").or(from_file);
        let name = self.field(&source, "name", fields.remove("name"), parse::platform_name);
        let username = self.field(&source, "username", fields.remove("username"), parse::username);
        let password: Option<Secret> = self.field(&source, "password", password, parse::password);
        Some(Platform { name: PlatformName::from(name?), username: username?, password: password? })
    }

    fn field<T>(
        &mut self,
        platform: &Source,
        field: &str,
        raw: Option<Raw>,
        parse: impl Fn(&str) -> parse::Parsed<T>,
    ) -> Option<T> {
        let (source, parsed) = raw.map_or_else(
            || (platform.clone(), Err("is missing from this platform".to_owned())),
            |raw| (raw.source, parse(raw.text.expose())),
        );
        parsed.map_err(|message| self.mistake(source, &format!("platforms.{field}"), message)).ok()
    }

    /// A request tells its platform by the username alone.
    fn refuse_twins(&mut self, others: &[Platform], platform: &Platform, source: &Source) {
        if others.iter().any(|other| other.name == platform.name) {
            let message = format!("`{}` is the name of two platforms", platform.name);
            self.mistake(source.clone(), "platforms.name", message);
        }
        if others.iter().any(|other| other.username == platform.username) {
            let message = format!("`{}` is the username of two platforms", platform.username);
            self.mistake(source.clone(), "platforms.username", message);
        }
    }
}
