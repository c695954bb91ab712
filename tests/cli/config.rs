//! Where settings come from, which wins, and every mistake.

use std::fs;
use std::path::Path;
use std::time::Duration;

use banquet::config::{Config, Environment, Flags, ImagesBuild, LogFormat};

/// With a data folder that has this `banquet.toml` in it, and these variables.
fn load(file: &str, variables: &[(&str, &str)]) -> Result<Config, Vec<String>> {
    let folder = tempfile::tempdir().unwrap();
    load_in(folder.path(), file, variables, Vec::new())
}

fn load_in(
    folder: &Path,
    file: &str,
    variables: &[(&str, &str)],
    values: Vec<(&'static str, String, &'static str)>,
) -> Result<Config, Vec<String>> {
    fs::write(folder.join("banquet.toml"), file).unwrap();
    let data_dir = ("BANQUET_DATA_DIR", folder.to_str().unwrap());
    let environment: Environment = variables.iter().copied().chain([data_dir]).collect();
    let path = format!("{}/", folder.display());
    Config::load(&Flags { config: None, values }, &environment)
        .map_err(|mistakes| mistakes.iter().map(|m| m.to_string().replace(&path, "")).collect())
}

#[test]
fn defaults() {
    let environment: Environment = [("HOME", "/home/ada")].into_iter().collect();
    let config = Config::load(&Flags::default(), &environment).unwrap();
    assert_eq!(config.data_dir, Path::new("/home/ada/.local/share/banquet"));
    assert_eq!(config.listen.to_string(), "127.0.0.1:8080");
    assert_eq!(config.local_url(), "http://127.0.0.1:8080");
    assert_eq!(config.database_url.expose(), "sqlite:///home/ada/.local/share/banquet/banquet.db");
    assert!(config.is_sqlite() && config.platforms.is_empty() && config.admin_token.is_none());
    assert_eq!(
        (config.advertise_host.as_str(), config.publish_address.to_string().as_str()),
        ("127.0.0.1", "127.0.0.1")
    );
    assert_eq!(config.ports, 20_000..=24_999);
    assert_eq!((config.subnets.to_string().as_str(), config.subnet_prefix), ("10.213.0.0/16", 26));
    assert_eq!(config.inline_wait, Duration::from_secs(5));
    assert_eq!(config.retention, Duration::from_hours(72));
    assert_eq!((config.images_pull, config.images_build), (true, ImagesBuild::Auto));
    assert_eq!((config.log_format, config.log.as_str()), (LogFormat::Text, "info"));
    assert_eq!((config.workers, config.docker_host), (8, None));

    let mut root = environment;
    root.is_root = true;
    let config = Config::load(&Flags::default(), &root).unwrap();
    assert_eq!(config.data_dir, Path::new("/var/lib/banquet"));
}

#[test]
fn flags_win_over_variables_and_those_over_the_file() {
    let folder = tempfile::tempdir().unwrap();
    let file = "log = 'warn'\nports = '21000-21999'\nlisten = '127.0.0.1:1'\nworkers = 3\n";
    let variables = [("BANQUET_PORTS", "22000-22999"), ("BANQUET_LISTEN", "127.0.0.1:2")];
    let flags = vec![("listen", "127.0.0.1:3".to_owned(), "--listen")];
    let config = load_in(folder.path(), file, &variables, flags).unwrap();
    assert_eq!((config.log.as_str(), config.workers), ("warn", 3));
    assert_eq!(config.ports, 22_000..=22_999);
    assert_eq!(config.listen.port(), 3);
    let source = |key: &str| {
        let setting = config.effective().iter().find(|setting| setting.key == key).unwrap();
        setting.source.replace(&format!("{}/", folder.path().display()), "")
    };
    assert_eq!(source("listen"), "--listen");
    assert_eq!(source("ports"), "BANQUET_PORTS");
    assert_eq!(source("workers"), "banquet.toml:4");
    assert_eq!(source("retention"), "default");
    assert_eq!(source("data_dir"), "BANQUET_DATA_DIR");
}

