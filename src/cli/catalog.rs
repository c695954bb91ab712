//! `banquet catalog …`.

pub(super) mod folder;

use std::fmt::Write as _;
use std::path::PathBuf;

use clap::Subcommand;

use super::context::Context;
use super::failure::{Exit, Failure};
use super::output::{bytes, cores, fields, table};
use crate::view;

/// What is offered.
#[derive(Debug, Subcommand)]
pub(super) enum Catalog {
    /// List offerings and plans.
    List,
    /// Show an offering with its plans and the schemas of its parameters.
    Show {
        /// Its name.
        offering: String,
    },
    /// Check a catalog folder without a running broker; exit code 1 where there are mistakes, all
    /// of which are told as `file:line: message`.
    Validate {
        /// The folder. Default: the one in the settings, else the catalog that this program carries.
        path: Option<PathBuf>,
    },
    /// Have the broker read its catalog anew; with one mistake it keeps the one that it has.
    Reload,
    /// Print a page about all that is offered, in Markdown: plans, parameters, credentials, and an
    /// app for each. Needs no running broker.
    Docs {
        /// The folder. Default: the one in the settings, else the catalog that this program carries.
        path: Option<PathBuf>,
    },
    /// Give an id to every offering and plan that has none yet, in the folder's catalog.lock.
    Lock {
        /// The folder. Default: the one in the settings.
        path: Option<PathBuf>,
    },
}

impl Catalog {
    pub(super) async fn run(self, context: &Context) -> Result<(), Failure> {
        match self {
            Self::List => {
                let offerings: Vec<view::Offering> = context.client()?.get(&["catalog"]).await?;
                context.output.print(&offerings, || listed(&offerings))
            }
            Self::Show { offering } => show(context, &offering).await,
            Self::Validate { path } => folder::validate(context, path),
            Self::Docs { path } => folder::docs(context, path),
            Self::Lock { path } => folder::lock(context, path),
            Self::Reload => {
                let offerings: Vec<view::Offering> =
                    context.client()?.post(&["catalog", "reload"]).await?;
                context.output.print(&offerings, || listed(&offerings))
            }
        }
    }
}

async fn show(context: &Context, name: &str) -> Result<(), Failure> {
    let offerings: Vec<view::Offering> = context.client()?.get(&["catalog"]).await?;
    let offering = offerings.iter().find(|offering| offering.name == name).ok_or_else(|| {
        let names: Vec<&str> = offerings.iter().map(|offering| offering.name.as_str()).collect();
        Failure::new(Exit::NotFound, format!("`{name}` is not offered"))
            .next(format!("there are {}", names.join(", ")))
    })?;
    context.output.print(offering, || shown(offering))
}

fn listed(offerings: &[view::Offering]) -> String {
    let rows = offerings.iter().flat_map(|offering| {
        offering.plans.iter().map(|plan| {
            let mut row = vec![format!("{}:{}", offering.name, plan.name)];
            row.extend(limits(plan));
            row.push(plan.description.clone());
            row
        })
    });
    table(
        &["plan", "memory", "cpus", "disk", "clients", "description"],
        &[1, 2, 3, 4],
        rows.collect(),
    )
}

fn limits(plan: &view::Plan) -> [String; 4] {
    let (memory, disk) = (bytes(plan.memory_bytes), bytes(plan.disk_bytes));
    [memory, cores(plan.cpu_millis), disk, plan.connections.to_string()]
}

fn shown(offering: &view::Offering) -> String {
    let mut text = fields(&[
        ("name", offering.name.clone()),
        ("id", offering.id.clone()),
        ("description", offering.description.clone()),
        ("tags", offering.tags.join(", ")),
    ]);
    let rows = offering.plans.iter().map(|plan| {
        let mut row = vec![plan.name.clone()];
        row.extend(limits(plan));
        row.push(plan.update_to.join(", "));
        row.push(plan.id.clone());
        row
    });
    let headline = ["plan", "memory", "cpus", "disk", "clients", "may change to", "id"];
    text.push('\n');
    text.push_str(&table(&headline, &[1, 2, 3, 4], rows.collect()));
    for (action, schema) in &offering.parameters {
        let schema = serde_json::to_string_pretty(schema).expect("it is JSON already");
        writeln!(text, "\nparameters to {action}:\n{schema}").expect("a String takes all");
    }
    text
}
