//! Every setting there is: the one list that reading, checking and documenting go by.

/// A setting.
#[derive(Clone, Copy, Debug)]
pub struct Key {
    /// In the file; as a variable it is `BANQUET_` and the same in capitals.
    pub name: &'static str,
    /// Which TOML it is.
    pub kind: Kind,
    /// What holds where nobody sets it: a value, or words in parentheses where it is worked out.
    pub default: &'static str,
    /// Whether it is masked, and may also be given as `<name>_file`, the path of a file that holds
    /// it.
    pub secret: bool,
    /// For people.
    pub about: &'static str,
}

/// Which TOML a setting is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A string.
    Text,
    /// A whole number.
    Integer,
    /// `true` or `false`.
    Boolean,
    /// An array of tables; as a variable, JSON.
    Tables,
}

impl Kind {
    /// In a mistake: "must be …".
    #[must_use]
    pub const fn words(self) -> &'static str {
        match self {
            Self::Text => "a string in quotes",
            Self::Integer => "a whole number without quotes",
            Self::Boolean => "true or false without quotes",
            Self::Tables => "tables: [[platforms]]",
        }
    }
}

const fn text(name: &'static str, default: &'static str, about: &'static str) -> Key {
    Key { name, kind: Kind::Text, default, secret: false, about }
}

const fn secret(name: &'static str, default: &'static str, about: &'static str) -> Key {
    Key { name, kind: Kind::Text, default, secret: true, about }
}

const fn of(kind: Kind, key: Key) -> Key {
    Key { kind, ..key }
}

/// All of them, in the order in which they are shown.
pub const KEYS: &[Key] = &[
    text(
        "data_dir",
        "(`/var/lib/banquet` as root, else `~/.local/share/banquet`)",
        "Folder of the database, the master key and the generated secrets. Made with mode 0700 if absent. Cannot be set in the `banquet.toml` that was found inside the data folder.",
    ),
    text(
        "listen",
        "127.0.0.1:8080",
        "Address and port for HTTP: the Open Service Broker API, the admin API and the health checks. It speaks plain HTTP: put a TLS proxy in front before listening beyond loopback.",
    ),
    text("username", "banquet", "Basic authentication's user of the platform `default`. No colon."),
    secret(
        "password",
        "(random, told once at the first start)",
        "Password of the platform `default`. Where neither this nor `platforms` is set, one is made and kept in `<data_dir>/platform.password`.",
    ),
    of(
        Kind::Tables,
        text(
            "platforms",
            "(none)",
            "Platforms beside `default`, each a table of `name` (lower-case letters, digits, `-`, `_`; part of its tenants' names, so never change it), `username`, and `password` or `password_file`. As a variable: a JSON array of the same.",
        ),
    ),
    secret(
        "admin_token",
        "(random, kept in `<data_dir>/admin.token`)",
        "Bearer token of the admin API, which the command line uses. At least 16 visible ASCII characters.",
    ),
    text(
        "master_key_file",
        "(`<data_dir>/master.key`, made at the first start)",
        "File of the keys that seal secrets in the database: 64 hexadecimal digits a line, the newest first; older ones still open. One that is set here must exist. Without it the database cannot be read: keep a copy apart from the database's backups.",
    ),
    secret(
        "database_url",
        "(`sqlite://<data_dir>/banquet.db`)",
        "`sqlite:///absolute/path` or `postgres://user:password@host/database`.",
    ),
    text("catalog", "(the catalog that the program carries)", "Folder of offerings."),
    text(
        "advertise_host",
        "127.0.0.1",
        "Host name or IPv4 address that apps are given to reach their instances.",
    ),
    text(
        "certificate_life",
        "365d",
        "How long the certificates of instances with TLS are good for. They are renewed after two thirds of it. From `1d` to `10000d`.",
    ),
    text(
        "publish_address",
        "(`127.0.0.1` if `advertise_host` is loopback, else `0.0.0.0`)",
        "Address of this host on which the instances' ports are published.",
    ),
    text(
        "ports",
        "20000-24999",
        "Host ports for instances. From 1024 to 32767: above, the kernel lends ports to clients.",
    ),
    text(
        "subnets",
        "10.213.0.0/16",
        "IPv4 range that tenants' networks are cut from. Must not overlap with networks that this host uses.",
    ),
    of(
        Kind::Integer,
        text(
            "subnet_prefix",
            "26",
            "Prefix length of a tenant's network: 26 has room for 61 containers. At most 29, and no less than that of `subnets`.",
        ),
    ),
    text(
        "inline_wait",
        "5s",
        "How long an answer waits for its operation to end, so that it can be 201 instead of 202. `0` switches it off; at most `50s`.",
    ),
    text(
        "docker_host",
        "(`DOCKER_HOST`, else `unix:///var/run/docker.sock`)",
        "Address of the container engine: `unix://`, `tcp://`, `http://` or `https://`.",
    ),
    of(
        Kind::Boolean,
        text(
            "images_pull",
            "true",
            "Whether images that are absent may be pulled from their registry.",
        ),
    ),
    text(
        "images_build",
        "auto",
        "`auto`: an image that is absent and cannot be pulled is built from the offering's `image/` folder. `never`: the operation fails.",
    ),
    text(
        "images_maven",
        "https://repo1.maven.org/maven2",
        "Base of the Maven repository that jars for images are fetched from: Maven Central, or a mirror of it. Each jar is held against the checksum in the catalog.",
    ),
    text(
        "log_format",
        "text",
        "`text` for people, `json` for programs. Log lines go to standard error.",
    ),
    text(
        "log",
        "info",
        "Which log lines: `error`, `warn`, `info`, `debug`, `trace`, or by part: `banquet::lifecycle=debug,info`.",
    ),
    text(
        "retention",
        "72h",
        "How long ended operations and audit entries are remembered. At least `72h`, because platforms may ask that long.",
    ),
    of(Kind::Integer, text("workers", "8", "How many operations run at once: 1 to 64.")),
];

