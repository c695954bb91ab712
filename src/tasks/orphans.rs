//! Removes what a crash of the container engine or of the broker may have left behind: things with
//! our label whose instance was deprovisioned here. What we know nothing of is told, not touched:
//! a database restored from an old backup must not cost anyone their data.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;

use super::Task;
use crate::backend::{Backend, Found, Place, Thing};
use crate::model::Fault;
use crate::model::fault::chain;
use crate::store::{Store, StoreError};

/// Looks every ten minutes.
pub struct Orphans {
    /// What is kept.
    pub store: Store,
    /// Where workloads run.
    pub backend: Arc<dyn Backend>,
}

/// What became of something on the engine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It belongs to an instance.
    Kept,
    /// It belonged to one that was deprovisioned here.
    Orphan,
    /// It carries our label, and nothing here knows of it.
    Unknown,
}

#[async_trait]
impl Task for Orphans {
    fn name(&self) -> &'static str {
        "orphans"
    }

    fn period(&self) -> Duration {
        Duration::from_mins(10)
    }

    async fn run(&self) {
        // An engine that is away is the health task's to tell.
        let Ok(found) = self.backend.found().await else { return };
        for thing in found {
            match self.judge(&thing).await {
                Ok(Verdict::Kept) => {}
                Ok(Verdict::Orphan) => self.remove(&thing).await,
                Ok(Verdict::Unknown) => tracing::warn!(
                    thing.name,
                    "`{}` on the container engine carries this broker's label, but no instance \
                     here knows of it; it is left alone",
                    thing.name
                ),
                Err(error) => tracing::error!(error = chain(&error), "Could not look for orphans"),
            }
        }
    }
}

impl Orphans {
    async fn judge(&self, thing: &Found) -> Result<Verdict, StoreError> {
        match (&thing.instance, thing.what) {
            (Some(key), _) => {
                if self.store.instance(key).await?.is_some() {
                    Ok(Verdict::Kept)
                } else if self.store.was_removed(key).await? {
                    Ok(Verdict::Orphan)
                } else {
                    Ok(Verdict::Unknown)
                }
            }
            // A network holds no data: one that no tenant has is simply left over.
            (None, Thing::Network) => match self.store.subnet(&thing.tenant).await? {
                Some(_) => Ok(Verdict::Kept),
                None => Ok(Verdict::Orphan),
            },
            (None, Thing::Container | Thing::Volume) => Ok(Verdict::Unknown),
        }
    }

    async fn remove(&self, thing: &Found) {
        let removed = match &thing.instance {
            Some(key) => self.backend.remove(&remains(thing, key.clone())).await,
            None => self.backend.remove_network(&thing.tenant).await,
        };
        match removed {
            Ok(()) => tracing::warn!(thing.name, "Removed the orphan `{}`", thing.name),
            Err(fault) => log(thing, &fault),
        }
    }
}

fn log(thing: &Found, fault: &Fault) {
    tracing::error!(
        thing.name,
        error = fault.chain(),
        "Could not remove the orphan `{}`",
        thing.name
    );
}

/// Removing needs no more than the key.
fn remains(thing: &Found, key: crate::id::InstanceKey) -> Place {
    Place {
        instance: key,
        instance_id: "".into(),
        tenant: thing.tenant.clone(),
        subnet: ipnet::Ipv4Net::default(),
        labels: std::collections::BTreeMap::new(),
        ports: std::collections::BTreeMap::new(),
        was_ready: false,
    }
}
