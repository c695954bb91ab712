//! What no offering takes: each wrong value of each parameter, refused by its path, with nothing left.

use banquet::catalog::Schema;
use serde_json::{Value, json};

use crate::contract::Stage;
use crate::osb::{Instance, Reply};

/// What names and prefixes may not hold, whatever they name.
const HOSTILE: [&str; 14] = [
    "",
    "*",
    "a b",
    "a\"b",
    "a'b",
    "a`b",
    "a;b",
    "$(id)",
    "{{user}}",
    "a\nb",
    "a\0b",
    "../a",
    "äpfel",
    "\u{202e}a",
];

/// Parameters of instances and of bindings.
pub(crate) async fn refuses_what_does_not_fit(stage: &Stage) {
    let platform = &stage.broker.platform;
    let plan = &stage.offering.plans[0];
    for (parameters, path) in wrong(&plan.schemas.create) {
        let instance = Instance { id: "wrong", ..stage.instance };
        let reply = platform.provision_with(instance, &plan.name, parameters.clone()).await;
        is_refused(&reply, &parameters, &path);
        assert_eq!(platform.fetch(instance).await.status, 404, "{parameters}");
    }
    for (parameters, path) in wrong(&plan.schemas.bind) {
        let asked = json!({"parameters": parameters});
        let reply = platform.bind_with(stage.instance, "wrong", asked).await;
        is_refused(&reply, &parameters, &path);
        assert_eq!(platform.fetch_binding(stage.instance, "wrong").await.status, 404);
    }
}

fn is_refused(reply: &Reply, parameters: &Value, path: &str) {
    assert_eq!(reply.status, 400, "{parameters}: {reply:?}");
    let told = reply.body["description"].as_str().unwrap();
    assert!(told.contains(&format!("{path}: ")), "{parameters} is told only: {told}");
}

/// Parameters with one thing wrong in them, and where that is.
fn wrong(schema: &Schema) -> Vec<(Value, String)> {
    let properties = schema.document()["properties"].as_object().unwrap();
    let each = properties.iter().flat_map(|(name, property)| {
        let values = values(property).into_iter();
        values.map(move |value| (json!({ name: value }), format!("/{name}")))
    });
    each.chain([(json!({"no such thing": 1}), "parameters".to_owned())]).collect()
}

/// What a property may not be.
fn values(property: &Value) -> Vec<Value> {
    let other_types = [json!({}), json!([]), json!(null)].into_iter();
    let own = match property["type"].as_str().unwrap() {
        "boolean" => vec![json!("yes"), json!(1)],
        "integer" => {
            let bound = |key: &str| property[key].as_i64().expect("numbers have bounds");
            vec![json!(bound("minimum") - 1), json!(bound("maximum") + 1), json!(1.5), json!("1")]
        }
        "string" => {
            let long = "x".repeat(1_000);
            HOSTILE.iter().map(|text| json!(text)).chain([json!(long), json!(1)]).collect()
        }
        other => panic!("no wrong {other} is known"),
    };
    other_types.chain(own).collect()
}
