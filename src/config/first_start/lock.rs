//! A data folder with a database file belongs to one program at a time.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read, Seek, SeekFrom, Write};
use std::net::SocketAddr;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use super::StartError;

/// The lock on `<data_dir>/lock`, which the kernel ends with the process, however that ends.
#[derive(Debug)]
pub(super) struct DataLock {
    _file: File,
}

impl DataLock {
    /// Takes it, and writes who holds it for the next to read.
    pub(super) fn take(data_dir: &Path, listen: SocketAddr) -> Result<Self, StartError> {
        let path = data_dir.join("lock");
        let mut file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .open(&path)
            .map_err(StartError::io(&path, "opened"))?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let mut holder = String::new();
                let read = file.read_to_string(&mut holder).is_ok() && !holder.trim().is_empty();
                let holder = if read { holder.trim() } else { "which has said no more yet" };
                let data_dir = data_dir.to_owned();
                return Err(StartError::Locked { data_dir, holder: holder.to_owned() });
            }
            Err(TryLockError::Error(source)) => {
                return Err(StartError::io(&path, "locked")(source));
            }
        }
        let holder = format!("process {}, listening on {listen}\n", std::process::id());
        file.set_len(0)
            .and_then(|()| file.seek(SeekFrom::Start(0)))
            .and_then(|_| file.write_all(holder.as_bytes()))
            .map_err(StartError::io(&path, "written"))?;
        Ok(Self { _file: file })
    }
}
