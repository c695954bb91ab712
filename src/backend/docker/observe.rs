//! How a workload's containers are.

use std::time::Duration;

use bollard::container::LogOutput;
use bollard::models::{ContainerInspectResponse, ContainerSummary, ContainerSummaryStateEnum};
use bollard::query_parameters::{InspectContainerOptions, LogsOptionsBuilder};
use futures_util::StreamExt;

use super::{Docker, body, connection, names, remove};
use crate::backend::{Observed, Place};
use crate::model::Fault;

/// How many lines of log are told.
const LINES: usize = 10;
/// How long one of them may be, in characters.
const WIDTH: usize = 200;
/// How long the engine may take to hand them out.
const PATIENCE: Duration = Duration::from_secs(5);

impl Docker {
    /// See [`crate::backend::Backend::observe`].
    pub(super) async fn observe_containers(&self, place: &Place) -> Result<Observed, Fault> {
        let containers = self.containers_with(&self.labels_of(place)).await?;
        for container in &containers {
            // Before the first ready, one that runs may have ended and been started again.
            if container.state == Some(ContainerSummaryStateEnum::RUNNING) && place.was_ready {
                continue;
            }
            if let Some(why) = self.why_down(place, container).await? {
                return Ok(Observed::Down(why));
            }
        }
        Ok(if containers.len() < wanted(&containers) {
            Observed::Absent
        } else {
            Observed::Running
        })
    }

    /// Why a container does not run, in words; none if it does, or has vanished just now.
    async fn why_down(
        &self,
        place: &Place,
        container: &ContainerSummary,
    ) -> Result<Option<String>, Fault> {
        let Some(name) = remove::container_name(container) else { return Ok(None) };
        let engine = self.connection.engine().await?;
        let inspect = || engine.inspect_container(&name, None::<InspectContainerOptions>);
        let inspection = self.connection.look(&format!("look at {name}"), inspect).await?;
        let down = |seen: &ContainerInspectResponse| {
            let running = seen.state.as_ref().and_then(|state| state.running) == Some(true);
            let paused = seen.state.as_ref().and_then(|state| state.paused) == Some(true);
            !running || paused || (!place.was_ready && body::ended(seen))
        };
        let Some(inspection) = inspection.filter(down) else { return Ok(None) };
        let log = self.last_lines(&name).await;
        Ok(Some(describe(&name, &inspection, &log)))
    }

    /// The end of a container's log; empty where it can't be had, because it only explains.
    async fn last_lines(&self, name: &str) -> Vec<String> {
        let Ok(engine) = self.connection.engine().await else { return Vec::new() };
        let tail = LINES.to_string();
        let options = LogsOptionsBuilder::default().stdout(true).stderr(true).tail(&tail).build();
        let mut log = engine.logs(name, Some(options));
        let mut text = Vec::new();
        let read = async {
            while let Some(Ok(output)) = log.next().await {
                text.extend_from_slice(&LogOutput::into_bytes(output));
            }
        };
        // What came in time is told.
        let _ = tokio::time::timeout(PATIENCE, read).await;
        lines(&String::from_utf8_lossy(&text))
    }
}

/// How many containers there should be, by what they say themselves.
fn wanted(containers: &[ContainerSummary]) -> usize {
    let count = |container: &ContainerSummary| {
        container.labels.as_ref()?.get(names::COUNT)?.parse::<usize>().ok()
    };
    containers.iter().filter_map(count).max().unwrap_or(1)
}

fn describe(name: &str, inspection: &ContainerInspectResponse, log: &[String]) -> String {
    let state = inspection.state.clone().unwrap_or_default();
    let mut words = vec![format!("the container {name}")];
    words.push(if state.paused == Some(true) {
        "is paused".to_owned()
    } else if !body::ended(inspection) {
        "has not been started".to_owned()
    } else if state.running == Some(true) {
        "ended and was started again".to_owned()
    } else {
        format!("ended with exit code {}", state.exit_code.unwrap_or_default())
    });
    if state.oom_killed == Some(true) {
        words.push("because it used more memory than its limit".to_owned());
    }
    if let Some(error) = state.error.filter(|error| !error.is_empty()) {
        words.push(format!("({})", connection::tidy(&error)));
    }
    let mut text = words.join(" ");
    if !log.is_empty() {
        text.push_str("; the end of its log:\n");
        text.push_str(&log.join("\n"));
    }
    text
}

/// Lines fit to be shown: short, without control characters, and without anything that looks like
/// a password of ours, because engines print configuration lines that they do not like.
fn lines(log: &str) -> Vec<String> {
    let shown = |line: &str| {
        let line: String = line.chars().filter(|c| !c.is_control()).collect();
        // Masked before it is cut: half a password would no longer look like one.
        mask(line.trim_end()).chars().take(WIDTH).collect::<String>()
    };
    let lines: Vec<_> = log.lines().map(shown).filter(|line| !line.is_empty()).collect();
    lines[lines.len().saturating_sub(LINES)..].to_vec()
}

/// Replaces runs of 32 and more letters and digits, which is how [`crate::secret::Secret`]s look.
fn mask(line: &str) -> String {
    const SECRET: usize = 32;
    let mut masked = String::with_capacity(line.len());
    let mut rest = line;
    while let Some(start) = rest.find(|c: char| c.is_ascii_alphanumeric()) {
        let (before, from) = rest.split_at(start);
        let end = from.find(|c: char| !c.is_ascii_alphanumeric()).unwrap_or(from.len());
        let (word, after) = from.split_at(end);
        masked.push_str(before);
        masked.push_str(if word.len() >= SECRET { "***" } else { word });
        rest = after;
    }
    masked + rest
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::secret::Secret;

    #[test]
    fn passwords_do_not_show_in_logs() {
        let secret = Secret::generate();
        let log = format!("bad line:\r\n>>> 'requirepass {}'\n\x1b[31mred\n\n", secret.expose());
        assert_eq!(lines(&log), ["bad line:", ">>> 'requirepass ***'", "[31mred"]);
    }

    #[test]
    fn a_password_cut_at_the_edge_does_not_show_either() {
        let secret = Secret::generate();
        let log = format!("{}{}", " ".repeat(WIDTH - 25), secret.expose());
        assert!(!lines(&log)[0].contains(&secret.expose()[..10]));
    }

    #[test]
    fn only_the_last_lines_are_told() {
        let log = (0..30).map(|n| format!("line {n}")).collect::<Vec<_>>().join("\n");
        let lines = lines(&log);
        assert_eq!((lines.len(), lines[0].as_str()), (LINES, "line 20"));
    }
}
