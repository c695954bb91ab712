//! What etcd's scripts and the proxy before it do beyond what every offering must.

use std::time::Duration;

use banquet::catalog::Offering;
use libtest_mimic::Trial;
use serde_json::{Value, json};

use crate::contract::Stage;
use crate::session::Session;
use crate::things::docker;
use crate::trial;

pub(crate) fn trials(offering: &'static Offering) -> Vec<Trial> {
    vec![
        trial("etcd::cuts_watches", cuts_watches(offering)),
        trial("etcd::keeps_apps_to_their_keys", keeps_apps_to_their_keys(offering)),
        trial("etcd::has_room", has_room(offering)),
    ]
}

async fn login(stage: &Stage, binding: &str, parameters: Value) -> Session {
    let credentials = stage.bind(binding, json!({ "parameters": parameters })).await;
    Session::login(&credentials).await.unwrap()
}

impl Session {
    async fn watch(&mut self, name: &str) {
        self.ask(&json!({"do": "watch", "name": name})).await.unwrap();
    }

    async fn seen(&mut self) -> Result<Value, String> {
        self.ask(&json!({"do": "seen"})).await
    }

    async fn delete(&mut self, name: &str) {
        self.ask(&json!({"do": "delete", "name": name})).await.unwrap();
    }

    async fn list(&mut self) -> Result<Value, String> {
        self.ask(&json!({"do": "list"})).await
    }
}

/// An unbind ends the watches of its user; one of a user that is not there, nobody's.
async fn cuts_watches(offering: &'static Offering) {
    let stage = Stage::on(offering, "small").await;
    let mut leaving = login(&stage, "a", json!({})).await;
    let mut staying = login(&stage, "b", json!({})).await;
    leaving.watch("key").await;
    staying.watch("key").await;
    staying.write("key", "one").await.unwrap();
    assert_eq!(leaving.seen().await.unwrap(), "one");
    assert_eq!(staying.seen().await.unwrap(), "one");

    let revoke = r#"jq --raw-input '{admin: {user: "root", password: .}, user: "absent"}' \
        /conf/password | etcd-admin revoke"#;
    let things = stage.broker.things().await;
    docker(&["container", "exec", things.container(), "sh", "-c", revoke]).await;
    staying.write("key", "two").await.unwrap();
    assert_eq!(leaving.seen().await.unwrap(), "two");
    assert_eq!(staying.seen().await.unwrap(), "two");

    stage.unbind("a").await;
    staying.write("key", "three").await.unwrap();
    let seen = leaving.seen().await.unwrap_err();
    assert!(!seen.contains("Timeout"), "the watch goes on: {seen}");
    assert_eq!(staying.read("key").await.unwrap(), "three");
    stage.is_sound().await;
    stage.remove().await;
}

/// A prefix holds, and etcd's own matters are nobody's.
async fn keeps_apps_to_their_keys(offering: &'static Offering) {
    let stage = Stage::on(offering, "small").await;
    let credentials = stage.bind("all", json!({})).await;
    let mut all = Session::login(&credentials).await.unwrap();
    let mut one = login(&stage, "one", json!({"key_prefix": "/one/"})).await;
    let mut two = login(&stage, "two", json!({"key_prefix": "/two/", "read_only": true})).await;
    one.write("/one/a", "mine").await.unwrap();
    all.write("/two/a", "theirs").await.unwrap();
    assert_eq!(two.read("/two/a").await.unwrap(), "theirs");
    for name in ["/two/a", "/one", "/one0", "a"] {
        assert!(one.write(name, "no").await.unwrap_err().contains("permission denied"), "{name}");
        assert!(one.read(name).await.unwrap_err().contains("permission denied"), "{name}");
    }
    assert!(two.write("/two/a", "no").await.unwrap_err().contains("permission denied"));
    assert!(two.read("/one/a").await.unwrap_err().contains("permission denied"));
    assert!(one.list().await.unwrap_err().contains("permission denied"));
    assert_eq!(all.list().await.unwrap(), json!(["/one/a", "/two/a"]));
    let told = all.ask(&json!({"do": "endpoints"})).await.unwrap();
    assert_eq!(told, credentials["endpoints"], "where it says that it is");
    for app in [&mut all, &mut one, &mut two] {
        assert_eq!(app.ask(&json!({"do": "meddle"})).await.unwrap(), json!([]));
    }
    stage.remove().await;
}

/// How long a full instance may take to have room again.
const TIDIED: Duration = Duration::from_secs(30);

async fn has_room(offering: &'static Offering) {
    let stage = Stage::on(offering, "medium").await;
    refuses_what_does_not_fit(&stage).await;
    makes_room(&stage).await;
    stage.is_sound().await;
    stage.remove().await;
}

/// More than `small` holds is kept from it; what was deleted does not count.
async fn refuses_what_does_not_fit(stage: &Stage) {
    let mut app = login(stage, "a", json!({})).await;
    let names: Vec<String> = (0..20).map(|number| number.to_string()).collect();
    for name in &names {
        app.write(name, &"x".repeat(1_000_000)).await.unwrap();
    }
    stage.broker.platform.update(stage.instance, "small").await.answers(&[200, 202]);
    let told = stage.broker.platform.ended(stage.instance).await.failed();
    assert!(told.contains("the plan allows 16 MiB: delete data first"), "{told}");
    for name in &names {
        app.delete(name).await;
    }
    stage.broker.platform.update(stage.instance, "small").await.answers(&[200, 202]);
    stage.broker.platform.ended(stage.instance).await.succeeded();
}

/// Where data fills the plan, deleting is enough to go on.
async fn makes_room(stage: &Stage) {
    let mut app = login(stage, "b", json!({})).await;
    let value = "x".repeat(500_000);
    let mut names = Vec::new();
    let refused = loop {
        let name = names.len().to_string();
        match app.write(&name, &value).await {
            Ok(()) => names.push(name),
            Err(refused) => break refused,
        }
        assert!(names.len() < 100, "nothing is refused");
    };
    assert!(refused.contains("space exceeded"), "{refused}");
    for name in &names {
        app.delete(name).await;
    }
    let writes = async {
        while app.write("again", &value).await.is_err() {
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    };
    tokio::time::timeout(TIDIED, writes).await.expect("there is room again");
}
