//! The inside of a container, for what engines do there by commands.

use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use banquet::model::Fault;
use banquet::model::inside::{Inside, Output};
use banquet::model::workload::File;
use banquet::secret::Secret;
use tokio::io::AsyncWriteExt as _;
use tokio::process::Command;

use crate::live::Container;

/// The container of this name, entered for commands alone.
#[derive(Debug)]
pub(crate) struct Entered(String);

impl Entered {
    pub(crate) fn into(container: &Container) -> Arc<dyn Inside> {
        Arc::new(Self(container.name().to_owned()))
    }
}

#[async_trait]
impl Inside for Entered {
    async fn run(
        &self,
        _role: &str,
        command: &[String],
        stdin: &Secret,
        _limit: Duration,
    ) -> Result<Output, Fault> {
        let mut child = Command::new("docker")
            .args(["exec", "--interactive", &self.0])
            .args(command)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut pipe = child.stdin.take().unwrap();
        // Whoever does not read it says so by the status.
        let _ = pipe.write_all(stdin.expose().as_bytes()).await;
        drop(pipe);
        let output = child.wait_with_output().await.unwrap();
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let status = output.status.code().unwrap().into();
        Ok(Output { status, stdout: text(&output.stdout), stderr: text(&output.stderr) })
    }

    async fn write(&self, _role: &str, _file: &File) -> Result<(), Fault> {
        Err(Fault::fatal("no engine has to"))
    }

    async fn signal(&self, _role: &str, _signal: &str) -> Result<(), Fault> {
        Err(Fault::fatal("no engine has to"))
    }

    async fn restart(&self, _role: &str) -> Result<(), Fault> {
        Err(Fault::fatal("no engine has to"))
    }
}
