//! What is on the container engine, seen through its own command line.

use std::io::Write as _;
use std::os::unix::process::CommandExt as _;
use std::process::{Child, ChildStdin, Command, Stdio};

use serde_json::Value;

/// Names of everything that carries a broker's label.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Things {
    pub(crate) containers: Vec<String>,
    pub(crate) volumes: Vec<String>,
    pub(crate) networks: Vec<String>,
}

impl Things {
    pub(crate) async fn of(broker: &str) -> Self {
        let label = format!("label=banquet.broker={broker}");
        let containers = ["container", "ls", "--all", "--format", "{{.Names}}", "--filter", &label];
        let volumes = ["volume", "ls", "--format", "{{.Name}}", "--filter", &label];
        let networks = ["network", "ls", "--format", "{{.Name}}", "--filter", &label];
        let (containers, volumes, networks) =
            tokio::join!(docker(&containers), docker(&volumes), docker(&networks));
        let lines = |text: String| text.lines().map(str::to_owned).collect();
        Self { containers: lines(containers), volumes: lines(volumes), networks: lines(networks) }
    }

    /// Containers, volumes, networks.
    pub(crate) fn counts(&self) -> (usize, usize, usize) {
        (self.containers.len(), self.volumes.len(), self.networks.len())
    }

    /// The container, where there is just one.
    #[track_caller]
    pub(crate) fn container(&self) -> &str {
        let [container] = self.containers.as_slice() else { panic!("not one container: {self:?}") };
        container
    }
}

/// What one instance of either shipped offering consists of.
pub(crate) const ONE_INSTANCE: (usize, usize, usize) = (1, 2, 1);
pub(crate) const NOTHING: (usize, usize, usize) = (0, 0, 0);

/// Runs the engine's client, which must succeed, and answers with what it printed, on both ways.
pub(crate) async fn docker(arguments: &[&str]) -> String {
    let output = tokio::process::Command::new("docker")
        .args(arguments)
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .output()
        .await
        .expect("the docker client is installed (Debian: docker.io)");
    let text = [output.stdout, output.stderr].concat();
    let text = String::from_utf8_lossy(&text).trim().to_owned();
    assert!(output.status.success(), "docker {arguments:?}: {text}");
    text
}

pub(crate) async fn inspect(container: &str) -> Value {
    let text = docker(&["container", "inspect", container]).await;
    let mut all: Vec<Value> = serde_json::from_str(&text).unwrap();
    all.remove(0)
}

/// Removes everything of a broker, and ends the broker itself, as soon as it is dropped or this
/// process is gone, however it ends.
pub(crate) struct Sweeper {
    shell: Child,
    lines: Option<ChildStdin>,
}

const SWEEP: &str = r#"
trap '' INT TERM
process=
while read -r line; do process=$line; done
[ -z "$process" ] || kill -KILL "$process"
docker container ls --all --quiet --filter "$0" | xargs -r docker rm --force --volumes
docker volume ls --quiet --filter "$0" | xargs -r docker volume rm --force
docker network ls --quiet --filter "$0" | xargs -r docker network rm
"#;

impl Sweeper {
    /// For what carries `label` (`name=value`).
    pub(crate) fn of(label: &str) -> Self {
        let mut shell = Command::new("sh")
            .args(["-c", SWEEP, &format!("label={label}")])
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            // An interrupt of the tests does not reach it.
            .process_group(0)
            .spawn()
            .expect("there is a shell");
        let lines = shell.stdin.take();
        Self { shell, lines }
    }

    /// Which process to end too; none if it has ended and its number may be somebody else's.
    pub(crate) fn follow(&mut self, process: Option<u32>) {
        let process = process.map(|id| id.to_string()).unwrap_or_default();
        let lines = self.lines.as_mut().expect("open until it is dropped");
        writeln!(lines, "{process}").expect("the shell reads");
    }
}

impl Drop for Sweeper {
    fn drop(&mut self) {
        drop(self.lines.take());
        let _ = self.shell.wait();
    }
}
