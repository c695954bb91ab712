//! What images are built on here: Debian, from a registry or, where there is none, from Debian's
//! own packages.

use std::io;
use std::process::Stdio;
use std::time::Duration;

use bollard::query_parameters::{CreateImageOptionsBuilder, TagImageOptionsBuilder};
use bytes::Bytes;
use futures_util::{Stream, StreamExt, stream};
use tokio::io::AsyncReadExt;
use tokio::process::{Child, ChildStderr, ChildStdout, Command};

use super::Images;
use crate::backend::docker::connection::tidy;
use crate::model::{Fault, Progress};

const NAME: &str = "banquet-local/debian";
const TAG: &str = "trixie";
const OFFICIAL: &str = "docker.io/library/debian:trixie-slim";
/// How long `mmdebstrap` may take: half a minute with a mirror nearby.
const BOOTSTRAP: Duration = Duration::from_mins(20);
/// How much is read at once.
const CHUNK: usize = 256 * 1024;

/// Whether a Dockerfile builds on our base.
pub(super) fn is_base_of(dockerfile: &str) -> bool {
    let from = |line: &str| line.split_whitespace().nth(1) == Some(&format!("{NAME}:{TAG}"));
    dockerfile.lines().filter(|line| line.starts_with("FROM ")).any(from)
}

impl Images {
    /// Makes sure that the base is there.
    pub(super) async fn ensure_base(&self, progress: &Progress) -> Result<(), Fault> {
        let name = format!("{NAME}:{TAG}");
        if self.inspect(&name).await?.is_some() {
            return Ok(());
        }
        let _alone = self.alone(&name, progress).await?;
        if self.inspect(&name).await?.is_some() {
            return Ok(());
        }
        let official = match self.inspect(OFFICIAL).await?.and_then(|image| image.id) {
            Some(id) => Ok(id),
            None => self.try_pull(OFFICIAL, progress).await?,
        };
        if official.is_ok() {
            let engine = self.connection.engine().await?;
            let options = TagImageOptionsBuilder::default().repo(NAME).tag(TAG).build();
            let tagging = engine.tag_image(OFFICIAL, Some(options));
            return self.connection.ask("tag the base image", tagging).await;
        }
        progress.say("building the base image from Debian's packages");
        tokio::select! {
            outcome = tokio::time::timeout(BOOTSTRAP, self.bootstrap()) => {
                outcome.unwrap_or_else(|_| {
                    let minutes = BOOTSTRAP.as_secs() / 60;
                    Err(failed(&format!("mmdebstrap took over {minutes} minutes")))
                })
            }
            () = progress.cancel.cancelled() => Err(Fault::cancelled()),
        }
    }

    /// Streams a fresh Debian into the engine.
    async fn bootstrap(&self) -> Result<(), Fault> {
        let engine = self.connection.engine_within(BOOTSTRAP).await?;
        let mut debian = mmdebstrap()?;
        let stdout = debian.stdout.take().expect("it was piped");
        let stderr = debian.stderr.take().expect("it was piped");
        let errors = tokio::spawn(last_words(stderr));
        let options =
            CreateImageOptionsBuilder::default().from_src("-").repo(NAME).tag(TAG).build();
        let body = bollard::body_try_stream(output(stdout, debian));
        let mut import = std::pin::pin!(engine.create_image(Some(options), Some(body), None));
        let mut outcome = Ok(());
        while let Some(step) = import.next().await {
            outcome = outcome.and(step.map(drop));
        }
        let Err(error) = outcome else { return Ok(()) };
        let words = errors.await.unwrap_or_default();
        Err(if words.is_empty() {
            self.connection.fault("import the base image", error)
        } else {
            failed(&words).because(error)
        })
    }
}

fn failed(reason: &str) -> Fault {
    Fault::fatal(format!(
        "the base image {NAME}:{TAG} is not there, {OFFICIAL} could not be pulled, and it could \
         not be made: {reason}"
    ))
}

fn mmdebstrap() -> Result<Child, Fault> {
    let mut command = Command::new("mmdebstrap");
    command.args(["--variant=minbase", "--include=ca-certificates", TAG, "-"]);
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
    command.spawn().map_err(|error| {
        let reason = match error.kind() {
            io::ErrorKind::NotFound => {
                "mmdebstrap is not installed on the broker's machine; install it there: apt-get \
                 install mmdebstrap"
            }
            _ => "mmdebstrap could not be started",
        };
        failed(reason).because(error)
    })
}

/// The command's output; it ends in an error if the command does, so that the engine keeps no
/// half image.
fn output(stdout: ChildStdout, child: Child) -> impl Stream<Item = io::Result<Bytes>> + Send {
    stream::try_unfold((stdout, child), |(mut stdout, mut child)| async move {
        let mut chunk = vec![0; CHUNK];
        let length = stdout.read(&mut chunk).await?;
        if length > 0 {
            chunk.truncate(length);
            return Ok(Some((Bytes::from(chunk), (stdout, child))));
        }
        let status = child.wait().await?;
        if status.success() {
            Ok(None)
        } else {
            Err(io::Error::other(format!("mmdebstrap ended with {status}")))
        }
    })
}

/// The last lines that matter, to explain a failure.
async fn last_words(mut stderr: ChildStderr) -> String {
    const LINES: usize = 5;
    let mut text = Vec::new();
    // What could be read explains as well as it can.
    let _ = stderr.read_to_end(&mut text).await;
    let text = String::from_utf8_lossy(&text);
    let lines: Vec<_> = text.lines().filter(|line| line.starts_with("E:")).collect();
    tidy(&lines[lines.len().saturating_sub(LINES)..].join("; "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_base_is_recognised() {
        assert!(is_base_of("# syntax\nFROM banquet-local/debian:trixie\nRUN true\n"));
        assert!(is_base_of("FROM banquet-local/debian:trixie AS x\n"));
        assert!(!is_base_of("FROM debian:trixie\n"));
    }

    #[tokio::test]
    async fn a_command_that_fails_is_no_end_of_a_stream() {
        let mut command = Command::new("sh");
        command.args(["-c", "echo half; exit 3"]).stdout(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let stdout = child.stdout.take().unwrap();
        let chunks: Vec<_> = output(stdout, child).collect().await;
        assert_eq!(chunks[0].as_ref().unwrap(), &Bytes::from("half\n"));
        assert!(chunks.last().unwrap().is_err());
    }
}
