//! Tries what `/openapi.json` allows, and what it does not, against the whole broker in one
//! process: every answer must be a described one, none may be a failure of the broker's, and in the
//! end nothing may be left.

#![expect(clippy::unwrap_used, reason = "what fails here fails the test")]

#[path = "../broker/described.rs"]
mod described;
#[expect(dead_code, reason = "the broker's tests need more of it")]
#[path = "../broker/harness.rs"]
mod harness;
#[expect(dead_code, reason = "the broker's tests need more of it")]
#[path = "../broker/requests.rs"]
mod requests;

use std::collections::BTreeMap;
use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use axum::Router;
use axum::extract::{MatchedPath, Request};
use axum::http::Method;
use axum::middleware::Next;
use harness::{Broker, Plan, SMALL, answered, as_platform, bind, instance, provision};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::task::JoinSet;

/// What instances and bindings are called where requests are to meet.
const NAMES: [&str; 2] = ["a/b c\"';--", "..%2F\u{1f980}"];
/// Any number; the same tries the same.
const SEED: &str = "--seed=20260101";
/// How long what was begun may take to end.
const REST: Duration = Duration::from_secs(20);

/// How often, by method and route, and by status.
type Seen = BTreeMap<(String, String), BTreeMap<u16, usize>>;

#[test]
fn the_description_is_openapi() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("openapi.json");
    fs::write(&path, banquet::http::description()).unwrap();
    run(Command::new(tool("openapi-spec-validator")).args(["--schema", "3.1"]).arg(path));
}

/// As it is: nothing that the requests name exists.
#[test]
fn what_names_nothing_is_refused_and_leaves_nothing() {
    let broker = Broker::new();
    let seen = fuzz(&broker, &described::DOCUMENT, &["--max-examples=20", "--max-time=25"]);
    assert_no_failure(&seen);
    assert_removable(&broker);
}

/// With the catalog's ids and few names, so that requests meet each other's instances and bindings.
#[test]
fn what_meets_is_answered_as_described_and_leaves_nothing() {
    let broker = Broker::with(Plan { inline_wait: Duration::from_millis(20), ..Plan::default() });
    let arguments = [
        "--mode=positive",
        "--phases=fuzzing,stateful",
        "--exclude-path-regex=^/(admin/v1/(status|catalog)|v2/catalog|healthz|readyz|openapi)",
        // What is gone is made again beside it.
        "--exclude-checks=ignored_auth,use_after_free,ensure_resource_availability",
        "--max-examples=100",
        "--max-time=50",
    ];
    let mut remaking = JoinSet::new();
    broker.wait(async { remaking.spawn(remake(broker.router())) });
    let seen = fuzz(&broker, &narrowed(&broker), &arguments);
    remaking.abort_all();
    let end = broker.wait(remaking.join_next()).unwrap().unwrap_err();
    assert!(end.is_cancelled(), "{end}");
    assert_no_failure(&seen);
    assert_reached(&seen);
    assert_removable(&broker);
}

