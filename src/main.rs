//! The program `banquet`; all of it is in the library.

use std::process::ExitCode;

use banquet::config::Environment;

#[tokio::main]
async fn main() -> ExitCode {
    banquet::cli::run(std::env::args_os(), Environment::of_process()).await
}
