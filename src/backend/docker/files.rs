//! Files go into volumes through the engine's archive call: it keeps owner and mode, works before
//! the first start and under a read-only root, and leaves no trace in an inspection.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::PathBuf;

use bytes::Bytes;
use tar::{Builder, EntryType, Header};

use crate::backend::reconcile::{self, Writing};
use crate::model::Fault;
use crate::model::workload::{Container, File};

/// A tar for every mount that files go to: the engine refuses one for `/` where the root is
/// read-only.
pub(super) fn archives(
    container: &Container,
    writing: Writing,
) -> Result<Vec<(String, Bytes)>, Fault> {
    let mut by_mount: BTreeMap<&str, Vec<(PathBuf, &File)>> = BTreeMap::new();
    for file in container.files.iter().filter(|file| writing.takes(file)) {
        let home = reconcile::home(container, file)?;
        by_mount.entry(home.mount).or_default().push((home.inside, file));
    }
    let pack = |(mount, files): (&str, Vec<_>)| {
        let archive = archive(&files).map_err(|error| {
            Fault::fatal(format!("the files for {mount} could not be packed")).because(error)
        })?;
        Ok((mount.to_owned(), archive))
    };
    by_mount.into_iter().map(pack).collect()
}

/// A tar of files by their paths within a mount, with the folders on the way.
pub(super) fn archive(files: &[(PathBuf, &File)]) -> io::Result<Bytes> {
    let mut tar = Builder::new(Vec::new());
    let mut folders = BTreeSet::new();
    for (path, file) in files {
        for folder in path.ancestors().skip(1).filter(|folder| !folder.as_os_str().is_empty()) {
            folders.insert((folder, file.uid, file.gid));
        }
    }
    // In order, a folder comes before what it holds.
    for (folder, uid, gid) in folders {
        let mut header = header(EntryType::Directory, 0o755, 0);
        header.set_uid(uid.into());
        header.set_gid(gid.into());
        tar.append_data(&mut header, folder, io::empty())?;
    }
    for (path, file) in files {
        let content = file.content.expose().as_bytes();
        let mut header = header(EntryType::Regular, file.mode, content.len() as u64);
        header.set_uid(file.uid.into());
        header.set_gid(file.gid.into());
        tar.append_data(&mut header, path, content)?;
    }
    tar.into_inner().map(Bytes::from)
}

/// A header of root's.
pub(super) fn header(kind: EntryType, mode: u32, size: u64) -> Header {
    let mut header = Header::new_gnu();
    header.set_entry_type(kind);
    header.set_mode(mode);
    header.set_size(size);
    header.set_uid(0);
    header.set_gid(0);
    header.set_mtime(0);
    header
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use super::*;

    fn container() -> Container {
        serde_json::from_value(serde_json::json!({
            "role": "server",
            "image": { "ref": "x" },
            "files": [
                { "path": "/conf/tls/key", "content": "k", "mode": 0o600, "uid": 999, "gid": 998 },
                { "path": "/conf/main", "content": "m" },
                { "path": "/conf/sub/x", "content": "s" },
            ],
            "mounts": { "conf": "/conf", "sub": "/conf/sub" },
            "resources": { "memory_bytes": 1, "cpu_millis": 1, "pids": 1 },
        }))
        .unwrap()
    }

    #[test]
    fn files_go_to_the_deepest_mount_with_owner_and_mode() {
        let archives = archives(&container(), Writing::First).unwrap();
        let mounts: Vec<_> = archives.iter().map(|(mount, _)| mount.as_str()).collect();
        assert_eq!(mounts, ["/conf", "/conf/sub"]);
        let mut tar = tar::Archive::new(&archives[0].1[..]);
        let mut seen = Vec::new();
        for entry in tar.entries().unwrap() {
            let mut entry = entry.unwrap();
            let mut text = String::new();
            entry.read_to_string(&mut text).unwrap();
            let header = entry.header();
            let (uid, gid) = (header.uid().unwrap(), header.gid().unwrap());
            let path = entry.path().unwrap().display().to_string();
            seen.push((path, header.mode().unwrap(), uid, gid, text));
        }
        let entry = |path: &str, mode, uid, gid, text: &str| {
            (path.to_owned(), mode, uid, gid, text.to_owned())
        };
        assert_eq!(
            seen,
            [
                entry("tls", 0o755, 999, 998, ""),
                entry("tls/key", 0o600, 999, 998, "k"),
                entry("main", 0o400, 0, 0, "m"),
            ]
        );
    }
}
