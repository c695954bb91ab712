//! Making what runs be what the workload says.
//!
//! One look at everything at once, a decision for every container (see
//! [`crate::backend::reconcile`]), then what it takes. A fresh container costs the engine four
//! calls in a row after the look: volumes, create, files, start; the start is nine tenths of it.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use bollard::errors::Error;
use bollard::models::{ContainerInspectResponse, VolumeCreateRequest};
use bollard::query_parameters::{
    CreateContainerOptionsBuilder, InspectContainerOptions, StartContainerOptions,
    StopContainerOptionsBuilder, UploadToContainerOptionsBuilder,
};
use futures_util::future::join_all;

use super::connection::{bounded, message, status, timed};
use super::remove::{all, container_name};
use super::{Docker, body, files, names};
use crate::backend::Place;
use crate::backend::reconcile::{self, Action, Seen, Status, Writing};
use crate::model::workload::Container;
use crate::model::{Fault, FaultKind, Progress, Workload};

/// What the engine may take for a stop beyond the container's own time.
const STOP_MARGIN: Duration = Duration::from_secs(30);

/// One instance to be made so.
struct Job<'a> {
    place: &'a Place,
    workload: &'a Workload,
    progress: &'a Progress,
}

/// What the engine has of an instance.
#[derive(Default)]
struct Look {
    /// By role.
    containers: BTreeMap<String, Seen>,
    /// Names of containers of ours with roles that the workload has not.
    strays: Vec<String>,
    /// By the name that mounts use.
    volumes: BTreeSet<String>,
}

impl Docker {
    /// See [`crate::backend::Backend::ensure`].
    pub(super) async fn ensure_workload(
        &self,
        place: &Place,
        workload: &Workload,
        progress: &Progress,
    ) -> Result<(), Fault> {
        let job = Job { place, workload, progress };
        // Both to their ends, whatever the other says: a request that was begun is not dropped.
        let (network, look) = tokio::join!(self.ensure_network(place), self.look(&job));
        network?;
        let mut look = look?;
        not_cancelled(progress)?;
        if self.first_start_was_interrupted(&job, &look) {
            progress.say("starting over after an interrupted first start");
            self.remove_instance(place).await?;
            look = Look::default();
        }
        for stray in &look.strays {
            self.drop_container(stray).await?;
        }
        self.ensure_volumes(&job, &look).await?;
        for container in &workload.containers {
            not_cancelled(progress)?;
            self.converge(&job, container, &look).await?;
        }
        Ok(())
    }

    async fn look(&self, job: &Job<'_>) -> Result<Look, Fault> {
        let ours = self.labels_of(job.place);
        let containers = job.workload.containers.iter().map(|container| async {
            let name = self.container_name(job, container);
            let seen = self.own_container(&name).await?;
            Ok((container.role.clone(), seen.as_ref().map(body::seen)))
        });
        let volumes = job.workload.volumes.keys().map(|volume| async {
            let there = self.has_own_volume(&self.volume_name(job, volume)).await?;
            Ok(there.then(|| volume.clone()))
        });
        let (containers, volumes, listed) =
            tokio::join!(join_all(containers), join_all(volumes), self.containers_with(&ours));
        let containers: Vec<_> = containers.into_iter().collect::<Result<_, Fault>>()?;
        let volumes: Vec<_> = volumes.into_iter().collect::<Result<_, Fault>>()?;
        let wanted: BTreeSet<_> =
            job.workload.containers.iter().map(|one| self.container_name(job, one)).collect();
        let listed = listed?;
        Ok(Look {
            containers: containers
                .into_iter()
                .filter_map(|(role, seen)| Some((role, seen?)))
                .collect(),
            strays: listed
                .iter()
                .filter_map(container_name)
                .filter(|name| !wanted.contains(name))
                .collect(),
            volumes: volumes.into_iter().flatten().collect(),
        })
    }

    /// Before the first ready, volumes without a container are what an interrupted start, or an
    /// interrupted removal after it, has left.
    fn first_start_was_interrupted(&self, job: &Job<'_>, look: &Look) -> bool {
        if job.place.was_ready {
            return false;
        }
        let orphaned = look.containers.is_empty() && !look.volumes.is_empty();
        let renew = |container: &Container| self.decide(job, container, look) == Action::Renew;
        orphaned || job.workload.containers.iter().any(renew)
    }

    fn decide(&self, job: &Job<'_>, container: &Container, look: &Look) -> Action {
        let seen = look.containers.get(&container.role);
        let spec = reconcile::spec(container, job.place, self.publish_address);
        reconcile::decide(seen, &spec, &container.resources, job.place.was_ready)
    }

