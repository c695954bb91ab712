//! The way to the engine: made when first needed, because the engine may come later than we.

use std::error::Error as StdError;
use std::io;
use std::time::Duration;

use bollard::errors::Error;
use tokio::sync::OnceCell;

use crate::model::Fault;

/// Where the engine listens unless told otherwise.
const DEFAULT_HOST: &str = "unix:///var/run/docker.sock";
/// How long the engine may take to say who it is.
const GREETING: Duration = Duration::from_secs(5);
/// How long any call may take, the body of its answer included: bollard's own time-out ends at
/// the answer's head.
const CALL: Duration = Duration::from_secs(150);
/// How long it may take to the answer's head.
const HEAD: Duration = Duration::from_mins(2);

/// How often something is looked at while the answer makes no sense.
const LOOKS: usize = 20;
/// The time in between.
const BETWEEN_LOOKS: Duration = Duration::from_millis(100);

/// A connection to an engine that need not be up yet.
#[derive(Debug)]
pub(super) struct Connection {
    address: String,
    engine: OnceCell<bollard::Docker>,
}

impl Connection {
    /// `host` as in `DOCKER_HOST`. Fatal where it can never work: an unknown scheme, or
    /// certificates that are not there.
    pub(super) fn new(host: Option<&str>) -> Result<Self, Fault> {
        let address = host.unwrap_or(DEFAULT_HOST).to_owned();
        match bollard::Docker::connect_with_host(&address) {
            Ok(_) | Err(Error::SocketNotFoundError(_)) => {
                Ok(Self { address, engine: OnceCell::new() })
            }
            Err(error) => Err(Fault::fatal(format!(
                "{address} can't be used as the address of a container engine ({error}); \
                 DOCKER_HOST must be unix:///path or tcp://host:port, with the certificates of \
                 DOCKER_CERT_PATH where DOCKER_TLS_VERIFY is set"
            ))
            .because(error)),
        }
    }

    /// The engine, its API version agreed upon.
    pub(super) async fn engine(&self) -> Result<&bollard::Docker, Fault> {
        let greet = || async {
            let engine = bollard::Docker::connect_with_host(&self.address)?.with_timeout(GREETING);
            let mut engine = timed(GREETING, engine.negotiate_version()).await?;
            engine.set_timeout(HEAD);
            Ok(engine)
        };
        self.engine.get_or_try_init(greet).await.map_err(|error| self.fault("greet it", error))
    }

    /// The engine for calls that must answer quickly, or may take long.
    pub(super) async fn engine_within(&self, limit: Duration) -> Result<bollard::Docker, Fault> {
        Ok(self.engine().await?.clone().with_timeout(limit))
    }

    /// Waits for a call; `doing` completes "the container engine could not …".
    pub(super) async fn ask<T>(
        &self,
        doing: &str,
        call: impl Future<Output = Result<T, Error>>,
    ) -> Result<T, Fault> {
        timed(CALL, call).await.map_err(|error| self.fault(doing, error))
    }

    /// The same, where 404 is an answer.
    pub(super) async fn ask_for<T>(
        &self,
        doing: &str,
        call: impl Future<Output = Result<T, Error>>,
    ) -> Result<Option<T>, Fault> {
        match timed(CALL, call).await {
            Ok(value) => Ok(Some(value)),
            Err(error) if status(&error) == Some(404) => Ok(None),
            Err(error) => Err(self.fault(doing, error)),
        }
    }

    /// Looks at something that may not be there, again while the answer makes no sense: Podman
    /// passes through a state "stopped", which bollard can't read, for a moment after a container
    /// ended.
    pub(super) async fn look<T, C>(
        &self,
        doing: &str,
        call: impl Fn() -> C,
    ) -> Result<Option<T>, Fault>
    where
        C: Future<Output = Result<T, Error>>,
    {
        for _ in 1..LOOKS {
            match timed(CALL, call()).await {
                Err(Error::JsonDataError { .. }) => tokio::time::sleep(BETWEEN_LOOKS).await,
                answer => return self.ask_for(doing, async { answer }).await,
            }
        }
        self.ask_for(doing, call()).await
    }

