//! Follows an operation to its end.

use std::io::IsTerminal;
use std::time::Duration;

use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};
use tokio::time::Instant;

use super::client::Client;
use super::failure::{Exit, Failure};
use super::output::{printable, remark};
use crate::config::parse;
use crate::view::Operation;

const FIRST_POLL: Duration = Duration::from_millis(100);
const SLOWEST_POLL: Duration = Duration::from_secs(1);
/// A broker that is started anew takes its operations up again.
const BROKER_AWAY: Duration = Duration::from_secs(20);

/// How long to wait.
#[derive(Clone, Debug, Args)]
pub(super) struct Waiting {
    /// Do not wait for the operation to end.
    #[arg(long)]
    pub(super) no_wait: bool,
    #[command(flatten)]
    pub(super) timeout: Timeout,
}

/// The end of patience.
#[derive(Clone, Copy, Debug, Args)]
pub(super) struct Timeout {
    /// How long to wait: the operation goes on without us.
    #[arg(long, value_name = "DURATION", default_value = "5m", value_parser = parse::duration)]
    timeout: Duration,
}

impl Timeout {
    /// Polls until the operation has ended well.
    pub(super) async fn follow(
        self,
        client: &Client,
        mut operation: Operation,
    ) -> Result<Operation, Failure> {
        let mut progress = Progress::new();
        let end = Instant::now() + self.timeout;
        let (mut pause, mut away_since) = (FIRST_POLL, None);
        while operation.state == "running" {
            progress.say(&told(&operation));
            if Instant::now() + pause > end {
                progress.finish();
                return Err(self.timed_out(&operation));
            }
            tokio::time::sleep(pause).await;
            pause = (pause * 5 / 4).min(SLOWEST_POLL);
            match client.get::<Operation>(&["operations", &operation.id]).await {
                Ok(seen) => (operation, away_since) = (seen, None),
                Err(failure) if failure.exit() == Exit::Unreachable => {
                    let since = *away_since.get_or_insert_with(Instant::now);
                    if since.elapsed() > BROKER_AWAY {
                        progress.finish();
                        return Err(failure);
                    }
                    progress.say("the broker does not answer; trying again");
                }
                Err(failure) => {
                    progress.finish();
                    return Err(failure);
                }
            }
        }
        progress.finish();
        succeeded(operation)
    }

    fn timed_out(self, operation: &Operation) -> Failure {
        let message = format!(
            "timed out after {:?}: the {} goes on ({})",
            self.timeout,
            operation.kind,
            told(operation)
        );
        Failure::new(Exit::TimedOut, message)
            .next(format!("`banquet operation wait {}` follows it on", operation.id))
    }
}

/// An ended operation, unless it failed.
fn succeeded(operation: Operation) -> Result<Operation, Failure> {
    if operation.state == "succeeded" {
        return Ok(operation);
    }
    let message = format!("the {} failed: {}", operation.kind, printable(&operation.description));
    Err(Failure::new(Exit::OperationFailed, message)
        .next(format!("`banquet operation show {}` shows where", operation.id)))
}

/// `provision 2/4: waiting for PostgreSQL`.
fn told(operation: &Operation) -> String {
    let back = if operation.undoing { ", taking it back" } else { "" };
    let Operation { kind, done, steps, step, description, .. } = operation;
    let doing = if description.is_empty() { step } else { description };
    format!("{kind} {done}/{steps}{back}: {}", printable(doing))
}

/// A spinner on a terminal, else a line whenever the text changes.
enum Progress {
    Spinner(ProgressBar),
    Lines(String),
}

impl Progress {
    fn new() -> Self {
        if !std::io::stderr().is_terminal() {
            return Self::Lines(String::new());
        }
        let spinner = ProgressBar::new_spinner();
        let style = ProgressStyle::with_template("{spinner} {msg} ({elapsed})");
        spinner.set_style(style.expect("the template is a constant that a test has tried"));
        spinner.enable_steady_tick(FIRST_POLL);
        Self::Spinner(spinner)
    }

    fn say(&mut self, text: &str) {
        match self {
            Self::Spinner(spinner) => spinner.set_message(text.to_owned()),
            Self::Lines(last) if last != text => {
                remark(text);
                text.clone_into(last);
            }
            Self::Lines(_) => {}
        }
    }

    fn finish(&self) {
        match self {
            Self::Spinner(spinner) => spinner.finish_and_clear(),
            Self::Lines(_) => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_spinner_has_a_good_template() {
        assert!(ProgressStyle::with_template("{spinner} {msg} ({elapsed})").is_ok());
    }
}
