//! `banquet config …`.

use clap::Subcommand;
use serde_json::json;

use super::context::Context;
use super::failure::Failure;
use super::output::table;

/// The settings in force.
#[derive(Debug, Subcommand)]
pub(super) enum Settings {
    /// Show every setting and where it comes from; secrets stay masked.
    Show,
    /// Check the settings; exit code 2 where there are mistakes, all of which are told.
    Check,
}

impl Settings {
    pub(super) fn run(self, context: &Context) -> Result<(), Failure> {
        let config = context.config(Vec::new())?;
        match self {
            Self::Check => {
                context.output.print(&json!({"ok": true}), || "the settings are right".to_owned())
            }
            Self::Show => {
                let rows = config.effective().iter().map(|setting| {
                    let value = setting.value.clone().unwrap_or_else(|| "-".to_owned());
                    vec![setting.key.to_owned(), value, setting.source.clone()]
                });
                context.output.print(config.effective(), || {
                    table(&["setting", "value", "source"], &[], rows.collect())
                })
            }
        }
    }
}
