//! The least that serves the same bytes: what a handler costs anyone who uses this HTTP server.
//! Runs as a process of its own, as the broker does, on the same runtime.

use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use anyhow::Context as _;
use axum::Router;
use axum::http::{HeaderMap, HeaderName, HeaderValue};
use axum::routing::get;
use bytes::Bytes;
use tokio::process::{Child, Command};
use tokio::time::{sleep, timeout};

use crate::broker::free_address;
use crate::http::{Answer, Connection};

/// Set by the server itself.
const OWN: [&str; 2] = ["content-length", "date"];

/// Between two attempts to reach one that starts.
const LOOK: Duration = Duration::from_millis(1);
const LIMIT: Duration = Duration::from_secs(10);

/// A bare server that runs until it is dropped.
pub(crate) struct Bare {
    pub(crate) address: SocketAddr,
    child: Child,
}

impl Bare {
    /// One that answers at `path` as the broker did.
    pub(crate) async fn start(path: &str, answer: &Answer, file: &Path) -> anyhow::Result<Self> {
        std::fs::write(file, [answer.head.as_bytes(), &answer.body].concat())?;
        let address = free_address()?;
        let child = Command::new(std::env::current_exe()?)
            .args(["bare", &address.to_string(), path])
            .arg(file)
            .kill_on_drop(true)
            .spawn()
            .context("could not start the bare server")?;
        let reached = async {
            while Connection::open(address).await.is_err() {
                sleep(LOOK).await;
            }
        };
        timeout(LIMIT, reached).await.context("the bare server did not start")?;
        // The file is read by now, and can be another's.
        Ok(Self { address, child })
    }

    pub(crate) fn pid(&self) -> Option<u32> {
        self.child.id()
    }
}

/// Serves: address, path, and the file with the answer.
#[tokio::main]
pub(crate) async fn serve(arguments: &[String]) -> anyhow::Result<()> {
    let [address, path, file] = arguments else {
        anyhow::bail!("bare takes an address, a path and a file")
    };
    let bytes = Bytes::from(std::fs::read(file)?);
    let end = bytes.windows(4).position(|four| four == b"\r\n\r\n").context("no empty line")? + 4;
    let (headers, body) = (headers(str::from_utf8(&bytes[..end])?)?, bytes.slice(end..));
    let answer = move || {
        let answer = (headers.clone(), body.clone());
        async move { answer }
    };
    let listener = tokio::net::TcpListener::bind(address).await?;
    axum::serve(listener, Router::new().route(path, get(answer))).await?;
    Ok(())
}

fn headers(head: &str) -> anyhow::Result<HeaderMap> {
    let mut headers = HeaderMap::new();
    for (name, value) in head.lines().filter_map(|line| line.split_once(": ")) {
        if !OWN.contains(&name) {
            headers.insert(name.parse::<HeaderName>()?, HeaderValue::from_str(value)?);
        }
    }
    Ok(headers)
}
