//! What platforms refuse a whole catalog for: the specification's limits, Cloud Controller's,
//! service-catalog's and Service Manager's (§3.9 of the requirements). The limit of schemas is in
//! [`super::schema`].

use std::collections::BTreeMap;

use super::file::MaintenanceFile;
use super::mistakes::Report;
use super::yaml::At;

/// What the specification asks strings to stay within (requirement 32).
const MAX_CHARS: usize = 255;
/// service-catalog keeps names and ids in Kubernetes labels.
const MAX_NAME_CHARS: usize = 63;
/// Cloud Controller's, for all tags of an offering together.
const MAX_TAGS_CHARS: usize = 2_048;
/// Cloud Controller's, for `maintenance_info` as JSON, less its punctuation and keys.
const MAX_MAINTENANCE_CHARS: usize = 1_900;
/// What a platform may be asked to permit (requirement 33).
const PERMISSIONS: [&str; 3] = ["syslog_drain", "route_forwarding", "volume_mount"];

/// CLI-friendly, and short enough for every platform.
pub(super) fn name(name: &At<String>, report: Report<'_>) {
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

pub(super) fn length(key: &str, text: &At<String>, report: Report<'_>) {
    if text.value.chars().count() > MAX_CHARS {
        report.at(text.line, format!("`{key}` has at most {MAX_CHARS} characters"));
    }
}

pub(super) fn maintenance(file: &MaintenanceFile, report: Report<'_>) {
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

pub(super) fn tags(tags: &[At<String>], report: Report<'_>) {
    let chars: usize = tags.iter().map(|tag| tag.value.chars().count()).sum();
    if let (true, Some(first)) = (chars > MAX_TAGS_CHARS, tags.first()) {
        let message = format!("all tags together have {chars} characters; {MAX_TAGS_CHARS} may be");
        report.at(first.line, message);
    }
}

pub(super) fn requires(permissions: &[At<String>], report: Report<'_>) {
    for permission in permissions.iter().filter(|it| !PERMISSIONS.contains(&it.value.as_str())) {
        let known = PERMISSIONS.join(", ");
        let message = format!("no platform permits `{}`; there are: {known}", permission.value);
        report.at(permission.line, message);
    }
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
