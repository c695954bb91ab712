//! `banquet images …`: works without a broker, on the container engine itself.

use std::collections::BTreeSet;
use std::sync::Arc;

use clap::{Args, Subcommand};
use serde::Serialize;

use super::catalog::folder;
use super::context::Context;
use super::failure::{Exit, Failure};
use super::output::{bytes, table};
use super::ticker::Ticker;
use crate::backend::docker::images::{Listed, Presence};
use crate::backend::docker::{self, Docker};
use crate::catalog::{Catalog, Inputs, Offering};
use crate::config::{Config, ImagesBuild};
use crate::id::BrokerId;
use crate::model::{Fault, FaultKind, Object, Progress};
use crate::secret::Secret;

/// Images of the catalog on this machine's container engine.
#[derive(Debug, Subcommand)]
pub(super) enum Images {
    /// Tell which images are present, and how they came.
    List(Which),
    /// Pull the official images.
    Pull(Which),
    /// Build stand-ins for the images that are missing, or were built from other files, from the
    /// offerings' image/ folders: for machines that cannot reach a registry.
    Build {
        #[command(flatten)]
        which: Which,
        /// Build those that are present too.
        #[arg(long)]
        again: bool,
    },
}

#[derive(Debug, Args)]
pub(super) struct Which {
    /// Only those of these offerings.
    #[arg(value_name = "OFFERING")]
    offerings: Vec<String>,
}

/// An image of an offering.
#[derive(Debug, Serialize)]
struct Row {
    offering: String,
    image: String,
    presence: &'static str,
    id: Option<String>,
    size_bytes: u64,
}

/// The engine and what the catalog wants of it.
struct Bench {
    docker: Docker,
    catalog: Arc<Catalog>,
    /// Offering and official reference.
    wanted: Vec<(String, String)>,
}

impl Images {
    pub(super) async fn run(self, context: &Context) -> Result<(), Failure> {
        let config = context.config(Vec::new())?;
        match self {
            Self::List(which) => Bench::new(&config, &which)?.show(context).await,
            Self::Pull(which) => {
                let bench = Bench::new(&config, &which)?;
                for (_, reference) in &bench.wanted {
                    let images = bench.docker.images();
                    watched(|progress| async move { images.pull(reference, &progress).await })
                        .await?;
                }
                bench.show(context).await
            }
            Self::Build { which, again } => {
                let bench = Bench::new(&config, &which)?;
                bench.build(again).await?;
                bench.show(context).await
            }
        }
    }
}

impl Bench {
    fn new(config: &Config, which: &Which) -> Result<Self, Failure> {
        let source = config.catalog.as_deref();
        let catalog = folder::load(source)
            .map_err(|mistakes| Failure::several(Exit::Failed, folder::told(source, &mistakes)))?;
        let catalog = Arc::new(catalog);
        let wanted = wanted(&catalog, &which.offerings)?;
        let files = Arc::clone(&catalog);
        let docker = Docker::connect(docker::Settings {
            // Images belong to no broker.
            broker: BrokerId::from("images"),
            host: config.docker_host.clone(),
            publish_address: config.publish_address,
            pull: config.images_pull,
            build: config.images_build == ImagesBuild::Auto,
            maven: config.images_maven.clone(),
            makings: Arc::new(move |offering| files.makings(offering)),
        });
        Ok(Self { docker: docker.map_err(|fault| failure(&fault))?, catalog, wanted })
    }

    async fn list(&self) -> Result<Vec<Listed>, Failure> {
        self.docker.images().list(&self.wanted).await.map_err(|fault| failure(&fault))
    }

    async fn build(&self, again: bool) -> Result<(), Failure> {
        for listed in self.list().await? {
            let wanting = [Presence::Missing, Presence::Outdated].contains(&listed.presence);
            if !wanting && !again {
                continue;
            }
            let (offering, reference) = (&listed.offering, &listed.reference);
            let makings = self.catalog.makings(offering).ok_or_else(|| {
                Failure::new(Exit::Failed, format!("{offering} has no image/ folder to build from"))
            })?;
            let (images, makings) = (self.docker.images(), &makings);
            watched(|progress| async move {
                images.build(offering, reference, makings, &progress).await
            })
            .await?;
        }
        Ok(())
    }

