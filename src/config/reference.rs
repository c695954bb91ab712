//! `docs/CONFIG.md`, made from the table of keys.

use std::fmt::Write as _;

use super::keys::{self, KEYS, Kind, OTHER_VARIABLES};

const HEAD: &str = "\
# Settings

<!-- Made from src/config/keys.rs; refresh with `UPDATE_DOCS=1 cargo test --test cli`. -->

Settings come from one TOML file, from variables, and from flags of the command line; variables win
over the file, flags over variables. The file is the one named by `--config` or `BANQUET_CONFIG`,
else `banquet.toml` in the data folder if there is one. An empty variable counts as unset.

Every mistake is told at once, with its file and line or its variable; unknown settings and unknown
`BANQUET_*` variables are mistakes. `banquet config check` looks for them, `banquet config show`
prints what is in force and where each value comes from.

A secret can also be given as `<name>_file` (`BANQUET_<NAME>_FILE`): the path of a file that holds
it, whose last line end is not part of it. Paths in the file are relative to its folder. Durations
are a whole number and `ms`, `s`, `m`, `h` or `d`.
";

/// The text of `docs/CONFIG.md`.
#[must_use]
pub fn reference() -> String {
    let mut text = HEAD.to_owned();
    for key in KEYS {
        let kind = match key.kind {
            Kind::Text => "string",
            Kind::Integer => "integer",
            Kind::Boolean => "boolean",
            Kind::Tables => "array of tables",
        };
        let twin = if key.secret { ", secret" } else { "" };
        let default = key.default.strip_prefix('(').and_then(|words| words.strip_suffix(')'));
        let default = default.map_or_else(|| format!("`{}`", key.default), str::to_owned);
        let (name, variable) = (key.name, keys::variable(key.name));
        write!(
            text,
            "\n## `{name}`\n\n`{variable}` · {kind}{twin} · default: {default}\n\n{}\n",
            key.about
        )
        .expect("a String takes all");
    }
    text.push_str(
        "\n## Variables that are no settings\n\n| variable | what it does |\n| --- | --- |\n",
    );
    for (name, about) in OTHER_VARIABLES {
        writeln!(text, "| `{name}` | {about} |").expect("a String takes all");
    }
    text
}
