//! What `image.fetch` of an offering comes to: files of the network with their checksums.

use std::collections::BTreeSet;

use super::Files;
use super::file::{FetchFile, ImageFile};
use super::mistakes::Mistakes;
use crate::model::fetch::{Fetch, Origin};

/// More than this is not fetched for one image.
const MAX: usize = 500;

/// The files in the order in which they are written down; mistakes are reported.
pub(super) fn fetches(
    image: &ImageFile,
    files: &Files,
    folder: &str,
    mistakes: &Mistakes,
) -> Vec<Fetch> {
    let path = format!("{folder}/offering.yaml");
    let report = mistakes.report(&path);
    let mut all = Vec::new();
    for entry in &image.fetch {
        let line = entry.into.line;
        if !entry.into.value.split('/').all(is_plain) {
            report.at(line, format!("`into: {}` is no path within `image/`", entry.into.value));
        }
        match entry {
            FetchFile { url: Some(url), sha256: Some(sha256), maven: None, into } => {
                if !url.value.starts_with("https://") {
                    report.at(url.line, "`url` must begin with https://");
                }
                if !is_sha256(&sha256.value) {
                    report.at(sha256.line, "`sha256` is 64 hexadecimal digits, in lower case");
                }
                all.push(Fetch {
                    origin: Origin::Url(url.value.clone()),
                    sha256: sha256.value.clone(),
                    into: into.value.clone(),
                });
            }
            FetchFile { url: None, sha256: None, maven: Some(list), into } => {
                let path = format!("{folder}/image/{}", list.value);
                let Some(text) = files.text(&path, mistakes.report(&path)) else {
                    report.at(list.line, format!("there is no {path}"));
                    continue;
                };
                all.extend(jars(text, &into.value, &path, mistakes));
            }
            _ => report.at(line, "an entry is `url`, `sha256` and `into`, or `maven` and `into`"),
        }
    }
    if all.len() > MAX {
        report.at(image.reference.line, format!("at most {MAX} files are fetched for an image"));
    }
    let mut seen = BTreeSet::new();
    for fetch in all.iter().filter(|fetch| !seen.insert(&fetch.into)) {
        report.at(image.reference.line, format!("`{}` is fetched twice", fetch.into));
    }
    all
}

/// The lines `<sha256>  <group>:<artifact>:<version>` of a file.
fn jars(text: &str, into: &str, path: &str, mistakes: &Mistakes) -> Vec<Fetch> {
    let jar = |(index, line): (usize, &str)| {
        let jar = line.split_once("  ").and_then(|(sha256, coordinates)| {
            let origin = Origin::jar(coordinates)?;
            let into = format!("{into}/{}", origin.file_name());
            is_sha256(sha256).then(|| Fetch { origin, sha256: sha256.to_owned(), into })
        });
        if jar.is_none() {
            let message = "a line is a SHA-256, two spaces and group:artifact:version";
            mistakes.report(path).at(index + 1, message);
        }
        jar
    };
    text.lines().enumerate().filter_map(jar).collect()
}

fn is_plain(part: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
    !part.is_empty() && !part.starts_with('.') && part.chars().all(plain)
}

fn is_sha256(text: &str) -> bool {
    text.len() == 64 && text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
}
