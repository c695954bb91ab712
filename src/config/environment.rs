//! What the process was started with, as a value: tests make their own.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};

/// Environment variables, and whether the process runs as root.
#[derive(Clone, Default)]
pub struct Environment {
    variables: BTreeMap<String, OsString>,
    /// Decides the default data folder.
    pub is_root: bool,
}

impl Environment {
    /// This process's. The only place that reads them.
    #[must_use]
    pub fn of_process() -> Self {
        let variables = std::env::vars_os()
            .filter_map(|(name, value)| Some((name.into_string().ok()?, value)))
            .collect();
        Self { variables, is_root: rustix::process::geteuid().is_root() }
    }

    /// A variable's value, as given.
    #[must_use]
    pub fn get_os(&self, name: &str) -> Option<&OsStr> {
        self.variables.get(name).map(OsString::as_os_str)
    }

    /// A variable's value, unless it is empty (which counts as unset, because `${NAME:-}` in
    /// compose files makes it so) or not UTF-8.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        self.get_os(name).and_then(OsStr::to_str).filter(|text| !text.is_empty())
    }

    /// Names and values of the variables that begin with `prefix`, in order.
    pub fn starting_with<'a>(
        &'a self,
        prefix: &'a str,
    ) -> impl Iterator<Item = (&'a str, &'a OsStr)> {
        let all = self.variables.iter().map(|(name, value)| (name.as_str(), value.as_os_str()));
        all.filter(move |(name, _)| name.starts_with(prefix))
    }
}

impl std::fmt::Debug for Environment {
    /// Values may be secret.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_set().entries(self.variables.keys()).finish()
    }
}

impl<N: Into<String>, V: Into<OsString>> FromIterator<(N, V)> for Environment {
    fn from_iter<I: IntoIterator<Item = (N, V)>>(pairs: I) -> Self {
        let variables = pairs.into_iter().map(|(name, value)| (name.into(), value.into()));
        Self { variables: variables.collect(), is_root: false }
    }
}