    async fn ensure_volumes(&self, job: &Job<'_>, look: &Look) -> Result<(), Fault> {
        let engine = self.connection.engine().await?;
        let missing = job.workload.volumes.keys().filter(|volume| !look.volumes.contains(*volume));
        let create = missing.map(|volume| async move {
            let name = self.volume_name(job, volume);
            let request = VolumeCreateRequest {
                name: Some(name.clone()),
                labels: Some(names::instance_labels(&self.broker, job.place)),
                ..VolumeCreateRequest::default()
            };
            if job.place.was_ready {
                tracing::warn!(volume = name, "the volume was not there and is made anew, empty");
            }
            let made = self.connection.ask("make a volume", engine.create_volume(request)).await?;
            // The call hands out a volume of that name if there is one.
            self.must_own(made.labels.get(names::BROKER), "volume", &name)
        });
        all(join_all(create).await)
    }

    async fn converge(
        &self,
        job: &Job<'_>,
        container: &Container,
        look: &Look,
    ) -> Result<(), Fault> {
        // Seeds again where a volume that should hold them was lost.
        let intact = container.mounts.keys().all(|volume| look.volumes.contains(volume));
        let writing = if job.place.was_ready && intact { Writing::Again } else { Writing::First };
        match self.decide(job, container, look) {
            Action::Create | Action::Renew => self.make(job, container, writing).await,
            Action::Recreate => self.remake(job, container, writing).await,
            Action::Keep { limit, .. } if limit && !self.set_limits(job, container).await? => {
                self.remake(job, container, writing).await
            }
            Action::Keep { status, .. } => self.keep(job, container, status, writing).await,
        }
    }

    async fn keep(
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

    async fn remake(
        &self,
        job: &Job<'_>,
        container: &Container,
        writing: Writing,
    ) -> Result<(), Fault> {
        job.progress.say(format!("stopping {}", container.role));
        self.stop(job, container).await?;
        self.drop_container(&self.container_name(job, container)).await?;
        self.make(job, container, writing).await
    }

    async fn make(
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
            turn = self.starts.acquire() => turn.expect("the semaphore is never closed"),
            () = job.progress.cancel.cancelled() => return Err(Fault::cancelled()),
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
        match self.drop_container(&name).await {
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
    async fn set_limits(&self, job: &Job<'_>, container: &Container) -> Result<bool, Fault> {
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

    /// The container of this name. Fatal if it is somebody else's.
    async fn own_container(&self, name: &str) -> Result<Option<ContainerInspectResponse>, Fault> {
        let engine = self.connection.engine().await?;
        let inspection = engine.inspect_container(name, None::<InspectContainerOptions>);
        let seen = self.connection.ask_for(&format!("look at {name}"), inspection).await?;
        if let Some(seen) = &seen {
            let labels = seen.config.as_ref().and_then(|config| config.labels.as_ref());
            let owner = labels.and_then(|labels| labels.get(names::BROKER));
            self.must_own(owner, "container", name)?;
        }
        Ok(seen)
    }

    /// Whether there is a volume of this name. Fatal if it is somebody else's.
    async fn has_own_volume(&self, name: &str) -> Result<bool, Fault> {
        let engine = self.connection.engine().await?;
        let inspection = engine.inspect_volume(name);
        let seen = self.connection.ask_for(&format!("look at {name}"), inspection).await?;
        if let Some(seen) = &seen {
            self.must_own(seen.labels.get(names::BROKER), "volume", name)?;
        }
        Ok(seen.is_some())
    }

    fn container_name(&self, job: &Job<'_>, container: &Container) -> String {
        names::container(&self.broker, &job.place.instance, &container.role)
    }

    fn volume_name(&self, job: &Job<'_>, volume: &str) -> String {
        names::volume(&self.broker, &job.place.instance, volume)
    }
}

fn not_cancelled(progress: &Progress) -> Result<(), Fault> {
    if progress.cancel.is_cancelled() { Err(Fault::cancelled()) } else { Ok(()) }
}

/// The port that a start failed for, if that was it. Docker: "Bind for 127.0.0.1:20000 failed:
/// port is already allocated", "listen tcp4 127.0.0.1:20000: bind: address already in use".
fn taken_port(message: &str, ports: &[u16]) -> Option<u16> {
    let taken = ["port is already allocated", "address already in use", "ports are not available"]
        .iter()
        .any(|words| message.contains(words));
    let named = |port: &&u16| {
        message
            .split(|c: char| !c.is_ascii_digit() && c != ':')
            .any(|word| word.rsplit(':').any(|number| number == port.to_string()))
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
