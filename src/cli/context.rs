//! What every command has at hand: the global options, the environment, the output, the broker.

use std::path::PathBuf;

use clap::Args;

use super::client::Client;
use super::failure::{Exit, Failure};
use super::output::Output;
use crate::config::{Config, Environment, Flags};
use crate::secret::Secret;

/// Options of every command.
#[derive(Debug, Args)]
#[command(next_help_heading = "Global options")]
pub(super) struct Global {
    /// Print JSON: the bodies of the admin API.
    #[arg(long, global = true)]
    json: bool,
    /// Print passwords instead of ********.
    #[arg(long, global = true)]
    show_secrets: bool,
    /// Where the broker is [BANQUET_URL; default: from the setting `listen`].
    #[arg(long, global = true, value_name = "URL")]
    url: Option<String>,
    /// Bearer token of the admin API [BANQUET_TOKEN, which other users do not see in `ps`;
    /// default, for a broker on this machine: from its data folder].
    #[arg(long, global = true, value_name = "TOKEN")]
    token: Option<String>,
    /// The broker's data folder [BANQUET_DATA_DIR].
    #[arg(long, global = true, value_name = "PATH")]
    data_dir: Option<String>,
    /// The settings file [BANQUET_CONFIG; default: banquet.toml in the data folder, if present].
    #[arg(long, global = true, value_name = "PATH")]
    config: Option<PathBuf>,
}

/// Handed to every command.
pub(super) struct Context {
    global: Global,
    pub(super) environment: Environment,
    pub(super) output: Output,
}

impl Context {
    pub(super) fn new(global: Global, environment: Environment) -> Self {
        let output = Output { json: global.json, show_secrets: global.show_secrets };
        Self { global, environment, output }
    }

    /// The settings, with more flags (key, value, flag) where a command has its own.
    pub(super) fn config(
        &self,
        more: Vec<(&'static str, String, &'static str)>,
    ) -> Result<Config, Failure> {
        let mut values = more;
        if let Some(data_dir) = &self.global.data_dir {
            values.push(("data_dir", data_dir.clone(), "--data-dir"));
        }
        let flags = Flags { config: self.global.config.clone(), values };
        Config::load(&flags, &self.environment).map_err(|mistakes| {
            let messages = mistakes.iter().map(ToString::to_string).collect();
            Failure::several(Exit::Usage, messages).next(
                "`banquet config show` tells where settings come from; docs/CONFIG.md lists them",
            )
        })
    }

    /// A client of the broker.
    pub(super) fn client(&self) -> Result<Client, Failure> {
        let given = self.global.url.as_deref().or_else(|| self.environment.get("BANQUET_URL"));
        let url = match given {
            Some(url) => url.to_owned(),
            None => self.config(Vec::new())?.local_url(),
        };
        let url = reqwest::Url::parse(&url)
            .ok()
            .filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host())
            .ok_or_else(|| {
                Failure::usage(format!("`{url}` is not the address of a broker"))
                    .next("write it like `http://127.0.0.1:8080`")
            })?;
        let token = self.token(&url)?;
        Client::new(url, token, self.output.show_secrets)
    }

    fn token(&self, url: &reqwest::Url) -> Result<Secret, Failure> {
        let token = self.global.token.as_deref().or_else(|| self.environment.get("BANQUET_TOKEN"));
        if let Some(token) = token {
            return Ok(Secret::from(token));
        }
        if !is_local(url) {
            // This machine's token is no other machine's business.
            return Err(Failure::usage(format!("a token is needed for {url}"))
                .next("set BANQUET_TOKEN to that broker's admin token"));
        }
        let config = self.config(Vec::new())?;
        if let Some(token) = config.admin_token {
            return Ok(token);
        }
        let path = config.data_dir.join("admin.token");
        match std::fs::read_to_string(&path) {
            Ok(token) => Ok(Secret::from(token.trim())),
            Err(error) => {
                let message = format!("the admin token {} cannot be read: {error}", path.display());
                Err(Failure::new(Exit::Failed, message).next(
                    "start the broker once with `banquet serve`, run this as its user, name its data folder with --data-dir, or set BANQUET_TOKEN",
                ))
            }
        }
    }
}

/// Whether the address is this machine's own.
pub(super) fn is_local(url: &reqwest::Url) -> bool {
    url.host_str().is_some_and(|host| {
        let host = host.trim_start_matches('[').trim_end_matches(']');
        host == "localhost"
            || host.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
    })
}
