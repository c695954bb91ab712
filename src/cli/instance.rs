//! `banquet instance …`.

use clap::{Args, Subcommand};
use reqwest::Method;

use super::client::{Answer, Client};
use super::confirm::Confirm;
use super::context::Context;
use super::failure::Failure;
use super::output::{fields, inline, remark, table};
use super::parameters::Parameters;
use super::wait::Waiting;
use crate::view;

/// Service instances.
#[derive(Debug, Subcommand)]
pub(super) enum Instance {
    /// Make an instance.
    #[command(after_help = "Examples:
  banquet instance create redis orders-cache
  banquet instance create redis:medium orders-cache -p maxmemory_policy=allkeys-lru
  banquet instance create postgresql orders-db --plan small --tenant shop --timeout 10m")]
    Create(Create),
    /// List all instances.
    List,
    /// Show an instance.
    Show {
        /// Its name or id.
        instance: String,
    },
    /// Change the plan or the parameters of an instance.
    #[command(after_help = "Examples:
  banquet instance update orders-cache --plan medium
  banquet instance update orders-cache -p maxmemory_policy=noeviction")]
    Update(Update),
    /// Delete an instance with all its data and bindings.
    Delete(Delete),
}

#[derive(Debug, Args)]
pub(super) struct Create {
    /// What to make: an offering, and after a colon one of its plans. Default: its first plan.
    #[arg(value_name = "OFFERING[:PLAN]")]
    offering: String,
    /// What to call it.
    name: String,
    /// The plan, instead of after the colon.
    #[arg(long)]
    plan: Option<String>,
    /// Who it is to belong to. Instances of one tenant share a network.
    #[arg(long)]
    tenant: Option<String>,
    #[command(flatten)]
    parameters: Parameters,
    #[command(flatten)]
    waiting: Waiting,
}

#[derive(Debug, Args)]
pub(super) struct Update {
    /// Its name or id.
    instance: String,
    /// The new plan.
    #[arg(long)]
    plan: Option<String>,
    #[command(flatten)]
    parameters: Parameters,
    #[command(flatten)]
    waiting: Waiting,
}

#[derive(Debug, Args)]
pub(super) struct Delete {
    /// Its name or id.
    instance: String,
    #[command(flatten)]
    confirm: Confirm,
    #[command(flatten)]
    waiting: Waiting,
}

impl Instance {
    pub(super) async fn run(self, context: &Context) -> Result<(), Failure> {
        match self {
            Self::Create(create) => create.run(context).await,
            Self::List => list(context).await,
            Self::Show { instance } => {
                let instance = fetch(&context.client()?, &instance).await?;
                context.output.print(&instance, || shown(&instance))
            }
            Self::Update(update) => update.run(context).await,
            Self::Delete(delete) => delete.run(context).await,
        }
    }
}

impl Create {
    async fn run(self, context: &Context) -> Result<(), Failure> {
        let (offering, plan) = self.offering_and_plan()?;
        let body = view::CreateInstance {
            name: self.name.clone(),
            offering,
            plan,
            tenant: self.tenant.clone(),
            parameters: self.parameters.object()?,
        };
        let client = context.client()?;
        let body = serde_json::to_value(body).expect("it is JSON already");
        let answer = client.change(Method::POST, &["instances"], Some(body)).await?;
        finish(context, &client, answer, &self.waiting).await
    }

    fn offering_and_plan(&self) -> Result<(String, Option<String>), Failure> {
        let (offering, plan) = match self.offering.split_once(':') {
            Some((offering, plan)) => (offering, Some(plan)),
            None => (self.offering.as_str(), None),
        };
        match (plan, self.plan.as_deref()) {
            (Some(one), Some(other)) if one != other => {
                Err(Failure::usage(format!("two plans were named: `{one}` and `{other}`")))
            }
            (one, other) => Ok((offering.to_owned(), one.or(other).map(str::to_owned))),
        }
    }
}

impl Update {
    async fn run(self, context: &Context) -> Result<(), Failure> {
        if self.plan.is_none() && self.parameters.is_empty() {
            return Err(Failure::usage("nothing was said to change").next("give --plan or -p"));
        }
        let given = !self.parameters.is_empty();
        let parameters = given.then(|| self.parameters.object()).transpose()?;
        let body = view::UpdateInstance { plan: self.plan.clone(), parameters };
        let body = serde_json::to_value(body).expect("it is JSON already");
        let client = context.client()?;
        let path = ["instances", &self.instance];
        let answer = client.change(Method::PATCH, &path, Some(body)).await?;
        finish(context, &client, answer, &self.waiting).await
    }
}

