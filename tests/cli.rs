//! Settings, first start and command line: the real binary against a broker that answers from a
//! script.

#![expect(clippy::unwrap_used, reason = "what fails in a helper fails the test")]

#[path = "cli/broker.rs"]
mod broker;
#[path = "cli/commands.rs"]
mod commands;
#[path = "cli/config.rs"]
mod config;
#[path = "cli/documents.rs"]
mod documents;
#[path = "cli/first_start.rs"]
mod first_start;
#[path = "cli/local.rs"]
mod local;
#[path = "cli/waiting.rs"]
mod waiting;
