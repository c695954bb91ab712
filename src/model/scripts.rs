//! What an offering brings along for the engine `scripted`: commands that run in its containers.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// The scripts of a workload, by what they are for.
pub type Scripts = BTreeMap<Purpose, Script>;

/// When a script runs. Each can be run again with the same input.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Purpose {
    /// Asks whether the engine serves, with the broker's own login.
    Ready,
    /// Sets the engine up, and brings the workload's settings into force.
    Bootstrap,
    /// Makes a user, or sets its password and rights again.
    Grant,
    /// Removes a user and cuts its connections.
    Revoke,
    /// Refuses settings of another plan that cannot be.
    Prepare,
    /// Has the engine show its new certificate.
    Renew,
}

impl Purpose {
    /// Those that no offering can be without.
    pub const NEEDED: [Self; 3] = [Self::Ready, Self::Grant, Self::Revoke];

    /// As it is written.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ready => "ready",
            Self::Bootstrap => "bootstrap",
            Self::Grant => "grant",
            Self::Revoke => "revoke",
            Self::Prepare => "prepare",
            Self::Renew => "renew",
        }
    }
}

/// One command.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Script {
    /// The container that it runs in.
    pub role: String,
    /// The program and its arguments. What it is about comes by standard input alone.
    pub command: Vec<String>,
}