impl Delete {
    async fn run(self, context: &Context) -> Result<(), Failure> {
        let client = context.client()?;
        let instance = fetch(&client, &self.instance).await?;
        self.confirm.ask(&format!(
            "Delete {} ({} {}, {} bindings) with all its data?",
            instance.name, instance.offering, instance.plan, instance.bindings
        ))?;
        // By its id: another may take the name meanwhile.
        let path = ["instances", &instance.id];
        let answer = client.change::<view::Instance>(Method::DELETE, &path, None).await?;
        let operation = match answer {
            Answer::Began(started) if self.waiting.no_wait => {
                return context.output.print(&started, || begun(&started));
            }
            Answer::Began(started) => started.operation,
            Answer::Unchanged(instance) => {
                return context.output.print(&instance, || shown(&instance));
            }
        };
        let operation = self.waiting.timeout.follow(&client, operation).await?;
        context.output.print(&operation, || format!("deleted {}", instance.name))
    }
}

async fn fetch(client: &Client, instance: &str) -> Result<view::Instance, Failure> {
    client.get(&["instances", instance]).await
}

async fn list(context: &Context) -> Result<(), Failure> {
    let instances: Vec<view::Instance> = context.client()?.get(&["instances"]).await?;
    if instances.is_empty() && !context.output.json {
        remark("no instances; make one with `banquet instance create`");
        return Ok(());
    }
    let row = |i: &view::Instance| {
        let plan = format!("{}:{}", i.offering, i.plan);
        let state = state(i);
        vec![
            i.name.clone(),
            plan,
            state,
            i.tenant.clone(),
            endpoints(i),
            i.bindings.to_string(),
            i.id.clone(),
        ]
    };
    let headline = ["name", "plan", "state", "tenant", "endpoint", "bindings", "id"];
    let rows = instances.iter().map(row).collect();
    context.output.print(&instances, || table(&headline, &[5], rows))
}

/// Waits as told, then shows the instance as it is now.
async fn finish(
    context: &Context,
    client: &Client,
    answer: Answer<view::Instance>,
    waiting: &Waiting,
) -> Result<(), Failure> {
    let instance = match answer {
        Answer::Began(started) if waiting.no_wait => {
            return context.output.print(&started, || begun(&started));
        }
        Answer::Began(started) => {
            waiting.timeout.follow(client, started.operation).await?;
            fetch(client, &started.subject.id).await?
        }
        Answer::Unchanged(instance) => instance,
    };
    context.output.print(&instance, || shown(&instance))
}

fn begun(started: &view::Started<view::Instance>) -> String {
    let view::Started { subject, operation } = started;
    fields(&[
        ("instance", subject.id.clone()),
        ("name", subject.name.clone()),
        ("operation", operation.id.clone()),
        ("kind", operation.kind.clone()),
    ])
}

fn state(instance: &view::Instance) -> String {
    if instance.state == "failed" && instance.usable {
        return "failed (usable)".to_owned();
    }
    instance.state.clone()
}

fn endpoints(instance: &view::Instance) -> String {
    let addresses: Vec<String> =
        instance.ports.values().map(|port| format!("{}:{port}", instance.host)).collect();
    if addresses.is_empty() { "-".to_owned() } else { addresses.join(" ") }
}

fn tls(instance: &view::Instance) -> String {
    match &instance.certificate_ends_at {
        Some(end) => format!("{} (certificate until {end})", instance.tls),
        None => instance.tls.clone(),
    }
}

fn shown(instance: &view::Instance) -> String {
    let ports: Vec<String> = instance
        .ports
        .iter()
        .map(|(name, port)| format!("{name} {}:{port}", instance.host))
        .collect();
    let mut lines = vec![
        ("name", instance.name.clone()),
        ("id", instance.id.clone()),
        ("offering", instance.offering.clone()),
        ("plan", instance.plan.clone()),
        ("state", state(instance)),
        ("tenant", instance.tenant.clone()),
        ("platform", instance.platform.clone()),
        ("endpoint", ports.join(", ")),
        ("tls", tls(instance)),
        ("parameters", inline(&instance.parameters)),
        ("containers", instance.containers.join(", ")),
        ("bindings", instance.bindings.to_string()),
        ("created", instance.created_at.clone()),
        ("updated", instance.updated_at.clone()),
    ];
    if let Some(operation) = &instance.operation {
        let told = format!("{} {}: {}", operation.kind, operation.state, operation.description);
        lines.push((
            "operation",
            format!("{} ({})", operation.id, told.trim_end_matches([':', ' '])),
        ));
    }
    fields(&lines)
}
