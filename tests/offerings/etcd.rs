//! What etcd's scripts and the proxy before it do beyond what every offering must.

use libtest_mimic::Trial;
use serde_json::{Value, json};

use crate::contract::Stage;
use crate::session::Session;
use crate::things::docker;
use crate::trial;

pub(crate) fn trials() -> [Trial; 3] {
    [
        trial("etcd::cuts_watches".to_owned(), cuts_watches()),
        trial("etcd::keeps_apps_to_their_keys".to_owned(), keeps_apps_to_their_keys()),
        trial("etcd::makes_room_and_refuses_what_does_not_fit".to_owned(), makes_room()),
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

    async fn list(&mut self) -> Result<Value, String> {
        self.ask(&json!({"do": "list"})).await
    }
}

/// An unbind ends the watches of its user; one of a user that is not there, nobody's.
async fn cuts_watches() {
    let stage = Stage::on("etcd", "small").await;
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
async fn keeps_apps_to_their_keys() {
    let stage = Stage::on("etcd", "small").await;
    let mut all = login(&stage, "all", json!({})).await;
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
    for app in [&mut all, &mut one, &mut two] {
        assert_eq!(app.ask(&json!({"do": "meddle"})).await.unwrap(), json!([]));
    }
    stage.remove().await;
}

/// Where the data fills the plan, deleting is enough to go on; a plan that it does not fit into is
/// refused.
async fn makes_room() {
    let stage = Stage::on("etcd", "medium").await;
    let mut app = login(&stage, "a", json!({})).await;
    let long = "x".repeat(1_000_000);
    for number in 0..20 {
        app.write(&format!("{number}"), &long).await.unwrap();
    }
    stage.broker.platform.update(stage.instance, "small").await.answers(&[200, 202]);
    let told = stage.broker.platform.ended(stage.instance).await.failed();
    assert!(told.contains("the plan allows 16 MiB: delete data first"), "{told}");

    for number in 0..20 {
        app.ask(&json!({"do": "delete", "name": format!("{number}")})).await.unwrap();
    }
    stage.broker.platform.update(stage.instance, "small").await.answers(&[200, 202]);
    stage.broker.platform.ended(stage.instance).await.succeeded();

    let half = "x".repeat(500_000);
    let mut app = login(&stage, "b", json!({})).await;
    let mut number = 0;
    let refused = loop {
        number += 1;
        match app.write(&format!("{number}"), &half).await {
            Ok(()) => assert!(number < 100, "nothing is refused"),
            Err(error) => break error,
        }
    };
    assert!(refused.contains("space exceeded"), "{refused}");
    for number in 1..number {
        app.ask(&json!({"do": "delete", "name": format!("{number}")})).await.unwrap();
    }
    let made = tokio::time::timeout(std::time::Duration::from_secs(30), async {
        while app.write("again", &half).await.is_err() {
            tokio::time::sleep(std::time::Duration::from_millis(200)).await;
        }
    });
    made.await.expect("there is room again");
    stage.is_sound().await;
    stage.remove().await;
}
