//! `banquet binding …`.

use clap::{Args, Subcommand};
use reqwest::Method;

use super::client::{Answer, Client};
use super::confirm::Confirm;
use super::context::Context;
use super::failure::Failure;
use super::output::{fields, inline, plain_text, remark, table};
use super::parameters::Parameters;
use super::wait::Waiting;
use crate::view;

/// Users of an instance, each for one app.
#[derive(Debug, Subcommand)]
pub(super) enum Binding {
    /// Make a user of an instance and print its credentials.
    #[command(after_help = "Examples:
  banquet binding create orders-cache --app orders --show-secrets
  banquet binding create orders-db -p read_only=true --json --show-secrets | jq -r .credentials.uri")]
    Create(Create),
    /// List an instance's bindings.
    List {
        /// The instance's name or id.
        instance: String,
    },
    /// Show a binding with its credentials.
    Show {
        /// The instance's name or id.
        instance: String,
        /// The binding's id.
        binding: String,
    },
    /// Delete a binding: its user is gone and its connections are cut.
    Delete(Delete),
}

#[derive(Debug, Args)]
pub(super) struct Create {
    /// The instance's name or id.
    instance: String,
    /// The binding's id. Default: one is made up.
    #[arg(long)]
    id: Option<String>,
    /// Which app it is for.
    #[arg(long)]
    app: Option<String>,
    /// The id of a binding to take over from: its parameters are inherited, and both work until
    /// the old one is deleted.
    #[arg(long, value_name = "BINDING")]
    rotate: Option<String>,
    #[command(flatten)]
    parameters: Parameters,
    #[command(flatten)]
    waiting: Waiting,
}

#[derive(Debug, Args)]
pub(super) struct Delete {
    /// The instance's name or id.
    instance: String,
    /// The binding's id.
    binding: String,
    #[command(flatten)]
    confirm: Confirm,
    #[command(flatten)]
    waiting: Waiting,
}

impl Binding {
    pub(super) async fn run(self, context: &Context) -> Result<(), Failure> {
        match self {
            Self::Create(create) => create.run(context).await,
            Self::List { instance } => list(context, &instance).await,
            Self::Show { instance, binding } => {
                let binding = fetch(&context.client()?, &instance, &binding).await?;
                print(context, &binding)
            }
            Self::Delete(delete) => delete.run(context).await,
        }
    }
}

impl Create {
    async fn run(self, context: &Context) -> Result<(), Failure> {
        let parameters = self.parameters.object()?;
        let body =
            view::CreateBinding { id: self.id, app: self.app, rotate: self.rotate, parameters };
        let body = serde_json::to_value(body).expect("it is JSON already");
        let client = context.client()?;
        let path = ["instances", &self.instance, "bindings"];
        let answer = client.change::<view::Binding>(Method::POST, &path, Some(body)).await?;
        let binding = match answer {
            Answer::Began(started) if self.waiting.no_wait => {
                return context.output.print(&started, || begun(&started));
            }
            Answer::Began(started) => {
                self.waiting.timeout.follow(&client, started.operation).await?;
                started.subject
            }
            Answer::Unchanged(binding) => binding,
        };
        print(context, &fetch(&client, &binding.instance, &binding.id).await?)
    }
}

impl Delete {
    async fn run(self, context: &Context) -> Result<(), Failure> {
        let client = context.client()?;
        let binding = fetch(&client, &self.instance, &self.binding).await?;
        let app = if binding.app.is_empty() { "no app" } else { &binding.app };
        self.confirm.ask(&format!(
            "Delete binding {} ({app}, user {})? Its connections are cut.",
            binding.id, binding.user
        ))?;
        let path = ["instances", &binding.instance, "bindings", &binding.id];
        let answer = client.change::<view::Binding>(Method::DELETE, &path, None).await?;
        match answer {
            Answer::Began(started) if self.waiting.no_wait => {
                context.output.print(&started, || begun(&started))
            }
            Answer::Began(started) => {
                let operation = self.waiting.timeout.follow(&client, started.operation).await?;
                context.output.print(&operation, || format!("deleted {}", binding.id))
            }
            Answer::Unchanged(binding) => print(context, &binding),
        }
    }
}

async fn fetch(client: &Client, instance: &str, binding: &str) -> Result<view::Binding, Failure> {
    client.get(&["instances", instance, "bindings", binding]).await
}

async fn list(context: &Context, instance: &str) -> Result<(), Failure> {
    let path = ["instances", instance, "bindings"];
    let bindings: Vec<view::Binding> = context.client()?.get(&path).await?;
    if bindings.is_empty() && !context.output.json {
        remark("no bindings; make one with `banquet binding create`");
        return Ok(());
    }
    let row = |b: &view::Binding| {
        let app = if b.app.is_empty() { "-" } else { &b.app };
        let (user, state) = (b.user.clone(), b.state.clone());
        vec![b.id.clone(), app.to_owned(), user, state, inline(&b.parameters), b.created_at.clone()]
    };
    let headline = ["id", "app", "user", "state", "parameters", "created"];
    let rows = bindings.iter().map(row).collect();
    context.output.print(&bindings, || table(&headline, &[], rows))
}

fn begun(started: &view::Started<view::Binding>) -> String {
    let view::Started { subject, operation } = started;
    fields(&[
        ("instance", subject.instance.clone()),
        ("binding", subject.id.clone()),
        ("operation", operation.id.clone()),
        ("kind", operation.kind.clone()),
    ])
}

fn print(context: &Context, binding: &view::Binding) -> Result<(), Failure> {
    context.output.print(binding, || shown(binding, context.output.show_secrets))?;
    if binding.credentials.is_some() && !context.output.show_secrets {
        remark("secrets are masked: --show-secrets shows them");
    }
    Ok(())
}

fn shown(binding: &view::Binding, show_secrets: bool) -> String {
    let mut lines = vec![
        ("id", binding.id.clone()),
        ("instance", binding.instance.clone()),
        ("app", if binding.app.is_empty() { "-".to_owned() } else { binding.app.clone() }),
        ("state", binding.state.clone()),
        ("parameters", inline(&binding.parameters)),
        ("created", binding.created_at.clone()),
    ];
    let credentials: Vec<(String, String)> = binding
        .credentials
        .iter()
        .flatten()
        .map(|(key, value)| (format!("credentials.{key}"), plain_text(value)))
        .collect();
    lines.extend(credentials.iter().map(|(key, value)| (key.as_str(), value.clone())));
    if let Some(command) = ready_command(binding).filter(|_| show_secrets) {
        lines.push(("connect", command));
    }
    fields(&lines)
}

/// The command that opens a session of the binding's user, where its credentials tell which.
fn ready_command(binding: &view::Binding) -> Option<String> {
    let uri = binding.credentials.as_ref()?.get("uri")?.as_str()?;
    let program = match uri.split_once("://")?.0 {
        "redis" | "rediss" => "redis-cli --no-auth-warning -u",
        "postgres" | "postgresql" => "psql",
        _ => return None,
    };
    Some(format!("{program} '{}'", uri.replace('\'', r"'\''")))
}
