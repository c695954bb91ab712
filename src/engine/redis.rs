//! Redis and Valkey, from 7.0: a user is an entry of the access list, which lives in
//! `/data/users.acl`.

mod acl;
mod client;

use ::redis::aio::MultiplexedConnection;
use async_trait::async_trait;
use serde_json::Value;

use super::{
    CALL_LIMIT, Engine, Grant, READY_LIMIT, Renewal, Target, too_small, whole_number, within,
};
use crate::model::{Fault, Object};

/// Speaks to Redis and Valkey as an administrator of the access list.
#[derive(Clone, Copy, Debug, Default)]
pub struct Redis;

/// What can be changed while the server runs. Others belong into `redis.conf`.
const SETTINGS: [&str; 9] = [
    "appendfsync",
    "maxclients",
    "maxmemory",
    "maxmemory-clients",
    POLICY,
    "maxmemory-samples",
    "notify-keyspace-events",
    "tcp-keepalive",
    "timeout",
];

/// Which keys go when memory is full.
const POLICY: &str = "maxmemory-policy";

#[async_trait]
impl Engine for Redis {
    async fn ready(&self, target: &Target) -> Result<(), Fault> {
        let doing = "log in to Redis";
        within(READY_LIMIT, doing, async {
            let mut connection = client::connect(target).await?;
            let (_pong, persistence): (String, String) = ::redis::pipe()
                .cmd("PING")
                .cmd("INFO")
                .arg("persistence")
                .query_async(&mut connection)
                .await
                .map_err(|error| client::fault(doing, error))?;
            match info(&persistence, "loading") {
                Some("0") => Ok(()),
                _ => Err(Fault::retry("Redis is still loading its data")),
            }
        })
        .await
    }

    async fn prepare(&self, target: &Target, next: &Object) -> Result<(), Fault> {
        // Zero is Redis's word for "no limit".
        let Some(allowed) = whole_number(next, "maxmemory")?.filter(|bytes| *bytes > 0) else {
            return Ok(());
        };
        within(CALL_LIMIT, "prepare Redis for the new plan", async {
            let mut connection = client::connect(target).await?;
            let memory = Memory::of(&mut connection).await?;
            if memory.limit != 0 && allowed >= memory.limit {
                return Ok(());
            }
            let policy = next.get(POLICY).and_then(Value::as_str).unwrap_or(&memory.policy);
            // The other policies evict nothing, or only what expires by itself.
            if memory.used > allowed && !policy.starts_with("allkeys-") {
                return Err(too_small(memory.used, allowed));
            }
            let next = [("maxmemory", allowed.to_string()), (POLICY, policy.to_owned())];
            set(&mut connection, &next).await
        })
        .await
    }

    async fn bootstrap(&self, target: &Target) -> Result<(), Fault> {
        let settings = settings(&target.settings)?;
        if settings.is_empty() {
            return Ok(());
        }
        within(CALL_LIMIT, "set up Redis", async {
            set(&mut client::connect(target).await?, &settings).await
        })
        .await
    }

    async fn grant(&self, target: &Target, grant: &Grant) -> Result<(), Fault> {
        let doing = "make a Redis user";
        within(CALL_LIMIT, doing, async {
            let mut connection = client::connect(target).await?;
            // Saved in the same breath: a user that is only in memory is gone with the next start.
            ::redis::pipe()
                .cmd("ACL")
                .arg("SETUSER")
                .arg(&grant.user)
                .arg(acl::rules(grant)?)
                .ignore()
                .cmd("ACL")
                .arg("SAVE")
                .ignore()
                .query_async(&mut connection)
                .await
                .map_err(|error| client::fault(doing, error))
        })
        .await
    }

    async fn revoke(&self, target: &Target, user: &str) -> Result<(), Fault> {
        let doing = "remove a Redis user";
        within(CALL_LIMIT, doing, async {
            let mut connection = client::connect(target).await?;
            // Deletion disconnects the user, blocked and subscribed connections included.
            let (left,): (::redis::Value,) = ::redis::pipe()
                .cmd("ACL")
                .arg("DELUSER")
                .arg(user)
                .ignore()
                .cmd("ACL")
                .arg("SAVE")
                .ignore()
                .cmd("ACL")
                .arg("GETUSER")
                .arg(user)
                .query_async(&mut connection)
                .await
                .map_err(|error| client::fault(doing, error))?;
            match left {
                ::redis::Value::Nil => Ok(()),
                _ => Err(Fault::retry(format!("the Redis user {user} is still there"))),
            }
        })
        .await
    }

