//! The answers that the specification defines for "no" (§Service Broker Errors), on one screen.

/// Why something was not done. Everything here leaves what exists unchanged (requirement 24).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// Malformed, missing or invalid data.
    Invalid(String),
    /// Such a thing does not exist.
    NotFound(String),
    /// It exists, or is being made, with other attributes.
    Conflict(String),
    /// It does not exist, and that was what was asked for.
    Gone(String),
    /// The plan needs `accepts_incomplete=true` (requirement 41).
    AsyncRequired,
    /// Something else is in progress (requirement 45).
    Concurrency,
    /// `maintenance_info.version` is not the catalog's (requirements 66 and 82).
    MaintenanceConflict,
    /// Understood, but not possible here: a quota, a plan change that is not offered (requirement 80).
    Unprocessable {
        /// What is in the way, and what would help.
        description: String,
        /// For a refused update: whether the same may be asked again (requirement 22).
        update_repeatable: Option<bool>,
    },
    /// What was asked for was tried within the request, and failed.
    Failed {
        /// Why.
        description: String,
        /// See requirement 21.
        instance_usable: Option<bool>,
        /// See requirement 22.
        update_repeatable: Option<bool>,
    },
    /// The database is away, or what was asked for did not end in time and is being taken back.
    Unavailable(String),
    /// A fault of ours; its cause is in the log.
    Internal(String),
}

impl Refusal {
    /// Something that will not be possible, however often asked.
    pub fn unprocessable(description: impl Into<String>) -> Self {
        Self::Unprocessable { description: description.into(), update_repeatable: None }
    }

    /// An update that will not be possible, however often asked.
    pub fn unsupported_update(description: impl Into<String>) -> Self {
        Self::Unprocessable { description: description.into(), update_repeatable: Some(false) }
    }

    /// The status code.
    #[must_use]
    pub const fn status(&self) -> u16 {
        match self {
            Self::Invalid(_) => 400,
            Self::NotFound(_) => 404,
            Self::Conflict(_) => 409,
            Self::Gone(_) => 410,
            Self::AsyncRequired
            | Self::Concurrency
            | Self::MaintenanceConflict
            | Self::Unprocessable { .. } => 422,
            Self::Failed { .. } | Self::Internal(_) => 500,
            Self::Unavailable(_) => 503,
        }
    }

    /// `error`: the specification's word, where it has one (requirement 23).
    #[must_use]
    pub const fn word(&self) -> Option<&'static str> {
        match self {
            Self::AsyncRequired => Some("AsyncRequired"),
            Self::Concurrency => Some("ConcurrencyError"),
            Self::MaintenanceConflict => Some("MaintenanceInfoConflict"),
            Self::Invalid(_)
            | Self::NotFound(_)
            | Self::Conflict(_)
            | Self::Gone(_)
            | Self::Unprocessable { .. }
            | Self::Failed { .. }
            | Self::Unavailable(_)
            | Self::Internal(_) => None,
        }
    }

    /// `description`. Some clients compare the first two texts literally, so they are the
    /// specification's own.
    #[must_use]
    pub fn description(&self) -> &str {
        match self {
            Self::AsyncRequired => {
                "This service plan requires client support for asynchronous service operations."
            }
            Self::Concurrency => {
                "The Service Broker does not support concurrent requests that mutate the same \
                 resource."
            }
            Self::MaintenanceConflict => {
                "The maintenance_info.version given is not the one in the catalog: fetch the \
                 catalog again."
            }
            Self::Invalid(text)
            | Self::NotFound(text)
            | Self::Conflict(text)
            | Self::Gone(text)
            | Self::Unavailable(text)
            | Self::Internal(text)
            | Self::Unprocessable { description: text, .. }
            | Self::Failed { description: text, .. } => text,
        }
    }

    /// The body: a JSON object, whatever the status.
    #[must_use]
    pub fn body(&self) -> serde_json::Value {
        let mut body = serde_json::Map::new();
        if let Some(word) = self.word() {
            body.insert("error".into(), word.into());
        }
        body.insert("description".into(), self.description().into());
        let (usable, repeatable) = match self {
            Self::Unprocessable { update_repeatable, .. } => (None, *update_repeatable),
            Self::Failed { instance_usable, update_repeatable, .. } => {
                (*instance_usable, *update_repeatable)
            }
            Self::Invalid(_)
            | Self::NotFound(_)
            | Self::Conflict(_)
            | Self::Gone(_)
            | Self::AsyncRequired
            | Self::Concurrency
            | Self::MaintenanceConflict
            | Self::Unavailable(_)
            | Self::Internal(_) => (None, None),
        };
        if let Some(usable) = usable {
            body.insert("instance_usable".into(), usable.into());
        }
        if let Some(repeatable) = repeatable {
            body.insert("update_repeatable".into(), repeatable.into());
        }
        body.into()
    }
}
