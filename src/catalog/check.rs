//! The rules that an offering's file must keep, within itself and with what is around it.

use std::collections::{BTreeMap, BTreeSet};

use super::file::{ImageFile, OfferingFile, PlanFile};
use super::mistakes::Report;
use super::{Files, limits, size};

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
    limits::name(&file.name, report);
    if !file.name.value.is_empty() && file.name.value != around.folder {
        let folder = around.folder;
        report.at(file.name.line, format!("`name` must be the folder's: {folder}"));
    }
    limits::length("description", &file.description, report);
    if !file.engine.value.is_empty() && !around.engines.contains(&file.engine.value.as_str()) {
        let known = around.engines.join(", ");
        report.at(
            file.engine.line,
            format!("there is no engine `{}`; there are: {known}", file.engine.value),
        );
    }
    limits::tags(&file.tags, report);
    limits::requires(&file.requires, report);
    for (key, text) in &file.metadata.texts {
        let is_url = text.value.starts_with("https://") || text.value.starts_with("http://");
        if key.ends_with("Url") && !text.value.is_empty() && !is_url {
            report.at(text.line, format!("`{key}` must begin with https:// or http://"));
        }
    }
    image(&file.image, around, report);
    file.maintenance.iter().for_each(|it| limits::maintenance(it, report));
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
    limits::name(&plan.name, report);
    limits::length("description", &plan.description, report);
    plan.bullets.iter().for_each(|bullet| limits::length("bullets", bullet, report));
    plan.maintenance.iter().for_each(|it| limits::maintenance(it, report));
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
