//! Commands, files and signals for containers that run.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bollard::container::LogOutput;
use bollard::exec::{CreateExecOptions, StartExecResults};
use bollard::query_parameters::{
    KillContainerOptionsBuilder, RestartContainerOptionsBuilder, UploadToContainerOptionsBuilder,
};
use futures_util::StreamExt;
use tokio::io::AsyncWriteExt;

use super::connection::{Connection, timed};
use super::{files, names};
use crate::backend::{Place, reconcile};
use crate::id::BrokerId;
use crate::model::inside::{Inside, Output};
use crate::model::workload::{Container, File};
use crate::model::{Fault, Workload};
use crate::secret::Secret;

/// How much is kept of what a command prints, in bytes, of each of its outputs.
const LARGEST_OUTPUT: usize = 64 << 10;
/// What the engine may take beyond a command's or a stop's own time.
const MARGIN: Duration = Duration::from_secs(10);
/// How `timeout` ends when it had to kill.
const KILLED: i64 = 137;

/// One instance's containers on an engine.
#[derive(Debug)]
pub(super) struct Containers {
    connection: Arc<Connection>,
    /// With their names on the engine.
    containers: Vec<(String, Container)>,
}

impl Containers {
    pub(super) fn of(
        connection: &Arc<Connection>,
        broker: &BrokerId,
        place: &Place,
        workload: &Workload,
    ) -> Self {
        let named = |container: &Container| {
            let name = names::container(broker, &place.instance, &container.role);
            (name, container.clone())
        };
        Self {
            connection: Arc::clone(connection),
            containers: workload.containers.iter().map(named).collect(),
        }
    }

    fn of_role(&self, role: &str) -> Result<(&str, &Container), Fault> {
        let found = self.containers.iter().find(|(_, container)| container.role == role);
        let (name, container) =
            found.ok_or_else(|| Fault::fatal(format!("no container has the role `{role}`")))?;
        Ok((name, container))
    }

    /// The exit status and what was printed; the command itself is bounded by `timeout`.
    async fn execute(
        &self,
        name: &str,
        command: Vec<String>,
        stdin: &Secret,
        limit: Duration,
    ) -> Result<Output, Fault> {
        let doing = format!("run a command in the container {name}");
        let engine = self.connection.engine().await?;
        let options = CreateExecOptions {
            attach_stdin: Some(true),
            attach_stdout: Some(true),
            attach_stderr: Some(true),
            cmd: Some(command),
            ..CreateExecOptions::default()
        };
        let exec = self.connection.ask(&doing, engine.create_exec(name, options)).await?;
        let started = self.connection.ask(&doing, engine.start_exec(&exec.id, None)).await?;
        let StartExecResults::Attached { mut output, mut input } = started else {
            return Err(Fault::retry(format!("the container engine could not {doing}")));
        };
        let mut kept = Output::default();
        let write = async {
            let _ = input.write_all(stdin.expose().as_bytes()).await;
            let _ = input.shutdown().await;
            // One that does not read it all ends nonetheless.
            std::future::pending::<()>().await;
        };
        let read = async {
            // The engine resets the stream of one that ended before it had read all: how it ended
            // is asked for below.
            while let Some(Ok(part)) = output.next().await {
                match part {
                    LogOutput::StdOut { message } => keep(&mut kept.stdout, &message),
                    LogOutput::StdErr { message } => keep(&mut kept.stderr, &message),
                    LogOutput::StdIn { .. } | LogOutput::Console { .. } => {}
                }
            }
        };
        timed(limit + MARGIN, async {
            tokio::select! { () = read => Ok(()), () = write => Ok(()) }
        })
        .await
        .map_err(|error| self.connection.fault(&doing, error))?;
        let seen = self.connection.ask(&doing, engine.inspect_exec(&exec.id)).await?;
        let ended = seen.exit_code.filter(|_| seen.running != Some(true));
        let broke_off = || Fault::retry(format!("the output of a command in {name} broke off"));
        kept.status = ended.ok_or_else(broke_off)?;
        Ok(kept)
    }
}

#[async_trait]
impl Inside for Containers {
    async fn run(
        &self,
        role: &str,
        command: &[String],
        stdin: &Secret,
        limit: Duration,
    ) -> Result<Output, Fault> {
        let (name, _) = self.of_role(role)?;
        let seconds = limit.as_secs() + u64::from(limit.subsec_nanos() > 0);
        // The engine cannot end what it has begun in a container.
        let mut bounded =
            ["timeout", "-s", "KILL", &seconds.to_string()].map(String::from).to_vec();
        bounded.extend_from_slice(command);
        let output = self.execute(name, bounded, stdin, limit).await?;
        if output.status == KILLED {
            let program = command.first().map(String::as_str).unwrap_or_default();
            return Err(Fault::retry(format!("{program} did not end within {seconds} s")));
        }
        Ok(output)
    }

    async fn write(&self, role: &str, file: &File) -> Result<(), Fault> {
        let (name, container) = self.of_role(role)?;
        let home = reconcile::home(container, file)?;
        let archive = files::archive(&[(home.inside, file)]).map_err(|error| {
            Fault::fatal(format!("{} could not be packed", file.path)).because(error)
        })?;
        let options = UploadToContainerOptionsBuilder::default().path(home.mount).build();
        // As a stream: bollard writes whole bodies into its log.
        let archive = bollard::body_stream(futures_util::stream::iter([archive]));
        let engine = self.connection.engine().await?;
        let upload = engine.upload_to_container(name, Some(options), archive);
        self.connection.ask(&format!("write {} in the container {name}", file.path), upload).await
    }

    async fn signal(&self, role: &str, signal: &str) -> Result<(), Fault> {
        let (name, _) = self.of_role(role)?;
        let options = KillContainerOptionsBuilder::default().signal(signal).build();
        let engine = self.connection.engine().await?;
        let kill = engine.kill_container(name, Some(options));
        self.connection.ask(&format!("send {signal} to the container {name}"), kill).await
    }

    async fn restart(&self, role: &str) -> Result<(), Fault> {
        let (name, container) = self.of_role(role)?;
        let limit = Duration::from_secs(container.stop.timeout_s.into()) + MARGIN;
        let seconds = container.stop.timeout_s.try_into().unwrap_or(i32::MAX);
        let options = RestartContainerOptionsBuilder::default()
            .signal(&container.stop.signal)
            .t(seconds)
            .build();
        let engine = self.connection.engine_within(limit).await?;
        timed(limit, engine.restart_container(name, Some(options)))
            .await
            .map_err(|error| self.connection.fault(&format!("restart the container {name}"), error))
    }
}

fn keep(kept: &mut String, printed: &[u8]) {
    let room = LARGEST_OUTPUT.saturating_sub(kept.len());
    kept.push_str(&String::from_utf8_lossy(&printed[..printed.len().min(room)]));
}
