//! `docs/CLI.md`, made from the commands' own help.

use std::fmt::Write as _;

const HEAD: &str = "\
# Command line

<!-- Made from src/cli; refresh with `UPDATE_DOCS=1 cargo test --test cli`. -->

Results go to standard output, everything else to standard error. Secrets are shown as `********`
unless `--show-secrets` is given, in JSON too.
";

/// The text of `docs/CLI.md`.
#[must_use]
pub fn reference() -> String {
    let mut command = super::command().term_width(100).disable_help_subcommand(true);
    command.build();
    let mut text = HEAD.to_owned();
    describe(&mut command, &mut text);
    text
}

fn describe(command: &mut clap::Command, text: &mut String) {
    let name = command.get_bin_name().unwrap_or_else(|| command.get_name()).to_owned();
    let help = command.render_long_help().to_string();
    let help: String = help.lines().map(|line| line.trim_end().to_owned() + "\n").collect();
    write!(text, "\n## `{name}`\n\n```text\n{}\n```\n", help.trim_end())
        .expect("a String takes all");
    for subcommand in command.get_subcommands_mut() {
        // Told once, at the top.
        let mut told = subcommand.clone().mut_args(|argument| {
            let global = argument.is_global_set();
            argument.hide(global)
        });
        describe(&mut told, text);
    }
}
