//! Containers as a backend would run them: hardened, their files in a volume, published on this
//! host only, and removed when the test ends, however it ends.

use std::net::TcpListener;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use banquet::engine::{Engine, Grant, Target};
use banquet::model::FaultKind;

/// The images under test.
pub(crate) const REDIS: &str = "banquet-local/redis:8.0";
pub(crate) const KAFKA: &str = "banquet-local/kafka:4.4";
pub(crate) const MARIADB: &str = "banquet-local/mariadb:11.8";
pub(crate) const NATS: &str = "banquet-local/nats:2.10-alpine";
pub(crate) const POSTGRES: &str = "banquet-local/postgresql:17";
pub(crate) const RABBITMQ: &str = "banquet-local/rabbitmq:4.0-management";
pub(crate) const VALKEY: &str = "banquet-local/valkey:8.1";

const LABEL: &str = "banquet.test=engine";

/// A server and what was made for it.
pub(crate) struct Live {
    pub(crate) target: Target,
    pub(crate) container: Container,
}

/// A container with the volumes that it owns.
pub(crate) struct Container {
    name: String,
    volumes: Vec<String>,
}

/// A file before the first start.
pub(crate) struct File {
    pub(crate) volume: &'static str,
    pub(crate) name: &'static str,
    pub(crate) content: String,
}

/// What differs between the servers.
pub(crate) struct Plan<'a> {
    pub(crate) image: &'a str,
    pub(crate) host_port: u16,
    pub(crate) port: u16,
    /// Volume → path.
    pub(crate) mounts: &'a [(&'static str, &'a str)],
    pub(crate) files: Vec<File>,
    /// More options of `docker create`.
    pub(crate) options: &'a [&'a str],
    pub(crate) command: &'a [&'a str],
}

impl Container {
    /// Makes it without starting it.
    pub(crate) fn create(plan: &Plan<'_>) -> Self {
        let name = format!("banquet-test-engine-{}", plan.host_port);
        let mut container = Self { name, volumes: Vec::new() };
        let publish = format!("127.0.0.1:{}:{}", plan.host_port, plan.port);
        let mut arguments = vec!["create", "--name", &container.name, "--label", LABEL];
        arguments.extend(["--publish", &publish, "--user", "999:999", "--cap-drop", "ALL"]);
        arguments.extend(["--read-only", "--security-opt", "no-new-privileges"]);
        arguments.extend(["--memory", "256m", "--memory-swap", "256m", "--pids-limit", "100"]);
        let mut volumes = Vec::new();
        let mut mounts = Vec::new();
        for (volume, path) in plan.mounts {
            let volume = format!("{}-{volume}", container.name);
            docker(&["volume", "create", "--label", LABEL, &volume]);
            mounts.push(format!("{volume}:{path}"));
            volumes.push(volume);
        }
        arguments.extend(mounts.iter().flat_map(|mount| ["--volume", mount]));
        arguments.extend(plan.options);
        arguments.push(plan.image);
        arguments.extend(plan.command);
        docker(&arguments);
        container.volumes = volumes;
        for file in &plan.files {
            let path = plan.mounts.iter().find(|(volume, _)| *volume == file.volume);
            container.write(path.expect("a mounted volume").1, file);
        }
        container
    }

    /// Runs an image as somebody would who knows nothing of hardening.
    pub(crate) fn run(image: &str, options: &[&str], command: &[&str]) -> Self {
        let name = format!("banquet-test-engine-{}-plain", free_port());
        let container = Self { name, volumes: Vec::new() };
        let start = ["run", "--detach", "--name", &container.name, "--label", LABEL];
        docker(&[start.as_slice(), options, &[image], command].concat());
        container
    }

