//! What holds for every offering.

use std::path::Path;
use std::time::Duration;

use banquet::catalog::Offering;
use futures_util::future::join_all;
use serde_json::{Value, json};

use crate::broker::Broker;
use crate::osb::Instance;
use crate::programs;
use crate::refusals::refuses_what_does_not_fit;
use crate::session::Session;
use crate::things::{NOTHING, docker, inspect};
use crate::tls;

/// How long an app may take.
const TRY: Duration = Duration::from_mins(1);

/// A broker with one instance.
pub(crate) struct Stage {
    pub(crate) broker: Broker,
    pub(crate) offering: &'static Offering,
    pub(crate) instance: Instance<'static>,
}

impl Stage {
    pub(crate) async fn on(offering: &'static Offering, plan: &str) -> Self {
        let broker = Broker::started(&[]).await;
        let instance = Instance { id: "one", offering: &offering.name };
        broker.platform.create(instance, plan).await;
        Self { broker, offering, instance }
    }

    /// Whether a binding may ask for that.
    fn offers(&self, parameter: &str) -> bool {
        self.offering.schemas.bind.document()["properties"].get(parameter).is_some()
    }

    /// Where no disk is promised, what is in memory is all there is.
    fn forgets(&self) -> bool {
        self.offering.plans.iter().all(|plan| plan.disk_bytes == 0)
    }

    /// After its container began anew, what was written is there, unless that was to be lost.
    async fn keeps(&self, app: &mut Session, written: &str) {
        let read = app.read("kept").await;
        if self.forgets() {
            assert!(read.is_err(), "it promises no disk, and kept {read:?}");
            app.write("kept", written).await.unwrap();
        } else {
            assert_eq!(read.unwrap(), written);
        }
    }

    pub(crate) async fn bind(&self, binding: &str, more: Value) -> Value {
        self.broker.platform.credentials_with(self.instance, binding, more).await
    }

    pub(crate) async fn unbind(&self, binding: &str) {
        self.broker.platform.unbind(self.instance, binding).await.answers(&[200, 202]);
        self.broker.platform.binding_ended(self.instance, binding).await.succeeded();
    }

    /// Every container runs as it was started, and none ever had too little memory.
    pub(crate) async fn is_sound(&self) {
        for container in self.broker.things().await.containers {
            let seen = inspect(&container).await;
            assert_eq!(seen["State"]["Running"], true, "{container}");
            assert_eq!(seen["State"]["OOMKilled"], false, "{container} had too little memory");
            assert_eq!(seen["RestartCount"], 0, "{container} ended by itself");
        }
    }

    pub(crate) async fn remove(self) {
        self.broker.platform.remove(self.instance).await;
        assert_eq!(self.broker.things().await.counts(), NOTHING);
    }
}

/// Its plan's memory is enough for its basic work.
pub(crate) async fn works_on(offering: &'static Offering, plan: &str) {
    let stage = Stage::on(offering, plan).await;
    let mut app = Session::login(&stage.bind("a", json!({})).await).await.unwrap();
    let long = "x".repeat(50_000);
    for name in ["one", "two", "three"] {
        app.write(name, &long).await.unwrap();
    }
    assert_eq!(app.read("two").await.unwrap(), long);
    let credentials = stage.bind("example", json!({})).await;
    example(&offering.name, &credentials).await;
    another_client(&credentials).await;
    stage.is_sound().await;
    stage.remove().await;
}

/// Apps may come over TLS; its certificate is exchanged while they are there.
pub(crate) async fn renews(offering: &'static Offering, plan: &str) {
    let mut stage = Stage::on(offering, plan).await;
    tls::renews(&mut stage).await;
    stage.is_sound().await;
    stage.remove().await;
}

/// The app that people are told to begin with.
async fn example(offering: &str, credentials: &Value) {
    let folder = tempfile::TempDir::new().unwrap();
    let file = folder.path().join("credentials.json");
    std::fs::write(&file, credentials.to_string()).unwrap();
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("catalog").join(offering);
    let script = script.join("example.py");
    let python = programs::python().await.join("venv/bin/python");
    let command = [&python, &script, &file].map(|path| path.to_str().unwrap());
    programs::run(folder.path(), &command, "", TRY).await;
}

/// An app that shares nothing with those in Python, and comes in every way that it is told of.
async fn another_client(credentials: &Value) {
    let install = ["npm", "ci", "--silent"];
    let folder = programs::installed("node", "package-lock.json", &[&install]).await;
    let script = format!("{}.js", credentials["type"].as_str().unwrap());
    programs::run(&folder, &["node", &script], &credentials.to_string(), TRY).await;
}

