//! What the first start makes, and what every start refuses.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::time::{Duration, Instant};

use banquet::config::{Config, Environment, Flags, Settings, StartError, first_start};

fn start(data_dir: &Path, variables: &[(&str, &str)]) -> (Result<Settings, StartError>, String) {
    let data_dir = ("BANQUET_DATA_DIR", data_dir.to_str().unwrap());
    let environment: Environment = variables.iter().copied().chain([data_dir]).collect();
    let config = Config::load(&Flags::default(), &environment).unwrap();
    let mut told = Vec::new();
    let settings = first_start(config, &mut told);
    (settings, String::from_utf8(told).unwrap())
}

/// Starts again after another start was dropped. A test beside this one may be about to run the
/// binary: between fork and exec its child holds our lock too.
fn restart(data_dir: &Path, variables: &[(&str, &str)]) -> (Result<Settings, StartError>, String) {
    let end = Instant::now() + Duration::from_secs(5);
    loop {
        let (settings, told) = start(data_dir, variables);
        if !matches!(settings, Err(StartError::Locked { .. })) || Instant::now() > end {
            return (settings, told);
        }
        std::thread::sleep(Duration::from_millis(5));
    }
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o7777
}

#[test]
fn the_first_start_makes_what_is_missing_and_says_it_once() {
    let folder = tempfile::tempdir().unwrap();
    let data_dir = folder.path().join("a/b");
    let (settings, told) = start(&data_dir, &[]);
    let settings = settings.unwrap();
    assert_eq!(mode(&data_dir), 0o700);
    for name in ["master.key", "admin.token", "platform.password", "lock"] {
        assert_eq!(mode(&data_dir.join(name)), 0o600, "{name}");
    }
    let [platform] = settings.config.platforms.as_slice() else { panic!("one platform") };
    assert_eq!((platform.name.as_str(), platform.username.as_str()), ("default", "banquet"));
    let password = platform.password.expose().to_owned();
    assert!(
        told.contains(&format!("username banquet, password {password}; told this once; kept in"))
    );
    assert_eq!(told.lines().count(), 4, "{told}");
    assert!(!told.contains(settings.admin_token.expose()));
    let key = settings.seal.key_id().to_owned();
    drop(settings);

    let (settings, told) = restart(&data_dir, &[]);
    let settings = settings.unwrap();
    assert_eq!(told, "");
    assert_eq!(settings.config.platforms[0].password.expose(), password);
    assert_eq!(settings.seal.key_id(), key);
}

#[test]
fn what_is_set_is_not_made() {
    let folder = tempfile::tempdir().unwrap();
    let data_dir = folder.path().join("data");
    let variables = [("BANQUET_PASSWORD", "mine"), ("BANQUET_ADMIN_TOKEN", "0123456789abcdef")];
    let (settings, _) = start(&data_dir, &variables);
    let settings = settings.unwrap();
    assert_eq!(settings.config.platforms[0].password.expose(), "mine");
    assert_eq!(settings.admin_token.expose(), "0123456789abcdef");
    assert!(!data_dir.join("platform.password").exists() && !data_dir.join("admin.token").exists());
}

#[test]
fn one_data_folder_has_one_broker() {
    let folder = tempfile::tempdir().unwrap();
    let (first, _) = start(folder.path(), &[]);
    let first = first.unwrap();
    let (second, _) = start(folder.path(), &[]);
    let told = second.unwrap_err().to_string();
    let process = std::process::id();
    assert!(
        told.contains("another banquet runs on") && told.contains(&process.to_string()),
        "{told}"
    );
    assert!(told.contains("127.0.0.1:8080"), "{told}");
    drop(first);
    assert!(restart(folder.path(), &[]).0.is_ok());

    let postgres = [("BANQUET_DATABASE_URL", "postgres://u@127.0.0.1/d")];
    let (one, _) = start(folder.path(), &postgres);
    let (two, _) = start(folder.path(), &postgres);
    assert!(one.is_ok() && two.is_ok(), "a server's database may be shared");
}

#[test]
fn files_that_are_not_as_they_were_left() {
    let folder = tempfile::tempdir().unwrap();
    let data_dir = folder.path();
    drop(start(data_dir, &[]).0.unwrap());
    for name in ["master.key", "admin.token", "platform.password"] {
        let path = data_dir.join(name);
        let text = fs::read(&path).unwrap();
        fs::set_permissions(&path, Permissions::from_mode(0o640)).unwrap();
        let told = restart(data_dir, &[]).0.unwrap_err().to_string();
        assert!(told.contains(&format!("chmod 0600 {}", path.display())), "{told}");
        fs::set_permissions(&path, Permissions::from_mode(0o600)).unwrap();
        fs::write(&path, "\n").unwrap();
        let told = restart(data_dir, &[]).0.unwrap_err().to_string();
        assert!(told.contains(&format!("{} is empty", path.display())), "{told}");
        fs::write(&path, [0xff, 0xfe]).unwrap();
        let told = restart(data_dir, &[]).0.unwrap_err().to_string();
        assert!(told.contains(&format!("{} could not be read", path.display())), "{told}");
        fs::write(&path, text).unwrap();
        assert!(restart(data_dir, &[]).0.is_ok());
    }
}

#[test]
fn keys_are_checked_before_anything_is_sealed() {
    let folder = tempfile::tempdir().unwrap();
    let data_dir = folder.path();
    drop(start(data_dir, &[]).0.unwrap());
    let key = data_dir.join("master.key");
    let old = fs::read_to_string(&key).unwrap();
    fs::write(&key, "short").unwrap();
    let told = restart(data_dir, &[]).0.unwrap_err().to_string();
    assert!(told.contains("64 hexadecimal digits") && !told.contains("short"), "{told}");

    fs::remove_file(&key).unwrap();
    fs::write(data_dir.join("banquet.db"), "").unwrap();
    let told = restart(data_dir, &[]).0.unwrap_err().to_string();
    assert!(told.contains("bring the master key back"), "{told}");
    assert!(!key.exists(), "no new key beside an old database");

    let given = data_dir.join("given.keys");
    fs::write(&given, format!("{}\n{old}", "0f".repeat(32))).unwrap();
    let variables = [("BANQUET_MASTER_KEY_FILE", given.to_str().unwrap())];
    let settings = restart(data_dir, &variables).0.unwrap();
    assert!(settings.seal.seal("x", "p").starts_with(settings.seal.key_id()));
    assert!(!key.exists());
}

#[test]
fn folders_that_will_not_do() {
    let folder = tempfile::tempdir().unwrap();
    let open = folder.path().join("open");
    fs::create_dir(&open).unwrap();
    fs::set_permissions(&open, Permissions::from_mode(0o777)).unwrap();
    let told = restart(&open, &[]).0.unwrap_err().to_string();
    assert!(told.contains("chmod 0700"), "{told}");
    let file = folder.path().join("file");
    fs::write(&file, "").unwrap();
    let told = restart(&file, &[]).0.unwrap_err().to_string();
    assert!(told.contains("is not a folder"), "{told}");
}