#[test]
fn every_setting_is_shown_once_and_no_secret() {
    let variables = [
        ("BANQUET_PASSWORD", "geheim-1"),
        ("BANQUET_ADMIN_TOKEN", "geheim-2-geheim-2"),
        ("BANQUET_DATABASE_URL", "postgres://u:geheim-3@h/d?password=geheim-4"),
        ("BANQUET_PLATFORMS", r#"[{"name": "cf", "username": "cf", "password": "geheim-5"}]"#),
    ];
    let config = load("", &variables).unwrap();
    let keys: Vec<&str> = config.effective().iter().map(|setting| setting.key).collect();
    let all: Vec<&str> = banquet::config::keys::KEYS.iter().map(|key| key.name).collect();
    assert_eq!(keys, all);
    let shown = format!("{:?} {config:?}", config.effective());
    assert!(!shown.contains("geheim"), "{shown}");
    assert!(shown.contains("postgres://u:********@h/d?********"), "{shown}");
    assert_eq!(config.platforms.len(), 2);
    assert_eq!(config.platforms[1].password.expose(), "geheim-5");
}

#[test]
fn all_mistakes_are_told_at_once() {
    let file = "\
lisen = 'x'
ports = '20000-40000'
workers = '8'
images_pull = 'yes'
inline_wait = '5'
log = ''
subnets = '10.213.0.1/16'

[[platforms]]
name = 'CF'
usrname = 'x'
password = 'geheim'
";
    let variables = [
        ("BANQUET_PUBLISH_ADRESS", "0.0.0.0"),
        ("BANQUET_RETENTION", "24h"),
        ("BANQUET_ADMIN_TOKEN", "geheim"),
        ("BANQUET_IMAGES_BUILD", "maybe"),
        ("BANQUET_DATABASE_URL", "mysql://u:geheim@h/d"),
        ("BANQUET_MASTER_KEY_FILE", "/nowhere/key"),
        ("BANQUET_CATALOG", "/nowhere"),
        ("DOCKER_HOST", "ssh://host"),
    ];
    let mistakes = load(file, &variables).unwrap_err();
    insta::assert_snapshot!(mistakes.join("\n"), @"
    BANQUET_PUBLISH_ADRESS: there is no such variable; did you mean `BANQUET_PUBLISH_ADDRESS`?
    BANQUET_CATALOG: catalog: there is not a folder at /nowhere
    BANQUET_DATABASE_URL: database_url: is not the address of a database: write `sqlite:///absolute/path/banquet.db` or `postgres://user:password@host/database`
    DOCKER_HOST: docker_host: `ssh://host` is not the address of a container engine: write `unix:///var/run/docker.sock` or `tcp://host:2375`
    BANQUET_IMAGES_BUILD: images_build: `maybe` is not one of `auto`, `never`
    BANQUET_RETENTION: retention: `24h` is too short: platforms may ask about an operation for `72h`
    BANQUET_MASTER_KEY_FILE: master_key_file: there is not a file at /nowhere/key
    BANQUET_ADMIN_TOKEN: admin_token: is not at least 16 visible ASCII characters: make one with `openssl rand -hex 32`, or leave it unset
    banquet.toml:1: lisen: there is no such setting; did you mean `listen`?
    banquet.toml:2: ports: `20000-40000` leaves 1024-32767: below are the system's ports, above those that the kernel lends to clients
    banquet.toml:3: workers: must be a whole number without quotes
    banquet.toml:4: images_pull: must be true or false without quotes
    banquet.toml:5: inline_wait: `5` is not a duration: write a whole number and ms, s, m, h or d, like `5s`
    banquet.toml:6: log: must not be empty: leave the line out instead
    banquet.toml:7: subnets: `10.213.0.1/16` has bits set after its prefix: write `10.213.0.0/16`
    banquet.toml:9: platforms.username: is missing from this platform
    banquet.toml:10: platforms.name: `CF` is not a platform's name: write 1 to 63 of a-z, 0-9, `-` and `_`
    banquet.toml:11: platforms.usrname: there is no such field; did you mean `username`?
    ");
    assert!(!mistakes.join("\n").contains("geheim"));
}

#[test]
fn one_mistake_each() {
    for (file, told) in [
        ("listen = 8080", "banquet.toml:1: listen: must be a string in quotes"),
        ("\n\nlisten = '8080'", "banquet.toml:3: listen: `8080` is not an address with a port"),
        ("a = ", "banquet.toml:1: this is not TOML"),
        ("workers = 1\nworkers = 2", "banquet.toml:2: this is not TOML: duplicate key"),
        ("advertise_host = 'http://x'", "advertise_host: `http://x` is not a host name"),
        ("subnets = '10.0.0.0/28'", "banquet.toml:1: subnets: networks of prefix 26 do not fit"),
        ("subnet_prefix = 12", "banquet.toml:1: subnet_prefix: networks of prefix 12 do not fit"),
        ("workers = 65", "workers: `65` is not a whole number from 1 to 64"),
        ("log = 'a=b=c'", "log: `a=b=c` is not a log filter"),
        ("username = 'a:b'\npassword = 'x'", "username: is not a username"),
        ("password = ''", "password: must not be empty"),
        ("password_file = '/nowhere'", "password_file: /nowhere cannot be read: No such file"),
        ("platforms = 3", "banquet.toml:1: platforms: must be tables: [[platforms]]"),
        ("data_dir = '/x'", "data_dir: cannot be set in a file that was found inside"),
        (
            "username = 'x'\n[[platforms]]\nname = 'a'\nusername = 'a'\npassword = 'x'",
            "banquet.toml:1: username: is set without `password`, beside `platforms`",
        ),
        (
            "password = 'x'\n[[platforms]]\nname = 'default'\nusername = 'banquet'\npassword = 'y'",
            "banquet.toml:2: platforms.name: `default` is the name of two platforms",
        ),
        (
            "[[platforms]]\nname = 'a'\nusername = 'a'",
            "banquet.toml:1: platforms.password: is missing from this platform",
        ),
        (
            "[[platforms]]\nname = 'a'\nusername = 'a'\npassword = 'x'\npassword_file = 'y'",
            "banquet.toml:5: platforms.password_file: is set beside `password`",
        ),
        (
            "[platforms.a]\nusername = 'a'",
            "banquet.toml:1: platforms: must be tables: [[platforms]]",
        ),
    ] {
        let mistakes = load(file, &[]).unwrap_err();
        assert!(mistakes.iter().any(|m| m.contains(told)), "{file}: {mistakes:?}");
    }
}

#[test]
fn mistakes_of_variables() {
    for (name, value, told) in [
        (
            "BANQUET_LISTN",
            "x",
            "BANQUET_LISTN: there is no such variable; did you mean `BANQUET_LISTEN`?",
        ),
        ("BANQUET_FROBNICATE_ALL", "x", "BANQUET_FROBNICATE_ALL: there is no such variable"),
        (
            "BANQUET_PORT",
            "8080",
            "BANQUET_PORT: there is no such variable; did you mean `BANQUET_PORTS`?",
        ),
        ("BANQUET_PLATFORMS", "[{", "BANQUET_PLATFORMS: platforms: is not a JSON array"),
        (
            "BANQUET_PLATFORMS",
            r#"[{"name": "a"}]"#,
            "BANQUET_PLATFORMS: platforms.password: is missing",
        ),
        ("BANQUET_CONFIG", "/nowhere.toml", "/nowhere.toml:0: the settings file cannot be read"),
        (
            "BANQUET_DOCKER_HOST",
            "docker",
            "BANQUET_DOCKER_HOST: docker_host: `docker` is not the address",
        ),
    ] {
        let mistakes = load("", &[(name, value)]).unwrap_err();
        assert!(mistakes.iter().any(|m| m.starts_with(told)), "{name}: {mistakes:?}");
    }
}

#[test]
fn variables_that_do_not_count() {
    let kubernetes = [
        ("BANQUET_SERVICE_HOST", "10.0.0.1"),
        ("BANQUET_PORT", "tcp://10.0.0.1:8080"),
        ("BANQUET_PORT_8080_TCP_ADDR", "10.0.0.1"),
        ("BANQUET_URL", "http://x"),
        ("BANQUET_TOKEN", "x"),
        ("BANQUET_WORKERS", ""),
        ("BANQUET_CONFIG", ""),
    ];
    assert_eq!(load("", &kubernetes).unwrap().workers, 8);
}

#[test]
fn secrets_come_from_files_too() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("pw"), "from a file\n").unwrap();
    fs::write(folder.path().join("empty"), "\n").unwrap();
    let file =
        "password_file = 'pw'\n[[platforms]]\nname = 'cf'\nusername = 'cf'\npassword_file = 'pw'\n";
    let config = load_in(folder.path(), file, &[], Vec::new()).unwrap();
    let passwords: Vec<&str> = config.platforms.iter().map(|p| p.password.expose()).collect();
    assert_eq!(passwords, ["from a file", "from a file"]);

    // A variable wins over the file's twin; two in one place are a mistake.
    let config =
        load_in(folder.path(), "password_file = 'pw'", &[("BANQUET_PASSWORD", "v")], vec![]);
    assert_eq!(config.unwrap().platforms[0].password.expose(), "v");
    let path = folder.path().join("empty");
    let empty = [("BANQUET_PASSWORD_FILE", path.to_str().unwrap())];
    let mistakes = load_in(folder.path(), "", &empty, vec![]).unwrap_err();
    assert_eq!(
        mistakes,
        ["BANQUET_PASSWORD_FILE: password_file: empty is empty: write the secret into it"]
    );
    let both = load_in(folder.path(), "password = 'a'\npassword_file = 'pw'", &[], vec![]);
    assert_eq!(
        both.unwrap_err(),
        ["banquet.toml:2: password_file: is set beside `password`: set one of them"]
    );
}

