//! The real binary as a process, on a data folder, ports and networks of its own.

use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Output, Stdio};
use std::time::{Duration, Instant};

use banquet::id::InstanceKey;
use banquet::model::Instance;
use banquet::secret::Secret;
use banquet::secret::seal::Seal;
use banquet::store::Store;
use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;
use tokio::process::{Child, Command};

use crate::ground::Ground;
use crate::osb::Platform;
use crate::programs;
use crate::things::{Sweeper, Things};

/// What a platform and an administrator log in with. Longer than anything that happens to occur.
pub(crate) const PLATFORM_PASSWORD: &str = "PlantedPasswordOfThePlatform";
pub(crate) const ADMIN_TOKEN: &str = "PlantedTokenOfTheAdministrator";

const BINARY: &str = env!("CARGO_BIN_EXE_banquet");

/// How long a start may take, on a busy machine.
const START: Duration = Duration::from_secs(20);

/// A broker that can be started, ended in every way, and started again on the same data.
pub(crate) struct Broker {
    /// What was planted, the log, and the data folder unless the settings name another.
    pub(crate) folder: TempDir,
    /// The value of its label; known from the first start on.
    pub(crate) id: String,
    pub(crate) platform: Platform,
    /// Mount options of a file system in memory, mounted over the data folder where only the
    /// broker sees it.
    pub(crate) disk: Option<&'static str>,
    settings: BTreeMap<String, String>,
    child: Option<Child>,
    sweeper: Option<Sweeper>,
    /// After the sweeper, so that its networks are gone before another test may take the range.
    pub(crate) ground: std::sync::Arc<Ground>,
}

impl Broker {
    /// One that runs.
    pub(crate) async fn started(settings: &[(&str, &str)]) -> Self {
        let mut broker = Self::new(settings);
        broker.start().await;
        broker
    }

    /// One that never ran.
    pub(crate) fn new(settings: &[(&str, &str)]) -> Self {
        Self::on(Ground::claim().into(), 0, settings)
    }

