//! What can be done with one container.

use std::time::Duration;

use bollard::errors::Error;
use bollard::query_parameters::{
    CreateContainerOptionsBuilder, StartContainerOptions, StopContainerOptionsBuilder,
    UploadToContainerOptionsBuilder,
};

use super::connection::{bounded, message, status, timed};
use super::ensure::Job;
use super::remove::Anonymous;
use super::{Docker, body, files};
use crate::backend::reconcile::{self, Status, Writing};
use crate::model::workload::Container;
use crate::model::{Fault, FaultKind};

/// What the engine may take for a stop beyond the container's own time.
const STOP_MARGIN: Duration = Duration::from_secs(30);

impl Docker {
    /// Sees that a container runs that is the right one.
    pub(super) async fn keep(
        &self,
        job: &Job<'_>,
        container: &Container,
        status: Status,
        writing: Writing,
    ) -> Result<(), Fault> {
        match status {
            Status::Created => {
                self.write(job, container, writing).await?;
                self.start(job, container).await
            }
            Status::Stopped => {
                self.write(job, container, Writing::Live).await?;
                self.start(job, container).await
            }
            Status::Running => self.write(job, container, Writing::Live).await,
            Status::Paused => {
                let engine = self.connection.engine().await?;
                let name = self.container_name(job, container);
                self.connection
                    .ask("resume the container", engine.unpause_container(&name))
                    .await?;
                self.write(job, container, Writing::Live).await
            }
            Status::Removing => unreachable!("decide() has it made anew"),
        }
    }

    /// Stops a container and makes it anew with the same volumes.
    pub(super) async fn remake(
        &self,
        job: &Job<'_>,
        container: &Container,
        writing: Writing,
    ) -> Result<(), Fault> {
        job.progress.say(format!("stopping {}", container.role));
        self.stop(job, container).await?;
        self.drop_container(&self.container_name(job, container), Anonymous::Keep).await?;
        self.make(job, container, writing).await
    }

    /// Makes a container, writes its files and starts it.
    pub(super) async fn make(
        &self,
        job: &Job<'_>,
        container: &Container,
        writing: Writing,
    ) -> Result<(), Fault> {
        job.progress.say(format!("creating {}", container.role));
        let name = self.container_name(job, container);
        let count = job.workload.containers.len();
        let body = body::create(self.house(), job.place, container, count)?;
        let engine = self.connection.engine().await?;
        let options = CreateContainerOptionsBuilder::default().name(&name).build();
        if let Err(error) = bounded(engine.create_container(Some(options), body)).await {
            let gone = status(&error) == Some(404) && message(&error).contains("mage");
            return Err(if gone {
                let image = &container.image.reference;
                Fault::retry(format!("the image {image} is no longer there")).because(error)
            } else if status(&error) == Some(409) {
                // The look did not see it: the engine is still at what an earlier attempt asked.
                Fault::retry(format!("the container {name} is just being made or removed"))
                    .because(error)
            } else {
                self.connection.fault(&format!("make the container {name}"), error)
            });
        }
        self.write(job, container, writing).await?;
        self.start(job, container).await
    }

    async fn write(
        &self,
        job: &Job<'_>,
        container: &Container,
        writing: Writing,
    ) -> Result<(), Fault> {
        let name = self.container_name(job, container);
        let engine = self.connection.engine().await?;
        for (mount, archive) in files::archives(container, writing)? {
            let options = UploadToContainerOptionsBuilder::default().path(&mount).build();
            // As a stream: bollard writes whole bodies into its log.
            let archive = bollard::body_stream(futures_util::stream::iter([archive]));
            let upload = engine.upload_to_container(&name, Some(options), archive);
            let doing = format!("write files to {mount} of the container {name}");
            self.connection.ask(&doing, upload).await?;
        }
        Ok(())
    }

    async fn start(&self, job: &Job<'_>, container: &Container) -> Result<(), Fault> {
        let _turn = tokio::select! {
            biased;
            () = job.progress.cancel.cancelled() => return Err(Fault::cancelled()),
            turn = self.starts.acquire() => turn.expect("the semaphore is never closed"),
        };
        job.progress.say(format!("starting {}", container.role));
        let name = self.container_name(job, container);
        let engine = self.connection.engine().await?;
        let start = engine.start_container(&name, None::<StartContainerOptions>);
        match bounded(start).await {
            Ok(()) => Ok(()),
            Err(error) => Err(self.failed_start(job, container, error).await),
        }
    }

