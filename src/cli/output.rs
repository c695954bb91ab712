//! What goes to standard output: a table, or lines of key and value, or JSON. Nothing else does.

use std::io::{self, Write as _};

use comfy_table::{CellAlignment, ContentArrangement, Table, presets};
use serde::Serialize;

use super::failure::Failure;

/// How results are printed.
#[derive(Debug)]
pub(super) struct Output {
    pub(super) json: bool,
    pub(super) show_secrets: bool,
}

impl Output {
    /// The result as JSON if that was asked for, else as text.
    pub(super) fn print<T: Serialize + ?Sized>(
        &self,
        result: &T,
        text: impl FnOnce() -> String,
    ) -> Result<(), Failure> {
        let text = if self.json {
            serde_json::to_string_pretty(result).expect("views have text keys only")
        } else {
            text()
        };
        write(text.trim_end())
    }
}

/// Text and a line end.
pub(super) fn write(text: &str) -> Result<(), Failure> {
    let mut stdout = io::stdout().lock();
    writeln!(stdout, "{text}")?;
    Ok(stdout.flush()?)
}

/// A line beside the result, for people.
pub(super) fn remark(text: &str) {
    // Whoever closed standard error does not want to know.
    let _ = writeln!(io::stderr().lock(), "{text}");
}

/// Columns with a headline and no lines; those in `right` (from 0) to the right.
pub(super) fn table(headline: &[&str], right: &[usize], rows: Vec<Vec<String>>) -> String {
    let mut table = plain();
    table.set_header(headline.iter().map(|title| title.to_uppercase()));
    for row in rows {
        table.add_row(row.iter().map(|cell| printable(cell)));
    }
    for (index, column) in table.column_iter_mut().enumerate() {
        column.set_padding((0, 2));
        if right.contains(&index) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    trimmed(&table)
}

/// Keys and values, a line each.
pub(super) fn fields(fields: &[(&str, String)]) -> String {
    let mut table = plain();
    for (key, value) in fields {
        table.add_row([printable(key), printable(value)]);
    }
    for column in table.column_iter_mut() {
        column.set_padding((0, 2));
    }
    trimmed(&table)
}

fn plain() -> Table {
    let mut table = Table::new();
    // Never folded to the terminal's width: what is folded cannot be copied or searched.
    table.load_preset(presets::NOTHING).set_content_arrangement(ContentArrangement::Disabled);
    table
}

fn trimmed(table: &Table) -> String {
    table.lines().map(|line| line.trim_end().to_owned() + "\n").collect()
}

/// Names come from platforms and users: without the characters that steer a terminal.
pub(super) fn printable(text: &str) -> String {
    let steers = |c: char| {
        c.is_control()
            || matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    text.chars().map(|c| if steers(c) { '\u{fffd}' } else { c }).collect()
}

/// `64 MiB`.
pub(super) fn bytes(number: u64) -> String {
    for (shift, unit) in [(40, "TiB"), (30, "GiB"), (20, "MiB"), (10, "KiB")] {
        let size = 1_u64 << shift;
        if number >= size && number.is_multiple_of(size) {
            return format!("{} {unit}", number >> shift);
        }
    }
    format!("{number} B")
}

/// `0.5` of 500.
pub(super) fn cores(millis: u32) -> String {
    let text = format!("{}.{:03}", millis / 1000, millis % 1000);
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// An object as `key=value, key=value`; `-` if empty.
pub(super) fn inline(object: &crate::model::Object) -> String {
    if object.is_empty() {
        return "-".to_owned();
    }
    let pairs: Vec<String> =
        object.iter().map(|(key, value)| format!("{key}={}", plain_text(value))).collect();
    pairs.join(", ")
}

/// A string without its quotes; anything else as JSON.
pub(super) fn plain_text(value: &serde_json::Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes() {
        assert_eq!(bytes(64 << 20), "64 MiB");
        assert_eq!(bytes(1 << 30), "1 GiB");
        assert_eq!(bytes(1000), "1000 B");
        assert_eq!(bytes(0), "0 B");
        assert_eq!(
            (cores(500), cores(1000), cores(1250)),
            ("0.5".into(), "1".into(), "1.25".into())
        );
    }

    #[test]
    fn tables_have_no_lines_and_no_steering() {
        let rows = vec![
            vec!["a\u{1b}[31mb".to_owned(), "7".to_owned()],
            vec!["c".to_owned(), "10".to_owned()],
        ];
        let text = "NAME      N\na\u{fffd}[31mb   7\nc        10\n";
        assert_eq!(table(&["name", "n"], &[1], rows), text);
    }
}
