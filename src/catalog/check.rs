//! The rules that an offering's file must keep: the specification's, and what Cloud Controller,
//! service-catalog and Service Manager refuse a whole catalog for.

use std::collections::{BTreeMap, BTreeSet};

use super::file::{ImageFile, MaintenanceFile, OfferingFile, PlanFile};
use super::mistakes::Report;
use super::yaml::At;
use super::{Files, size};

/// What the specification asks strings to stay within (requirement 32).
const MAX_CHARS: usize = 255;
/// service-catalog keeps names and ids in Kubernetes labels.
const MAX_NAME_CHARS: usize = 63;
/// Cloud Controller's, for all tags of an offering together.
const MAX_TAGS_CHARS: usize = 2_048;
/// Cloud Controller's, for `maintenance_info` as JSON, less its punctuation and keys.
const MAX_MAINTENANCE_CHARS: usize = 1_900;
/// Docker refuses containers with less.
const MIN_MEMORY: u64 = 6 << 20;

/// What an offering's file is held against.
#[derive(Clone, Copy, Debug)]
pub(super) struct Surroundings<'a> {
    pub(super) files: &'a Files,
    pub(super) folder: &'a str,
    pub(super) engines: &'a [&'a str],
}

pub(super) fn offering(file: &OfferingFile, around: Surroundings<'_>, report: Report<'_>) {
    name(&file.name, report);
    if !file.name.value.is_empty() && file.name.value != around.folder {
        let folder = around.folder;
        report.at(file.name.line, format!("`name` must be the folder's: {folder}"));
    }
    length("description", &file.description, report);
    if !file.engine.value.is_empty() && !around.engines.contains(&file.engine.value.as_str()) {
        let known = around.engines.join(", ");
        report.at(
            file.engine.line,
            format!("there is no engine `{}`; there are: {known}", file.engine.value),
        );
    }
    let tags: usize = file.tags.iter().map(|tag| tag.value.chars().count()).sum();
    if tags > MAX_TAGS_CHARS {
        let message = format!("all tags together have {tags} characters; {MAX_TAGS_CHARS} may be");
        report.at(file.tags[0].line, message);
    }
    for (key, text) in &file.metadata.texts {
        let is_url = text.value.starts_with("https://") || text.value.starts_with("http://");
        if key.ends_with("Url") && !text.value.is_empty() && !is_url {
            report.at(text.line, format!("`{key}` must begin with https:// or http://"));
        }
    }
    image(&file.image, around, report);
    file.maintenance.iter().for_each(|it| maintenance(it, report));
    plans(file, report);
}

fn plans(file: &OfferingFile, report: Report<'_>) {
    let Some(first) = file.plans.first() else {
        return report
            .at(file.line, "an offering has at least one plan: `plans` is missing or empty");
    };
    let mut lines = BTreeMap::new();
    for plan in &file.plans {
        self::plan(plan, file, report);
        let name = plan.name.value.as_str();
        if name.is_empty() {
            continue;
        }
        if let Some(line) = lines.insert(name, plan.name.line) {
            let message = format!("there is a plan `{name}` already, in line {line}");
            report.at(plan.name.line, message);
        }
    }
    let smallest = first.resources.memory.value;
    for plan in &file.plans {
        let memory = &plan.resources.memory;
        if memory.value > 0 && memory.value < smallest {
            let (plan, memory_shown) = (&plan.name.value, size::show(memory.value));
            let message = format!(
                "the first plan must be the smallest, but `{plan}` has {memory_shown} and `{}` {}",
                first.name.value,
                size::show(smallest)
            );
            report.at(memory.line, message);
        }
    }
}

fn plan(plan: &PlanFile, file: &OfferingFile, report: Report<'_>) {
    name(&plan.name, report);
    length("description", &plan.description, report);
    plan.bullets.iter().for_each(|bullet| length("bullets", bullet, report));
    plan.maintenance.iter().for_each(|it| maintenance(it, report));
    let memory = &plan.resources.memory;
    if (1..MIN_MEMORY).contains(&memory.value) {
        let message = format!("{} of memory runs nothing; did you leave out `Mi`?", memory.value);
        report.at(memory.line, message);
    }
    let mut seen = BTreeSet::new();
    for target in plan.update_to.iter().filter(|target| !target.value.is_empty()) {
        let name = target.value.as_str();
        let message = if name == plan.name.value {
            format!("`{name}` is this plan itself")
        } else if !file.plans.iter().any(|other| other.name.value == name) {
            format!("there is no plan `{name}` to change to")
        } else if !seen.insert(name) {
            format!("`{name}` is listed twice")
        } else {
            continue;
        };
        report.at(target.line, message);
    }
}

/// CLI-friendly, and short enough for every platform.
fn name(name: &At<String>, report: Report<'_>) {
    let text = name.value.as_str();
    let edge = |c: Option<char>| c.is_none_or(|c| c.is_ascii_alphanumeric());
    let all = text.chars().all(|c| c.is_ascii_alphanumeric() || ".-".contains(c));
    if !all || !edge(text.chars().next()) || !edge(text.chars().last()) {
        let message = format!(
            "`{text}` is no name for a command line: letters, digits, and `.` or `-` within"
        );
        report.at(name.line, message);
    }
    if text.chars().count() > MAX_NAME_CHARS {
        report.at(name.line, format!("a name has at most {MAX_NAME_CHARS} characters"));
    }
}

