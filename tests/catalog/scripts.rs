//! Offerings whose engine is scripts of their own.

use banquet::catalog::Catalog;
use banquet::model::scripts::Purpose;

use crate::{ENGINES, echo, object, shipped, told, workload};

const NEEDED: &str = "scripts:
  ready: { role: server, command: [echo-ctl, ready] }
  grant: { role: server, command: [echo-ctl, grant] }
  revoke: { role: server, command: [echo-ctl, revoke] }
volumes:";

/// The fixture with these scripts and this engine: nothing where it can be loaded.
fn mistakes(engine: &str, scripts: &str) -> String {
    let engine = format!("engine: {engine}");
    let changes = [
        ("offering.yaml", "engine: redis", engine.as_str()),
        ("workload.yaml.hbs", "volumes:", scripts),
    ];
    Catalog::load(echo(&changes), &ENGINES).err().map(|m| told(&m)).unwrap_or_default()
}

#[test]
fn what_an_engine_of_scripts_lacks_is_told() {
    assert_eq!(mistakes("scripted", NEEDED), "");
    for (old, new, wanted) in [
        ("revoke:", "bootstrap:", "`engine: scripted` needs `scripts.revoke`"),
        ("revoke:", "remove:", "unknown variant `remove`"),
        ("role: server", "role: sever", "`scripts.ready`: no container has the role `sever`"),
        ("[echo-ctl, grant]", "[]", "`scripts.grant`: `command` is empty"),
        ("ctl, ready", "ctl, \"{{admin.password}}\"", "`scripts.ready`: the password is in"),
    ] {
        let told = mistakes("scripted", &NEEDED.replacen(old, new, 1));
        assert!(told.contains(wanted), "{new} is told only: {told}");
    }
    let told = mistakes("redis", NEEDED);
    assert!(told.contains("`scripts` are for `engine: scripted` alone"), "{told}");
}

#[test]
fn scripts_are_kept_with_the_instance() {
    let catalog = shipped();
    let offering = catalog.offering_named("mosquitto").unwrap();
    let parameters = object(serde_json::json!({}));
    let workload = workload(offering, &offering.plans[0], &parameters).unwrap();
    let text = serde_json::to_string(&workload).unwrap();
    let kept: banquet::model::Workload = serde_json::from_str(&text).unwrap();
    assert_eq!(kept.scripts[&Purpose::Grant].command, ["dynsec", "grant"]);
}
