//! Secrets are where they belong and nowhere else.

use axum::http::Method;
use serde_json::Value;

use crate::harness::*;

#[test]
fn passwords_are_in_no_file_of_the_database() {
    let mut broker = Broker::waiting();
    let path = broker.provisioned("one");
    let bound = broker.put(&format!("{path}/service_bindings/b"), &bind()).is(201).body;
    let password = bound["credentials"]["password"].as_str().unwrap().to_owned();
    let admin = broker.row("one").unwrap().workload.admin.password.clone();
    broker.stop();
    let mut files = 0;
    for file in std::fs::read_dir(broker.folder.path()).unwrap() {
        // The last connection takes the write-ahead log with it, maybe just now.
        let Ok(bytes) = std::fs::read(file.unwrap().path()) else { continue };
        files += 1;
        for secret in [password.as_str(), admin.expose()] {
            let found = bytes.windows(secret.len()).any(|window| window == secret.as_bytes());
            assert!(!found, "a password lies in the database in the clear");
        }
    }
    assert!(files > 0);
}

#[test]
fn only_a_binding_asked_for_by_itself_shows_its_credentials() {
    let broker = Broker::waiting();
    let path = broker.provisioned("one");
    let bound = broker.put(&format!("{path}/service_bindings/b"), &bind()).is(201).body;
    let password = bound["credentials"]["password"].as_str().unwrap();
    let admin = broker.row("one").unwrap().workload.admin.password.clone();
    for path in ["/instances", "/instances/one", "/instances/one/bindings", "/status", "/catalog"] {
        let text = broker.administer(Method::GET, path, &Value::Null).is(200).body.to_string();
        assert!(!text.contains(password) && !text.contains(admin.expose()), "{path}");
    }
    for path in [path.clone(), format!("{path}/last_operation")] {
        let text = broker.get(&path).body.to_string();
        assert!(!text.contains(password) && !text.contains(admin.expose()), "{path}");
    }
    let one = broker.administer(Method::GET, "/instances/one/bindings/b", &Value::Null).is(200);
    assert_eq!(one.body["credentials"]["password"], password);
    let debugged = format!("{:?}", broker.row("one").unwrap());
    assert!(!debugged.contains(admin.expose()), "Debug shows no secret");
}
