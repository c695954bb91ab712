//! `banquet operation …`.

use clap::Subcommand;

use super::context::Context;
use super::failure::Failure;
use super::output::fields;
use super::wait::Timeout;
use crate::view;

/// Operations that run or ran.
#[derive(Debug, Subcommand)]
pub(super) enum Operation {
    /// Show an operation.
    Show {
        /// Its id.
        operation: String,
    },
    /// Wait for an operation to end.
    Wait {
        /// Its id.
        operation: String,
        #[command(flatten)]
        timeout: Timeout,
    },
}

impl Operation {
    pub(super) async fn run(self, context: &Context) -> Result<(), Failure> {
        let client = context.client()?;
        let operation: view::Operation = match self {
            Self::Show { operation } => client.get(&["operations", &operation]).await?,
            Self::Wait { operation, timeout } => {
                let operation = client.get(&["operations", &operation]).await?;
                timeout.follow(&client, operation).await?
            }
        };
        context.output.print(&operation, || shown(&operation))
    }
}

fn shown(operation: &view::Operation) -> String {
    let mut lines = vec![
        ("id", operation.id.clone()),
        ("kind", operation.kind.clone()),
        ("state", operation.state.clone()),
        ("description", operation.description.clone()),
        ("steps", format!("{} of {} done", operation.done, operation.steps)),
        ("created", operation.created_at.clone()),
    ];
    if !operation.step.is_empty() {
        lines.push(("step", operation.step.clone()));
    }
    if operation.undoing {
        lines.push(("undoing", "yes".to_owned()));
    }
    if let Some(finished) = &operation.finished_at {
        lines.push(("finished", finished.clone()));
    }
    fields(&lines)
}