    async fn renew(&self, target: &Target) -> Result<Renewal, Fault> {
        within(CALL_LIMIT, "give Redis its new certificate", async {
            read_certificate(&mut client::connect(target).await?).await?;
            Ok(Renewal::Done)
        })
        .await
    }
}

/// The settings that name the files of the certificate.
const CERTIFICATE: [&str; 2] = ["tls-cert-file", "tls-key-file"];

/// Has the server read the files of its certificate again, by setting their paths to what they are:
/// both at once, or the key would not fit.
async fn read_certificate(connection: &mut MultiplexedConnection) -> Result<(), Fault> {
    let paths: Vec<(String, String)> = ::redis::cmd("CONFIG")
        .arg("GET")
        .arg(&CERTIFICATE)
        .query_async(connection)
        .await
        .map_err(|error| client::fault("ask Redis for its certificate", error))?;
    let paths: Vec<_> = paths.iter().map(|(name, path)| (name.as_str(), path.clone())).collect();
    set(connection, &paths).await
}

/// How much a server holds and may hold, in bytes.
struct Memory {
    used: u64,
    limit: u64,
    policy: String,
}

impl Memory {
    async fn of(connection: &mut MultiplexedConnection) -> Result<Self, Fault> {
        let memory: String = ::redis::cmd("INFO")
            .arg("memory")
            .query_async(connection)
            .await
            .map_err(|error| client::fault("ask Redis for its memory use", error))?;
        let number = |name| info(&memory, name).and_then(|text| text.parse::<u64>().ok());
        let used = number("used_memory")
            .ok_or_else(|| Fault::retry("Redis does not say how much memory it uses"))?;
        Ok(Self {
            // What replicas and the append-only file are owed does not count against the limit.
            used: used.saturating_sub(number("mem_not_counted_for_evict").unwrap_or(0)),
            limit: number("maxmemory").unwrap_or(0),
            policy: info(&memory, "maxmemory_policy").unwrap_or("noeviction").to_owned(),
        })
    }
}

/// A field of `INFO`.
fn info<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':')).map(str::trim)
}

/// The plan's settings as Redis spells them.
fn settings(object: &Object) -> Result<Vec<(&str, String)>, Fault> {
    let mut settings = Vec::with_capacity(object.len());
    for (name, value) in object {
        if !SETTINGS.contains(&name.as_str()) {
            return Err(Fault::fatal(format!(
                "Redis takes no setting {name:?} while it runs: put it into redis.conf"
            )));
        }
        let text = match value {
            Value::String(text) => text.clone(),
            Value::Number(number) => number.to_string(),
            Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => {
                return Err(Fault::fatal(format!(
                    "the Redis setting {name} is neither text nor a number: {value}"
                )));
            }
        };
        settings.push((name.as_str(), text));
    }
    Ok(settings)
}

/// All or none: Redis checks every pair before it takes the first.
async fn set(
    connection: &mut MultiplexedConnection,
    settings: &[(&str, String)],
) -> Result<(), Fault> {
    let mut command = ::redis::cmd("CONFIG");
    command.arg("SET");
    for (name, value) in settings {
        command.arg(name).arg(value);
    }
    command
        .query_async(connection)
        .await
        .map_err(|error| client::fault("bring the plan's settings into force", error))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::model::FaultKind;

    #[test]
    fn info_fields_are_found_by_their_whole_name() {
        let text = "# Memory\r\nused_memory_rss:9\r\nused_memory:7\r\n";
        assert_eq!(info(text, "used_memory"), Some("7"));
        assert_eq!(info(text, "memory"), None);
    }

    #[test]
    fn only_known_settings_reach_the_server() {
        let known = json!({"maxmemory": 1024, "maxmemory-policy": "noeviction"});
        assert_eq!(
            settings(known.as_object().unwrap()).unwrap(),
            [("maxmemory", "1024".to_owned()), ("maxmemory-policy", "noeviction".to_owned())]
        );
        for refused in [json!({"dir": "/etc"}), json!({"timeout": [1]})] {
            let fault = settings(refused.as_object().unwrap()).unwrap_err();
            assert_eq!(fault.kind, FaultKind::Fatal);
        }
    }
}
