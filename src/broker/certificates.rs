//! The certificates of instances whose apps come over TLS: when one is made, and for which names.

use super::Broker;
use crate::clock::Millis;
use crate::id::InstanceKey;
use crate::model::tls::Identity;
use crate::model::{Workload, names};
use crate::osb::Refusal;

impl Broker {
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
