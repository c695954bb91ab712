//! Making what runs be what the workload says.
//!
//! One look at everything at once, a decision for every container (see
//! [`crate::backend::reconcile`]), then what it takes. A fresh container costs the engine four
//! calls in a row after the look: volumes, create, files, start; the start is nine tenths of it.

use std::collections::{BTreeMap, BTreeSet};

use bollard::models::{ContainerInspectResponse, VolumeCreateRequest};
use bollard::query_parameters::InspectContainerOptions;
use futures_util::future::join_all;

use super::remove::{Anonymous, all, container_name};
use super::{Docker, body, names};
use crate::backend::Place;
use crate::backend::reconcile::{self, Action, Seen, Writing};
use crate::model::workload::Container;
use crate::model::{Fault, Progress, Workload};

/// One instance to be made so.
pub(super) struct Job<'a> {
    pub(super) place: &'a Place,
    pub(super) workload: &'a Workload,
    pub(super) progress: &'a Progress,
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
            self.drop_container(stray, Anonymous::Keep).await?;
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

    /// The container of this name. Fatal if it is somebody else's.
    async fn own_container(&self, name: &str) -> Result<Option<ContainerInspectResponse>, Fault> {
        let engine = self.connection.engine().await?;
        let inspect = || engine.inspect_container(name, None::<InspectContainerOptions>);
        let seen = self.connection.look(&format!("look at {name}"), inspect).await?;
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

    pub(super) fn container_name(&self, job: &Job<'_>, container: &Container) -> String {
        names::container(&self.broker, &job.place.instance, &container.role)
    }

    fn volume_name(&self, job: &Job<'_>, volume: &str) -> String {
        names::volume(&self.broker, &job.place.instance, volume)
    }
}

fn not_cancelled(progress: &Progress) -> Result<(), Fault> {
    if progress.cancel.is_cancelled() { Err(Fault::cancelled()) } else { Ok(()) }
}
