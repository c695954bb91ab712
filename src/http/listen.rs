//! Takes connections in: so many at once, and none that says nothing for long.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use hyper_util::server::graceful::GracefulShutdown;
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;

/// What a client may take.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limits {
    /// Connections at once; the next waits in the kernel's queue until one ends.
    connections: usize,
    /// How long it may take to send the head of a request, or leave a connection unused.
    quiet: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self { connections: 4096, quiet: Duration::from_mins(1) }
    }
}

/// After a failed accept, such as "too many open files": no hot loop over it.
const PAUSE: Duration = Duration::from_millis(100);

/// Serves until `shutdown`, then ends when the requests that are under way have.
pub(super) async fn serve(
    listener: TcpListener,
    router: Router,
    limits: Limits,
    shutdown: impl Future<Output = ()> + Send,
) {
    let connections = Arc::new(Semaphore::new(limits.connections));
    let graceful = GracefulShutdown::new();
    let mut server = Builder::new(TokioExecutor::new());
    server.http1().timer(TokioTimer::new()).header_read_timeout(limits.quiet);
    server.http2().timer(TokioTimer::new()).keep_alive_interval(limits.quiet);
    let mut shutdown = std::pin::pin!(shutdown);
    loop {
        let accepted = async {
            let slot = Arc::clone(&connections).acquire_owned().await;
            (slot.expect("it is never closed"), listener.accept().await)
        };
        let (slot, stream) = tokio::select! {
            (slot, accepted) = accepted => match accepted {
                Ok((stream, _)) => (slot, stream),
                Err(error) => {
                    tracing::warn!(%error, "Could not take a connection in");
                    tokio::time::sleep(PAUSE).await;
                    continue;
                }
            },
            () = &mut shutdown => break,
        };
        let connection = connection(&server, stream, router.clone());
        let connection = graceful.watch(connection.into_owned());
        tokio::spawn(async move {
            // A client that hung up or spoke no HTTP is none of our business.
            let _ = connection.await;
            drop(slot);
        });
    }
    drop(listener);
    graceful.shutdown().await;
}

type Served<'a> = hyper_util::server::conn::auto::Connection<
    'a,
    TokioIo<TcpStream>,
    TowerToHyperService<Router>,
    TokioExecutor,
>;

fn connection(server: &Builder<TokioExecutor>, stream: TcpStream, router: Router) -> Served<'_> {
    // Answers are small: waiting to fill a packet would only hold them up.
    let _ = stream.set_nodelay(true);
    server.serve_connection(TokioIo::new(stream), TowerToHyperService::new(router))
}

#[cfg(test)]
mod tests {
    use std::net::SocketAddr;

    use axum::routing::get;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::sync::oneshot;
    use tokio::task::JoinHandle;
    use tokio::time::timeout;

    use super::*;

    const LONG: Duration = Duration::from_secs(20);

    async fn started(limits: Limits) -> (SocketAddr, oneshot::Sender<()>, JoinHandle<()>) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (stop, stopped) = oneshot::channel();
        let router = Router::new().route("/", get(|| async { "here" }));
        let shutdown = async { stopped.await.unwrap_or(()) };
        (address, stop, tokio::spawn(serve(listener, router, limits, shutdown)))
    }

    async fn said(stream: &mut TcpStream) -> String {
        let mut text = String::new();
        timeout(LONG, stream.read_to_string(&mut text)).await.unwrap().unwrap();
        text
    }

    #[tokio::test]
    async fn who_says_nothing_for_long_is_let_go_and_makes_room() {
        let limits = Limits { connections: 1, quiet: Duration::from_millis(200) };
        let (address, _stop, _serving) = started(limits).await;
        let mut slow = TcpStream::connect(address).await.unwrap();
        slow.write_all(b"GET / HTTP/1.1\r\nHost").await.unwrap();
        let mut next = TcpStream::connect(address).await.unwrap();
        next.write_all(b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").await.unwrap();
        assert!(!said(&mut slow).await.contains("here"));
        assert!(said(&mut next).await.ends_with("here"));
    }

    #[tokio::test]
    async fn a_stop_lets_go_of_connections_that_nobody_uses() {
        let (address, stop, serving) = started(Limits::default()).await;
        let mut idle = TcpStream::connect(address).await.unwrap();
        idle.write_all(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n").await.unwrap();
        let mut first = [0; 1];
        idle.read_exact(&mut first).await.unwrap();
        stop.send(()).unwrap();
        timeout(LONG, serving).await.unwrap().unwrap();
    }
}
