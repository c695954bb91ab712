//! Commands that need no broker, and how the others find theirs.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use serde_json::json;

use crate::broker::{Broker, banquet, line};

#[tokio::test]
async fn config_check_tells_all_mistakes_with_exit_code_2() {
    let folder = tempfile::tempdir().unwrap();
    let data_dir = folder.path().to_str().unwrap();
    let ran = banquet(&[], &["config", "check", "--data-dir", data_dir]).await;
    assert_eq!((ran.exit, ran.stdout.as_str()), (Some(0), "the settings are right\n"), "{ran:?}");
    let file = folder.path().join("banquet.toml");
    fs::write(&file, "workers = 0\nlog_format = 'xml'\n").unwrap();
    let ran = banquet(&[], &["config", "check", "--data-dir", data_dir]).await;
    assert_eq!((ran.exit, ran.stdout.as_str()), (Some(2), ""));
    let lines: Vec<&str> = ran.stderr.lines().collect();
    assert_eq!(lines.len(), 3, "{}", ran.stderr);
    for (line, key) in [("2", "log_format"), ("1", "workers")] {
        let start = format!("error: {}:{line}: {key}: ", file.display());
        assert!(lines.iter().any(|told| told.starts_with(&start)), "{}", ran.stderr);
    }
}

#[tokio::test]
async fn config_show_tells_sources_and_no_secrets() {
    let folder = tempfile::tempdir().unwrap();
    let data_dir = folder.path().to_str().unwrap();
    let environment = [("BANQUET_PASSWORD", "geheim"), ("BANQUET_DATA_DIR", data_dir)];
    let ran = banquet(&environment, &["config", "show"]).await;
    assert_eq!(ran.exit, Some(0), "{ran:?}");
    assert!(ran.stdout.contains("********  BANQUET_PASSWORD") || ran.stdout.contains("********"));
    let ran_json = banquet(&environment, &["config", "show", "--json", "--show-secrets"]).await;
    let settings = ran_json.json();
    let of =
        |key: &str| settings.as_array().unwrap().iter().find(|s| s["key"] == key).unwrap().clone();
    assert_eq!(
        of("password"),
        json!({"key": "password", "value": "********", "source": "BANQUET_PASSWORD"})
    );
    assert_eq!(of("catalog"), json!({"key": "catalog", "value": null, "source": "default"}));
    assert!(!ran.stdout.contains("geheim") && !ran_json.stdout.contains("geheim"));
    assert_eq!(fs::read_dir(data_dir).unwrap().count(), 0, "looking makes nothing");
}

#[tokio::test]
async fn the_token_of_this_machine_is_for_this_machine() {
    let folder = tempfile::tempdir().unwrap();
    let data_dir = folder.path().to_str().unwrap();
    let none: Vec<String> = Vec::new();
    let broker = Broker::start(vec![line("GET /admin/v1/instances", 200, &none)]).await;
    let listen = broker.url.trim_start_matches("http://").to_owned();
    let here = [("BANQUET_DATA_DIR", data_dir), ("BANQUET_LISTEN", listen.as_str())];

    let ran = banquet(&here, &["instance", "list"]).await;
    assert_eq!(ran.exit, Some(1), "{ran:?}");
    assert!(ran.stderr.contains("admin.token cannot be read"), "{}", ran.stderr);

    let token = folder.path().join("admin.token");
    fs::write(&token, "the-token-of-the-folder\n").unwrap();
    fs::set_permissions(&token, fs::Permissions::from_mode(0o600)).unwrap();
    assert_eq!(banquet(&here, &["instance", "list"]).await.exit, Some(0));
    assert_eq!(broker.asked()[0].authorization, "Bearer the-token-of-the-folder");

    let elsewhere = ["--url", "http://broker.example.org", "instance", "list"];
    let ran = banquet(&here, &elsewhere).await;
    assert_eq!(ran.exit, Some(2), "{ran:?}");
    assert!(ran.stderr.contains("BANQUET_TOKEN"), "{}", ran.stderr);

    let configured = [("BANQUET_ADMIN_TOKEN", "token-of-the-settings"), here[0], here[1]];
    assert_eq!(banquet(&configured, &["instance", "list"]).await.exit, Some(0));
    assert_eq!(broker.asked()[1].authorization, "Bearer token-of-the-settings");
}

#[tokio::test]
async fn an_address_that_is_none() {
    for url in ["ftp://x", "127.0.0.1:8080", "x", "http://"] {
        let ran = banquet(&[("BANQUET_TOKEN", "t")], &["--url", url, "status"]).await;
        assert_eq!(ran.exit, Some(2), "{url}: {ran:?}");
    }
}

