//! Apache Kafka, spoken to over its own protocol by librdkafka, whose calls block: each runs apart
//! from the tasks of the program, and ends by itself.
//!
//! Users are SCRAM credentials; what they may do are access rules. Both are in the broker's own log,
//! so that they outlive its process.

mod admin;
mod rights;

use std::io;
use std::time::Duration;

use async_trait::async_trait;

use self::admin::Admin;
use super::{
    CALL_LIMIT, Engine, Grant, READY_LIMIT, Renewal, Target, too_small, whole_number, within,
};
use crate::model::{Fault, Object};
use crate::secret::Secret;

/// The workload's ports that speak Kafka: in the clear and over TLS.
const PORT: &str = "kafka";
const TLS_PORT: &str = "kafka_tls";
/// The role of the container that it runs in, and where its log is.
const SERVER: &str = "server";
const LOG: &str = "/var/lib/kafka/data";
/// Where its certificate lies, with the key.
const KEY_STORE: &str = "/conf/tls.pem";
/// What [`Engine::prepare`] looks after.
const DISK: &str = "disk_bytes";
/// How much sooner than its caller a blocking call ends, so that none is left behind.
const MARGIN: Duration = Duration::from_millis(700);

/// Apache Kafka, 4.0 or newer.
#[derive(Clone, Copy, Debug)]
pub struct Kafka;

#[async_trait]
impl Engine for Kafka {
    async fn ready(&self, target: &Target) -> Result<(), Fault> {
        blocking(READY_LIMIT, "reach Kafka", target, Admin::greet).await
    }

    async fn prepare(&self, target: &Target, next: &Object) -> Result<(), Fault> {
        let Some(allowed) = whole_number(next, DISK)? else { return Ok(()) };
        let held = held(target).await?;
        if held > allowed { Err(too_small(held, allowed)) } else { Ok(()) }
    }

    async fn bootstrap(&self, target: &Target) -> Result<(), Fault> {
        if !comes_first(&target.admin.user) {
            return Err(Fault::fatal(format!(
                "`admin.user: {}` could lock everyone out: Kafka's image of its users must begin \
                 with it, so its hash must be 0, as that of banquetuljxxtc is",
                target.admin.user
            )));
        }
        if let Some(name) = target.settings.keys().find(|name| *name != DISK) {
            return Err(Fault::fatal(format!("Kafka has no live setting {name}")));
        }
        blocking(CALL_LIMIT, "reach Kafka", target, Admin::greet).await
    }

    async fn grant(&self, target: &Target, grant: &Grant) -> Result<(), Fault> {
        let rules = rights::rules(&grant.parameters)?;
        let mut app = target.clone();
        app.admin.user.clone_from(&grant.user);
        app.admin.password = grant.password.clone();
        blocking(CALL_LIMIT, "make a user of Kafka", target, move |admin| {
            let user = &app.admin.user;
            // What an earlier grant allowed, this one may not.
            admin.remove_rules(user)?;
            admin.add_rules(user, &rules)?;
            admin.set_password(user, &app.admin.password)?;
            // The answer comes before the broker has taken notice, in the order of the changes: the
            // app must not be refused at first.
            admin.until_let_in(&app)
        })
        .await
    }

    /// Without rights every request of a live connection is refused, and without a password it
    /// ends when it has to log in again (`connections.max.reauth.ms`): Kafka can't cut it itself.
    async fn revoke(&self, target: &Target, user: &str) -> Result<(), Fault> {
        let user = user.to_owned();
        blocking(CALL_LIMIT, "remove a user of Kafka", target, move |admin| {
            admin.remove_rules(&user)?;
            admin.remove_user(&user)?;
            admin.until_gone(&user)
        })
        .await
    }

    async fn renew(&self, target: &Target) -> Result<Renewal, Fault> {
        // Kafka reads a file again whose time is another; what comes by archive has none.
        let touch = ["touch", KEY_STORE].map(str::to_owned);
        inside(target, &touch, "the certificate's time could not be set").await?;
        blocking(CALL_LIMIT, "give Kafka its new certificate", target, Admin::read_key_store)
            .await?;
        Ok(Renewal::Done)
    }
}

/// How much the log holds, in bytes: clients of librdkafka are not told.
async fn held(target: &Target) -> Result<u64, Fault> {
    const FAILED: &str = "what Kafka holds could not be told";
    let command = ["du", "--summarize", "--bytes", LOG].map(str::to_owned);
    let told = inside(target, &command, FAILED).await?;
    let held = told.split_whitespace().next().and_then(|bytes| bytes.parse().ok());
    held.ok_or_else(|| Fault::retry(FAILED))
}

/// What a command prints in the broker's container.
async fn inside(target: &Target, command: &[String], failed: &str) -> Result<String, Fault> {
    let output = target.inside.run(SERVER, command, &Secret::default(), CALL_LIMIT).await?;
    match output.status {
        0 => Ok(output.stdout),
        _ => Err(Fault::retry(failed).because(io::Error::other(output.stderr))),
    }
}

/// Does something as the administrator, apart from the program's tasks.
async fn blocking(
    limit: Duration,
    doing: &str,
    target: &Target,
    work: impl FnOnce(&Admin) -> Result<(), Fault> + Send + 'static,
) -> Result<(), Fault> {
    let target = target.clone();
    let work = tokio::task::spawn_blocking(move || {
        let admin = Admin::new(&target, limit.saturating_sub(MARGIN))?;
        work(&admin)
    });
    within(limit, doing, async {
        work.await.unwrap_or_else(|error| {
            Err(Fault::retry("a call to Kafka ended without an answer").because(error))
        })
    })
    .await
}

/// Whether a name comes before all others in Kafka's image of its users, a Java `HashMap`: whose
/// hash is 0 is in the first bucket, and the administrator is the first in that.
///
/// At a start Kafka (seen in 3.9 to 4.4) goes through what happened to users in that order, and
/// forgets all of them where the first that it meets was removed.
fn comes_first(user: &str) -> bool {
    let hash =
        user.encode_utf16().fold(0_u32, |hash, c| hash.wrapping_mul(31).wrapping_add(c.into()));
    hash == 0 && !user.is_empty()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_administrator_comes_first() {
        assert!(comes_first("banquetuljxxtc"));
        for other in ["", "admin", "banquet", "bfedcba9876543210"] {
            assert!(!comes_first(other), "{other}");
        }
    }
}
