//! The settings: one TOML file, `BANQUET_*` variables, and command-line flags, the later winning
//! over the earlier. Every mistake is told at once, with its place.
//!
//! The table of all keys is [`keys::KEYS`]; `docs/CONFIG.md` is made from it by [`reference()`].

pub mod environment;
pub mod first_start;
pub mod keys;
mod mistake;
pub mod parse;
mod platforms;
mod reader;
mod reference;
mod source;

use std::net::{IpAddr, SocketAddr};
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};
use std::time::Duration;

use ipnet::Ipv4Net;

use crate::id::PlatformName;
use crate::secret::Secret;

pub use environment::Environment;
pub use first_start::{Settings, StartError, first_start};
pub use mistake::{ConfigMistake, Source};
pub use reader::Effective;
pub(crate) use reader::MASK;
pub use reference::reference;

use reader::Reader;

/// What the command line says about settings.
#[derive(Clone, Debug, Default)]
pub struct Flags {
    /// `--config`: the settings file.
    pub config: Option<PathBuf>,
    /// Key → value and the flag that gave it: `("data_dir", "/srv/banquet", "--data-dir")`.
    pub values: Vec<(&'static str, String, &'static str)>,
}

/// A platform that may call the Open Service Broker API.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Platform {
    /// Part of the name of its tenants.
    pub name: PlatformName,
    /// Basic authentication's user; no colon.
    pub username: String,
    /// Its password.
    pub password: Secret,
}

/// What happens where an image is neither present nor to be had from a registry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ImagesBuild {
    /// It is built from the offering's `image/` folder.
    Auto,
    /// The operation fails.
    Never,
}

/// The shape of log lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogFormat {
    /// For people.
    Text,
    /// One JSON object a line.
    Json,
}

/// The settings, checked. See [`keys::KEYS`] for what each is about.
#[derive(Clone, Debug)]
pub struct Config {
    /// Absolute; need not exist before [`first_start`].
    pub data_dir: PathBuf,
    /// Where the program listens for HTTP.
    pub listen: SocketAddr,
    /// Who may call; names and usernames are unique. Empty only before [`first_start`].
    pub platforms: Vec<Platform>,
    /// The username of the platform `default`.
    pub username: String,
    /// A folder of offerings; none: the one that the program carries.
    pub catalog: Option<PathBuf>,
    /// `sqlite://…` or `postgres://…`; may hold a password.
    pub database_url: Secret,
    /// The host that apps are given.
    pub advertise_host: String,
    /// How long the certificates of instances are good for.
    pub certificate_life: Duration,
    /// Where the host's ports of instances are published.
    pub publish_address: IpAddr,
    /// The host's ports for instances; between 1024 and 32767.
    pub ports: RangeInclusive<u16>,
    /// Where tenants' networks come from.
    pub subnets: Ipv4Net,
    /// How many bits of a tenant's network are fixed: 26 makes room for 61 containers.
    pub subnet_prefix: u8,
    /// How long an answer waits for its operation to end before it is 202.
    pub inline_wait: Duration,
    /// The container engine's address; none: its usual socket.
    pub docker_host: Option<String>,
    /// Whether images may be pulled.
    pub images_pull: bool,
    /// What happens where they cannot be.
    pub images_build: ImagesBuild,
    /// Base of the Maven repository for building images, without a `/` at its end.
    pub images_maven: String,
    /// The shape of log lines.
    pub log_format: LogFormat,
    /// A `tracing` filter: `info`, `banquet=debug,info`.
    pub log: String,
    /// How long ended operations are remembered; at least 72 h (requirement 53).
    pub retention: Duration,
    /// How many operations run at once.
    pub workers: usize,
    /// 64 hexadecimal digits a line, the newest first; none: `<data_dir>/master.key`, made if need be.
    pub master_key_file: Option<PathBuf>,
    /// The admin API's bearer token; none: the one in `<data_dir>/admin.token`, made if need be.
    pub admin_token: Option<Secret>,
    effective: Vec<Effective>,
}