#[tokio::test]
async fn help_and_completions() {
    for arguments in [&["--help"][..], &["instance", "create", "--help"], &["--version"]] {
        let ran = banquet(&[], arguments).await;
        assert_eq!((ran.exit, ran.stderr.as_str()), (Some(0), ""), "{arguments:?}");
    }
    let ran = banquet(&[], &["--help"]).await;
    assert!(ran.stdout.contains("7  the operation failed"), "{}", ran.stdout);
    for shell in ["bash", "zsh", "fish"] {
        let ran = banquet(&[], &["completions", shell]).await;
        assert!(ran.exit == Some(0) && ran.stdout.contains("banquet"), "{shell}");
    }
}

#[tokio::test]
async fn a_catalog_is_checked_without_a_broker() {
    let shipped = banquet(&[], &["catalog", "validate"]).await;
    assert_eq!(shipped.exit, Some(0), "{shipped:?}");
    let folder = tempfile::tempdir().unwrap();
    let offering = folder.path().join("redis");
    fs::create_dir(&offering).unwrap();
    fs::write(offering.join("offering.yaml"), "name: redis\nengine: rdis\n").unwrap();
    let path = folder.path().to_str().unwrap();
    let ran = banquet(&[], &["catalog", "validate", path]).await;
    assert_eq!(ran.exit, Some(1), "{ran:?}");
    let start = format!("{path}/redis/");
    assert!(ran.stdout.lines().all(|line| line.starts_with(&start)), "{}", ran.stdout);
    assert!(ran.stderr.starts_with("error: the catalog has"), "{}", ran.stderr);
    let mistakes = banquet(&[], &["catalog", "validate", path, "--json"]).await.json();
    let engine = mistakes["mistakes"].as_array().unwrap().iter().find(|m| m["line"] == 2).unwrap();
    assert_eq!(engine["file"], "redis/offering.yaml", "{mistakes}");

    let nowhere = banquet(&[], &["catalog", "validate", "/nowhere"]).await;
    assert!(nowhere.exit == Some(1) && nowhere.stdout.starts_with("/nowhere: "), "{nowhere:?}");
}

#[tokio::test]
async fn ids_are_locked_once() {
    let folder = tempfile::tempdir().unwrap();
    let offering = folder.path().join("redis");
    fs::create_dir(&offering).unwrap();
    let shipped = concat!(env!("CARGO_MANIFEST_DIR"), "/catalog/redis/offering.yaml");
    fs::copy(shipped, offering.join("offering.yaml")).unwrap();
    let lock = ["catalog", "lock", folder.path().to_str().unwrap(), "--json"];
    assert_eq!(banquet(&[], &lock).await.json()["changed"], json!(true));
    let written = fs::read_to_string(folder.path().join("catalog.lock")).unwrap();
    assert_eq!(banquet(&[], &lock).await.json()["changed"], json!(false));
    assert_eq!(fs::read_to_string(folder.path().join("catalog.lock")).unwrap(), written);
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 2, "nothing is left beside it");
    assert_eq!(banquet(&[], &["catalog", "lock"]).await.exit, Some(2), "the program's own");
}

#[tokio::test]
async fn images_are_looked_for_on_the_engine() {
    let ran = banquet(&[], &["images", "list", "--json"]).await;
    assert_eq!(ran.exit, Some(0), "{ran:?}");
    let rows = ran.json();
    let offerings: Vec<&str> =
        rows.as_array().unwrap().iter().map(|row| row["offering"].as_str().unwrap()).collect();
    let wanted =
        ["etcd", "kafka", "mariadb", "mosquitto", "postgresql", "rabbitmq", "redis", "valkey"];
    assert_eq!(offerings, wanted);
    assert_eq!(rows[6]["image"], "docker.io/library/redis:8.0");
    for row in rows.as_array().unwrap() {
        assert_eq!(row["id"].is_null(), row["presence"] == "missing", "{row}");
    }
    let only = banquet(&[], &["images", "list", "redis", "--json"]).await.json();
    assert_eq!(only.as_array().unwrap().len(), 1);
    assert_eq!(banquet(&[], &["images", "build", "nothing"]).await.exit, Some(4));

    let away = banquet(&[("DOCKER_HOST", "unix:///nowhere.sock")], &["images", "list"]).await;
    assert_eq!((away.exit, away.stdout.as_str()), (Some(3), ""), "{away:?}");
}
