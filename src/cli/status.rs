//! `banquet status`.

use clap::Args;

use super::context::Context;
use super::failure::{Exit, Failure};
use super::output::fields;
use crate::view;

/// How the broker is; exit code 1 unless its database and its container engine answer.
#[derive(Debug, Args)]
pub(super) struct Status {}

impl Status {
    pub(super) async fn run(self, context: &Context) -> Result<(), Failure> {
        let status: view::Status = context.client()?.get(&["status"]).await?;
        context.output.print(&status, || shown(&status))?;
        if status.engine_reachable && status.database_reachable {
            return Ok(());
        }
        Err(Failure::new(Exit::Failed, "the broker runs, but not all that it needs answers")
            .next("see its log"))
    }
}

fn shown(status: &view::Status) -> String {
    let answers = |yes: bool| if yes { "answers" } else { "does not answer" }.to_owned();
    fields(&[
        ("version", status.version.clone()),
        ("broker", status.broker_id.clone()),
        ("container engine", answers(status.engine_reachable)),
        ("database", answers(status.database_reachable)),
        ("instances", status.instances.to_string()),
        ("operations running", status.operations_running.to_string()),
    ])
}