impl Config {
    /// Reads flags, variables and the settings file, and checks everything.
    ///
    /// # Errors
    /// Every mistake there is, not only the first.
    pub fn load(flags: &Flags, environment: &Environment) -> Result<Self, Vec<ConfigMistake>> {
        let mut read = Reader::open(flags, environment);
        let data_dir = read.data_dir();
        let advertise_host = read.value("advertise_host", parse::host);
        let anywhere = if parse::is_loopback(&advertise_host) { "127.0.0.1" } else { "0.0.0.0" };
        let database = sqlite_url(&data_dir.join("banquet.db"));
        let (username, platforms) = read.platforms();
        let mut config = Self {
            listen: read.value("listen", parse::address),
            platforms,
            username,
            catalog: read.folder("catalog"),
            database_url: read.value_or("database_url", parse::database_url, &database),
            advertise_host,
            certificate_life: read.value("certificate_life", parse::certificate_life),
            publish_address: read.value_or("publish_address", parse::ip, anywhere),
            ports: read.value("ports", parse::ports),
            subnets: read.value("subnets", parse::subnets),
            subnet_prefix: read.value("subnet_prefix", parse::subnet_prefix),
            inline_wait: read.value("inline_wait", parse::inline_wait),
            docker_host: read.optional("docker_host", parse::docker_host),
            images_pull: read.value("images_pull", parse::boolean),
            images_build: read.value("images_build", parse::images_build),
            images_maven: read.value("images_maven", parse::repository),
            log_format: read.value("log_format", parse::log_format),
            log: read.value("log", parse::log_filter),
            retention: read.value("retention", parse::retention),
            workers: read.value("workers", parse::workers),
            master_key_file: read.file("master_key_file"),
            admin_token: read.optional("admin_token", parse::admin_token),
            data_dir,
            effective: Vec::new(),
        };
        config.check_together(&mut read);
        config.effective = read.finish()?;
        Ok(config)
    }

    /// What no setting can know by itself.
    fn check_together(&self, read: &mut Reader) {
        if self.subnet_prefix < self.subnets.prefix_len() {
            let message = format!(
                "networks of prefix {} do not fit into `subnets`, {}: make it at least {}",
                self.subnet_prefix,
                self.subnets,
                self.subnets.prefix_len()
            );
            // Whoever set one of them can set either.
            let name = ["subnet_prefix", "subnets"]
                .into_iter()
                .find(|name| read.source(name) != Source::Default)
                .expect("the defaults fit together");
            read.mistake(read.source(name), name, message);
        }
    }

    /// Every setting as text with where it comes from, secrets masked, in the order of
    /// [`keys::KEYS`].
    #[must_use]
    pub fn effective(&self) -> &[Effective] {
        &self.effective
    }

    /// Where clients on this machine reach the program: `http://127.0.0.1:8080`.
    #[must_use]
    pub fn local_url(&self) -> String {
        let mut address = self.listen;
        if address.ip().is_unspecified() {
            address.set_ip(match address.ip() {
                IpAddr::V4(_) => IpAddr::from([127, 0, 0, 1]),
                IpAddr::V6(_) => IpAddr::from([0, 0, 0, 0, 0, 0, 0, 1]),
            });
        }
        format!("http://{address}")
    }

    /// `<data_dir>/admin.token`.
    #[must_use]
    pub fn admin_token_path(&self) -> PathBuf {
        self.data_dir.join("admin.token")
    }

    /// Whether the database is a file that only one program may use.
    #[must_use]
    pub fn is_sqlite(&self) -> bool {
        self.database_url.expose().starts_with("sqlite:")
    }
}

/// A path as the driver reads it back: it decodes `%` and ends the path at `?`, and the URL's
/// parser would drop what follows `#`.
fn sqlite_url(path: &Path) -> String {
    let path = path.to_string_lossy();
    let escaped =
        path.replace('%', "%25").replace('?', "%3F").replace('#', "%23").replace(' ', "%20");
    format!("sqlite://{escaped}")
}
