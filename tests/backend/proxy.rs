//! A socket in front of the engine's: it notes every call, and answers some itself.

use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt, AsyncWriteExt, copy_bidirectional};
use tokio::net::{UnixListener, UnixStream};
use tokio::task::JoinHandle;

use crate::docker_rig::socket;

/// `POST /containers/x/update` → the status to answer it with, 0 to hang up, or none to pass it on.
type Answers = fn(&str) -> Option<u16>;

pub(crate) struct Proxy {
    folder: tempfile::TempDir,
    seen: Arc<Mutex<Vec<String>>>,
    task: JoinHandle<()>,
}

impl Proxy {
    pub(crate) fn new(answers: Answers) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let listener = UnixListener::bind(folder.path().join("engine.sock")).unwrap();
        let seen = Arc::new(Mutex::new(Vec::new()));
        let task = tokio::spawn({
            let seen = Arc::clone(&seen);
            async move {
                while let Ok((client, _)) = listener.accept().await {
                    tokio::spawn(serve(client, answers, Arc::clone(&seen)));
                }
            }
        });
        Self { folder, seen, task }
    }

    /// As in `DOCKER_HOST`.
    pub(crate) fn host(&self) -> String {
        let path: PathBuf = self.folder.path().join("engine.sock");
        format!("unix://{}", path.display())
    }

    /// Takes the calls noted since the last time.
    pub(crate) fn seen(&self) -> Vec<String> {
        std::mem::take(&mut *self.seen.lock().unwrap())
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// One call a connection, as bollard does it.
async fn serve(mut client: UnixStream, answers: Answers, seen: Arc<Mutex<Vec<String>>>) {
    let mut head = Vec::new();
    let mut buffer = [0; 4096];
    while !head.windows(4).any(|end| end == b"\r\n\r\n") {
        match client.read(&mut buffer).await {
            Ok(0) | Err(_) => return,
            Ok(length) => head.extend_from_slice(&buffer[..length]),
        }
    }
    let text = String::from_utf8_lossy(&head);
    let mut words = text.split_whitespace();
    let call = format!("{} {}", words.next().unwrap(), words.next().unwrap());
    let answer = answers(&call);
    seen.lock().unwrap().push(call);
    if answer == Some(0) {
        return;
    }
    if let Some(status) = answer {
        let body = r#"{"message":"not here"}"#;
        let length = body.len();
        let answer = format!(
            "HTTP/1.1 {status} X\r\nContent-Type: application/json\r\nContent-Length: {length}\r\n\
             Connection: close\r\n\r\n{body}"
        );
        let _ = client.write_all(answer.as_bytes()).await;
        return;
    }
    let mut engine = UnixStream::connect(socket()).await.unwrap();
    engine.write_all(&head).await.unwrap();
    let _ = copy_bidirectional(&mut client, &mut engine).await;
}
