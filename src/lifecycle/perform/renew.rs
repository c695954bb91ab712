//! The step that brings an instance's next certificate into force.

use super::{Change, Stage};
use crate::engine::Renewal;
use crate::model::{Fault, Instance, Phase, Workload};

impl Stage<'_> {
    /// Has the engine show the certificate that its files hold by now.
    pub(super) async fn renew(&self, instance: &Instance) -> Result<Change, Fault> {
        self.progress.say("exchanging the certificate");
        let workload = self.wanted(instance);
        let target = self.target(instance, workload).await?;
        let renewal = if self.is_out_of_reach(instance, workload) {
            Renewal::Restart
        } else {
            self.engine(workload)?.renew(&target).await?
        };
        if renewal == Renewal::Restart {
            let shows = |container: &&_| holds_identity(container);
            for container in workload.containers.iter().filter(shows) {
                target.inside.restart(&container.role).await?;
            }
        }
        Ok(Change::NONE)
    }

    /// Whether the broker cannot log in as long as the engine shows what it does: over TLS alone,
    /// under a name that the present certificate does not have, or may not have.
    fn is_out_of_reach(&self, instance: &Instance, next: &Workload) -> bool {
        let names =
            |workload: &Workload| workload.identity.as_ref().map(|identity| identity.names.clone());
        let renamed = names(&instance.workload) != names(next);
        next.tls.is_required() && (renamed || self.operation.phase == Phase::Undo)
    }
}

fn holds_identity(container: &crate::model::workload::Container) -> bool {
    container.files.iter().any(|file| file.tls.is_some())
}