#[test]
fn paths_of_the_file_are_relative_to_it() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("my.toml");
    fs::create_dir(folder.path().join("offerings")).unwrap();
    fs::write(&file, "data_dir = 'data'\ncatalog = 'offerings'\n").unwrap();
    let flags = Flags { config: Some(file), values: Vec::new() };
    let config = Config::load(&flags, &Environment::default()).unwrap();
    assert_eq!(config.data_dir, folder.path().join("data"));
    assert_eq!(config.catalog, Some(folder.path().join("offerings")));
}

#[test]
fn what_follows_from_other_settings() {
    let config = load("advertise_host = 'db.example.org'", &[]).unwrap();
    assert_eq!(config.publish_address.to_string(), "0.0.0.0");
    let config = load("advertise_host = 'localhost'\nlisten = '0.0.0.0:9'", &[]).unwrap();
    assert_eq!(config.publish_address.to_string(), "127.0.0.1");
    assert_eq!(config.local_url(), "http://127.0.0.1:9");
    assert_eq!(load("listen = '[::]:9'", &[]).unwrap().local_url(), "http://[::1]:9");
    let config = load("", &[("DOCKER_HOST", "unix:///run/d.sock")]).unwrap();
    assert_eq!(config.docker_host.as_deref(), Some("unix:///run/d.sock"));
    let config = load("docker_host = 'tcp://a:1'", &[("DOCKER_HOST", "unix:///run/d.sock")]);
    assert_eq!(config.unwrap().docker_host.as_deref(), Some("tcp://a:1"));
}

#[test]
fn the_database_of_a_folder_with_an_odd_name() {
    let folder = tempfile::tempdir().unwrap();
    let odd = folder.path().join("a b%20?#");
    let environment: Environment =
        [("BANQUET_DATA_DIR", odd.to_str().unwrap())].into_iter().collect();
    let config = Config::load(&Flags::default(), &environment).unwrap();
    let path = config.database_url.expose().strip_prefix("sqlite://").unwrap();
    assert!(path.ends_with("/a%20b%2520%3F%23/banquet.db"), "{path}");
}
