//! NATS, from 2.10: a user for each binding, all in the one account of the instance, so that streams
//! and subjects are everybody's.
//!
//! The server takes users from its configuration alone. Each has a file, which is the truth; what
//! the server reads is made of them, under a lock, and brought into force over the protocol.

mod client;
mod rights;
mod users;

use std::time::Duration;

use async_trait::async_trait;
use serde::Deserialize;
use serde_json::json;

use self::client::Server;
use super::{
    CALL_LIMIT, Engine, Grant, READY_LIMIT, Renewal, Target, too_small, whole_number, within,
};
use crate::model::{Fault, Object};

/// Speaks to NATS as the user of the system account, which sees the server and no message of apps.
#[derive(Clone, Copy, Debug)]
pub struct Nats;

/// How long to wait until connections that the server ends are counted again.
const CONNECTION_POLL: Duration = Duration::from_millis(10);

/// What [`Engine::prepare`] looks after: what JetStream may hold in files and in memory.
const DISK: &str = "disk_bytes";
const MEMORY: &str = "memory_bytes";

#[derive(Default, Deserialize)]
struct Health {
    #[serde(default)]
    status: String,
}

/// What JetStream holds, and what streams have set aside.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Held {
    memory: u64,
    storage: u64,
    reserved_memory: u64,
    reserved_storage: u64,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Connections {
    num_connections: u64,
}

#[async_trait]
impl Engine for Nats {
    async fn ready(&self, target: &Target) -> Result<(), Fault> {
        let doing = "log in to NATS";
        within(READY_LIMIT, doing, async {
            let server = Server::connect(target).await?;
            // Not before its streams are there.
            let health: Health = server.ask("HEALTHZ", &json!({}), doing).await?;
            match health.status.as_str() {
                "ok" => Ok(()),
                _ => Err(Fault::retry("NATS is still starting")),
            }
        })
        .await
    }

    async fn prepare(&self, target: &Target, next: &Object) -> Result<(), Fault> {
        let (disk, memory) = (whole_number(next, DISK)?, whole_number(next, MEMORY)?);
        let doing = "ask NATS what it holds";
        within(CALL_LIMIT, doing, async {
            let server = Server::connect(target).await?;
            let held: Held = server.ask("JSZ", &json!({}), doing).await?;
            for (held, allowed) in [
                (held.storage.max(held.reserved_storage), disk),
                (held.memory.max(held.reserved_memory), memory),
            ] {
                if let Some(allowed) = allowed.filter(|allowed| held > *allowed) {
                    return Err(too_small(held, allowed));
                }
            }
            Ok(())
        })
        .await
    }

    /// The files of the instance say all there is to set.
    async fn bootstrap(&self, target: &Target) -> Result<(), Fault> {
        target.database()?;
        match target.settings.keys().find(|name| ![DISK, MEMORY].contains(&name.as_str())) {
            None => Ok(()),
            Some(name) => Err(Fault::fatal(format!(
                "NATS takes no setting {name:?} while it runs: put it into nats.conf"
            ))),
        }
    }

    async fn grant(&self, target: &Target, grant: &Grant) -> Result<(), Fault> {
        let doing = "make a NATS user";
        let user = users::User::new(grant)?;
        within(CALL_LIMIT, doing, async {
            // Who is connected already is not kept out while users are exchanged.
            let server = Server::connect(target).await?;
            user.write(target).await?;
            server.reload(doing).await
        })
        .await
    }

    async fn revoke(&self, target: &Target, user: &str) -> Result<(), Fault> {
        let doing = "remove a NATS user";
        let about = json!({"auth": true, "acc": target.database()?, "user": user});
        within(CALL_LIMIT, doing, async {
            let server = Server::connect(target).await?;
            users::remove(target, user).await?;
            server.reload(doing).await?;
            while server.ask::<Connections>("CONNZ", &about, doing).await?.num_connections > 0 {
                tokio::time::sleep(CONNECTION_POLL).await;
            }
            Ok(())
        })
        .await
    }

    async fn renew(&self, target: &Target) -> Result<Renewal, Fault> {
        let doing = "give NATS its new certificate";
        within(CALL_LIMIT, doing, async {
            Server::connect(target).await?.reload(doing).await?;
            Ok(Renewal::Done)
        })
        .await
    }
}