    /// A container whose port or network is not to be had is removed: both are part of it, and it
    /// gets others with the next attempt.
    async fn failed_start(&self, job: &Job<'_>, container: &Container, error: Error) -> Fault {
        let name = self.container_name(job, container);
        let ports: Vec<_> =
            reconcile::host_ports(container, job.place).filter_map(|(_, host)| host).collect();
        let fault = if let Some(port) = taken_port(message(&error), &ports) {
            Fault::port_taken(port).because(error)
        } else if status(&error) == Some(404) && message(&error).contains("network") {
            Fault::retry("the tenant's network was removed just now").because(error)
        } else {
            return self.connection.fault(&format!("start the container {name}"), error);
        };
        match self.drop_container(&name, Anonymous::Keep).await {
            Ok(()) => fault,
            Err(removal) => removal,
        }
    }

    /// Stops a container in its own way; what can't be stopped is killed with its removal.
    async fn stop(&self, job: &Job<'_>, container: &Container) -> Result<(), Fault> {
        let name = self.container_name(job, container);
        let grace = Duration::from_secs(container.stop.timeout_s.into());
        let limit = grace + STOP_MARGIN;
        let engine = self.connection.engine_within(limit).await?;
        let seconds = container.stop.timeout_s.try_into().unwrap_or(i32::MAX);
        let options = StopContainerOptionsBuilder::default().t(seconds).build();
        let Err(error) = timed(limit, engine.stop_container(&name, Some(options))).await else {
            return Ok(());
        };
        let fault = self.connection.fault(&format!("stop the container {name}"), error);
        match fault.kind {
            FaultKind::Unreachable => Err(fault),
            FaultKind::Retry
            | FaultKind::Fatal
            | FaultKind::Cancelled
            | FaultKind::PortTaken(_) => {
                tracing::debug!(fault = fault.chain(), "the container is killed instead");
                Ok(())
            }
        }
    }

    /// Changes limits on the container as it is; false where the engine cannot.
    pub(super) async fn set_limits(
        &self,
        job: &Job<'_>,
        container: &Container,
    ) -> Result<bool, Fault> {
        job.progress.say(format!("changing the limits of {}", container.role));
        let name = self.container_name(job, container);
        let engine = self.connection.engine().await?;
        let change = engine.update_container(&name, body::update(&container.resources));
        match bounded(change).await {
            Ok(()) => Ok(true),
            // Podman has no such call (404); a kernel may refuse less memory than is in use.
            Err(error) if matches!(status(&error), Some(400 | 404 | 405 | 500 | 501)) => {
                tracing::debug!(container = name, %error, "limits need a new container");
                Ok(false)
            }
            Err(error) => {
                Err(self.connection.fault(&format!("change the limits of {name}"), error))
            }
        }
    }
}

/// The port that a start failed for, if that was it. Docker: "Bind for 127.0.0.1:20000 failed:
/// port is already allocated", "listen tcp4 127.0.0.1:20000: bind: address already in use".
fn taken_port(message: &str, ports: &[u16]) -> Option<u16> {
    let taken = ["port is already allocated", "address already in use", "ports are not available"]
        .iter()
        .any(|words| message.contains(words));
    let named = |port: &&u16| {
        let port = format!(":{port}");
        message.split(&port).skip(1).any(|rest| !rest.starts_with(|c: char| c.is_ascii_digit()))
    };
    if taken { ports.iter().find(named).or(ports.first()).copied() } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_port_that_is_taken_is_told() {
        let ports = [200, 20_000, 20_001];
        let failed = "driver failed programming external connectivity on endpoint x (200ab): Bind \
                      for 127.0.0.1:20001 failed: port is already allocated";
        assert_eq!(taken_port(failed, &ports), Some(20_001));
        let failed = "listen tcp4 0.0.0.0:20000: bind: address already in use";
        assert_eq!(taken_port(failed, &ports), Some(20_000));
        assert_eq!(taken_port("port is already allocated", &ports), Some(200));
        assert_eq!(taken_port("no such file: 20000", &ports), None);
    }
}