    async fn show(&self, context: &Context) -> Result<(), Failure> {
        let rows: Vec<Row> = self.list().await?.into_iter().map(Row::from).collect();
        context.output.print(&rows, || {
            let cells = rows.iter().map(|row| {
                let id = row.id.as_deref().map_or("-", |id| id.trim_start_matches("sha256:"));
                let short = id.get(..12).unwrap_or(id).to_owned();
                let size = if row.id.is_some() { rounded(row.size_bytes) } else { "-".to_owned() };
                vec![row.offering.clone(), row.image.clone(), row.presence.to_owned(), short, size]
            });
            table(&["offering", "image", "presence", "id", "size"], &[4], cells.collect())
        })
    }
}

impl From<Listed> for Row {
    fn from(listed: Listed) -> Self {
        Self {
            offering: listed.offering,
            image: listed.reference,
            presence: listed.presence.as_str(),
            id: listed.id,
            size_bytes: listed.size_bytes,
        }
    }
}

/// Every image that a plan of the offerings runs: who builds it, and its reference.
fn wanted(catalog: &Catalog, names: &[String]) -> Result<Vec<(String, String)>, Failure> {
    if let Some(name) = names.iter().find(|name| catalog.offering_named(name).is_none()) {
        let all: Vec<&str> = catalog.offerings.iter().map(|o| o.name.as_str()).collect();
        return Err(Failure::new(Exit::NotFound, format!("`{name}` is not in the catalog"))
            .next(format!("there are {}", all.join(", "))));
    }
    let mut wanted = BTreeSet::new();
    for offering in &catalog.offerings {
        if names.is_empty() || names.contains(&offering.name) {
            wanted.extend(images_of(offering)?);
        }
    }
    Ok(wanted.into_iter().collect())
}

fn images_of(offering: &Offering) -> Result<Vec<(String, String)>, Failure> {
    let (parameters, admin_password) = (Object::new(), Secret::default());
    let inputs = Inputs { key: "images", parameters: &parameters, admin_password: &admin_password };
    let mut images = Vec::new();
    for plan in &offering.plans {
        let workload = offering
            .workload(plan, &inputs)
            .map_err(|mistake| Failure::new(Exit::Failed, mistake.to_string()))?;
        images.extend(workload.containers.into_iter().map(|container| {
            let builder = container.image.build.unwrap_or_else(|| offering.name.clone());
            (builder, container.image.reference)
        }));
    }
    Ok(images)
}

/// Runs what takes long and tells what it says meanwhile.
async fn watched<F>(work: impl FnOnce(Progress) -> F) -> Result<(), Failure>
where
    F: Future<Output = Result<String, Fault>>,
{
    let progress = Progress::default();
    let mut said = progress.follow();
    let mut work = std::pin::pin!(work(progress));
    let mut ticker = Ticker::new();
    let outcome = loop {
        tokio::select! {
            outcome = &mut work => break outcome,
            Ok(()) = said.changed() => ticker.say(&said.borrow_and_update()),
        }
    };
    ticker.finish();
    outcome.map(drop).map_err(|fault| failure(&fault))
}

fn failure(fault: &Fault) -> Failure {
    let exit = match fault.kind {
        FaultKind::Unreachable => Exit::Unreachable,
        FaultKind::Retry | FaultKind::PortTaken(_) | FaultKind::Fatal | FaultKind::Cancelled => {
            Exit::Failed
        }
    };
    Failure::new(exit, fault.chain())
}

/// In MiB: the last bytes of an image tell nobody anything.
fn rounded(size: u64) -> String {
    bytes((size >> 20) << 20)
}
