//! RabbitMQ, from 4.0: a user for each binding, with rights on the one virtual host that all share.
//! Queues and exchanges are the virtual host's own, so that what one binding makes is everybody's.

mod amqp;
mod api;

use std::time::Duration;

use async_trait::async_trait;
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde::Deserialize;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use self::api::Api;
use super::{
    CALL_LIMIT, Engine, Grant, READY_LIMIT, Renewal, Target, read_only, too_small, whole_number,
    within,
};
use crate::model::{Fault, Object};
use crate::secret::Secret;

/// Speaks to RabbitMQ as an administrator, over its management API.
#[derive(Clone, Copy, Debug, Default)]
pub struct RabbitMq;

/// Per binding, unless it asks for another.
const CONNECTION_LIMIT: u64 = 50;

/// How long to wait until connections that were told to end are counted again.
const CONNECTION_POLL: Duration = Duration::from_millis(20);

/// The role of the container that it runs in.
const SERVER: &str = "server";

/// What [`Engine::prepare`] looks after.
const DISK: &str = "disk_bytes";

/// Settings, and the limits of the virtual host that they are. Others belong into `rabbitmq.conf`.
const LIMITS: [(&str, &str); 2] =
    [("max_connections", "max-connections"), ("max_queues", "max-queues")];

/// A queue as the API tells of it; the numbers are some seconds old.
#[derive(Deserialize)]
struct Queue {
    #[serde(default)]
    message_bytes: u64,
}

#[async_trait]
impl Engine for RabbitMq {
    async fn ready(&self, target: &Target) -> Result<(), Fault> {
        within(READY_LIMIT, "log in to RabbitMQ", async {
            let doing = "log in to RabbitMQ";
            let api = Api::of(target)?;
            let _who: Value = api.get(&["whoami"], "", doing).await?;
            let _health: Value = api.get(&["health", "checks", "virtual-hosts"], "", doing).await?;
            // The API answers before the port of the apps does.
            amqp::greets(target).await
        })
        .await
    }

    async fn prepare(&self, target: &Target, next: &Object) -> Result<(), Fault> {
        let Some(allowed) = whole_number(next, DISK)? else { return Ok(()) };
        let vhost = target.database()?;
        within(CALL_LIMIT, "prepare RabbitMQ for the new plan", async {
            let api = Api::of(target)?;
            let doing = "ask RabbitMQ for its queues";
            let queues: Vec<Queue> =
                api.get(&["queues", vhost], "columns=message_bytes", doing).await?;
            let held = queues.iter().map(|queue| queue.message_bytes).sum();
            if held > allowed { Err(too_small(held, allowed)) } else { Ok(()) }
        })
        .await
    }

    async fn bootstrap(&self, target: &Target) -> Result<(), Fault> {
        let vhost = target.database()?;
        let limits = limits(&target.settings)?;
        within(CALL_LIMIT, "set up RabbitMQ", async {
            let api = Api::of(target)?;
            api.put(&["vhosts", vhost], &json!({}), "make the virtual host").await?;
            for (name, value) in limits {
                let path = ["vhost-limits", vhost, name];
                let doing = "bring the plan's settings into force";
                api.put(&path, &json!({"value": value}), doing).await?;
            }
            Ok(())
        })
        .await
    }

    async fn grant(&self, target: &Target, grant: &Grant) -> Result<(), Fault> {
        let vhost = target.database()?;
        let connections =
            whole_number(&grant.parameters, "connection_limit")?.unwrap_or(CONNECTION_LIMIT);
        let permissions = if read_only(&grant.parameters)? {
            json!({"configure": "^$", "write": "^$", "read": ".*"})
        } else {
            json!({"configure": ".*", "write": ".*", "read": ".*"})
        };
        let user = json!({
            "password_hash": password_hash(grant.password.expose()),
            "hashing_algorithm": "rabbit_password_hashing_sha256",
            // The least that may use the API, within the user's own permissions.
            "tags": "management",
        });
        let (name, doing) = (grant.user.as_str(), "make a RabbitMQ user");
        within(CALL_LIMIT, doing, async {
            let api = Api::of(target)?;
            api.put(&["users", name], &user, doing).await?;
            let limit = json!({"value": connections});
            api.put(&["user-limits", name, "max-connections"], &limit, doing).await?;
            api.put(&["permissions", vhost, name], &permissions, doing).await
        })
        .await
    }

