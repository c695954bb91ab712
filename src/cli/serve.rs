//! `banquet serve`.

use std::io::IsTerminal as _;

use clap::Args;
use tracing_subscriber::EnvFilter;

use super::context::Context;
use super::failure::{Exit, Failure};
use crate::config::{Config, LogFormat, first_start};

/// Run the broker until SIGTERM or SIGINT.
///
/// The first start makes the data folder, a master key, an admin token and, where no platform is
/// set, credentials for one, which are told once on standard error.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  banquet serve
  banquet serve --data-dir /srv/banquet --listen 127.0.0.1:9000
  banquet serve --log banquet=debug,info --log-format json")]
pub(super) struct Serve {
    /// Address and port for HTTP [BANQUET_LISTEN; default: 127.0.0.1:8080].
    #[arg(long, value_name = "ADDRESS:PORT")]
    listen: Option<String>,
    /// Which log lines to write [BANQUET_LOG; default: info].
    #[arg(long, value_name = "FILTER")]
    log: Option<String>,
    /// The shape of log lines: text or json [BANQUET_LOG_FORMAT; default: text].
    #[arg(long, value_name = "FORMAT")]
    log_format: Option<String>,
}

impl Serve {
    pub(super) async fn run(self, context: &Context) -> Result<(), Failure> {
        let flags = [
            self.listen.map(|text| ("listen", text, "--listen")),
            self.log.map(|text| ("log", text, "--log")),
            self.log_format.map(|text| ("log_format", text, "--log-format")),
        ];
        let config = context.config(flags.into_iter().flatten().collect())?;
        let colours =
            std::io::stderr().is_terminal() && context.environment.get("NO_COLOR").is_none();
        start_log(&config, colours);
        let settings = first_start(config, &mut std::io::stderr())
            .map_err(|error| Failure::new(Exit::Failed, error.to_string()))?;
        crate::app::serve(settings).await.map_err(|error| Failure::new(Exit::Failed, told(&error)))
    }
}

/// An error with its causes. Some repeat what they are caused by: said once is enough.
fn told(error: &anyhow::Error) -> String {
    error.chain().fold(String::new(), |text, cause| match cause.to_string() {
        cause if text.is_empty() => cause,
        cause if text.contains(&cause) => text,
        cause => format!("{text}: {cause}"),
    })
}

fn start_log(config: &Config, colours: bool) {
    let log = tracing_subscriber::fmt()
        .with_env_filter(EnvFilter::new(&config.log))
        .with_writer(std::io::stderr)
        .with_ansi(colours);
    match config.log_format {
        LogFormat::Text => log.init(),
        LogFormat::Json => log.json().flatten_event(true).init(),
    }
}
