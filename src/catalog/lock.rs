//! `catalog.lock`: which name has which id. Platforms keep ids for ever (requirement 29), so they
//! are written down once, and those of removed plans stay, so that no name gets another id.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::iter;

use serde::{Deserialize, Serialize};

use super::file::OfferingFile;
use super::mistakes::{Mistakes, Report};
use super::yaml::At;
use super::{Files, Mistake};

/// At the catalog's root.
pub const FILE: &str = "catalog.lock";

const HEAD: &str = "\
# Written by `banquet catalog lock`. Platforms remember these ids: keep this file with the catalog,
# and remove nothing from it.
";

/// Offering name → ids.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub(super) struct Lock(BTreeMap<String, Locked>);

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Locked {
    id: String,
    /// Plan name → id.
    #[serde(default)]
    plans: BTreeMap<String, String>,
}

impl Lock {
    /// Reads the lock; what is wrong with it is reported. No file is an empty lock.
    pub(super) fn read(files: &Files, mistakes: &Mistakes) -> Self {
        let report = mistakes.report(FILE);
        let text = files.text(FILE, report).unwrap_or_default();
        let lock: Self = toml::from_str(text).unwrap_or_else(|error| {
            let at = error.span().map_or(0, |span| span.start);
            let line = 1 + text[..at].matches('\n').count();
            report.at(line, error.message().lines().next().unwrap_or("not TOML"));
            Self::default()
        });
        lock.check_unique(text, report);
        lock
    }

    fn check_unique(&self, text: &str, report: Report<'_>) {
        let mut seen = BTreeSet::new();
        for id in self.ids().filter(|id| !seen.insert(*id)) {
            let quoted = format!("\"{id}\"");
            let mut lines = text.lines().enumerate().filter(|(_, line)| line.contains(&quoted));
            let line = lines.nth(1).map_or(0, |(index, _)| index + 1);
            report.at(line, format!("the id `{id}` is here twice"));
        }
    }

    fn ids(&self) -> impl Iterator<Item = &str> {
        self.0.values().flat_map(|offering| {
            iter::once(offering.id.as_str()).chain(offering.plans.values().map(String::as_str))
        })
    }

    fn offering_id(&self, offering: &str) -> Option<&str> {
        Some(self.0.get(offering)?.id.as_str())
    }

    fn plan_id(&self, offering: &str, plan: &str) -> Option<&str> {
        Some(self.0.get(offering)?.plans.get(plan)?.as_str())
    }

    /// The id of an offering, or of one of its plans: the one written beside it, else the one
    /// locked. Neither, or two that differ, is reported.
    pub(super) fn resolve(
        &self,
        (offering, plan): (&str, Option<&At<String>>),
        written: Option<&At<String>>,
        line: usize,
        report: Report<'_>,
    ) -> String {
        let (locked, what) = match plan {
            None => (self.offering_id(offering), format!("offering `{offering}`")),
            Some(plan) => (self.plan_id(offering, &plan.value), format!("plan `{}`", plan.value)),
        };
        match (written, locked) {
            (Some(written), Some(locked)) if written.value != locked => {
                report.at(
                    written.line,
                    format!("{what} has the id `{locked}` in {FILE}; ids never move"),
                );
                locked.to_owned()
            }
            (Some(written), _) => written.value.clone(),
            (None, Some(locked)) => locked.to_owned(),
            (None, None) => {
                report.at(line, format!("{what} has no id yet: run `banquet catalog lock`"));
                String::new()
            }
        }
    }

    fn text(&self) -> String {
        let mut text = HEAD.to_owned();
        let body = toml::to_string(self).expect("maps of strings are TOML");
        write!(text, "\n{body}").expect("a String takes all");
        text
    }
}

/// The text of `catalog.lock` as it should be: every id that is in it or written in an offering,
/// and a new one for each name that has none. Names that have left the catalog keep theirs.
///
/// # Errors
/// What keeps the names from being read, and ids that contradict the lock.
pub fn updated(files: &Files) -> Result<String, Vec<Mistake>> {
    updated_with(files, &mut fresh_id)
}

