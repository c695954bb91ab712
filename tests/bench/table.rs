//! What is told at the end, and on the way there.

use std::fmt;

/// How good is good enough.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Target {
    AtMost(f64),
    AtLeast(f64),
    /// For information.
    None,
}

/// One line.
#[derive(Debug)]
pub(crate) struct Row {
    pub(crate) what: String,
    /// Of the broker.
    pub(crate) ours: String,
    /// Of what it is held against; empty where there is no such thing.
    pub(crate) bare: String,
    /// What the target is about.
    pub(crate) result: f64,
    /// Of the result: "ms", "MB"; empty for a ratio.
    pub(crate) unit: &'static str,
    pub(crate) target: Target,
}

#[derive(Debug, Default)]
pub(crate) struct Table {
    rows: Vec<Row>,
    notes: Vec<String>,
}

impl Table {
    pub(crate) fn add(&mut self, row: Row) {
        eprintln!("{}: {} {}", row.what, shown(row.result), row.unit);
        self.rows.push(row);
    }

    pub(crate) fn note(&mut self, note: String) {
        self.notes.push(note);
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut table = comfy_table::Table::new();
        table.load_preset(comfy_table::presets::UTF8_FULL_CONDENSED);
        table.set_header(["", "banquet", "bare", "result", "target", "met"]);
        for row in &self.rows {
            let (target, met) = match row.target {
                Target::AtMost(most) => (format!("≤ {most}"), yes_no(row.result <= most)),
                Target::AtLeast(least) => (format!("≥ {least:.3}"), yes_no(row.result >= least)),
                Target::None => (String::new(), ""),
            };
            let result = format!("{} {}", shown(row.result), row.unit);
            table.add_row([&row.what, &row.ours, &row.bare, result.trim_end(), &target, met]);
        }
        writeln!(f, "{table}")?;
        self.notes.iter().try_for_each(|note| writeln!(f, "{note}"))
    }
}

fn shown(number: f64) -> String {
    if number.abs() < 10.0 { format!("{number:.2}") } else { format!("{number:.1}") }
}

fn yes_no(met: bool) -> &'static str {
    if met { "yes" } else { "no" }
}