    /// What an error means for whoever asked; `doing` completes "the container engine could not …".
    pub(super) fn fault(&self, doing: &str, error: Error) -> Fault {
        if is_connection(&error) {
            return self.unreachable(&error).because(error);
        }
        let Error::DockerResponseServerError { status_code, message } = &error else {
            let text =
                format!("the container engine's answer, asked to {doing}, is not understood");
            return Fault::retry(text).because(error);
        };
        let text = format!("the container engine could not {doing}: {}", tidy(message));
        // 404 and 409 mean that something came or went in between, 5xx that the engine is at a
        // loss; the others that what was asked can never be.
        let fault = match status_code {
            404 | 408 | 409 | 429 | 500.. => Fault::retry(text),
            _ => Fault::fatal(text),
        };
        fault.because(error)
    }

    fn unreachable(&self, error: &Error) -> Fault {
        let address = &self.address;
        Fault::unreachable(if may_not_open(error) {
            format!(
                "the container engine at {address} may not be spoken to by this user: add it to \
                 the group that owns the socket (docker)"
            )
        } else if matches!(error, Error::RequestTimeoutError) {
            format!("the container engine at {address} does not answer in time; is it overloaded?")
        } else {
            format!(
                "the container engine at {address} does not answer; is it started, and is this \
                 the right address (DOCKER_HOST)?"
            )
        })
    }
}

/// Waits for a call, body and all.
pub(super) async fn timed<T>(
    limit: Duration,
    call: impl Future<Output = Result<T, Error>>,
) -> Result<T, Error> {
    tokio::time::timeout(limit, call).await.unwrap_or(Err(Error::RequestTimeoutError))
}

/// The same with the time that any call is given.
pub(super) async fn bounded<T>(call: impl Future<Output = Result<T, Error>>) -> Result<T, Error> {
    timed(CALL, call).await
}

/// The status that the engine answered, if it did.
pub(super) fn status(error: &Error) -> Option<u16> {
    match error {
        Error::DockerResponseServerError { status_code, .. } => Some(*status_code),
        _ => None,
    }
}

/// The words that the engine answered, if it did.
pub(super) fn message(error: &Error) -> &str {
    match error {
        Error::DockerResponseServerError { message, .. } => message,
        Error::DockerStreamError { error } => error,
        _ => "",
    }
}

/// An engine's words, fit for a message to users: one line, not endless.
pub(super) fn tidy(text: &impl ToString) -> String {
    const LONGEST: usize = 300;
    let text = text.to_string();
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    match line.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}…", &line[..end]),
        None => line,
    }
}

/// Whether the engine was not reached, as against: answered no.
pub(super) fn is_connection(error: &Error) -> bool {
    matches!(
        error,
        Error::SocketNotFoundError(_)
            | Error::RequestTimeoutError
            | Error::IOError { .. }
            | Error::HyperResponseError { .. }
            | Error::HyperLegacyError { .. }
    )
}

fn may_not_open(error: &Error) -> bool {
    let mut next: Option<&(dyn StdError + 'static)> = Some(error);
    while let Some(cause) = next {
        let io = cause.downcast_ref::<io::Error>();
        if io.is_some_and(|io| io.kind() == io::ErrorKind::PermissionDenied) {
            return true;
        }
        next = cause.source();
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::FaultKind;

    fn answered(status_code: u16, message: &str) -> Error {
        Error::DockerResponseServerError { status_code, message: message.to_owned() }
    }

    #[test]
    fn an_answer_says_whether_to_try_again() {
        let connection = Connection::new(Some("tcp://127.0.0.1:9")).unwrap();
        for (code, kind) in [
            (400, FaultKind::Fatal),
            (403, FaultKind::Fatal),
            (404, FaultKind::Retry),
            (409, FaultKind::Retry),
            (500, FaultKind::Retry),
            (503, FaultKind::Retry),
        ] {
            let fault = connection.fault("start x", answered(code, "no\n  way"));
            assert_eq!(fault.kind, kind, "{code}");
            assert_eq!(fault.message, "the container engine could not start x: no way");
        }
        let fault = connection.fault("start x", Error::RequestTimeoutError);
        assert_eq!(fault.kind, FaultKind::Unreachable);
    }

    #[test]
    fn an_address_that_can_never_work_is_refused_at_once() {
        let fault = Connection::new(Some("ftp://engine")).unwrap_err();
        assert_eq!(fault.kind, FaultKind::Fatal);
        assert!(fault.message.contains("ftp://engine"), "{}", fault.message);
        assert!(Connection::new(Some("unix:///nowhere/engine.sock")).is_ok());
    }

    #[test]
    fn long_answers_are_cut() {
        assert_eq!(tidy(&"é".repeat(400)).chars().count(), 301);
    }
}
