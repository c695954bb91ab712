//! `banquet completions`.

use clap::Args;
use clap_complete::Shell;

use super::failure::Failure;
use super::output::write;

/// Print a script that completes commands in a shell.
#[derive(Debug, Args)]
#[command(after_help = "Example:
  banquet completions bash > /etc/bash_completion.d/banquet")]
pub(super) struct Completions {
    /// Which shell.
    shell: Shell,
}

impl Completions {
    pub(super) fn run(self) -> Result<(), Failure> {
        let mut script = Vec::new();
        clap_complete::generate(self.shell, &mut super::command(), "banquet", &mut script);
        write(String::from_utf8_lossy(&script).trim_end())
    }
}