    async fn revoke(&self, target: &Target, user: &str) -> Result<(), Fault> {
        let doing = "remove a RabbitMQ user";
        within(CALL_LIMIT, doing, async {
            let api = Api::of(target)?;
            api.delete(&["users", user], doing).await?;
            let connections = ["connections", "username", user];
            // RabbitMQ has begun to end them by itself; one that is just opening could be missed.
            while !api.get::<Vec<Value>>(&connections, "", doing).await?.is_empty() {
                api.delete(&connections, doing).await?;
                tokio::time::sleep(CONNECTION_POLL).await;
            }
            Ok(())
        })
        .await
    }

    async fn renew(&self, target: &Target) -> Result<Renewal, Fault> {
        // Its runtime keeps files that it has read, and looks for new ones every two minutes.
        let forget = ["rabbitmqctl", "eval", "ssl:clear_pem_cache()."].map(str::to_owned);
        let output = target.inside.run(SERVER, &forget, &Secret::default(), CALL_LIMIT).await?;
        // A restart brings the certificate into force as well.
        Ok(if output.status == 0 { Renewal::Done } else { Renewal::Restart })
    }
}

/// The plan's limits as RabbitMQ spells them.
fn limits(settings: &Object) -> Result<Vec<(&'static str, u64)>, Fault> {
    let known = |name: &String| name == DISK || LIMITS.iter().any(|(ours, _)| ours == name);
    if let Some(name) = settings.keys().find(|name| !known(name)) {
        return Err(Fault::fatal(format!(
            "RabbitMQ takes no setting {name:?} while it runs: put it into rabbitmq.conf"
        )));
    }
    let limit = |(ours, theirs)| Ok(whole_number(settings, ours)?.map(|value| (theirs, value)));
    LIMITS.into_iter().filter_map(|names| limit(names).transpose()).collect()
}

/// What RabbitMQ keeps of a password, so that the password itself stays here:
/// <https://www.rabbitmq.com/docs/passwords#computing-password-hash>
fn password_hash(password: &str) -> String {
    let mut salt = [0_u8; 4];
    getrandom::fill(&mut salt).expect("the system's random source never fails once started");
    salted_hash(salt, password)
}

fn salted_hash(salt: [u8; 4], password: &str) -> String {
    let hash = Sha256::digest([&salt, password.as_bytes()].concat());
    BASE64_STANDARD.encode([&salt, hash.as_slice()].concat())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::FaultKind;

    #[test]
    fn only_known_settings_reach_the_server() {
        let known = json!({"disk_bytes": 1, "max_connections": 30, "max_queues": "7"});
        assert_eq!(
            limits(known.as_object().unwrap()).unwrap(),
            [("max-connections", 30), ("max-queues", 7)]
        );
        for refused in [json!({"default_user": 1}), json!({"max_queues": "many"})] {
            let fault = limits(refused.as_object().unwrap()).unwrap_err();
            assert_eq!(fault.kind, FaultKind::Fatal);
        }
    }

    #[test]
    fn passwords_are_hashed_as_rabbitmq_does() {
        // The example of RabbitMQ's documentation.
        assert_eq!(
            salted_hash([0x90, 0x8D, 0xC6, 0x0A], "test12"),
            "kI3GCqW5JLMJa4iX1lo7X4D6XbYqlLgxIs30+P6tENUV2POR"
        );
    }
}
