//! The command line: `serve`, and the administrator's commands, which speak HTTP to the admin API
//! and never touch the database. A file a group of commands.

mod binding;
mod catalog;
mod client;
mod completions;
mod confirm;
mod context;
mod failure;
mod images;
mod instance;
mod mask;
mod operation;
mod output;
mod parameters;
mod reference;
mod serve;
mod settings;
mod status;
mod ticker;
mod wait;

use std::ffi::OsString;
use std::process::ExitCode;

use clap::{CommandFactory, Parser, Subcommand};

use crate::config::Environment;

use context::{Context, Global};
use failure::Failure;

pub use reference::reference;

const AFTER_HELP: &str = "\
Exit codes:
  0  done
  1  failed, for a reason that none of the others tells
  2  wrong arguments or settings
  3  the broker (or the container engine) could not be reached
  4  there is no such thing
  5  refused: not allowed, in conflict, or against the offering's schema
  6  timed out waiting; the operation goes on
  7  the operation failed

Examples:
  banquet serve
  banquet catalog list
  banquet instance create redis:small orders-cache
  banquet binding create orders-cache --app orders --show-secrets
  banquet instance delete orders-cache --yes";

/// Message queues, caches and databases from a catalog, over the Open Service Broker API.
///
/// `banquet serve` runs the broker; every other command speaks to its admin API.
#[derive(Debug, Parser)]
#[command(name = "banquet", version, after_help = AFTER_HELP, max_term_width = 100)]
struct Cli {
    #[command(flatten)]
    global: Global,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Serve(serve::Serve),
    /// What is offered: list, show, validate, reload, lock.
    #[command(subcommand)]
    Catalog(catalog::Catalog),
    /// Service instances: create, list, show, update, delete.
    #[command(subcommand)]
    Instance(instance::Instance),
    /// Users of an instance, each for one app: create, list, show, delete.
    #[command(subcommand)]
    Binding(binding::Binding),
    /// Operations that run or ran: show, wait.
    #[command(subcommand)]
    Operation(operation::Operation),
    /// Images of the catalog on this machine's container engine: list, pull, build.
    #[command(subcommand)]
    Images(images::Images),
    /// The settings in force: show, check.
    #[command(subcommand)]
    Config(settings::Settings),
    Status(status::Status),
    Completions(completions::Completions),
}

/// Runs the command that `arguments` (the program's name first) asks for.
pub async fn run(
    arguments: impl IntoIterator<Item = OsString>,
    environment: Environment,
) -> ExitCode {
    let cli = match Cli::try_parse_from(arguments) {
        Ok(cli) => cli,
        Err(error) => {
            // A closed pipe is no reason to complain.
            let _ = error.print();
            return ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(1));
        }
    };
    // Fails only where one is there already, which is as well.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let context = Context::new(cli.global, environment);
    match dispatch(cli.command, &context).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => failure.report(),
    }
}

async fn dispatch(command: Command, context: &Context) -> Result<(), Failure> {
    match command {
        Command::Serve(serve) => serve.run(context).await,
        Command::Catalog(catalog) => catalog.run(context).await,
        Command::Instance(instance) => instance.run(context).await,
        Command::Binding(binding) => binding.run(context).await,
        Command::Operation(operation) => operation.run(context).await,
        Command::Images(images) => images.run(context).await,
        Command::Config(settings) => settings.run(context),
        Command::Status(status) => status.run(context).await,
        Command::Completions(completions) => completions.run(),
    }
}

/// The command line as clap knows it, for completions, documentation and tests.
#[must_use]
pub fn command() -> clap::Command {
    Cli::command()
}
