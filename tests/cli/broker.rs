//! An admin API that answers from a script, and the binary that is run against it.

use std::collections::BTreeMap;
use std::process::Output;
use std::sync::{Arc, Mutex};

use axum::body::{Body, to_bytes};
use axum::http::{Request, Response};
use banquet::view;
use serde::Serialize;
use serde_json::{Value, json};

/// What was asked.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Asked {
    /// `GET /admin/v1/status`.
    pub(crate) what: String,
    pub(crate) authorization: String,
    pub(crate) body: Value,
}

/// A running admin API.
pub(crate) struct Broker {
    pub(crate) url: String,
    asked: Arc<Mutex<Vec<Asked>>>,
}

type Script = BTreeMap<String, Vec<(u16, String)>>;

/// One line of a script: method and path, status, body. Several of the same method and path are
/// answered one after the other, the last for ever.
pub(crate) fn line(what: &str, status: u16, body: &impl Serialize) -> (String, u16, String) {
    (what.to_owned(), status, serde_json::to_string(body).unwrap())
}

impl Broker {
    pub(crate) async fn start(lines: Vec<(String, u16, String)>) -> Self {
        let mut script = Script::new();
        for (what, status, body) in lines {
            script.entry(what).or_default().push((status, body));
        }
        let (script, asked) = (Arc::new(Mutex::new(script)), Arc::new(Mutex::new(Vec::new())));
        let seen = Arc::clone(&asked);
        let answer = move |request: Request<Body>| answer(request, script.clone(), seen.clone());
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let router = axum::Router::new().fallback(answer);
        tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self { url, asked }
    }

    /// Everything that was asked until now.
    pub(crate) fn asked(&self) -> Vec<Asked> {
        self.asked.lock().unwrap().clone()
    }

    /// Runs `banquet` against it.
    pub(crate) async fn banquet(&self, arguments: &[&str]) -> Ran {
        banquet(&[("BANQUET_URL", &self.url), ("BANQUET_TOKEN", "a-token")], arguments).await
    }
}

async fn answer(
    request: Request<Body>,
    script: Arc<Mutex<Script>>,
    asked: Arc<Mutex<Vec<Asked>>>,
) -> Response<Body> {
    let what = format!("{} {}", request.method(), request.uri().path());
    let header = request.headers().get("authorization");
    let authorization = header.map_or("", |value| value.to_str().unwrap()).to_owned();
    let bytes = to_bytes(request.into_body(), 1 << 20).await.unwrap();
    let body = serde_json::from_slice(&bytes).unwrap_or(Value::Null);
    asked.lock().unwrap().push(Asked { what: what.clone(), authorization, body });
    let mut script = script.lock().unwrap();
    let (status, body) = match script.get_mut(&what) {
        Some(answers) if answers.len() > 1 => answers.remove(0),
        Some(answers) => answers[0].clone(),
        None => (404, json!({"description": format!("no {what} in the script")}).to_string()),
    };
    Response::builder().status(status).body(Body::from(body)).unwrap()
}

/// How a run of the binary ended.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) exit: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Ran {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|_| panic!("no JSON: {self:?}"))
    }
}

impl From<Output> for Ran {
    fn from(output: Output) -> Self {
        Self {
            exit: output.status.code(),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }
}

/// The binary with nothing in its environment but these, and nothing on its standard input.
pub(crate) fn command(environment: &[(&str, &str)], arguments: &[&str]) -> tokio::process::Command {
    let mut command = tokio::process::Command::new(env!("CARGO_BIN_EXE_banquet"));
    command.env_clear().envs(environment.iter().copied()).args(arguments);
    command.stdin(std::process::Stdio::null()).kill_on_drop(true);
    command
}

/// Runs the binary to its end.
pub(crate) async fn banquet(environment: &[(&str, &str)], arguments: &[&str]) -> Ran {
    command(environment, arguments).output().await.unwrap().into()
}

/// An instance as the admin API shows it.
pub(crate) fn instance() -> view::Instance {
    view::Instance {
        id: "in/1".to_owned(),
        name: "orders-cache".to_owned(),
        platform: "admin".to_owned(),
        tenant: "shop".to_owned(),
        offering: "redis".to_owned(),
        plan: "small".to_owned(),
        state: "ready".to_owned(),
        usable: true,
        parameters: json!({"maxmemory_policy": "noeviction"}).as_object().unwrap().clone(),
        host: "127.0.0.1".to_owned(),
        ports: BTreeMap::from([("redis".to_owned(), 20_000)]),
        tls: "optional".to_owned(),
        certificate_ends_at: Some("2027-11-24T10:00:00Z".to_owned()),
        containers: vec!["banquet-0011-server".to_owned()],
        bindings: 1,
        operation: None,
        created_at: "2026-11-24T10:00:00Z".to_owned(),
        updated_at: "2026-11-24T10:00:01Z".to_owned(),
    }
}

/// A binding with a password that must not be seen.
pub(crate) fn binding() -> view::Binding {
    let credentials = json!({
        "host": "127.0.0.1", "port": 20_000, "username": "b0123", "password": "geheimGeheim",
        "uri": "redis://b0123:geheimGeheim@127.0.0.1:20000/0",
    });
    view::Binding {
        expires_at: None,
        predecessor: None,
        id: "b-1".to_owned(),
        instance: "in/1".to_owned(),
        app: "orders".to_owned(),
        user: "b0123".to_owned(),
        state: "ready".to_owned(),
        parameters: serde_json::Map::new(),
        credentials: Some(credentials.as_object().unwrap().clone()),
        operation: None,
        created_at: "2026-11-24T10:00:02Z".to_owned(),
    }
}

/// An operation in a state.
pub(crate) fn operation(kind: &str, state: &str, description: &str) -> view::Operation {
    view::Operation {
        id: "op-1".to_owned(),
        kind: kind.to_owned(),
        state: state.to_owned(),
        description: description.to_owned(),
        step: "ensure".to_owned(),
        done: 1,
        steps: 4,
        undoing: false,
        created_at: "2026-11-24T10:00:00Z".to_owned(),
        finished_at: None,
    }
}

/// The answer to a change.
pub(crate) fn started<T>(subject: T, kind: &str) -> view::Started<T> {
    view::Started { subject, operation: operation(kind, "running", "starting the container") }
}

/// The body of an error.
pub(crate) fn error(description: &str) -> view::Error {
    view::Error { error: None, description: description.to_owned() }
}
