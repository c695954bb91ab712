//! Files of the network for a build: fetched here and not in the build, where there may be no way
//! out and no trust in certificates, and believed by their checksums alone.

use std::collections::BTreeMap;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use futures_util::{StreamExt, TryStreamExt, stream};
use sha2::{Digest, Sha256};

use super::Images;
use crate::id::hex;
use crate::model::fetch::{Fetch, Makings, Origin};
use crate::model::{Fault, Progress};

/// How many are fetched at once.
const AT_ONCE: usize = 6;
/// How often each is tried.
const TRIES: u32 = 3;
/// How long one try may take.
const TRY: Duration = Duration::from_mins(2);
/// How long it may take to a connection.
const CONNECT: Duration = Duration::from_secs(10);
/// The pause before the second try; twice that before the third.
const PAUSE: Duration = Duration::from_millis(500);
/// How large one may be, in bytes.
const LARGEST: usize = 128 << 20;

impl Images {
    /// The files of a build with those that had to be fetched.
    ///
    /// # Errors
    /// Fatal, with the file's address, where one can't be had or is not the one that was pinned.
    pub(super) async fn gather(
        &self,
        offering: &str,
        makings: &Makings,
        progress: &Progress,
    ) -> Result<BTreeMap<String, Bytes>, Fault> {
        let mut files = makings.files.clone();
        if makings.fetches.is_empty() {
            return Ok(files);
        }
        // Fails where the process has chosen its cryptography already.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = reqwest::Client::builder()
            .connect_timeout(CONNECT)
            .timeout(TRY)
            .build()
            .map_err(|error| Fault::fatal("no file can be fetched here").because(error))?;
        let all = makings.fetches.len();
        let fetching = stream::iter(makings.fetches.clone())
            .map(|fetch| self.fetched(&client, fetch))
            .buffer_unordered(AT_ONCE);
        let mut fetching = std::pin::pin!(fetching);
        for at in 0..all {
            progress.say(format!("fetching {at}/{all} for image {offering}"));
            let next = tokio::select! {
                next = fetching.try_next() => next?,
                () = progress.cancel.cancelled() => return Err(Fault::cancelled()),
            };
            files.extend(next);
        }
        Ok(files)
    }

    async fn fetched(
        &self,
        client: &reqwest::Client,
        fetch: Fetch,
    ) -> Result<(String, Bytes), Fault> {
        let url = match &fetch.origin {
            Origin::Url(url) => url.clone(),
            Origin::Maven(path) => format!("{}/{path}", self.maven.trim_end_matches('/')),
        };
        let mut tried = 1;
        loop {
            match download(client, &url).await {
                Ok(bytes) if hex(&Sha256::digest(&bytes)) == fetch.sha256 => {
                    return Ok((fetch.into, bytes));
                }
                Ok(_) => {
                    return Err(Fault::fatal(format!(
                        "{} is not the file that the catalog means: its SHA-256 is not {}",
                        shown(&url),
                        fetch.sha256
                    )));
                }
                Err(_) if tried < TRIES => tokio::time::sleep(PAUSE * tried).await,
                Err(Failure(why, cause)) => {
                    let fault = Fault::fatal(format!("{} can't be fetched: {why}", shown(&url)));
                    return Err(match cause {
                        Some(cause) => fault.because(cause.without_url()),
                        None => fault,
                    });
                }
            }
            tried += 1;
        }
    }
}

/// Why a file could not be had.
struct Failure(String, Option<reqwest::Error>);

impl From<reqwest::Error> for Failure {
    fn from(error: reqwest::Error) -> Self {
        let why = match error.status() {
            Some(status) => format!("the answer is {status}"),
            None if error.is_timeout() => "no answer in time".to_owned(),
            None if error.is_connect() => "the server can't be reached".to_owned(),
            None => "the answer broke off".to_owned(),
        };
        Self(why, Some(error))
    }
}

async fn download(client: &reqwest::Client, url: &str) -> Result<Bytes, Failure> {
    let mut answer = client.get(url).send().await?.error_for_status()?;
    let mut bytes = BytesMut::new();
    while let Some(chunk) = answer.chunk().await? {
        if bytes.len() + chunk.len() > LARGEST {
            return Err(Failure(format!("it is larger than {} MiB", LARGEST >> 20), None));
        }
        bytes.extend_from_slice(&chunk);
    }
    Ok(bytes.freeze())
}

/// An address as it may be told: a mirror's may hold a password.
fn shown(url: &str) -> String {
    let Ok(mut url) = reqwest::Url::parse(url) else { return "an address that is none".to_owned() };
    // Fails for addresses that can hold neither.
    let _ = url.set_username("").and_then(|()| url.set_password(None));
    url.set_query(None);
    url.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mirrors_password_is_not_told() {
        assert_eq!(
            shown("https://u:p@repo.example.com/a.jar?t=x"),
            "https://repo.example.com/a.jar"
        );
        assert_eq!(shown("nonsense"), "an address that is none");
    }
}
