//! The connection, and what its errors mean for an operation.

use std::time::Duration;

use async_nats::{Client, ConnectError, ConnectErrorKind, ConnectOptions, RequestErrorKind};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::engine::{Target, tls};
use crate::model::Fault;

const CONNECTION_TIMEOUT: Duration = Duration::from_secs(2);
const REQUEST_TIMEOUT: Duration = Duration::from_secs(5);

/// The one server of an instance, seen from its system account. A connection costs a millisecond and
/// ends when dropped, so none is kept: a kept one would count against the apps' and outlive its
/// instance.
pub(super) struct Server {
    client: Client,
    id: String,
}

/// An answer of the server's own. <https://docs.nats.io/running-a-nats-service/configuration/sys_accounts>
#[derive(Deserialize)]
struct Answer<T> {
    #[serde(default)]
    data: T,
    error: Option<Value>,
}

impl Server {
    /// Logs in as the broker: in the clear where that is open, else over TLS with the name verified.
    pub(super) async fn connect(target: &Target) -> Result<Self, Fault> {
        let (user, password) = (target.admin.user.clone(), target.admin.password.expose());
        let options = ConnectOptions::with_user_and_password(user, password.to_owned())
            .name("banquet")
            .connection_timeout(CONNECTION_TIMEOUT)
            .request_timeout(Some(REQUEST_TIMEOUT))
            // The server knows itself by the address in its own network alone.
            .ignore_discovered_servers()
            .max_reconnects(1);
        let options = if target.needs_tls() {
            options.require_tls(true).tls_client_config(tls::config(target)?)
        } else {
            options
        };
        let address = format!("nats://{}:{}", target.host, target.port("nats")?);
        let client = options.connect(address).await.map_err(refused)?;
        let id = client.server_info().server_id;
        Ok(Self { client, id })
    }

    /// Asks the server about itself: `HEALTHZ`, `JSZ` …
    pub(super) async fn ask<T: DeserializeOwned + Default>(
        &self,
        what: &str,
        about: &Value,
        doing: &str,
    ) -> Result<T, Fault> {
        let subject = format!("$SYS.REQ.SERVER.{}.{what}", self.id);
        let answer =
            self.client.request(subject, about.to_string().into()).await.map_err(|error| {
                let why = match error.kind() {
                    RequestErrorKind::TimedOut => "no answer in time",
                    // What is to be asked so is in every server from 2.10.
                    RequestErrorKind::NoResponders => "NATS is still starting, or before 2.10",
                    _ => "the connection failed",
                };
                Fault::retry(format!("could not {doing}: {why}")).because(error)
            })?;
        let answer: Answer<T> = serde_json::from_slice(&answer.payload).map_err(|error| {
            Fault::retry(format!("could not {doing}: its answer makes no sense")).because(error)
        })?;
        match answer.error {
            None => Ok(answer.data),
            Some(_) => Err(Fault::retry(format!("could not {doing}: NATS refused it"))),
        }
    }

    /// Has the server read its configuration, users and certificates again. It answers when they are
    /// in force, and connections of users that are gone are told to end.
    pub(super) async fn reload(&self, doing: &str) -> Result<(), Fault> {
        self.ask("RELOAD", &Value::Null, doing).await
    }
}

fn refused(error: ConnectError) -> Fault {
    let why = match error.kind() {
        ConnectErrorKind::Authentication | ConnectErrorKind::AuthorizationViolation => {
            "it refused the broker's password; if it is not just starting, its configuration is not \
             the one that the broker wrote"
        }
        ConnectErrorKind::TimedOut => "no answer in time",
        _ => "the connection failed",
    };
    Fault::retry(format!("could not log in to NATS: {why}")).because(error)
}
