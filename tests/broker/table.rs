//! `docs/OSB.md`: every requirement has a row, and every row the tests that carry its number.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// The requirements, and the one that is not the program's.
const NUMBERS: std::ops::RangeInclusive<u32> = 1..=131;
const DOES_NOT_APPLY: [u32; 1] = [16];
const CONTRADICTIONS: u32 = 11;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
}

/// Every test with numbers in its name.
fn numbered() -> BTreeSet<String> {
    let mut files = Vec::new();
    for folder in ["tests/broker", "src"] {
        sources(&root().join(folder), &mut files);
    }
    let mut names = BTreeSet::new();
    for file in files {
        let text = fs::read_to_string(&file).unwrap();
        let mut lines = text.lines().map(str::trim).peekable();
        while let Some(line) = lines.next() {
            let name = lines.peek().and_then(|next| next.strip_prefix("fn ")?.split_once('('));
            if let (true, Some((name, _))) = (line == "#[test]", name)
                && !numbers(name).is_empty()
            {
                names.insert(name.to_owned());
            }
        }
    }
    names
}

/// `r62_r63_missing` is of 62 and 63.
fn numbers(name: &str) -> Vec<u32> {
    name.split('_').map_while(|word| word.strip_prefix('r')?.parse().ok()).collect()
}

fn by_number(names: &BTreeSet<String>) -> BTreeMap<u32, Vec<&str>> {
    let mut tests: BTreeMap<u32, Vec<&str>> = BTreeMap::new();
    for name in names {
        for number in numbers(name) {
            tests.entry(number).or_default().push(name);
        }
    }
    tests
}

/// The cells of a line of a table with a number in front.
fn cells(line: &str) -> Option<(u32, Vec<&str>)> {
    let cells: Vec<&str> = line.strip_prefix('|')?.split('|').map(str::trim).collect();
    Some((cells.first()?.parse().ok()?, cells))
}

/// The part of the page about requirements, and the one about contradictions.
fn page() -> (PathBuf, String, String) {
    let path = root().join("docs/OSB.md");
    let text = fs::read_to_string(&path).unwrap();
    let end = text.find("## Where the specification").expect("the part about contradictions");
    let (requirements, contradictions) = text.split_at(end);
    (path, requirements.to_owned(), contradictions.to_owned())
}

#[test]
fn its_column_of_tests_is_current() {
    let (path, requirements, contradictions) = page();
    let found = numbered();
    let tests = by_number(&found);
    let mut written: Vec<String> = Vec::new();
    for line in requirements.lines() {
        written.push(match cells(line) {
            Some((number, columns)) if !DOES_NOT_APPLY.contains(&number) => {
                let named =
                    tests.get(&number).into_iter().flatten().map(|name| format!("`{name}`"));
                let named = named.collect::<Vec<_>>().join(" ");
                format!("| {number} | {} | {} | {named} |", columns[1], columns[2])
            }
            _ => line.to_owned(),
        });
    }
    let written = format!("{}\n{contradictions}", written.join("\n"));
    if std::env::var_os("UPDATE_DOCS").is_some() {
        fs::write(&path, &written).unwrap();
    }
    assert!(
        fs::read_to_string(&path).unwrap() == written,
        "docs/OSB.md is stale: refresh it with `UPDATE_DOCS=1 cargo test --test broker table`"
    );
}

#[test]
fn every_requirement_has_a_row_and_a_test() {
    let (_, requirements, _) = page();
    let rows: Vec<u32> = requirements.lines().filter_map(|line| Some(cells(line)?.0)).collect();
    assert_eq!(rows, NUMBERS.collect::<Vec<_>>(), "each once, in order");
    let found = numbered();
    let tests = by_number(&found);
    let bare: Vec<u32> = NUMBERS
        .filter(|number| !DOES_NOT_APPLY.contains(number) && !tests.contains_key(number))
        .collect();
    assert!(bare.is_empty(), "no test carries {bare:?}");
    let beyond: Vec<&u32> = tests.keys().filter(|number| !NUMBERS.contains(number)).collect();
    assert!(beyond.is_empty(), "tests carry numbers that there are not: {beyond:?}");
}

#[test]
fn every_contradiction_is_decided_and_tested() {
    let (_, _, contradictions) = page();
    let found = numbered();
    let rows: Vec<(u32, Vec<&str>)> = contradictions.lines().filter_map(cells).collect();
    let count: Vec<u32> = rows.iter().map(|(number, _)| *number).collect();
    assert_eq!(count, (1..=CONTRADICTIONS).collect::<Vec<_>>());
    for (number, cells) in rows {
        assert!(!cells[2].is_empty(), "{number} is undecided");
        let test = cells[3].trim_matches('`');
        assert!(found.contains(test), "there is no test {test}, of contradiction {number}");
    }
}
