//! Images built here from an offering's files, by the engine's classic builder.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::io;
use std::time::Duration;

use bollard::errors::Error;
use bollard::models::BuildInfo;
use bollard::query_parameters::BuildImageOptionsBuilder;
use bytes::Bytes;
use futures_util::StreamExt;
use tar::{Builder, EntryType};

use super::presence::labels;
use super::{Images, base, local_name};
use crate::backend::docker::connection::{is_connection, message, tidy};
use crate::backend::docker::files::header;
use crate::model::fetch::Makings;
use crate::model::{Fault, FaultKind, Progress};

/// How long a whole build may take.
const BUILD: Duration = Duration::from_mins(30);
/// How long the engine may be silent in a build: package scripts can be.
const SILENCE: Duration = Duration::from_mins(10);
/// How often a build is begun whose output breaks off.
const TRIES: usize = 3;
/// How many lines of a failed step are told.
const LINES: usize = 12;

/// What the engine is given.
struct Job<'a> {
    offering: &'a str,
    name: String,
    labels: HashMap<String, String>,
    context: Bytes,
}

impl Images {
    /// Builds an offering's image from the files of its `image/` folder and what is to be fetched
    /// beside them, whether or not it is
    /// there, and answers with the engine's id of it. `reference` is the official image that it
    /// stands in for.
    ///
    /// # Errors
    /// Fatal with the last lines of the step that failed.
    pub async fn build(
        &self,
        offering: &str,
        reference: &str,
        makings: &Makings,
        progress: &Progress,
    ) -> Result<String, Fault> {
        let _alone = self.alone(reference, progress).await?;
        self.build_alone(offering, reference, makings, progress).await
    }

    pub(super) async fn build_alone(
        &self,
        offering: &str,
        reference: &str,
        makings: &Makings,
        progress: &Progress,
    ) -> Result<String, Fault> {
        let Some(dockerfile) = makings.files.get("Dockerfile") else {
            return Err(Fault::fatal(format!("there is no Dockerfile for the image {offering}")));
        };
        if base::is_base_of(&String::from_utf8_lossy(dockerfile)) {
            self.ensure_base(progress).await?;
        }
        let files = self.gather(offering, makings, progress).await?;
        let context = context(&files).map_err(|error| {
            Fault::fatal(format!("the files of the image {offering} could not be packed"))
                .because(error)
        })?;
        let (name, labels) = (local_name(offering, reference), labels(offering, makings));
        let job = Job { offering, name, labels, context };
        // The engine gives up a build whose client has left.
        let outcome = tokio::select! {
            outcome = tokio::time::timeout(
                BUILD,
                self.build_until_told(&job, progress),
            ) => outcome,
            () = progress.cancel.cancelled() => return Err(Fault::cancelled()),
        };
        outcome.unwrap_or_else(|_| {
            let (name, minutes) = (&job.name, BUILD.as_secs() / 60);
            Err(Fault::fatal(format!("building the image {name} took over {minutes} minutes")))
        })?;
        self.id_of(&job.name).await
    }

    /// The end of a build's output is sometimes taken for a broken connection, where the engine cuts
    /// it within a value: the image may be there all the same, and if not, the steps that were done
    /// are kept, so that another try is short.
    async fn build_until_told(&self, job: &Job<'_>, progress: &Progress) -> Result<(), Fault> {
        let name = &job.name;
        let id = || async { Ok::<_, Fault>(self.inspect(name).await?.and_then(|image| image.id)) };
        let before = id().await?;
        for _ in 1..TRIES {
            let built = self.follow_build(job, progress).await;
            let Err(fault) = built else { return Ok(()) };
            if fault.kind == FaultKind::Fatal {
                return Err(fault);
            }
            tracing::warn!(image = name, error = fault.chain(), "A build broke off; once more");
            let now = id().await?;
            if now.is_some() && now != before {
                return Ok(());
            }
        }
        self.follow_build(job, progress).await
    }