/// Variables that are not settings of the broker.
pub const OTHER_VARIABLES: &[(&str, &str)] = &[
    ("BANQUET_CONFIG", "Path of the settings file; the flag `--config` wins over it."),
    (
        "BANQUET_URL",
        "Where the command line reaches the broker; the flag `--url` wins over it. Default: from `listen`.",
    ),
    (
        "BANQUET_TOKEN",
        "Bearer token of the command line; the flag `--token` wins over it. Default: the broker's own, from `admin_token` or `<data_dir>/admin.token`.",
    ),
];

/// Fields of a table of `platforms`.
pub const PLATFORM_FIELDS: &[&str] = &["name", "username", "password", "password_file"];

/// A key by its name, or by that of its `_file` twin (then true).
#[must_use]
pub fn find(name: &str) -> Option<(&'static Key, bool)> {
    let named = |name: &str| KEYS.iter().find(|key| key.name == name);
    named(name).map(|key| (key, false)).or_else(|| {
        named(name.strip_suffix("_file")?).filter(|key| key.secret).map(|key| (key, true))
    })
}

/// The variable of a key.
#[must_use]
pub fn variable(name: &str) -> String {
    format!("BANQUET_{}", name.to_uppercase())
}

/// `; did you mean …?`, or nothing where no candidate is near.
#[must_use]
pub fn suggestion<'a>(unknown: &str, candidates: impl Iterator<Item = &'a str>) -> String {
    let near = candidates
        .map(|candidate| (strsim::damerau_levenshtein(unknown, candidate), candidate))
        .filter(|(distance, candidate)| *distance <= (candidate.len() / 3).max(1))
        .min();
    near.map_or_else(String::new, |(_, candidate)| format!("; did you mean `{candidate}`?"))
}

/// The names of all keys, `_file` twins included.
pub fn names() -> impl Iterator<Item = String> {
    KEYS.iter().flat_map(|key| {
        let twin = key.secret.then(|| format!("{}_file", key.name));
        std::iter::once(key.name.to_owned()).chain(twin)
    })
}
