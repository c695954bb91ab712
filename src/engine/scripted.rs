//! Engines in files alone: what there is to do is done by commands of the offering's own, run in
//! its containers. What each is about comes in JSON by its standard input.
//!
//! An exit status of 0 means done, 75 (`EX_TEMPFAIL` of sysexits.h) that it may work later, as do 126
//! and 137 of a script that was cut off; any other is final. The last line of the complaints is what the user is told.

use std::time::Duration;

use async_trait::async_trait;
use serde_json::json;
use tokio::net::TcpStream;

use super::{CALL_LIMIT, Engine, Grant, READY_LIMIT, Renewal, Target, within};
use crate::model::inside::Output;
use crate::model::scripts::Purpose;
use crate::model::{Fault, Object};
use crate::secret::Secret;

/// Try again later: the script says so, or it was not run to its end, as happens where memory runs
/// out.
const TEMPORARY: [i64; 3] = [75, 126, 137];
/// The most of a script's words that are told on, in characters.
const WORDS: usize = 300;

/// Any product, by the scripts of its workload.
#[derive(Clone, Copy, Debug)]
pub struct Scripted;

#[async_trait]
impl Engine for Scripted {
    /// The script speaks for the engine; that apps get through to it is seen by a connection to
    /// each port that they are given.
    async fn ready(&self, target: &Target) -> Result<(), Fault> {
        within(READY_LIMIT, "connect to the instance", connect(target)).await?;
        run(target, Purpose::Ready, Object::new(), READY_LIMIT).await.map(drop)
    }

    async fn prepare(&self, target: &Target, next: &Object) -> Result<(), Fault> {
        let about = object([("next", next.clone().into())]);
        run(target, Purpose::Prepare, about, CALL_LIMIT).await.map(drop)
    }

    async fn bootstrap(&self, target: &Target) -> Result<(), Fault> {
        run(target, Purpose::Bootstrap, Object::new(), CALL_LIMIT).await.map(drop)
    }

    async fn grant(&self, target: &Target, grant: &Grant) -> Result<(), Fault> {
        let about = object([
            ("user", grant.user.as_str().into()),
            ("password", grant.password.expose().into()),
            ("parameters", grant.parameters.clone().into()),
        ]);
        run(target, Purpose::Grant, about, CALL_LIMIT).await.map(drop)
    }

    async fn revoke(&self, target: &Target, user: &str) -> Result<(), Fault> {
        let about = object([("user", user.into())]);
        run(target, Purpose::Revoke, about, CALL_LIMIT).await.map(drop)
    }

    async fn renew(&self, target: &Target) -> Result<Renewal, Fault> {
        let done = run(target, Purpose::Renew, Object::new(), CALL_LIMIT).await?;
        Ok(if done { Renewal::Done } else { Renewal::Restart })
    }
}

async fn connect(target: &Target) -> Result<(), Fault> {
    for port in target.ports.values() {
        TcpStream::connect((target.host.as_str(), *port))
            .await
            .map_err(|error| Fault::retry("the instance takes no connections").because(error))?;
    }
    Ok(())
}

/// Runs a script with what it is about. False: the offering has none for that.
async fn run(
    target: &Target,
    purpose: Purpose,
    mut about: Object,
    limit: Duration,
) -> Result<bool, Fault> {
    let Some(script) = target.scripts.get(&purpose) else { return Ok(false) };
    let admin = json!({
        "user": target.admin.user,
        "password": target.admin.password.expose(),
        "database": target.admin.database,
    });
    about.insert("admin".to_owned(), admin);
    about.insert("settings".to_owned(), target.settings.clone().into());
    let stdin = Secret::from(serde_json::Value::from(about).to_string());
    // The command is killed in the container in time; this bounds the way there too.
    let work = target.inside.run(&script.role, &script.command, &stdin, limit);
    let doing = format!("run the script `{}`", purpose.as_str());
    judge(purpose, &within(limit * 2, &doing, work).await?)?;
    Ok(true)
}

fn judge(purpose: Purpose, output: &Output) -> Result<(), Fault> {
    let words = output.stderr.trim().lines().last().unwrap_or_default();
    let words: String = words.chars().filter(|c| !c.is_control()).take(WORDS).collect();
    let message = if words.is_empty() {
        format!("the script `{}` ended with status {}", purpose.as_str(), output.status)
    } else {
        words
    };
    match output.status {
        0 => Ok(()),
        status if TEMPORARY.contains(&status) => Err(Fault::retry(message)),
        _ => Err(Fault::fatal(message)),
    }
}

fn object<const N: usize>(fields: [(&str, serde_json::Value); N]) -> Object {
    fields.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::FaultKind;

    fn fault(status: i64, stderr: &str) -> Fault {
        let output = Output { status, stderr: stderr.to_owned(), ..Output::default() };
        judge(Purpose::Grant, &output).unwrap_err()
    }

    #[test]
    fn the_status_says_whether_to_try_again() {
        judge(Purpose::Grant, &Output::default()).unwrap();
        for cut_off in [126, 137] {
            assert_eq!(fault(cut_off, "").kind, FaultKind::Retry);
        }
        let later = fault(75, "noise\nnot yet\n");
        assert_eq!((later.kind, later.message.as_str()), (FaultKind::Retry, "not yet"));
        let never = fault(1, "no such thing\u{1b}\n\n");
        assert_eq!((never.kind, never.message.as_str()), (FaultKind::Fatal, "no such thing"));
        assert_eq!(fault(3, "").message, "the script `grant` ended with status 3");
        assert_eq!(fault(1, &"x".repeat(1000)).message.len(), WORDS);
    }
}
