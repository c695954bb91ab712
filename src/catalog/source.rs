//! Where the catalog comes from, so that it can be loaded again.

use std::path::PathBuf;

use super::{Catalog, Files, Mistake};

/// A place to load a catalog from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source {
    /// A folder; none: the catalog that the program carries.
    pub folder: Option<PathBuf>,
    /// The engines that the program knows.
    pub engines: Vec<String>,
}

impl Source {
    /// Reads and checks it. Reads files: not for an asynchronous context.
    ///
    /// # Errors
    /// Every mistake in it.
    pub fn load(&self) -> Result<Catalog, Vec<Mistake>> {
        let files = match &self.folder {
            Some(folder) => Files::read(folder)?,
            None => Files::shipped(),
        };
        let engines: Vec<&str> = self.engines.iter().map(String::as_str).collect();
        Catalog::load(files, &engines)
    }
}