    async fn follow_build(&self, job: &Job<'_>, progress: &Progress) -> Result<(), Fault> {
        let Job { offering, name, labels, context } = job;
        let engine = self.connection.engine_within(SILENCE).await?;
        let options = BuildImageOptionsBuilder::default()
            .dockerfile("Dockerfile")
            .t(name)
            .labels(labels)
            .rm(true)
            .forcerm(true)
            .build();
        let mut output =
            engine.build_image(options, None, Some(bollard::body_full(context.clone())));
        let mut log = Log::default();
        loop {
            let event = match tokio::time::timeout(SILENCE, output.next()).await {
                Ok(Some(event)) => event,
                Ok(None) => return Ok(()),
                Err(_) => Err(Error::RequestTimeoutError),
            };
            match event {
                Ok(info) => {
                    if let Some(words) = error_of(&info) {
                        return Err(log.failed(name, &words));
                    }
                    log.add(info.stream.as_deref().unwrap_or_default());
                    if let Some((at, of)) = log.step {
                        progress.say(format!("building image {offering}: step {at}/{of}"));
                    }
                }
                Err(error) if is_connection(&error) || is_garbled(&error) => {
                    return Err(self.connection.fault("build an image", error));
                }
                Err(error) => {
                    let words = match message(&error) {
                        "" => error.to_string(),
                        words => words.to_owned(),
                    };
                    return Err(log.failed(name, &words).because(error));
                }
            }
        }
    }
}

/// Whether a part of the output could not be read.
fn is_garbled(error: &Error) -> bool {
    matches!(error, Error::JsonDataError { .. } | Error::JsonSerdeError { .. })
}

fn error_of(info: &BuildInfo) -> Option<String> {
    info.error_detail.as_ref().map(|error| error.message.clone().unwrap_or_default())
}

/// What a build has said.
#[derive(Debug, Default)]
struct Log {
    /// Which step of how many.
    step: Option<(u32, u32)>,
    instruction: String,
    /// The last lines of this step.
    lines: VecDeque<String>,
}

impl Log {
    fn add(&mut self, text: &str) {
        for line in text.lines().map(str::trim_end).filter(|line| !line.is_empty()) {
            if let Some((step, instruction)) = parse_step(line) {
                self.step = Some(step);
                instruction.clone_into(&mut self.instruction);
                self.lines.clear();
            } else {
                if self.lines.len() == LINES {
                    self.lines.pop_front();
                }
                self.lines.push_back(tidy(&line));
            }
        }
    }

    fn failed(&self, name: &str, words: &str) -> Fault {
        let step = self.step.map(|(at, of)| {
            let instruction = tidy(&self.instruction);
            format!(" in step {at}/{of} ({instruction})")
        });
        let mut text = format!(
            "the image {name} could not be built: it failed{}: {}",
            step.unwrap_or_default(),
            tidy(&words)
        );
        for line in &self.lines {
            text.push('\n');
            text.push_str(line);
        }
        Fault::fatal(text)
    }
}

/// `Step 3/7 : RUN apt-get update`.
fn parse_step(line: &str) -> Option<((u32, u32), &str)> {
    let (numbers, instruction) = line.strip_prefix("Step ")?.split_once(" : ")?;
    let (at, of) = numbers.split_once('/')?;
    Some(((at.parse().ok()?, of.parse().ok()?), instruction))
}

/// The files as a tar; scripts can be run, as a catalog within a program has no modes.
fn context(files: &BTreeMap<String, Bytes>) -> io::Result<Bytes> {
    let mut tar = Builder::new(Vec::new());
    for (path, content) in files {
        let script = content.starts_with(b"#!");
        let mode = if script { 0o755 } else { 0o644 };
        let mut header = header(EntryType::Regular, mode, content.len() as u64);
        tar.append_data(&mut header, path, &content[..])?;
    }
    tar.into_inner().map(Bytes::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failed_build_tells_its_step_and_last_lines() {
        let mut log = Log::default();
        log.add("Step 1/2 : FROM x\n");
        log.add(" ---> 0123\n");
        log.add("Step 2/2 : RUN apt-get install nothing\n");
        for n in 0..20 {
            log.add(&format!("line {n}\n"));
        }
        assert_eq!(log.step, Some((2, 2)));
        let text = log.failed("banquet-local/x:1", "returned a non-zero code: 100").message;
        assert!(text.starts_with(
            "the image banquet-local/x:1 could not be built: it failed in step 2/2 \
             (RUN apt-get install nothing): returned a non-zero code: 100\nline 8\n"
        ));
        assert!(text.ends_with("\nline 19"));
    }

    #[test]
    fn scripts_can_be_run() {
        let files = BTreeMap::from([
            ("Dockerfile".to_owned(), Bytes::from("FROM x")),
            ("entrypoint".to_owned(), Bytes::from("#!/bin/sh\n")),
        ]);
        let tar = context(&files).unwrap();
        let modes: Vec<_> = tar::Archive::new(&tar[..])
            .entries()
            .unwrap()
            .map(|entry| entry.unwrap().header().mode().unwrap())
            .collect();
        assert_eq!(modes, [0o644, 0o755]);
    }
}
