//! What only Mosquitto promises.

use banquet::catalog::Offering;
use serde_json::json;

use crate::contract::Stage;
use crate::session::Session;

/// Messages of which some do not fit into the smaller plan's memory.
const LARGE_BYTES: usize = 900_000;
const MANY: usize = 40;

pub(crate) async fn keeps_its_own_word(offering: &'static Offering) {
    let stage = Stage::on(offering, "medium").await;
    holds_apps_to_their_topics(&stage).await;
    refuses_a_plan_that_is_too_small(&stage).await;
    stage.remove().await;
}

/// An app with a prefix has those topics, and nobody has the broker's own.
async fn holds_apps_to_their_topics(stage: &Stage) {
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
}

/// A plan that is too small for what is kept is refused, and all stays as it was.
async fn refuses_a_plan_that_is_too_small(stage: &Stage) {
    let platform = &stage.broker.platform;
    let mut app = Session::login(&stage.bind("full", json!({})).await).await.unwrap();
    let long = "x".repeat(LARGE_BYTES);
    for n in 0..MANY {
        app.write(&format!("kept/{n}"), &long).await.unwrap();
    }
    platform.update(stage.instance, "small").await.answers(&[202]);
    let ended = platform.ended(stage.instance).await;
    assert_eq!(ended.state, "failed");
    assert!(ended.description.contains("the plan allows 24 MiB: delete data first"), "{ended:?}");
    assert_eq!(app.read("kept/0").await.unwrap(), long);
}
