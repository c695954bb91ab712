//! The files of a catalog, from a folder or from inside the program.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::Read;
use std::path::Path;

use bytes::Bytes;
use include_dir::{Dir, include_dir};

use super::mistakes::{Mistakes, Report};
use super::{Files, Mistake};

static SHIPPED: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/catalog");

/// A catalog is small: more than this means that the wrong folder was named.
const MAX_FILES: usize = 1_000;
const MAX_FILE_BYTES: u64 = 1 << 20;
const MAX_DEPTH: usize = 8;

impl Files {
    /// The catalog that the program carries.
    #[must_use]
    pub fn shipped() -> Self {
        fn gather(dir: &Dir<'static>, files: &mut BTreeMap<String, Bytes>) {
            for file in dir.files() {
                let path = file.path().to_str().expect("the catalog's file names are ASCII");
                files.insert(path.to_owned(), Bytes::from_static(file.contents()));
            }
            for dir in dir.dirs() {
                gather(dir, files);
            }
        }
        let mut files = BTreeMap::new();
        gather(&SHIPPED, &mut files);
        Self(files)
    }

    /// Reads a folder: at most 1,000 files of 1 MiB each. Hidden files are left out, except below
    /// an `image/` folder; symbolic links may not lead out of the folder.
    ///
    /// # Errors
    /// Every file that can't be taken, and why.
    pub fn read(folder: &Path) -> Result<Self, Vec<Mistake>> {
        let mistakes = Mistakes::default();
        let mut files = BTreeMap::new();
        match folder.canonicalize() {
            Ok(root) => {
                Reading { root: &root, mistakes: &mistakes, files: &mut files }.folder("", 0);
            }
            Err(error) => {
                mistakes.report("").at(0, format!("can't open {}: {error}", folder.display()));
            }
        }
        if mistakes.count() == 0 { Ok(Self(files)) } else { Err(mistakes.into_sorted()) }
    }

    /// The files below `<offering>/image/`, by path relative to it.
    #[must_use]
    pub fn image(&self, offering: &str) -> Option<BTreeMap<String, Bytes>> {
        let files: BTreeMap<_, _> = self
            .below(&format!("{offering}/image/"))
            .map(|(path, bytes)| (path.to_owned(), bytes.clone()))
            .collect();
        (!files.is_empty()).then_some(files)
    }

    /// The files whose path starts with `prefix`, by the rest of their path.
    pub(super) fn below<'a>(
        &'a self,
        prefix: &'a str,
    ) -> impl Iterator<Item = (&'a str, &'a Bytes)> {
        self.0
            .range(prefix.to_owned()..)
            .map_while(move |(path, bytes)| Some((path.strip_prefix(prefix)?, bytes)))
    }

    /// The names of the folders at the root.
    pub(super) fn folders(&self) -> BTreeSet<&str> {
        self.0.keys().filter_map(|path| path.split_once('/')).map(|(folder, _)| folder).collect()
    }

    /// A file's text; none if there is no such file or, which is reported, it is not UTF-8.
    pub(super) fn text(&self, path: &str, report: Report<'_>) -> Option<&str> {
        let bytes = self.0.get(path)?;
        str::from_utf8(bytes).map_or_else(
            |error| {
                let valid = str::from_utf8(&bytes[..error.valid_up_to()]).unwrap_or_default();
                let line = 1 + valid.matches('\n').count();
                report.at(line, "this is not UTF-8");
                None
            },
            Some,
        )
    }
}

/// A folder being read.
struct Reading<'a> {
    root: &'a Path,
    mistakes: &'a Mistakes,
    files: &'a mut BTreeMap<String, Bytes>,
}