    /// The first (0) or second (1) broker on a ground.
    pub(crate) fn on(
        ground: std::sync::Arc<Ground>,
        number: u16,
        settings: &[(&str, &str)],
    ) -> Self {
        // Fails where another test was first.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let folder = TempDir::new().unwrap();
        let file = |name: &str, text: &str| {
            let path = folder.path().join(name);
            fs::write(&path, text).unwrap();
            path.to_str().unwrap().to_owned()
        };
        let listen = ground.listen(number);
        let platform = Platform::at(&listen);
        let data_dir = folder.path().join("data").to_str().unwrap().to_owned();
        let mut all = engine_settings();
        all.extend(
            [
                ("BANQUET_DATA_DIR", data_dir),
                ("BANQUET_LISTEN", listen),
                ("BANQUET_PORTS", ground.ports()),
                ("BANQUET_SUBNETS", ground.subnets()),
                ("BANQUET_PASSWORD_FILE", file("password", PLATFORM_PASSWORD)),
                ("BANQUET_ADMIN_TOKEN_FILE", file("token", ADMIN_TOKEN)),
                ("BANQUET_LOG", "info,banquet=debug".to_owned()),
            ]
            .map(|(name, value)| (name.to_owned(), value)),
        );
        all.extend(settings.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
        Self {
            folder,
            id: String::new(),
            platform,
            disk: None,
            settings: all,
            child: None,
            sweeper: None,
            ground,
        }
    }

    pub(crate) fn data_dir(&self) -> PathBuf {
        self.settings["BANQUET_DATA_DIR"].clone().into()
    }

    /// For the next start.
    pub(crate) fn set(&mut self, name: &str, value: impl Into<String>) {
        self.settings.insert(name.to_owned(), value.into());
    }

    /// Begins a life and waits until it serves.
    pub(crate) async fn start(&mut self) {
        assert!(self.child.is_none(), "it runs already");
        let log = OpenOptions::new().create(true).append(true).open(self.log_path()).unwrap();
        self.child = Some(self.serve().stderr(log).spawn().unwrap());
        let process = self.child().id();
        if let Some(sweeper) = &mut self.sweeper {
            sweeper.follow(process);
        }
        let begin = Instant::now();
        while self.platform.get("/healthz").await.is_none_or(|reply| reply.status != 200) {
            let ended = self.child().try_wait().unwrap();
            assert!(ended.is_none(), "it ended: {ended:?}");
            assert!(begin.elapsed() < START, "it does not serve");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        if self.sweeper.is_none() {
            let status = self.platform.administer("/admin/v1/status").await;
            status["broker_id"].as_str().unwrap().clone_into(&mut self.id);
            let mut sweeper = Sweeper::of(&format!("banquet.broker={}", self.id));
            sweeper.follow(process);
            self.sweeper = Some(sweeper);
        }
        self.platform.learn_catalog().await;
    }

    fn child(&mut self) -> &mut Child {
        self.child.as_mut().expect("it runs")
    }

    fn log_path(&self) -> PathBuf {
        self.folder.path().join("log")
    }

    /// Everything that it wrote to standard error, in all its lives.
    pub(crate) fn log(&self) -> String {
        fs::read_to_string(self.log_path()).unwrap_or_default()
    }

    /// Its number.
    pub(crate) fn process(&self) -> u32 {
        self.child.as_ref().and_then(Child::id).expect("it runs")
    }

    pub(crate) fn signal(&self, signal: Signal) {
        let process = Pid::from_raw(self.process().try_into().unwrap()).unwrap();
        kill_process(process, signal).unwrap();
    }

    /// `kill -9`.
    pub(crate) async fn kill(&mut self) {
        self.signal(Signal::KILL);
        self.ended(Duration::from_secs(10)).await;
    }

    /// Waits until it has ended by itself.
    pub(crate) async fn ended(&mut self, limit: Duration) -> ExitStatus {
        let status = tokio::time::timeout(limit, self.child().wait()).await;
        let status = status.unwrap_or_else(|_| panic!("it still runs after {limit:?}")).unwrap();
        self.child = None;
        self.sweeper.as_mut().expect("it ran").follow(None);
        status
    }

    /// `banquet serve` in this broker's settings.
    pub(crate) fn serve(&self) -> Command {
        let Some(options) = self.disk else { return self.command(BINARY, &["serve"]) };
        let mount = r#"mount -t tmpfs -o "$1" tmpfs "$BANQUET_DATA_DIR" && exec "$0" serve"#;
        let shell = ["--map-root-user", "--mount", "sh", "-c", mount, BINARY, options];
        let mut command = self.command("unshare", &shell);
        command.env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin");
        command
    }

    fn command(&self, program: &str, arguments: &[&str]) -> Command {
        let mut command = Command::new(program);
        command.env_clear().envs(&self.settings).args(arguments);
        command.stdin(Stdio::null()).stdout(Stdio::null()).kill_on_drop(true);
        command
    }

    /// Runs a command of the binary to its end.
    pub(crate) async fn run(&self, arguments: &[&str]) -> Output {
        let mut command = self.command(BINARY, arguments);
        let output = command.stdout(Stdio::piped()).stderr(Stdio::piped()).output();
        tokio::time::timeout(Duration::from_mins(1), output).await.expect("it ends").unwrap()
    }

    /// What a command printed, which must succeed.
    pub(crate) async fn banquet(&self, arguments: &[&str]) -> String {
        let output = self.run(arguments).await;
        let text = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
        assert!(output.status.success(), "banquet {arguments:?}: {text}");
        text
    }

    /// What it has on the container engine.
    pub(crate) async fn things(&self) -> Things {
        Things::of(&self.id).await
    }

    /// An instance as the database keeps it, its administrator's password included.
    pub(crate) async fn kept(&self, id: &str) -> Instance {
        let key = fs::read_to_string(self.master_key()).unwrap();
        let seal = Seal::new(&[Secret::from(key.trim())]).unwrap();
        let own = || format!("sqlite://{}", self.data_dir().join("banquet.db").display());
        let url = self.settings.get("BANQUET_DATABASE_URL").cloned().unwrap_or_else(own);
        let store = Store::open(&url, seal).await.unwrap();
        let key = InstanceKey::derive(&"default".into(), &id.into());
        store.instance(&key).await.unwrap().expect("it is kept")
    }

    fn master_key(&self) -> PathBuf {
        let set = self.settings.get("BANQUET_MASTER_KEY_FILE");
        set.map_or_else(|| self.data_dir().join("master.key"), PathBuf::from)
    }
}

impl Drop for Broker {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let log = self.log();
            let levels = ["INFO", "WARN", "ERROR", "error"];
            let telling = |line: &&str| levels.iter().any(|level| line.contains(level));
            let lines: Vec<&str> = log.lines().filter(telling).collect();
            let end = &lines[lines.len().saturating_sub(60)..];
            eprintln!("the end of the broker's log:\n{}", end.join("\n"));
        }
    }
}

/// Which engine this machine's Docker settings name.
fn engine_settings() -> BTreeMap<String, String> {
    std::env::vars().filter(|(name, _)| name.starts_with("DOCKER_")).collect()
}

/// A copy of the shipped catalog, to be changed.
pub(crate) fn catalog_copy() -> TempDir {
    let folder = TempDir::new().unwrap();
    programs::copy(&Path::new(env!("CARGO_MANIFEST_DIR")).join("catalog"), folder.path());
    folder
}

/// Replaces a text that must be there.
pub(crate) fn edit(file: &Path, from: &str, to: &str) {
    let text = fs::read_to_string(file).unwrap();
    assert!(text.contains(from), "{} has no {from:?}", file.display());
    // A new file in one move, as careful editors do: a reader sees the old or the new one.
    let aside = file.with_extension("new");
    let mut new = File::create(&aside).unwrap();
    std::io::Write::write_all(&mut new, text.replace(from, to).as_bytes()).unwrap();
    fs::rename(aside, file).unwrap();
}
