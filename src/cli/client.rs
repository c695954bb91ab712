//! The admin API over HTTP.

use std::error::Error as _;
use std::time::Duration;

use reqwest::{Method, StatusCode, Url};
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::context::is_local;
use super::failure::{Exit, Failure};
use super::mask;
use crate::secret::Secret;
use crate::view;

const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// Every route answers at once: what takes long is an operation.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(30);

/// Speaks to one broker. Answers come masked unless secrets are asked for, so that no command can
/// print one by mistake.
pub(super) struct Client {
    http: reqwest::Client,
    base: Url,
    token: Secret,
    show_secrets: bool,
}

/// What a change was answered with.
pub(super) enum Answer<T> {
    /// 202: an operation was begun.
    Began(view::Started<T>),
    /// 200: nothing was to be done.
    Unchanged(T),
}

impl Client {
    pub(super) fn new(base: Url, token: Secret, show_secrets: bool) -> Result<Self, Failure> {
        let mut builder = reqwest::Client::builder()
            .connect_timeout(CONNECT_TIMEOUT)
            .timeout(REQUEST_TIMEOUT)
            // The token is for this address only.
            .redirect(reqwest::redirect::Policy::none());
        if is_local(&base) {
            builder = builder.no_proxy();
        }
        let http = builder.build().map_err(|error| {
            Failure::new(Exit::Failed, format!("the HTTP client could not be made: {error}"))
        })?;
        Ok(Self { http, base, token, show_secrets })
    }

    /// `GET /admin/v1/…`.
    pub(super) async fn get<T: DeserializeOwned>(&self, path: &[&str]) -> Result<T, Failure> {
        let (_, body) = self.send(Method::GET, path, None).await?;
        self.decode(body)
    }

    /// `POST /admin/v1/…` that is answered with its result.
    pub(super) async fn post<T: DeserializeOwned>(&self, path: &[&str]) -> Result<T, Failure> {
        let (_, body) = self.send(Method::POST, path, None).await?;
        self.decode(body)
    }

    /// Asks for a change.
    pub(super) async fn change<T: DeserializeOwned>(
        &self,
        method: Method,
        path: &[&str],
        body: Option<Value>,
    ) -> Result<Answer<T>, Failure> {
        let (status, body) = self.send(method, path, body).await?;
        if status == StatusCode::ACCEPTED {
            self.decode(body).map(Answer::Began)
        } else {
            self.decode(body).map(Answer::Unchanged)
        }
    }

    fn decode<T: DeserializeOwned>(&self, body: Vec<u8>) -> Result<T, Failure> {
        let read = |body: Vec<u8>| {
            let mut value: Value = serde_json::from_slice(&body)?;
            if !self.show_secrets {
                mask::view(&mut value);
            }
            serde_json::from_value(value)
        };
        // The error's own words may quote the body, which may hold secrets.
        read(body).map_err(|_: serde_json::Error| {
            let message =
                format!("what answers at {} does not speak as this banquet does", self.base);
            Failure::new(Exit::Failed, message)
                .next("compare `banquet --version` here and where the broker runs")
        })
    }

    async fn send(
        &self,
        method: Method,
        path: &[&str],
        body: Option<Value>,
    ) -> Result<(StatusCode, Vec<u8>), Failure> {
        let url = self.url(path)?;
        let mut request = self.http.request(method, url).bearer_auth(self.token.expose());
        if let Some(body) = body {
            request = request.json(&body);
        }
        let response = request.send().await.map_err(|error| self.unreachable(&error))?;
        let status = response.status();
        let body = response.bytes().await.map_err(|error| self.unreachable(&error))?.to_vec();
        if status.is_success() { Ok((status, body)) } else { Err(self.refused(status, &body)) }
    }

    /// Ids are arbitrary strings, so each is one escaped segment; `.` and `..` cannot be one.
    fn url(&self, path: &[&str]) -> Result<Url, Failure> {
        if let Some(odd) = path.iter().find(|segment| matches!(**segment, "" | "." | "..")) {
            return Err(Failure::usage(format!("`{odd}` is not a name or an id")));
        }
        let mut url = self.base.clone();
        url.path_segments_mut()
            .expect("an http address has a path")
            .pop_if_empty()
            .extend(["admin", "v1"])
            .extend(path);
        Ok(url)
    }

    fn unreachable(&self, error: &reqwest::Error) -> Failure {
        let what = if error.is_timeout() {
            format!("the broker at {} does not answer in time", self.base)
        } else {
            let mut cause: &dyn std::error::Error = error;
            while let Some(deeper) = cause.source() {
                cause = deeper;
            }
            let reason = if error.source().is_some() {
                cause.to_string()
            } else {
                "it broke off".to_owned()
            };
            format!("no broker answers at {}: {reason}", self.base)
        };
        Failure::new(Exit::Unreachable, what)
            .next("start it with `banquet serve`, or say where it is with --url or BANQUET_URL")
    }

    fn refused(&self, status: StatusCode, body: &[u8]) -> Failure {
        let exit = match status {
            StatusCode::NOT_FOUND | StatusCode::GONE => Exit::NotFound,
            status if status.is_client_error() => Exit::Refused,
            _ => Exit::Failed,
        };
        if status == StatusCode::UNAUTHORIZED {
            return Failure::new(exit, format!("the broker at {} refuses the token", self.base))
                .next("set BANQUET_TOKEN to its admin token (`<data_dir>/admin.token`, or `admin_token`)");
        }
        let told = serde_json::from_slice::<view::Error>(body).map(|error| error.description);
        Failure::new(
            exit,
            told.unwrap_or_else(|_| {
                format!("what is at {} answers {status}: is it a banquet?", self.base)
            }),
        )
    }
}