/// Everything that may happen to it, from its first login to its end.
pub(crate) async fn lives(offering: &'static Offering) {
    let stage = Stage::on(offering, &offering.plans[0].name).await;
    refuses_what_does_not_fit(&stage).await;
    shares(&stage).await;
    if stage.offers("read_only") {
        only_reads(&stage).await;
    }
    rotates_and_cuts(&stage).await;
    crowds(&stage).await;
    comes_back(&stage).await;
    if let Some(next) = offering.plans.get(1) {
        grows(&stage, &next.name).await;
    }
    stage.remove().await;
}

/// The first login works right after "succeeded", and what one app makes is the others' too.
async fn shares(stage: &Stage) {
    let (first, second) = (stage.bind("a", json!({})).await, stage.bind("b", json!({})).await);
    let mut one = Session::login(&first).await.unwrap();
    one.write("kept", "from one").await.unwrap();
    let mut two = Session::login(&second).await.unwrap();
    assert_eq!(two.read("kept").await.unwrap(), "from one");
    two.write("kept", "from two").await.unwrap();
    assert_eq!(one.read("kept").await.unwrap(), "from two");
    let mixed = with(&first, "password", &second["password"]);
    assert!(Session::login(&mixed).await.is_err(), "another's password");
}

async fn only_reads(stage: &Stage) {
    let credentials = stage.bind("reader", json!({"parameters": {"read_only": true}})).await;
    let mut reader = Session::login(&credentials).await.unwrap();
    assert_eq!(reader.read("kept").await.unwrap(), "from two");
    assert!(reader.write("kept", "late").await.is_err(), "a reader writes");
    assert!(reader.write("own", "late").await.is_err(), "a reader writes");
}

/// A rotation overlaps; an unbind cuts what is open, and nobody else.
async fn rotates_and_cuts(stage: &Stage) {
    let old = stage.broker.platform.fetch_binding(stage.instance, "a").await.body;
    let old = &old["credentials"];
    let new = stage.bind("a2", json!({"predecessor_binding_id": "a"})).await;
    let mut leaving = Session::login(old).await.unwrap();
    let mut staying = Session::login(&new).await.unwrap();
    leaving.write("kept", "from the old").await.unwrap();
    assert_eq!(staying.read("kept").await.unwrap(), "from the old");
    stage.unbind("a").await;
    assert!(leaving.read("kept").await.is_err(), "a live connection goes on");
    assert!(Session::login(old).await.is_err(), "the credentials live on");
    assert_eq!(staying.read("kept").await.unwrap(), "from the old");
    staying.write("kept", "from the new").await.unwrap();
}

/// On the smallest plan there is room for as much at once as the broker does, and none is lost.
async fn crowds(stage: &Stage) {
    let names = ["c1", "c2", "c3", "c4", "c5", "c6", "c7", "c8"];
    let all = join_all(names.map(|name| stage.bind(name, json!({})))).await;
    let logins = || join_all(all.iter().map(Session::login));
    assert!(logins().await.iter().all(Result::is_ok), "one was not granted");
    join_all(names.map(|name| stage.unbind(name))).await;
    assert!(logins().await.iter().all(Result::is_err), "one was not revoked");
    stage.is_sound().await;
}

/// A container that somebody killed comes back with all that it keeps, by the next who needs it.
async fn comes_back(stage: &Stage) {
    let credentials = stage.broker.platform.fetch_binding(stage.instance, "b").await.body;
    let things = stage.broker.things().await;
    docker(&["container", "kill", things.container()]).await;
    let next = stage.bind("after", json!({})).await;
    stage.keeps(&mut Session::login(&next).await.unwrap(), "from the new").await;
    let mut app = Session::login(&credentials["credentials"]).await.unwrap();
    assert_eq!(app.read("kept").await.unwrap(), "from the new");
    assert_eq!(stage.broker.things().await, things);
}

/// A larger plan keeps credentials, and the data that is kept.
async fn grows(stage: &Stage, plan: &str) {
    let credentials = stage.broker.platform.fetch_binding(stage.instance, "b").await.body;
    stage.broker.platform.update(stage.instance, plan).await.answers(&[200, 202]);
    stage.broker.platform.ended(stage.instance).await.succeeded();
    let mut app = Session::login(&credentials["credentials"]).await.unwrap();
    stage.keeps(&mut app, "from the new").await;
    app.write("kept", "on the larger").await.unwrap();
}

fn with(credentials: &Value, field: &str, value: &Value) -> Value {
    let text = credentials.to_string();
    let before = credentials[field].as_str().unwrap();
    // In every place where it stands: URIs too.
    serde_json::from_str(&text.replace(before, value.as_str().unwrap())).unwrap()
}
