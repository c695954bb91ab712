//! The rules of the house, held against the tree itself.

#![expect(clippy::unwrap_used, reason = "what cannot be read fails the test")]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// Which rooms of `src/` a room may see, from the edges down: only rooms further below. The same
/// table is in [`MAP`].
const ROOMS: &[(&str, &[&str])] = &[
    ("cli", &["catalog", "config", "view", "model", "secret", "id"]),
    (
        "app",
        &[
            "http",
            "tasks",
            "broker",
            "lifecycle",
            "store",
            "backend",
            "engine",
            "authority",
            "catalog",
            "config",
            "clock",
            "secret",
            "id",
        ],
    ),
    ("http", &["broker", "catalog", "view", "osb", "model", "secret", "id"]),
    ("tasks", &["broker", "store", "backend", "model", "clock", "id"]),
    (
        "broker",
        &[
            "lifecycle",
            "store",
            "authority",
            "catalog",
            "view",
            "osb",
            "model",
            "clock",
            "secret",
            "id",
        ],
    ),
    ("lifecycle", &["store", "backend", "engine", "model", "clock", "id"]),
    ("store", &["model", "clock", "secret", "id"]),
    ("backend", &["model", "secret", "id"]),
    ("engine", &["model", "clock", "secret", "id"]),
    ("authority", &["model", "clock", "secret", "id"]),
    ("catalog", &["model", "secret", "id"]),
    ("config", &["secret", "id"]),
    ("view", &["model"]),
    ("osb", &["model", "clock", "id"]),
    ("model", &["clock", "secret", "id"]),
    ("clock", &["id"]),
    ("secret", &["id"]),
    ("id", &[]),
];

/// Single files that see one room more, and nothing else of it than the table's rules would hide.
const EXCEPTIONS: &[(&str, &str)] =
    &[("cli/serve.rs", "app"), ("cli/catalog/folder.rs", "app"), ("cli/images.rs", "backend")];

/// Where people find all this.
const MAP: &str = "docs/ARCHITECTURE.md";
/// Lines of a file of `src/` before its tests.
const LONGEST: usize = 400;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn text(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// Every file below a folder, relative to the root; what is built or hidden in a checkout is not
/// part of the tree.
fn files(folder: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut folders = vec![root().join(folder)];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_str().unwrap();
            if path.is_dir() && !matches!(name, "target" | ".git") {
                folders.push(path);
            } else if path.is_file() && name != ".git" {
                found.push(path.strip_prefix(root()).unwrap().to_str().unwrap().to_owned());
            }
        }
    }
    found.sort();
    found
}

/// The files of `src/`, relative to it, with their text.
fn sources() -> Vec<(String, String)> {
    let files = files("src").into_iter();
    files.map(|path| (path.strip_prefix("src/").unwrap().to_owned(), text(&path))).collect()
}

fn has_end(file: &str, extension: &str) -> bool {
    Path::new(file).extension().is_some_and(|end| end == extension)
}

fn room(file: &str) -> &str {
    file.split(['/', '.']).next().unwrap()
}

fn before_tests(text: &str) -> &str {
    text.split("#[cfg(test)]").next().unwrap()
}

#[track_caller]
fn none(faults: &[String], rule: &str) {
    assert!(faults.is_empty(), "{rule}:\n{}", faults.join("\n"));
}

#[test]
fn the_table_names_every_room_and_only_leads_down() {
    let rooms: Vec<&str> = ROOMS.iter().map(|(room, _)| *room).collect();
    let there: BTreeSet<String> = sources().iter().map(|(file, _)| room(file).to_owned()).collect();
    let named: BTreeSet<String> =
        rooms.iter().copied().chain(["build", "lib", "main"]).map(str::to_owned).collect();
    assert_eq!(there, named);
    let place = |room: &str| rooms.iter().position(|other| *other == room).unwrap();
    for (room, sees) in ROOMS {
        let below = |other: &&&str| place(other) <= place(room);
        assert_eq!(sees.iter().find(below), None, "{room} looks up");
    }
}

#[test]
fn a_line_imports_lines_below_it() {
    let mut faults = Vec::new();
    for (file, text) in sources() {
        let room = room(&file);
        let below = ROOMS.iter().find(|(name, _)| *name == room).map_or(&[][..], |(_, sees)| sees);
        for path in text.split("crate::").skip(1) {
            let end = path.find(|c: char| !c.is_ascii_lowercase() && c != '_').unwrap_or(0);
            let seen = &path[..end];
            let allowed = seen == room
                || below.contains(&seen)
                || EXCEPTIONS.contains(&(file.as_str(), seen));
            if !allowed {
                let line = path.lines().next().unwrap_or_default();
                faults.push(format!("src/{file}: crate::{line}"));
            }
        }
    }
    none(&faults, "these look at rooms that the table hides from them");
}

#[test]
fn no_path_climbs_out_of_its_room() {
    let mut faults = Vec::new();
    for (file, text) in sources() {
        let depth = file.trim_end_matches(".rs").split('/').count();
        let climb = format!("{}::", vec!["super"; depth].join("::"));
        if before_tests(&text).contains(&climb) {
            faults.push(format!("src/{file}: {climb}"));
        }
    }
    none(&faults, "write `crate::` where another room is meant");
}

#[test]
fn every_exception_is_needed() {
    for (file, seen) in EXCEPTIONS {
        let path = format!("crate::{seen}::");
        assert!(text(&format!("src/{file}")).contains(&path), "{file} has no {path} any more");
    }
}

