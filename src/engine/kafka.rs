//! Apache Kafka, spoken to over its own protocol by librdkafka, whose calls block: each runs apart
//! from the tasks of the program, and ends by itself.
//!
//! Users are SCRAM credentials; what they may do are access rules. Both are in the broker's own log,
//! so that they outlive its process.

mod admin;
mod rights;

use std::time::Duration;

use async_trait::async_trait;

use self::admin::Admin;
use super::{CALL_LIMIT, Engine, Grant, READY_LIMIT, Target, within};
use crate::model::{Fault, Object};

/// The workload's port that speaks Kafka.
const PORT: &str = "kafka";
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

    /// Nothing of an update can fail to fit: how much a broker holds is not told to clients of
    /// librdkafka.
    async fn prepare(&self, _: &Target, _: &Object) -> Result<(), Fault> {
        Ok(())
    }

    async fn bootstrap(&self, target: &Target) -> Result<(), Fault> {
        if !comes_first(&target.admin.user) {
            return Err(Fault::fatal(format!(
                "`admin.user: {}` could lock everyone out: Kafka's image of its users must begin \
                 with it, so its hash must be 0, as that of banquetuljxxtc is",
                target.admin.user
            )));
        }
        if let Some(name) = target.settings.keys().next() {
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
