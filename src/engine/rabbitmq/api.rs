//! The management API, and what its errors mean for an operation.

use std::time::Duration;

use reqwest::{Client, Method, RequestBuilder, Response, StatusCode, Url};
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::engine::{Target, tls};
use crate::model::Fault;
use crate::secret::Secret;

const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);
const REQUEST_TIMEOUT: Duration = Duration::from_secs(10);

/// As much as an answer may hold: the queues of the largest plan are less than a tenth of it.
const ANSWER_BYTES: usize = 8 << 20;

/// The broker's login, for one call. No connection is kept: it would outlive its instance.
pub(super) struct Api {
    http: Client,
    base: Url,
    user: String,
    password: Secret,
}

impl Api {
    /// At the address that apps are given.
    pub(super) fn of(target: &Target) -> Result<Self, Fault> {
        let scheme = if target.needs_tls() { "https" } else { "http" };
        let (host, port) = (&target.host, target.port("management")?);
        let base = Url::parse(&format!("{scheme}://{host}:{port}/api"))
            .map_err(|error| Fault::fatal("the instance's host is no host").because(error))?;
        let http = Client::builder()
            .tls_backend_preconfigured(tls::config(target)?)
            .connect_timeout(CONNECT_TIMEOUT)
            .timeout(REQUEST_TIMEOUT)
            // The password is for this address only.
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .build()
            .map_err(|error| Fault::fatal("the HTTP client could not be made").because(error))?;
        let (user, password) = (target.admin.user.clone(), target.admin.password.clone());
        Ok(Self { http, base, user, password })
    }

    /// What is there.
    pub(super) async fn get<T: DeserializeOwned>(
        &self,
        path: &[&str],
        query: &str,
        doing: &str,
    ) -> Result<T, Fault> {
        let mut url = self.url(path);
        url.set_query(Some(query).filter(|query| !query.is_empty()));
        let response = self.send(self.http.get(url), doing).await?;
        let body = bounded(accepted(response, doing)?, doing).await?;
        serde_json::from_slice(&body).map_err(|error| {
            Fault::retry(format!("could not {doing}: its answer makes no sense")).because(error)
        })
    }

    /// Makes it, or makes it like this.
    pub(super) async fn put(&self, path: &[&str], body: &Value, doing: &str) -> Result<(), Fault> {
        let request = self.http.request(Method::PUT, self.url(path)).json(body);
        accepted(self.send(request, doing).await?, doing).map(drop)
    }

    /// Removes it. What is not there is fine.
    pub(super) async fn delete(&self, path: &[&str], doing: &str) -> Result<(), Fault> {
        let response = self.send(self.http.delete(self.url(path)), doing).await?;
        if response.status() == StatusCode::NOT_FOUND {
            return Ok(());
        }
        accepted(response, doing).map(drop)
    }

    /// Names are escaped, whatever is in them.
    fn url(&self, path: &[&str]) -> Url {
        let mut url = self.base.clone();
        url.path_segments_mut().expect("http has paths").extend(path);
        url
    }

    async fn send(&self, request: RequestBuilder, doing: &str) -> Result<Response, Fault> {
        let request = request.basic_auth(&self.user, Some(self.password.expose()));
        request.send().await.map_err(|error| broken(doing, error))
    }
}

fn broken(doing: &str, error: reqwest::Error) -> Fault {
    Fault::retry(format!("could not {doing}: the connection failed")).because(error.without_url())
}

/// RabbitMQ's own words may repeat what was asked: only the status is told.
fn accepted(response: Response, doing: &str) -> Result<Response, Fault> {
    let status = response.status();
    let retry = |why: &str| Err(Fault::retry(format!("could not {doing}: {why}")));
    match status {
        _ if status.is_success() => Ok(response),
        StatusCode::UNAUTHORIZED => retry(
            "it refused the broker's password; if it is not just starting, its data was made with \
             another password",
        ),
        // Not before its virtual host runs again is a name found.
        StatusCode::NOT_FOUND | StatusCode::REQUEST_TIMEOUT | StatusCode::TOO_MANY_REQUESTS => {
            retry("RabbitMQ cannot now")
        }
        _ if status.is_server_error() => retry("RabbitMQ cannot now"),
        _ => Err(Fault::fatal(format!(
            "could not {doing}: RabbitMQ refused it ({})",
            status.as_u16()
        ))),
    }
}

async fn bounded(mut response: Response, doing: &str) -> Result<Vec<u8>, Fault> {
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(|error| broken(doing, error))? {
        if body.len() + chunk.len() > ANSWER_BYTES {
            return Err(Fault::fatal(format!("could not {doing}: its answer is too long")));
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}