#[test]
fn the_map_holds_the_same_tables() {
    let cell = |words: &[&str]| {
        let words: Vec<String> = words.iter().map(|word| format!("`{word}`")).collect();
        if words.is_empty() { "nothing".to_owned() } else { words.join(" ") }
    };
    let table = |head: &str, rows: Vec<(&str, String)>| {
        let rows = rows.iter().map(|(left, right)| format!("| `{left}` | {right} |\n"));
        format!("| {head} |\n| --- | --- |\n{}\n", rows.collect::<String>())
    };
    let rooms = ROOMS.iter().map(|(room, sees)| (*room, cell(sees))).collect();
    let exceptions = EXCEPTIONS.iter().map(|(file, seen)| (*file, cell(&[seen]))).collect();
    let map = text(MAP);
    let what = map.split("| room | what is in it |").nth(1).expect("the map says what is where");
    let what = what.split("\n\n").next().unwrap_or_default();
    for (room, _) in ROOMS {
        let rows = what.lines().filter(|line| line.starts_with(&format!("| `{room}` |"))).count();
        assert!(rows <= 1, "{MAP} says {rows} times what is in {room}");
    }
    for wanted in [table("room | sees", rooms), table("file | also sees", exceptions)] {
        assert!(map.contains(&wanted), "{MAP} must hold:\n{wanted}");
    }
}

#[test]
fn files_have_a_head_and_an_end() {
    let mut faults = Vec::new();
    for (file, text) in sources() {
        let head = if has_end(&file, "rs") { "//! " } else { "# " };
        if !text.starts_with(head) {
            faults.push(format!("src/{file} does not begin with what it is for (`{head}`)"));
        }
        let lines = before_tests(&text).lines().count();
        if lines > LONGEST {
            faults.push(format!("src/{file} has {lines} lines before its tests: split it"));
        }
        if file.split('/').next_back() == Some("mod.rs") {
            faults.push(format!("src/{file}: write foo.rs beside foo/"));
        }
    }
    none(&faults, "files are read from the top, in one sitting");
}

#[test]
fn nothing_is_put_off_or_silenced() {
    let words = ["TODO", "FIXME", "#[allow(", "#![allow(", "#[ignore"];
    let mut faults = Vec::new();
    let code = |file: &&String| has_end(file, "rs") || has_end(file, "sql");
    for file in files("").iter().filter(code).filter(|file| *file != "tests/tidy.rs") {
        let text = text(file);
        let found = words.iter().filter(|word| text.contains(**word));
        faults.extend(found.map(|word| format!("{file}: {word}")));
    }
    none(&faults, "do it, report it, or expect it with a reason");
}

#[test]
fn nothing_tells_where_it_was_written() {
    // In two parts, or this file would tell.
    let places = [("/wo", "rk/"), ("/tmp/", "wt"), ("/tmp/", "bq"), ("/ro", "ot/")];
    let mut faults = Vec::new();
    for file in files("") {
        let Ok(text) = fs::read_to_string(root().join(&file)) else { continue };
        for (first, second) in places {
            if text.contains(&format!("{first}{second}")) {
                faults.push(format!("{file}: {first}{second}"));
            }
        }
    }
    none(&faults, "paths of one machine mean nothing on another");
}

#[test]
fn links_lead_somewhere() {
    let mut faults = Vec::new();
    let pages = files("").into_iter().filter(|file| has_end(file, "md"));
    for page in pages.filter(|page| page == "README.md" || page.starts_with("docs/")) {
        let text = text(&page);
        for target in text.split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
            if target.contains("://") {
                continue;
            }
            let (file, anchor) = target.split_once('#').unwrap_or((target, ""));
            let beside = root().join(&page).parent().unwrap().join(file);
            let there = if file.is_empty() { root().join(&page) } else { beside };
            if !there.exists() || !has_heading(&there, anchor) {
                faults.push(format!("{page}: {target}"));
            }
        }
    }
    none(&faults, "links that lead nowhere");
}

/// Whether a page has a heading of this anchor; an empty one is the page itself.
fn has_heading(page: &PathBuf, anchor: &str) -> bool {
    if anchor.is_empty() {
        return true;
    }
    let slug = |heading: &str| {
        let kept = heading.chars().filter(|c| c.is_alphanumeric() || " -_".contains(*c));
        kept.collect::<String>().trim().to_lowercase().replace(' ', "-")
    };
    let text = fs::read_to_string(page).unwrap();
    text.lines()
        .filter(|line| line.starts_with('#'))
        .any(|heading| slug(heading.trim_start_matches('#')) == anchor)
}

#[test]
fn every_invariant_has_its_tests() {
    let map = text(MAP);
    let section = map.split("\n## Invariants\n").nth(1).expect("the map has invariants");
    let section = section.split("\n## ").next().unwrap();
    let rows: Vec<&str> = section.lines().filter(|line| line.starts_with("| ")).skip(2).collect();
    assert!(rows.len() > 20, "the table is not where it is looked for");
    let mut faults = Vec::new();
    for row in rows {
        let invariant = row.split('|').nth(1).unwrap().trim();
        let tests = row.trim_end_matches(['|', ' ']).rsplit('|').next().unwrap();
        let (mut file, mut held) = (String::new(), 0);
        for name in tests.split('`').skip(1).step_by(2) {
            if has_end(name, "rs") {
                file = text(name);
            } else if ["(", "<"].iter().any(|end| file.contains(&format!("fn {name}{end}"))) {
                held += 1;
            } else {
                faults.push(format!("{invariant}: there is no test {name}"));
            }
        }
        if held == 0 {
            faults.push(format!("{invariant}: no test holds it"));
        }
    }
    none(&faults, "what nobody tests does not hold");
}
