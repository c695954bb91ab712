//! Images from a registry.

use std::time::Duration;

use bollard::errors::Error;
use bollard::models::CreateImageInfo;
use bollard::query_parameters::CreateImageOptionsBuilder;
use futures_util::StreamExt;
use tokio::time::Instant;

use super::{Images, tag};
use crate::backend::docker::connection::{is_connection, message, status, tidy};
use crate::model::{Fault, Progress};

/// How long a whole pull may take.
const PULL: Duration = Duration::from_mins(15);
/// How long the engine may be silent in a pull.
const SILENCE: Duration = Duration::from_mins(2);
/// How long a registry that could not be reached is not asked again for the next instance.
const OUT_OF_REACH: Duration = Duration::from_mins(5);

impl Images {
    /// Pulls an image, and answers with the engine's id of it.
    ///
    /// # Errors
    /// Fatal with the registry's reason.
    pub async fn pull(&self, reference: &str, progress: &Progress) -> Result<String, Fault> {
        let _alone = self.alone(reference, progress).await?;
        self.pull_alone(reference, progress).await?.map_err(|reason| {
            Fault::fatal(format!("the image {reference} could not be pulled: {reason}"))
        })
    }

    /// Pulls unless that is forbidden or known not to work. The inner error is why there is no
    /// image, in words.
    pub(super) async fn try_pull(
        &self,
        reference: &str,
        progress: &Progress,
    ) -> Result<Result<String, String>, Fault> {
        if !self.ways.pull {
            return Ok(Err("pulling is not allowed by the settings".to_owned()));
        }
        if let Some(reason) = self.known_out_of_reach(reference) {
            return Ok(Err(reason));
        }
        self.pull_alone(reference, progress).await
    }

    async fn pull_alone(
        &self,
        reference: &str,
        progress: &Progress,
    ) -> Result<Result<String, String>, Fault> {
        progress.say(format!("pulling {reference}"));
        // The engine gives up a pull whose client has left, and keeps the layers that it has.
        let outcome = tokio::select! {
            outcome = tokio::time::timeout(PULL, self.follow_pull(reference)) => outcome,
            () = progress.cancel.cancelled() => return Err(Fault::cancelled()),
        };
        let error = match outcome {
            Ok(Ok(())) => {
                self.forget_out_of_reach(reference);
                return self.id_of(reference).await.map(Ok);
            }
            Ok(Err(PullError::Fault(fault))) => return Err(fault),
            Ok(Err(PullError::Refused(error))) => error,
            Err(_) => return Ok(Err("it took too long".to_owned())),
        };
        // The engine says most of this with 500, some with 404, and some within the stream.
        if status(&error).is_none() && is_connection(&error) {
            return Err(self.connection.fault("pull an image", error));
        }
        let words = match message(&error) {
            "" => tidy(&error),
            words => tidy(&words),
        };
        if is_out_of_reach(&words) {
            self.remember_out_of_reach(reference, &words);
        }
        Ok(Err(words))
    }

    async fn follow_pull(&self, reference: &str) -> Result<(), PullError> {
        let engine = self.connection.engine_within(SILENCE).await.map_err(PullError::Fault)?;
        // Without a tag the engine would pull all there are.
        let name = match tag(reference) {
            None if !reference.contains('@') => format!("{reference}:latest"),
            _ => reference.to_owned(),
        };
        let options = CreateImageOptionsBuilder::default().from_image(&name).build();
        let mut steps = engine.create_image(Some(options), None, None);
        loop {
            match tokio::time::timeout(SILENCE, steps.next()).await {
                Ok(Some(Ok(CreateImageInfo { .. }))) => {}
                Ok(Some(Err(error))) => return Err(PullError::Refused(error)),
                Ok(None) => return Ok(()),
                Err(_) => {
                    let error = "the registry or the engine fell silent".to_owned();
                    return Err(PullError::Refused(Error::DockerStreamError { error }));
                }
            }
        }
    }

    fn known_out_of_reach(&self, reference: &str) -> Option<String> {
        let known = self.out_of_reach.lock().expect("nothing panics while it is held");
        let (until, reason) = known.get(registry(reference))?;
        (Instant::now() < *until).then(|| reason.clone())
    }

    fn remember_out_of_reach(&self, reference: &str, reason: &str) {
        let mut known = self.out_of_reach.lock().expect("nothing panics while it is held");
        let until = Instant::now() + OUT_OF_REACH;
        known.insert(registry(reference).to_owned(), (until, reason.to_owned()));
    }

    fn forget_out_of_reach(&self, reference: &str) {
        let mut known = self.out_of_reach.lock().expect("nothing panics while it is held");
        known.remove(registry(reference));
    }
}

/// Why a pull ended.
enum PullError {
    /// The engine could not even be asked.
    Fault(Fault),
    /// It, or the registry, said no.
    Refused(Error),
}

/// The registry's host: the first part of a reference if it looks like one.
fn registry(reference: &str) -> &str {
    match reference.split_once('/') {
        Some((host, _)) if host.contains(['.', ':']) || host == "localhost" => host,
        _ => "docker.io",
    }
}

/// Whether a pull failed for want of a way to the registry, as against: the registry said no.
fn is_out_of_reach(words: &str) -> bool {
    [
        "no such host",
        "server misbehaving",
        "network is unreachable",
        "no route to host",
        "connection refused",
        "i/o timeout",
        "Client.Timeout",
        "TLS handshake timeout",
        "proxyconnect",
        "Temporary failure in name resolution",
    ]
    .iter()
    .any(|known| words.contains(known))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_registry_of_a_reference() {
        for (reference, host) in [
            ("redis:8", "docker.io"),
            ("bitnami/redis", "docker.io"),
            ("docker.io/library/redis", "docker.io"),
            ("localhost/redis", "localhost"),
            ("registry.example:5000/a/b:1", "registry.example:5000"),
        ] {
            assert_eq!(registry(reference), host);
        }
    }

    #[test]
    fn a_missing_image_is_no_reason_not_to_try_the_registry_again() {
        assert!(is_out_of_reach("Get \"https://x/v2/\": dial tcp: lookup x: no such host"));
        assert!(!is_out_of_reach("manifest for redis:99 not found: manifest unknown"));
    }
}
