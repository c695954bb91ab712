//! A platform: what it asks of the broker, one thing after the other on one connection.

use std::net::SocketAddr;
use std::time::Duration;

use anyhow::{Context as _, bail, ensure};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use tokio::time::{Instant, sleep};

use crate::broker::Broker;
use crate::http::{Answer, Connection, request};

/// Also long enough to build an image.
const LIMIT: Duration = Duration::from_mins(15);

pub(crate) struct Platform {
    connection: Connection,
    authorization: String,
    catalog: Value,
}

/// An instance by its id and what it is of.
#[derive(Clone, Debug)]
pub(crate) struct Instance {
    pub(crate) id: String,
    pub(crate) offering: &'static str,
}

impl Platform {
    pub(crate) async fn connect(broker: &Broker) -> anyhow::Result<Self> {
        Self::at(broker.address, &broker.secret("platform.password")?).await
    }

    async fn at(address: SocketAddr, password: &str) -> anyhow::Result<Self> {
        let connection = Connection::open(address).await?;
        let authorization = format!("Basic {}", STANDARD.encode(format!("banquet:{password}")));
        let mut platform = Self { connection, authorization, catalog: Value::Null };
        let (status, catalog) = platform.ask("GET /v2/catalog", "").await?;
        ensure!(status == 200, "the catalog was answered {status}");
        platform.catalog = catalog;
        Ok(platform)
    }

    /// A request that this platform would send.
    pub(crate) fn request(&self, line: &str, body: &str) -> Vec<u8> {
        let headers = [
            ("Authorization", self.authorization.as_str()),
            ("X-Broker-API-Version", "2.17"),
            ("Content-Type", "application/json"),
        ];
        request(line, &headers, body)
    }

    pub(crate) async fn answer(&mut self, line: &str, body: &str) -> anyhow::Result<Answer> {
        let request = self.request(line, body);
        self.connection.ask(&request).await
    }

    async fn ask(&mut self, line: &str, body: &str) -> anyhow::Result<(u16, Value)> {
        let answer = self.answer(line, body).await?;
        Ok((answer.status, serde_json::from_slice(&answer.body)?))
    }

    /// Makes an instance of an offering's first plan and answers how long that took.
    pub(crate) async fn provision(
        &mut self,
        instance: &Instance,
        organization: &str,
    ) -> anyhow::Result<Duration> {
        let mut body = self.ids(instance.offering)?;
        body["organization_guid"] = organization.into();
        body["space_guid"] = "space".into();
        let path = format!("/v2/service_instances/{}", instance.id);
        self.done("PUT", &path, "accepts_incomplete=true", &body.to_string()).await
    }

    pub(crate) async fn deprovision(&mut self, instance: &Instance) -> anyhow::Result<Duration> {
        let query = format!("accepts_incomplete=true&{}", self.query(instance.offering)?);
        self.done("DELETE", &format!("/v2/service_instances/{}", instance.id), &query, "").await
    }

    pub(crate) async fn bind(
        &mut self,
        instance: &Instance,
        binding: &str,
    ) -> anyhow::Result<Duration> {
        let body = self.ids(instance.offering)?.to_string();
        let path = format!("/v2/service_instances/{}/service_bindings/{binding}", instance.id);
        self.done("PUT", &path, "", &body).await
    }

    pub(crate) async fn unbind(
        &mut self,
        instance: &Instance,
        binding: &str,
    ) -> anyhow::Result<Duration> {
        let path = format!("/v2/service_instances/{}/service_bindings/{binding}", instance.id);
        let query = self.query(instance.offering)?;
        self.done("DELETE", &path, &query, "").await
    }

    /// Asks for a change and waits for its end, by polling if need be.
    async fn done(
        &mut self,
        method: &str,
        path: &str,
        query: &str,
        body: &str,
    ) -> anyhow::Result<Duration> {
        let began = Instant::now();
        let (status, answer) = self.ask(&format!("{method} {path}?{query}"), body).await?;
        let operation = match status {
            200 | 201 => return Ok(began.elapsed()),
            202 => answer["operation"].as_str().context("202 without an operation")?,
            _ => bail!("{method} {path} was answered {status}: {answer}"),
        };
        let poll = format!("GET {path}/last_operation?operation={operation}");
        loop {
            let (_, answer) = self.ask(&poll, "").await?;
            match answer["state"].as_str() {
                Some("in progress") => sleep(Duration::from_millis(10)).await,
                Some("succeeded") => return Ok(began.elapsed()),
                _ => bail!("{method} {path} ended as {answer}"),
            }
            ensure!(began.elapsed() < LIMIT, "{method} {path} did not end in time");
        }
    }

    /// An offering and its first plan.
    fn ids(&self, offering: &str) -> anyhow::Result<Value> {
        let offerings = self.catalog["services"].as_array().context("no offerings")?;
        let found = offerings.iter().find(|found| found["name"] == offering);
        let found = found.with_context(|| format!("no offering {offering}"))?;
        Ok(json!({"service_id": found["id"], "plan_id": found["plans"][0]["id"]}))
    }

    fn query(&self, offering: &str) -> anyhow::Result<String> {
        let ids = self.ids(offering)?;
        let text = |name: &str| ids[name].as_str().context("no id");
        Ok(format!("service_id={}&plan_id={}", text("service_id")?, text("plan_id")?))
    }
}
