//! A socket in front of the container engine's, which can be cut.

use std::fs;
use std::path::{Path, PathBuf};

use tempfile::TempDir;
use tokio::io::copy_bidirectional;
use tokio::net::{UnixListener, UnixStream};
use tokio_util::sync::CancellationToken;

pub(crate) struct Wire {
    folder: TempDir,
    /// Ends all connections; none while it is cut.
    connected: Option<CancellationToken>,
}

impl Wire {
    /// One that leads nowhere yet.
    pub(crate) fn cut_off() -> Self {
        Self { folder: TempDir::new().unwrap(), connected: None }
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("engine.sock")
    }

    /// For `DOCKER_HOST`.
    pub(crate) fn host(&self) -> String {
        format!("unix://{}", self.path().display())
    }

    /// Lets calls through.
    pub(crate) fn mend(&mut self) {
        let listener = UnixListener::bind(self.path()).unwrap();
        let connected = CancellationToken::new();
        self.connected = Some(connected.clone());
        tokio::spawn(async move {
            let accepting = async {
                while let Ok((client, _)) = listener.accept().await {
                    tokio::spawn(connected.clone().run_until_cancelled_owned(pass_on(client)));
                }
            };
            connected.run_until_cancelled(accepting).await;
        });
    }

    /// Breaks what is under way, and lets nothing through any more.
    pub(crate) fn cut(&mut self) {
        self.connected.take().expect("it is whole").cancel();
        fs::remove_file(self.path()).unwrap();
    }
}

async fn pass_on(mut client: UnixStream) {
    let mut engine = UnixStream::connect(socket()).await.unwrap();
    let _ = copy_bidirectional(&mut client, &mut engine).await;
}

/// Where the engine of this machine really listens.
fn socket() -> PathBuf {
    let set = std::env::vars().find(|(name, _)| name == "DOCKER_HOST");
    let path = set.and_then(|(_, host)| host.strip_prefix("unix://").map(PathBuf::from));
    path.unwrap_or_else(|| Path::new("/var/run/docker.sock").to_owned())
}
