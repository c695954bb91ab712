//! What only Mosquitto promises.

use banquet::catalog::Offering;
use libtest_mimic::Trial;
use serde_json::json;

use crate::contract::Stage;
use crate::session::Session;
use crate::trial;

/// Messages of which some do not fit into the smaller plan's memory.
const LARGE_BYTES: usize = 900_000;
const MANY: usize = 40;

pub(crate) fn trials(offering: &'static Offering) -> Vec<Trial> {
    vec![
        trial("mosquitto::keeps_apps_to_their_topics", keeps_apps_to_their_topics(offering)),
        trial("mosquitto::has_room", has_room(offering)),
    ]
}

/// An app with a prefix has those topics, and nobody has the broker's own.
async fn keeps_apps_to_their_topics(offering: &'static Offering) {
    let stage = Stage::on(offering, "small").await;
    let own = stage.bind("own", json!({"parameters": {"topic_prefix": "orders"}})).await;
    assert_eq!(own["topic_prefix"], "orders/");
    let mut own = Session::login(&own).await.unwrap();
    let mut all = Session::login(&stage.bind("all", json!({})).await).await.unwrap();
    own.write("orders/new", "1").await.unwrap();
    assert_eq!(all.read("orders/new").await.unwrap(), "1");
    all.write("orders/new", "2").await.unwrap();
    all.write("payments/new", "3").await.unwrap();
    assert_eq!(own.read("orders/new").await.unwrap(), "2");
    for beyond in ["payments/new", "ordersnew", "orders", "#", "+/new", "$share/a/payments/new"] {
        assert!(own.read(beyond).await.is_err(), "{beyond}");
    }
    for beyond in ["payments/new", "ordersnew", "/orders/new"] {
        assert!(own.write(beyond, "4").await.is_err(), "{beyond}");
    }
    let takeover = json!({"commands": [{"command": "deleteClient", "username": "banquet"}]});
    let control = "$CONTROL/dynamic-security/v1";
    assert!(all.write(control, &takeover.to_string()).await.is_err(), "an app removes users");
    for hidden in ["$CONTROL/dynamic-security/v1/response", "$CONTROL/#", "$SYS/broker/version"] {
        assert!(all.read(hidden).await.is_err(), "{hidden}");
    }
    stage.remove().await;
}

/// A plan that is too small for what is kept is refused, and all stays as it was.
async fn has_room(offering: &'static Offering) {
    let stage = Stage::on(offering, "medium").await;
    let platform = &stage.broker.platform;
    let mut app = Session::login(&stage.bind("full", json!({})).await).await.unwrap();
    let long = "x".repeat(LARGE_BYTES);
    for n in 0..MANY {
        app.write(&format!("kept/{n}"), &long).await.unwrap();
    }
    platform.update(stage.instance, "small").await.answers(&[202]);
    let told = platform.ended(stage.instance).await.failed();
    assert!(told.contains("the plan allows 24 MiB: delete data first"), "{told}");
    assert_eq!(app.read("kept/0").await.unwrap(), long);
    stage.remove().await;
}
