//! An app that runs: a client in Python, which keeps one connection and does as it is told.

use std::process::Stdio;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader, Lines};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};

use crate::programs;

/// How long an app may take for anything.
const PATIENCE: Duration = Duration::from_secs(40);

/// A connection that is logged in.
pub(crate) struct Session {
    requests: ChildStdin,
    answers: Lines<BufReader<ChildStdout>>,
    _child: Child,
}

impl Session {
    /// Logs in with the credentials as they are.
    pub(crate) async fn login(credentials: &Value) -> Result<Self, String> {
        let folder = programs::python().await;
        let mut child = Command::new(folder.join("venv/bin/python"))
            .arg("session.py")
            .current_dir(&folder)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let requests = child.stdin.take().unwrap();
        let answers = BufReader::new(child.stdout.take().unwrap()).lines();
        let mut session = Self { requests, answers, _child: child };
        session.ask(credentials).await?;
        Ok(session)
    }

    pub(crate) async fn write(&mut self, name: &str, value: &str) -> Result<(), String> {
        self.ask(&json!({"do": "write", "name": name, "value": value})).await.map(drop)
    }

    pub(crate) async fn read(&mut self, name: &str) -> Result<String, String> {
        let value = self.ask(&json!({"do": "read", "name": name})).await?;
        value.as_str().map(str::to_owned).ok_or_else(|| format!("{name} is {value}"))
    }

    /// What only an app of its type does.
    pub(crate) async fn ask(&mut self, request: &Value) -> Result<Value, String> {
        self.requests.write_all(format!("{request}\n").as_bytes()).await.unwrap();
        let answer = tokio::time::timeout(PATIENCE, self.answers.next_line()).await;
        let answer = answer.map_err(|_| format!("no answer within {PATIENCE:?}"))?.unwrap();
        let mut answer: Value = serde_json::from_str(&answer.expect("it lives")).unwrap();
        match answer["error"].as_str() {
            Some(error) => Err(error.to_owned()),
            None => Ok(answer["ok"].take()),
        }
    }
}
