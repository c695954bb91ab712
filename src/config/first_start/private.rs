//! Files and folders that only their owner may open.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{ErrorKind, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::Path;

use super::StartError;
use crate::secret::Secret;

/// Makes the folder if it is absent (then true). One that others may write into is refused: they
/// could put a key of theirs in place of ours.
pub(super) fn folder(path: &Path) -> Result<bool, StartError> {
    match fs::metadata(path) {
        Ok(found) if !found.is_dir() => Err(StartError::NotAFolder(path.to_owned())),
        Ok(found) => {
            let mode = found.permissions().mode() & 0o7777;
            if mode & 0o022 != 0 {
                return Err(StartError::Exposed { path: path.to_owned(), mode, wanted: 0o700 });
            }
            Ok(false)
        }
        Err(error) if error.kind() == ErrorKind::NotFound => {
            let made = DirBuilder::new().recursive(true).mode(0o700).create(path);
            made.map(|()| true).map_err(StartError::io(path, "made"))
        }
        Err(error) => Err(StartError::io(path, "looked at")(error)),
    }
}

/// The text of the file; if it is absent, of a new one (then true).
pub(super) fn read_or_make(
    path: &Path,
    make: impl FnOnce() -> Secret,
) -> Result<(Secret, bool), StartError> {
    match fs::metadata(path) {
        Ok(found) => {
            let mode = found.permissions().mode() & 0o7777;
            if mode & 0o077 != 0 {
                return Err(StartError::Exposed { path: path.to_owned(), mode, wanted: 0o600 });
            }
            read_given(path).map(|text| (text, false))
        }
        Err(error) if error.kind() == ErrorKind::NotFound => {
            let text = make();
            write_new(path, &text).map_err(StartError::io(path, "made"))?;
            Ok((text, true))
        }
        Err(error) => Err(StartError::io(path, "looked at")(error)),
    }
}

/// The text of a file that somebody else keeps. Its mode is their affair: secrets that container
/// platforms mount are readable by all inside.
pub(super) fn read_given(path: &Path) -> Result<Secret, StartError> {
    let text = fs::read_to_string(path).map_err(StartError::io(path, "read"))?;
    if text.trim().is_empty() {
        return Err(StartError::Empty(path.to_owned()));
    }
    Ok(Secret::from(text.trim()))
}

/// On the disk, with its name, when this returns. Never over another file.
fn write_new(path: &Path, text: &Secret) -> std::io::Result<()> {
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    writeln!(file, "{}", text.expose())?;
    file.sync_all()?;
    path.parent().map_or(Ok(()), |folder| File::open(folder)?.sync_all())
}