impl Reading<'_> {
    /// `path`: relative to the root, with `/` after it unless it is the root itself.
    fn folder(&mut self, path: &str, depth: usize) {
        if depth > MAX_DEPTH {
            self.mistakes.report(path).at(0, "folders are nested too deep");
            return;
        }
        let entries = match fs::read_dir(self.root.join(path)) {
            Ok(entries) => entries,
            Err(error) => return self.mistakes.report(path).at(0, format!("can't list: {error}")),
        };
        for entry in entries.flatten() {
            let name = entry.file_name();
            let Some(name) = name.to_str() else {
                let name = name.to_string_lossy();
                self.mistakes.report(path).at(0, format!("`{name}` is not a UTF-8 file name"));
                continue;
            };
            if name.starts_with('.') && !path.contains("/image/") {
                continue;
            }
            self.entry(&format!("{path}{name}"), depth);
        }
    }

    fn entry(&mut self, path: &str, depth: usize) {
        let report = self.mistakes.report(path);
        let place = match self.root.join(path).canonicalize() {
            Ok(place) if place.starts_with(self.root) => place,
            Ok(_) => return report.at(0, "a symbolic link that leads out of the catalog"),
            Err(error) => return report.at(0, format!("can't open: {error}")),
        };
        if place.is_dir() {
            return self.folder(&format!("{path}/"), depth + 1);
        }
        if self.files.len() >= MAX_FILES {
            return self
                .mistakes
                .report("")
                .at(0, format!("more than {MAX_FILES} files: is this the catalog?"));
        }
        match read_bounded(&place) {
            Ok(Some(bytes)) => {
                self.files.insert(path.to_owned(), bytes);
            }
            Ok(None) => report.at(0, "larger than 1 MiB, or not a plain file"),
            Err(error) => report.at(0, format!("can't read: {error}")),
        }
    }
}

/// The content; none if it is too long or not a plain file, which might never end.
fn read_bounded(place: &Path) -> std::io::Result<Option<Bytes>> {
    if !place.is_file() {
        return Ok(None);
    }
    let mut bytes = Vec::new();
    fs::File::open(place)?.take(MAX_FILE_BYTES + 1).read_to_end(&mut bytes)?;
    let fits = u64::try_from(bytes.len()).is_ok_and(|length| length <= MAX_FILE_BYTES);
    Ok(fits.then(|| bytes.into()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(folder: &Path) -> Vec<String> {
        Files::read(folder).unwrap_err().iter().map(ToString::to_string).collect()
    }

    #[test]
    fn what_is_shipped_is_what_is_in_the_repository() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("catalog");
        assert_eq!(Files::shipped(), Files::read(&folder).unwrap());
    }

    #[test]
    fn links_stay_inside() {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("a")).unwrap();
        fs::write(folder.path().join("a/x"), "x").unwrap();
        std::os::unix::fs::symlink("x", folder.path().join("a/y")).unwrap();
        let files = Files::read(folder.path()).unwrap();
        assert_eq!(files.0.keys().collect::<Vec<_>>(), ["a/x", "a/y"]);

        std::os::unix::fs::symlink("/etc/passwd", folder.path().join("a/z")).unwrap();
        std::os::unix::fs::symlink("..", folder.path().join("a/up")).unwrap();
        let told = told(folder.path());
        assert!(told.iter().any(|m| m == "a/z: a symbolic link that leads out of the catalog"));
        assert!(told.iter().any(|m| m.ends_with("folders are nested too deep")), "{told:?}");
    }

    #[test]
    fn large_files_and_missing_folders_are_told() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("big"), vec![b'x'; (1 << 20) + 1]).unwrap();
        assert_eq!(told(folder.path()), ["big: larger than 1 MiB, or not a plain file"]);
        assert!(told(&folder.path().join("none"))[0].contains("can't open"));
    }

    #[test]
    fn hidden_files_matter_only_to_images() {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir_all(folder.path().join("a/image")).unwrap();
        fs::write(folder.path().join("a/.swp"), "").unwrap();
        fs::write(folder.path().join("a/image/.dockerignore"), "").unwrap();
        let files = Files::read(folder.path()).unwrap();
        assert_eq!(files.0.keys().collect::<Vec<_>>(), ["a/image/.dockerignore"]);
        assert_eq!(files.image("a").unwrap().keys().collect::<Vec<_>>(), [".dockerignore"]);
        assert_eq!(files.image("b"), None);
    }
}
