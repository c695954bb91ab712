//! Makes what is missing before the first start, and reads it at every other.

mod lock;
mod private;

use std::io::Write;
use std::path::{Path, PathBuf};

use super::platforms::DEFAULT;
use super::{Config, Platform};
use crate::id::PlatformName;
use crate::secret::Secret;
use crate::secret::seal::{Seal, SealError};

use lock::DataLock;

/// All that the broker starts with.
#[derive(Debug)]
pub struct Settings {
    /// With at least one platform.
    pub config: Config,
    /// Of the master keys.
    pub seal: Seal,
    /// The admin API's bearer token.
    pub admin_token: Secret,
    /// Held as long as the program runs; none where the database is not a file.
    _lock: Option<DataLock>,
}

/// Why the broker cannot start with the data folder as it is.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The system refused.
    #[error("{} could not be {attempted}: {source}", path.display())]
    Io {
        /// Of what.
        path: PathBuf,
        /// "read", "made" …
        attempted: &'static str,
        /// Why.
        source: std::io::Error,
    },
    /// It may be read or written by others.
    #[error("{} is open to other users (mode {mode:04o}): run `chmod {wanted:04o} {}`", path.display(), path.display())]
    Exposed {
        /// What.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
        /// What they should be.
        wanted: u32,
    },
    /// Nothing is in it, perhaps because a first start was interrupted.
    #[error("{} is empty: bring it back from a backup, or remove it if this broker never started", .0.display())]
    Empty(PathBuf),
    /// It is no folder.
    #[error("{} is not a folder: set `data_dir` to one", .0.display())]
    NotAFolder(PathBuf),
    /// A new key would not open what the old one sealed.
    #[error("{} is missing, but {} was sealed with it: bring the master key back from its backup", key.display(), database.display())]
    KeyLost {
        /// Of the key.
        key: PathBuf,
        /// Of the database.
        database: PathBuf,
    },
    /// The master key does not read.
    #[error("{}: {source}", path.display())]
    BadKey {
        /// Of the key.
        path: PathBuf,
        /// Why.
        source: SealError,
    },
    /// Another program holds the data folder.
    #[error("another banquet runs on {} ({holder}): stop it, or give this one a data folder of its own with --data-dir", data_dir.display())]
    Locked {
        /// The data folder.
        data_dir: PathBuf,
        /// What is known of it.
        holder: String,
    },
}

impl StartError {
    fn io(path: &Path, attempted: &'static str) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::Io { path, attempted, source }
    }
}

/// Takes the data folder, makes in it what is missing, and says each in a line on `tell`.
///
/// Everything made is of mode 0600 in a folder of mode 0700 and is on the disk before it is used,
/// so that a crash loses nothing that something else was sealed or told with.
///
/// # Errors
/// See [`StartError`].
pub fn first_start(mut config: Config, tell: &mut dyn Write) -> Result<Settings, StartError> {
    let data_dir = config.data_dir.clone();
    if private::folder(&data_dir)? {
        say(tell, &format!("made the data folder {}", data_dir.display()));
    }
    let lock = config.is_sqlite().then(|| DataLock::take(&data_dir, config.listen)).transpose()?;
    let seal = seal(&config, tell)?;
    let admin_token = match config.admin_token.clone() {
        Some(token) => token,
        None => admin_token(&config.admin_token_path(), tell)?,
    };
    if config.platforms.is_empty() {
        let password = platform_password(&config, tell)?;
        let name = PlatformName::from(DEFAULT);
        let username = config.username.clone();
        config.platforms.push(Platform { name, username, password });
    }
    Ok(Settings { config, seal, admin_token, _lock: lock })
}

/// Of the keys in the file that the settings name, which must exist; else of the data folder's own.
fn seal(config: &Config, tell: &mut dyn Write) -> Result<Seal, StartError> {
    let own = config.data_dir.join("master.key");
    let (path, text) = if let Some(path) = &config.master_key_file {
        (path.clone(), private::read_given(path)?)
    } else {
        let database = config.data_dir.join("banquet.db");
        if !own.exists() && config.is_sqlite() && database.exists() {
            return Err(StartError::KeyLost { key: own, database });
        }
        let (key, made) = private::read_or_make(&own, Seal::generate_key)?;
        if made {
            say(
                tell,
                &format!(
                    "made a master key: {} (keep a copy, apart from the database's backups: without it the database cannot be read)",
                    own.display()
                ),
            );
        }
        (own, key)
    };
    let keys: Vec<Secret> = text
        .expose()
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty())
        .map(Secret::from)
        .collect();
    Seal::new(&keys).map_err(|source| StartError::BadKey { path, source })
}

fn admin_token(path: &Path, tell: &mut dyn Write) -> Result<Secret, StartError> {
    let (token, made) = private::read_or_make(path, Secret::generate)?;
    if made {
        say(tell, &format!("made a token for the admin API: {}", path.display()));
    }
    Ok(token)
}

fn platform_password(config: &Config, tell: &mut dyn Write) -> Result<Secret, StartError> {
    let path = config.data_dir.join("platform.password");
    let (password, made) = private::read_or_make(&path, Secret::generate)?;
    if made {
        say(
            tell,
            &format!(
                "made credentials for platforms: username {}, password {}; told this once; kept in {}",
                config.username,
                password.expose(),
                path.display()
            ),
        );
    }
    Ok(password)
}

/// What is said is kept in files too: nobody listening is no reason not to start.
fn say(tell: &mut dyn Write, line: &str) {
    let _ = writeln!(tell, "{line}");
}
