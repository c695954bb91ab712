//! Asks before something is gone for good.

use std::io::{BufRead as _, IsTerminal as _, Write as _};

use clap::Args;

use super::failure::Failure;
use super::output::printable;

/// The answer in advance.
#[derive(Clone, Copy, Debug, Args)]
pub(super) struct Confirm {
    /// Do not ask.
    #[arg(long, short = 'y')]
    yes: bool,
}

impl Confirm {
    /// Goes on only with a yes; where nobody can be asked, only with `--yes`.
    pub(super) fn ask(self, question: &str) -> Result<(), Failure> {
        if self.yes {
            return Ok(());
        }
        if !std::io::stdin().is_terminal() {
            return Err(Failure::usage("nobody can be asked here whether it may be deleted")
                .next("say --yes"));
        }
        let mut stderr = std::io::stderr().lock();
        write!(stderr, "{} [y/N] ", printable(question))?;
        stderr.flush()?;
        let mut answer = String::new();
        std::io::stdin().lock().read_line(&mut answer)?;
        if matches!(answer.trim(), "y" | "Y" | "yes") {
            return Ok(());
        }
        Err(Failure::usage("not deleted"))
    }
}