fn length(key: &str, text: &At<String>, report: Report<'_>) {
    if text.value.chars().count() > MAX_CHARS {
        report.at(text.line, format!("`{key}` has at most {MAX_CHARS} characters"));
    }
}

fn maintenance(file: &MaintenanceFile, report: Report<'_>) {
    let version = &file.version;
    if !version.value.is_empty()
        && let Err(error) = semver::Version::parse(&version.value)
    {
        let message = format!("`{}` is not a semantic version: {error}", version.value);
        report.at(version.line, message);
    }
    let chars = |text: &At<String>| text.value.chars().count();
    if chars(version) + file.description.as_ref().map_or(0, chars) > MAX_MAINTENANCE_CHARS {
        report.at(
            version.line,
            format!("`maintenance` has at most {MAX_MAINTENANCE_CHARS} characters"),
        );
    }
}

fn image(file: &ImageFile, around: Surroundings<'_>, report: Report<'_>) {
    let reference = &file.reference;
    if !reference.value.is_empty()
        && let Err(why) = image_reference(&reference.value)
    {
        report.at(reference.line, format!("`{}` is no image: {why}", reference.value));
    }
    if let Some(line) = file.build {
        let dockerfile = format!("{}/image/Dockerfile", around.folder);
        if !around.files.0.contains_key(&dockerfile) {
            report.at(line, format!("there is no {dockerfile} to build from"));
        }
    }
}

/// `[host[:port]/]path[:tag][@sha256:digest]`, with a tag or a digest.
pub(super) fn image_reference(text: &str) -> Result<(), &'static str> {
    let (named, digest) = match text.split_once('@') {
        Some((named, digest)) => (named, Some(digest)),
        None => (text, None),
    };
    if let Some(digest) = digest {
        let hex = digest.strip_prefix("sha256:").ok_or("a digest begins with sha256:")?;
        if hex.len() != 64 || !hex.bytes().all(|b| b.is_ascii_hexdigit()) {
            return Err("a digest has 64 hexadecimal digits");
        }
    }
    let slash = named.rfind('/').map_or(0, |index| index + 1);
    let (path, tag) = match named[slash..].split_once(':') {
        Some((_, tag)) => (&named[..named.len() - tag.len() - 1], Some(tag)),
        None => (named, None),
    };
    let word = |text: &str, more: &str| {
        !text.is_empty() && text.chars().all(|c| c.is_ascii_alphanumeric() || more.contains(c))
    };
    if tag.is_some_and(|tag| tag.len() > 128 || !word(tag, "_.-")) {
        return Err("a tag has letters, digits and `_.-`");
    }
    if tag.is_none() && digest.is_none() {
        return Err("say which version: `:8.0`, or a digest");
    }
    let mut parts = path.split('/').peekable();
    let host = parts.next_if(|part| path.contains('/') && part.contains(['.', ':']));
    if host.is_some_and(|host| !word(host, ".-:")) {
        return Err("the registry has letters, digits and `.-:`");
    }
    if !parts.all(|part| word(part, "_.-") && !part.contains(char::is_uppercase)) {
        return Err("its path has lower-case letters, digits and `_.-` between slashes");
    }
    Ok(())
}

/// Ids that are taken, and by whom: an id is unique in the whole catalog (requirement 31).
#[derive(Debug, Default)]
pub(super) struct Claims(BTreeMap<String, String>);

impl Claims {
    /// Claims an id; blank ones have been reported already.
    pub(super) fn claim(&mut self, id: &str, owner: &str, line: usize, report: Report<'_>) {
        if id.is_empty() {
            return;
        }
        let unreserved = |c: char| c.is_ascii_alphanumeric() || "-._~".contains(c);
        if id.chars().count() > MAX_NAME_CHARS || !id.chars().all(unreserved) {
            let message = format!(
                "`{id}` is no id for every platform: at most {MAX_NAME_CHARS} letters, digits and `-._~`"
            );
            report.at(line, message);
        }
        if let Some(other) = self.0.insert(id.to_owned(), owner.to_owned()) {
            report.at(line, format!("{owner} has the same id as {other}: `{id}`"));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn image_references() {
        let digest = format!("redis@sha256:{}", "a".repeat(64));
        for text in [
            "redis:8.0",
            "docker.io/library/redis:8.0",
            "localhost:5000/a/b:1",
            "registry.example.com/x_y/z-a:v1.2",
            &digest,
        ] {
            assert_eq!(image_reference(text), Ok(()), "{text}");
        }
        for text in [
            "redis",
            "localhost:5000/redis",
            "Redis:8",
            "redis:",
            "a//b:1",
            "redis:8 0",
            "r@sha256:12",
            "/r:1",
        ] {
            assert!(image_reference(text).is_err(), "{text}");
        }
    }
}