/// Makes what the fuzzer removes again and again: it tries one operation many times in a row.
async fn remake(router: Router) {
    let put = async |path: &str, body: Value| {
        let path = format!("{path}?accepts_incomplete=true");
        answered(router.clone(), as_platform("cf", Method::PUT, &path, &body)).await;
    };
    loop {
        for name in NAMES.map(escaped) {
            let path = instance(&name);
            put(&path, provision(SMALL)).await;
            put(&format!("{path}/service_bindings/{name}"), bind()).await;
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

/// The description with what exists in place of any text.
fn narrowed(broker: &Broker) -> Value {
    let mut document = described::DOCUMENT.clone();
    let offering = broker.get("/v2/catalog").body["services"][0].take();
    let plans: Vec<&Value> =
        offering["plans"].as_array().unwrap().iter().map(|plan| &plan["id"]).collect();
    let names = json!({"enum": NAMES});
    let parameters = json!({
        "type": "object",
        "additionalProperties": false,
        "properties": {
            "policy": {"enum": ["keep", "drop"]},
            "note": {"enum": ["", "x"]},
        },
    });
    let components = &mut document["components"];
    // Without it, most is refused at once.
    components["parameters"]["AcceptsIncomplete"]["required"] = true.into();
    components["parameters"]["AcceptsIncomplete"]["schema"] = json!({"enum": ["true", "false"]});
    for (schema, narrower) in [
        ("InstanceId", names.clone()),
        ("BindingId", names.clone()),
        ("InstanceReference", names.clone()),
        ("Id", names),
        ("OfferingId", json!({"enum": [offering["id"]]})),
        ("OfferingName", json!({"enum": [offering["name"]]})),
        ("PlanId", json!({"enum": plans})),
        ("Parameters", parameters.clone()),
        ("NullableParameters", parameters),
        ("WantedMaintenance", json!({"enum": [{"version": "1.0.0"}, {}]})),
    ] {
        assert!(components["schemas"][schema].is_object(), "{schema}");
        components["schemas"][schema] = narrower;
    }
    document
}

/// Runs the fuzzer against the broker. Answers how often each route was answered how.
fn fuzz(broker: &Broker, document: &Value, arguments: &[&str]) -> Seen {
    // Their time is limited: at once, each would try less.
    static ALONE: Mutex<()> = Mutex::new(());
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let seen = Arc::new(Mutex::new(Seen::new()));
    let path = broker.folder.path().join("openapi.json");
    fs::write(&path, document.to_string()).unwrap();
    let config = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fuzz/schemathesis.toml");
    run(Command::new(tool("schemathesis"))
        .current_dir(broker.folder.path())
        .arg("--config-file")
        .arg(config)
        .arg("run")
        .arg(path)
        .args(["--url", &format!("http://{}", served(broker, seen.clone())), SEED, "--no-color"])
        .args(arguments));
    std::mem::take(&mut seen.lock().unwrap())
}

/// The broker on a port, for as long as it lives.
fn served(broker: &Broker, seen: Arc<Mutex<Seen>>) -> SocketAddr {
    let count = move |request: Request, next: Next| {
        let route = request.extensions().get::<MatchedPath>().map(|path| path.as_str().to_owned());
        let route = (request.method().to_string(), route.unwrap_or_default());
        let seen = seen.clone();
        async move {
            let response = next.run(request).await;
            let mut seen = seen.lock().unwrap();
            *seen.entry(route).or_default().entry(response.status().as_u16()).or_default() += 1;
            response
        }
    };
    let router = broker.router().layer(axum::middleware::from_fn(count));
    broker.wait(async {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move { axum::serve(listener, router).await });
        address
    })
}

fn assert_no_failure(seen: &Seen) {
    for (route, answers) in seen {
        assert!(answers.keys().all(|status| *status < 500), "{route:?} {answers:?}");
    }
}

/// Requests that only ever fail would try nothing.
fn assert_reached(seen: &Seen) {
    for (route, answers) in seen {
        println!("{route:?} {answers:?}");
    }
    for (path, item) in described::DOCUMENT["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            let about_one = path.contains('{') && operation.is_object();
            let route = (method.to_uppercase(), path.clone());
            let good = seen.get(&route).is_some_and(|all| all.keys().any(|status| *status < 300));
            assert!(good || !about_one, "{route:?} never succeeded");
        }
    }
}

/// Everything that was made can be removed by the API, and then nothing is left.
fn assert_removable(broker: &Broker) {
    rest(broker);
    let all = broker.administer(Method::GET, "/instances", &Value::Null).is(200);
    let text = |one: &Value, field: &str| one[field].as_str().unwrap().to_owned();
    for one in all.body.as_array().unwrap() {
        let reference = format!("{}/{}", text(one, "platform"), text(one, "id"));
        println!("left to remove: {reference}");
        let path = format!("/instances/{}", escaped(&reference));
        broker.administer(Method::DELETE, &path, &Value::Null).is(202);
    }
    rest(broker);
    broker.assert_nothing_left();
}

fn rest(broker: &Broker) {
    let end = Instant::now() + REST;
    while !broker.idle() {
        assert!(Instant::now() < end, "operations do not end");
        std::thread::sleep(Duration::from_millis(10));
    }
}

fn escaped(text: &str) -> String {
    text.bytes().fold(String::new(), |text, byte| format!("{text}%{byte:02X}"))
}

fn run(command: &mut Command) {
    let output = command.output().unwrap();
    let text = [output.stdout, output.stderr].concat();
    println!("{}", String::from_utf8_lossy(&text));
    assert!(output.status.success(), "{command:?}: {}", output.status);
}

fn tool(name: &str) -> PathBuf {
    let tool = Path::new(env!("CARGO_TARGET_TMPDIR")).join("fuzz/venv/bin").join(name);
    assert!(tool.exists(), "{} is missing: run scripts/test once", tool.display());
    tool
}