fn updated_with(files: &Files, fresh: &mut dyn FnMut() -> String) -> Result<String, Vec<Mistake>> {
    let mistakes = Mistakes::default();
    let mut lock = Lock::read(files, &mistakes);
    for folder in files.folders() {
        let path = format!("{folder}/offering.yaml");
        let report = mistakes.report(&path);
        let Some(file) = OfferingFile::read(files, &path, report) else { continue };
        let mut id = |written: &Option<At<String>>| {
            written.as_ref().map_or_else(&mut *fresh, |written| written.value.clone())
        };
        let locked = lock
            .0
            .entry(file.name.value.clone())
            .or_insert_with(|| Locked { id: id(&file.id), plans: BTreeMap::new() });
        for plan in &file.plans {
            locked.plans.entry(plan.name.value.clone()).or_insert_with(|| id(&plan.id));
        }
        // Now that all are locked, only contradictions are left to be told.
        lock.resolve((&file.name.value, None), file.id.as_ref(), 0, report);
        for plan in &file.plans {
            lock.resolve((&file.name.value, Some(&plan.name)), plan.id.as_ref(), 0, report);
        }
    }
    if mistakes.count() == 0 { Ok(lock.text()) } else { Err(mistakes.into_sorted()) }
}

fn fresh_id() -> String {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes).expect("the system's random source never fails once started");
    uuid::Builder::from_random_bytes(bytes).into_uuid().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn files(offering: &str, lock: &str) -> Files {
        let entries = [("redis/offering.yaml", offering), (FILE, lock)];
        Files(entries.map(|(path, text)| (path.to_owned(), text.to_owned().into())).into())
    }

    const OFFERING: &str = "\
name: redis
engine: redis
description: x
image: {ref: 'redis:8'}
plans:
  - {name: small, description: x, resources: {memory: 64Mi, cpus: 1, pids: 9, disk: 1Gi, connections: 1}}
";

    #[test]
    fn new_names_get_ids_and_old_ones_keep_theirs() {
        let mut count = 0;
        let mut fresh = || {
            count += 1;
            format!("fresh-{count}")
        };
        let first = updated_with(&files(OFFERING, ""), &mut fresh).unwrap();
        insta::assert_snapshot!(first.trim_start_matches(HEAD), @r#"

        [redis]
        id = "fresh-1"

        [redis.plans]
        small = "fresh-2"
        "#);

        assert_eq!(updated_with(&files(OFFERING, &first), &mut fresh).unwrap(), first);
        let renamed = OFFERING.replace("name: small", "name: tiny");
        let second = updated_with(&files(&renamed, &first), &mut fresh).unwrap();
        assert!(second.contains("small = \"fresh-2\"") && second.contains("tiny = \"fresh-3\""));
    }

    #[test]
    fn ids_are_uuids() {
        let text = updated(&files(OFFERING, "")).unwrap();
        let lock: Lock = toml::from_str(&text).unwrap();
        assert!(lock.ids().all(|id| uuid::Uuid::parse_str(id).unwrap().get_version_num() == 4));
    }

    #[test]
    fn written_ids_are_locked_and_never_move() {
        let written = OFFERING.replace("engine", "id: mine\nengine");
        let lock = updated(&files(&written, "")).unwrap();
        assert!(lock.contains("id = \"mine\""));
        let moved = OFFERING.replace("engine", "id: other\nengine");
        let told = updated(&files(&moved, &lock)).unwrap_err();
        assert_eq!(
            told[0].to_string(),
            "redis/offering.yaml:2: offering `redis` has the id `mine` in catalog.lock; ids never move"
        );
    }

    #[test]
    fn a_broken_lock_is_told_with_its_line() {
        let told = updated(&files(OFFERING, "[redis]\nid = 3\n")).unwrap_err();
        assert!(told[0].to_string().starts_with("catalog.lock:2: "), "{}", told[0]);
        let twice = "[redis]\nid = \"a\"\n[redis.plans]\nsmall = \"a\"\n";
        let told = updated(&files(OFFERING, twice)).unwrap_err();
        assert_eq!(told[0].to_string(), "catalog.lock:4: the id `a` is here twice");
    }
}
