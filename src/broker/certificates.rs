//! The certificates of instances whose apps come over TLS: when one is made, and for which names.

use super::Broker;
use crate::clock::Millis;
use crate::id::InstanceKey;
use crate::model::tls::Identity;
use crate::model::{Instance, InstanceState, Kind, OperationState, Target, Workload, names};
use crate::osb::Refusal;
use crate::store::AuditEntry;

impl Broker {
    /// Begins to renew every certificate whose time it is. Answers how many.
    pub async fn renew_certificates(&self) -> Result<usize, Refusal> {
        let mut begun = 0;
        for instance in self.store.instances().await? {
            if self.is_to_renew(&instance) {
                begun += usize::from(self.renew(&instance.key).await?);
            }
        }
        Ok(begun)
    }

    fn is_to_renew(&self, instance: &Instance) -> bool {
        let workload = &instance.workload;
        let good = |identity: &Identity| {
            !identity.is_due(self.now()) && identity.names == self.names(workload, &instance.key)
        };
        instance.state == InstanceState::Ready
            && workload.tls.is_on()
            && !workload.identity.as_ref().is_some_and(good)
    }

    /// Looks again within the decision. One that something else runs on waits for the next look, as
    /// does one that an update left unusable.
    async fn renew(&self, key: &InstanceKey) -> Result<bool, Refusal> {
        let mut decision = self.store.decide(key).await?;
        let Some(instance) = decision.instance().await? else { return Ok(false) };
        let latest = decision.latest(key.as_str()).await?;
        let left = latest.is_some_and(|one| {
            one.state == OperationState::Running || one.instance_usable == Some(false)
        });
        if left || !self.is_to_renew(&instance) {
            return Ok(false);
        }
        let mut workload = instance.workload.clone();
        let names = self.names(&workload, key);
        workload.identify(self.certify(key, names)?);
        let mut operation = self.operation(Kind::Renew, key, None);
        operation.target = Some(Target { workload, ..present(&instance) });
        decision.begin(&operation).await?;
        let entry = AuditEntry {
            at: operation.created_at,
            platform: instance.platform.to_string(),
            action: operation.kind.as_str().to_owned(),
            instance: instance.id.to_string(),
            operation: operation.id.to_string(),
            ..AuditEntry::default()
        };
        decision.audit(&entry).await?;
        decision.commit().await?;
        self.bell.ring();
        Ok(true)
    }

    /// Gives a workload with TLS what it shows to its clients. What it showed before stays, however
    /// old: to exchange it is a renewal's, which has the engine take the new one.
    pub(super) fn identify(
        &self,
        workload: &mut Workload,
        key: &InstanceKey,
        before: Option<&Identity>,
    ) -> Result<(), Refusal> {
        if workload.tls.is_off() {
            return Ok(());
        }
        let identity = match before {
            Some(before) => before.clone(),
            None => self.certify(key, self.names(workload, key))?,
        };
        workload.identify(identity);
        Ok(())
    }

    fn certify(&self, key: &InstanceKey, names: Vec<String>) -> Result<Identity, Refusal> {
        let life = self.settings.certificate_life.as_millis();
        let life = Millis::try_from(life).unwrap_or(Millis::MAX);
        self.authority.issue(key.as_str(), names, self.now(), life).map_err(|error| {
            tracing::error!(instance.key = %key, %error, "A certificate could not be made");
            Refusal::Internal("the broker cannot make a certificate: ask its operator".into())
        })
    }

    /// Every name by which a client may reach the instance: where apps are told to, on the host
    /// itself, and from within the tenant's network.
    fn names(&self, workload: &Workload, key: &InstanceKey) -> Vec<String> {
        let mut names = vec![self.settings.advertise_host.clone()];
        let inside = workload.containers.iter().map(|one| names::alias(key, &one.role));
        for name in ["localhost".to_owned(), "127.0.0.1".to_owned()].into_iter().chain(inside) {
            if !names.contains(&name) {
                names.push(name);
            }
        }
        names
    }
}

/// What an instance is, as something for it to become.
fn present(instance: &Instance) -> Target {
    Target {
        plan_id: instance.plan_id.clone(),
        parameters: instance.parameters.clone(),
        context: instance.context.clone(),
        name: instance.name.clone(),
        maintenance_version: instance.maintenance_version.clone(),
        workload: instance.workload.clone(),
    }
}
