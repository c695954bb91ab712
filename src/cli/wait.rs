//! Follows an operation to its end.

use std::time::Duration;

use clap::Args;
use tokio::time::Instant;

use super::client::Client;
use super::failure::{Exit, Failure};
use super::output::printable;
use super::ticker::Ticker;
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
        let mut ticker = Ticker::new();
        let end = Instant::now() + self.timeout;
        let (mut pause, mut away_since) = (FIRST_POLL, None);
        while operation.state == "running" {
            ticker.say(&told(&operation));
            if Instant::now() + pause > end {
                ticker.finish();
                return Err(self.timed_out(&operation));
            }
            tokio::time::sleep(pause).await;
            pause = (pause * 5 / 4).min(SLOWEST_POLL);
            match client.get::<Operation>(&["operations", &operation.id]).await {
                Ok(seen) => (operation, away_since) = (seen, None),
                Err(failure) if failure.exit() == Exit::Unreachable => {
                    let since = *away_since.get_or_insert_with(Instant::now);
                    if since.elapsed() > BROKER_AWAY {
                        ticker.finish();
                        return Err(failure);
                    }
                    ticker.say("the broker does not answer; trying again");
                }
                Err(failure) => {
                    ticker.finish();
                    return Err(failure);
                }
            }
        }
        ticker.finish();
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
