//! The released program as a process of its own, in a data folder of its own.

use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context as _, ensure};
use rustix::process::{Pid, Signal, kill_process};
use tokio::process::{Child, Command};
use tokio::time::{Instant, sleep, timeout};

use crate::http::{Connection, request};

/// How long a start or a stop may take.
const LIMIT: Duration = Duration::from_secs(30);
/// Between two attempts to reach one that starts.
const LOOK: Duration = Duration::from_micros(500);
/// Ticks per second in `/proc/<pid>/stat`: the same on every Linux.
const USER_HZ: f64 = 100.0;

/// Where a broker lives from start to start.
pub(crate) struct House {
    folder: tempfile::TempDir,
}

impl House {
    pub(crate) fn new() -> anyhow::Result<Self> {
        Ok(Self { folder: tempfile::tempdir()? })
    }

    fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }
}

/// A running broker. Killed when dropped.
pub(crate) struct Broker {
    pub(crate) address: SocketAddr,
    /// From its execution to the first 200 of `/healthz`.
    pub(crate) healthy_after: Duration,
    data: PathBuf,
    child: Child,
}

impl Broker {
    pub(crate) async fn start(house: &House) -> anyhow::Result<Self> {
        let (address, data) = (free_address()?, house.data());
        let log = std::fs::File::create(house.folder.path().join("log"))?;
        let mut command = Command::new(env!("CARGO_BIN_EXE_banquet"));
        for (name, _) in std::env::vars_os() {
            if name.to_string_lossy().starts_with("BANQUET_") {
                command.env_remove(name);
            }
        }
        command
            .args(["serve", "--listen", &address.to_string()])
            .env("BANQUET_DATA_DIR", &data)
            // Apart from those of a broker that may run here already.
            .env("BANQUET_PORTS", "26000-26999")
            .env("BANQUET_SUBNETS", "10.215.0.0/16")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .kill_on_drop(true);
        let began = Instant::now();
        let mut child = command.spawn().context("could not start the broker")?;
        let health = request("GET /healthz", &[], "");
        while !answers(address, &health).await {
            ensure!(child.try_wait()?.is_none(), "the broker ended: see {}", data.display());
            ensure!(began.elapsed() < LIMIT, "the broker did not start in time");
            sleep(LOOK).await;
        }
        Ok(Self { address, healthy_after: began.elapsed(), data, child })
    }

    /// A secret that it keeps in its data folder.
    pub(crate) fn secret(&self, file: &str) -> anyhow::Result<String> {
        let path = self.data.join(file);
        let text = std::fs::read_to_string(&path);
        Ok(text.with_context(|| format!("could not read {}", path.display()))?.trim().to_owned())
    }

    pub(crate) fn pid(&self) -> Option<u32> {
        self.child.id()
    }

    /// A file for whoever measures it.
    pub(crate) fn scratch(&self, name: &str) -> PathBuf {
        self.data.with_file_name(name)
    }

    pub(crate) fn resident_mb(&self) -> anyhow::Result<f64> {
        let status = std::fs::read_to_string(proc(self.pid())?.join("status"))?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let kib: f64 =
            line.and_then(|line| line.split_whitespace().next()).context("no VmRSS")?.parse()?;
        Ok(kib * 1024.0 / 1e6)
    }

    pub(crate) async fn stop(mut self) -> anyhow::Result<()> {
        let pid = self.pid().and_then(|pid| Pid::from_raw(pid.cast_signed()));
        kill_process(pid.context("the broker has ended")?, Signal::TERM)?;
        timeout(LIMIT, self.child.wait()).await.context("the broker did not stop")??;
        Ok(())
    }
}

/// Seconds of a processor that a process has used.
pub(crate) fn cpu_seconds(pid: Option<u32>) -> anyhow::Result<f64> {
    let stat = std::fs::read_to_string(proc(pid)?.join("stat"))?;
    // The name before the last parenthesis may hold spaces; user and system time are the 14th and
    // 15th fields, the 12th and 13th after it.
    let fields = stat.rsplit(") ").next().context("no fields")?.split(' ').skip(11).take(2);
    let ticks = fields.map(str::parse::<f64>).sum::<Result<f64, _>>()?;
    Ok(ticks / USER_HZ)
}

/// An address of this machine that nobody listens on.
pub(crate) fn free_address() -> anyhow::Result<SocketAddr> {
    Ok(TcpListener::bind(("127.0.0.1", 0))?.local_addr()?)
}

fn proc(pid: Option<u32>) -> anyhow::Result<PathBuf> {
    Ok(Path::new("/proc").join(pid.context("the process has ended")?.to_string()))
}

async fn answers(address: SocketAddr, request: &[u8]) -> bool {
    let Ok(mut connection) = Connection::open(address).await else { return false };
    connection.ask(request).await.is_ok_and(|answer| answer.status == 200)
}
