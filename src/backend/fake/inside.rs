//! Containers of the fake engine from the inside: files are kept, commands succeed and say nothing.

use std::time::Duration;

use async_trait::async_trait;

use super::state::State;
use super::{Fake, Method};
use crate::backend::reconcile;
use crate::id::InstanceKey;
use crate::model::Fault;
use crate::model::inside::{Inside, Output};
use crate::model::workload::File;
use crate::secret::Secret;

#[derive(Debug)]
pub(super) struct Containers {
    pub(super) fake: Fake,
    pub(super) instance: InstanceKey,
}

impl Containers {
    /// Fails as a real engine does where the container does not run.
    fn running(&self, state: &State, role: &str) -> Result<(), Fault> {
        match state.containers.get(&(self.instance.clone(), role.to_owned())) {
            Some(container) if container.running => Ok(()),
            Some(_) => Err(Fault::retry(format!("the container {role} is not running"))),
            None => Err(Fault::retry(format!("there is no container {role}"))),
        }
    }
}

#[async_trait]
impl Inside for Containers {
    async fn run(
        &self,
        role: &str,
        _command: &[String],
        _stdin: &Secret,
        _limit: Duration,
    ) -> Result<Output, Fault> {
        self.fake.call(Method::Run, |state| self.running(state, role)).await?;
        Ok(Output::default())
    }

    async fn write(&self, role: &str, file: &File) -> Result<(), Fault> {
        self.fake
            .call(Method::Write, |state| {
                self.running(state, role)?;
                let container = &state.containers[&(self.instance.clone(), role.to_owned())].wanted;
                let volume = reconcile::home(container, file)?.volume.to_owned();
                if let Some(volume) = state.volumes.get_mut(&(self.instance.clone(), volume)) {
                    volume.files.insert(file.path.clone(), file.content.clone());
                }
                Ok(())
            })
            .await
    }

    async fn signal(&self, role: &str, _signal: &str) -> Result<(), Fault> {
        self.fake.call(Method::Run, |state| self.running(state, role)).await
    }

    async fn restart(&self, role: &str) -> Result<(), Fault> {
        self.fake.call(Method::Run, |state| self.running(state, role)).await
    }
}