    /// Writes a file as the engine's archive call does, owned by the server's user.
    pub(crate) fn write(&self, path: &str, file: &File) {
        let mut archive = tar::Builder::new(Vec::new());
        let mut append = |path: &Path, kind, mode, content: &str| {
            let mut header = tar::Header::new_gnu();
            header.set_entry_type(kind);
            header.set_size(content.len() as u64);
            header.set_mode(mode);
            header.set_uid(999);
            header.set_gid(999);
            archive.append_data(&mut header, path, content.as_bytes()).expect("an archive");
        };
        let name = Path::new(file.name);
        let folders: Vec<&Path> = name.ancestors().skip(1).collect();
        for folder in folders.iter().rev().filter(|folder| !folder.as_os_str().is_empty()) {
            append(folder, tar::EntryType::Directory, 0o755, "");
        }
        append(name, tar::EntryType::Regular, 0o600, &file.content);
        let archive = archive.into_inner().expect("an archive in memory");
        let mut copy = Command::new("docker")
            .args(["cp", "-", &format!("{}:{path}", self.name)])
            .stdin(Stdio::piped())
            .spawn()
            .expect("docker starts");
        let mut stdin = copy.stdin.take().expect("a pipe");
        std::io::Write::write_all(&mut stdin, &archive).expect("docker reads the archive");
        drop(stdin);
        assert!(copy.wait().expect("docker ends").success());
    }

    pub(crate) fn start(&self) {
        docker(&["start", &self.name]);
    }

    pub(crate) fn stop(&self) {
        docker(&["stop", &self.name]);
    }

    pub(crate) fn kill(&self) {
        docker(&["kill", &self.name]);
    }

    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// What a command of the server's user prints inside.
    pub(crate) fn exec(&self, command: &[&str]) -> String {
        docker(&[&["exec", "--user", "999", &self.name], command].concat())
    }

    /// Everything that it printed.
    pub(crate) fn logs(&self) -> String {
        let output = run(&["logs", &self.name]);
        String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned()
    }

    /// A field of `docker inspect`.
    pub(crate) fn inspect(&self, format: &str) -> String {
        docker(&["inspect", "--format", format, &self.name])
    }
}

impl Drop for Container {
    fn drop(&mut self) {
        run(&["rm", "--force", "--volumes", &self.name]);
        for volume in &self.volumes {
            run(&["volume", "rm", "--force", volume]);
        }
    }
}

impl Live {
    /// Waits until the engine says that the server is ready; until then it must say "not yet".
    pub(crate) async fn until_ready(&self, engine: &dyn Engine) {
        let begin = Instant::now();
        while let Err(fault) = engine.ready(&self.target).await {
            assert_eq!(fault.kind, FaultKind::Retry, "{}", fault.chain());
            assert!(
                begin.elapsed() < Duration::from_mins(1),
                "{}: {}",
                fault.chain(),
                self.container.logs()
            );
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }
}

/// A user with a password of its own.
pub(crate) fn grant(user: &str, parameters: serde_json::Value) -> Grant {
    let serde_json::Value::Object(parameters) = parameters else { panic!("not an object") };
    Grant {
        user: user.to_owned(),
        password: banquet::secret::Secret::generate(),
        parameters,
        expires_at: None,
    }
}

/// A port of 18500–18599 that nobody listens on. Where to begin differs by process, so that two runs
/// on one machine seldom want the same.
pub(crate) fn free_port() -> u16 {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let begin = std::process::id().wrapping_mul(37);
    (0..100)
        .map(|_| begin.wrapping_add(NEXT.fetch_add(1, Ordering::Relaxed)) % 100)
        .map(|offset| 18500 + u16::try_from(offset).expect("below 100"))
        .find(|port| TcpListener::bind(("127.0.0.1", *port)).is_ok())
        .expect("a free port between 18500 and 18599")
}

/// Runs a client program; what it printed, if it liked what it saw.
pub(crate) fn client(
    program: &str,
    arguments: &[&str],
    secret: (&str, &str),
) -> Result<String, String> {
    let output = Command::new(program)
        .args(arguments)
        .env(secret.0, secret.1)
        .output()
        .unwrap_or_else(|error| panic!("{program} is not installed: {error}"));
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim().to_owned();
    if output.status.success() { Ok(text(&output.stdout)) } else { Err(text(&output.stderr)) }
}

fn run(arguments: &[&str]) -> Output {
    Command::new("docker").args(arguments).output().expect("docker starts")
}

/// Runs the Docker client; what it printed.
pub(crate) fn docker(arguments: &[&str]) -> String {
    let output = run(arguments);
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "docker {arguments:?}: {error}");
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}
