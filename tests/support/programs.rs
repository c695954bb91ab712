//! Clients in other languages, with the packages that they need.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use tokio::io::AsyncWriteExt as _;
use tokio::process::Command;
use tokio::sync::Mutex;

/// How long packages may take to arrive over a slow line.
const INSTALL: Duration = Duration::from_mins(3);

/// The languages that are ready. One at a time is made so, and once: what is copied may run already.
static READY: Mutex<BTreeSet<String>> = Mutex::const_new(BTreeSet::new());

/// Where a language's clients are.
pub(crate) fn folder(language: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/clients").join(language)
}

/// Python's, in an environment of their own.
pub(crate) async fn python() -> PathBuf {
    installed(
        "python",
        "requirements.txt",
        &[
            &["python3", "-m", "venv", "--clear", "venv"],
            &["venv/bin/pip", "install", "--quiet", "--requirement", "requirements.txt"],
        ],
    )
    .await
}

/// A copy of a language's folder with the packages that its `manifest` names, which are fetched
/// when the manifest is another than last time.
pub(crate) async fn installed(language: &str, manifest: &str, commands: &[&[&str]]) -> PathBuf {
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).join("clients").join(language);
    let mut ready = READY.lock().await;
    if ready.contains(language) {
        return target;
    }
    fs::create_dir_all(&target).unwrap();
    copy(&folder(language), &target);
    let wanted = fs::read(target.join(manifest)).unwrap();
    let done = target.join("installed");
    if !fs::read(&done).is_ok_and(|installed| installed == wanted) {
        for command in commands {
            run(&target, command, "", INSTALL).await;
        }
        fs::write(done, wanted).unwrap();
    }
    ready.insert(language.to_owned());
    target
}

/// Runs a program that must succeed.
pub(crate) async fn run(folder: &Path, command: &[&str], input: &str, limit: Duration) {
    let (program, arguments) = command.split_first().unwrap();
    let child = Command::new(program)
        .args(arguments)
        .current_dir(folder)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn();
    let mut child = child.unwrap_or_else(|error| {
        panic!(
            "{program} does not start ({error}); Debian's packages for all clients: redis-tools \
             postgresql-client python3-venv nodejs npm default-jdk-headless maven"
        )
    });
    let mut stdin = child.stdin.take().unwrap();
    // Whoever does not read it fails in other ways.
    let _ = stdin.write_all(input.as_bytes()).await;
    drop(stdin);
    let output = tokio::time::timeout(limit, child.wait_with_output()).await;
    let output = output.unwrap_or_else(|_| panic!("{command:?} takes over {limit:?}")).unwrap();
    let text = [output.stdout, output.stderr].concat();
    let text = String::from_utf8_lossy(&text);
    assert!(output.status.success(), "{command:?}: {}\n{text}", output.status);
}

/// Copies a folder's content into another that is there. A file that is the same there already stays
/// as it is: someone may be reading it.
pub(crate) fn copy(from: &Path, to: &Path) {
    for entry in fs::read_dir(from).unwrap().map(Result::unwrap) {
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            fs::create_dir_all(&target).unwrap();
            copy(&entry.path(), &target);
        } else if fs::read(&target).ok() != Some(fs::read(entry.path()).unwrap()) {
            fs::copy(entry.path(), target).unwrap();
        }
    }
}
