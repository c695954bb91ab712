//! The least of an HTTP/1.1 client that keeps its connection: what is measured should be the
//! server. It understands the answers of the two servers here, which all say their length.

use std::fmt::Write as _;
use std::net::SocketAddr;
use std::time::Duration;

use anyhow::{Context as _, ensure};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout};

/// No answer takes longer: platforms give up after a minute.
const LIMIT: Duration = Duration::from_mins(1);

pub(crate) struct Connection(TcpStream);

pub(crate) struct Answer {
    pub(crate) status: u16,
    /// Status line and headers, up to the empty line.
    pub(crate) head: String,
    pub(crate) body: Vec<u8>,
}

/// A request as it goes over the wire.
pub(crate) fn request(line: &str, headers: &[(&str, &str)], body: &str) -> Vec<u8> {
    let mut text = format!("{line} HTTP/1.1\r\nHost: localhost\r\n");
    for (name, value) in headers {
        write!(text, "{name}: {value}\r\n").expect("a String takes all");
    }
    if !body.is_empty() {
        write!(text, "Content-Length: {}\r\n", body.len()).expect("a String takes all");
    }
    format!("{text}\r\n{body}").into_bytes()
}

impl Connection {
    pub(crate) async fn open(address: SocketAddr) -> anyhow::Result<Self> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        Ok(Self(stream))
    }

    pub(crate) async fn ask(&mut self, request: &[u8]) -> anyhow::Result<Answer> {
        timeout(LIMIT, self.exchange(request)).await.context("no answer within a minute")?
    }

    async fn exchange(&mut self, request: &[u8]) -> anyhow::Result<Answer> {
        self.0.write_all(request).await?;
        let mut bytes = Vec::new();
        let end = loop {
            ensure!(self.0.read_buf(&mut bytes).await? > 0, "the connection ended");
            if let Some(end) = bytes.windows(4).position(|four| four == b"\r\n\r\n") {
                break end + 4;
            }
        };
        let head = String::from_utf8(bytes[..end].to_vec())?;
        let mut body = bytes.split_off(end);
        let have = body.len();
        body.resize(header(&head, "content-length").unwrap_or("0").parse()?, 0);
        self.0.read_exact(&mut body[have..]).await?;
        let status = head.split(' ').nth(1).context("no status")?.parse()?;
        Ok(Answer { status, head, body })
    }

    /// Asks the same again and again until `end`, and counts the answers, which all must be as long
    /// as the first.
    async fn repeat(mut self, request: &[u8], end: Instant) -> anyhow::Result<u32> {
        let first = self.ask(request).await?;
        ensure!(first.status == 200, "answered {}", first.status);
        let mut buffer = vec![0; first.head.len() + first.body.len()];
        let mut count = 1;
        while Instant::now() < end {
            self.0.write_all(request).await?;
            self.0.read_exact(&mut buffer).await?;
            ensure!(buffer.starts_with(b"HTTP/1.1 200"), "an answer that is not 200");
            count += 1;
        }
        Ok(count)
    }
}

pub(crate) fn header<'a>(head: &'a str, name: &str) -> Option<&'a str> {
    let mut fields = head.lines().filter_map(|line| line.split_once(": "));
    fields.find(|(field, _)| field.eq_ignore_ascii_case(name)).map(|(_, value)| value)
}

/// Answers per second to one request over so many connections at once, from two threads: one alone
/// would be what limits the cheaper of the servers.
pub(crate) async fn load(
    address: SocketAddr,
    request: &[u8],
    connections: usize,
    duration: Duration,
) -> anyhow::Result<f64> {
    let began = Instant::now();
    let half = || {
        let request = request.to_vec();
        tokio::task::spawn_blocking(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
            let one = || async {
                Connection::open(address).await?.repeat(&request, began + duration).await
            };
            let all = futures_util::future::try_join_all((0..connections / 2).map(|_| one()));
            let counts = runtime.block_on(async { timeout(LIMIT, all).await });
            anyhow::Ok(counts.context("the load did not end")??.iter().sum::<u32>())
        })
    };
    let (first, second) = tokio::try_join!(half(), half())?;
    Ok(f64::from(first? + second?) / began.elapsed().as_secs_f64())
}
