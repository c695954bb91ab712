//! The three things that a binding can be.

use crate::engine::read_only;
use crate::model::{Fault, Object};

/// Which group role an app works as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Access {
    /// Data and tables: the default.
    Owner,
    /// Data only.
    ReadWrite,
    /// Looks at data only.
    ReadOnly,
}

impl Access {
    pub(super) const ALL: [Self; 3] = [Self::Owner, Self::ReadWrite, Self::ReadOnly];

    /// From a binding's parameters: `access`, or `read_only` as offerings of other engines have it.
    ///
    /// # Errors
    /// `Fatal` for any other value.
    pub(super) fn of(parameters: &Object) -> Result<Self, Fault> {
        if read_only(parameters)? {
            return Ok(Self::ReadOnly);
        }
        let Some(value) = parameters.get("access") else { return Ok(Self::Owner) };
        match value.as_str() {
            Some("owner") => Ok(Self::Owner),
            Some("read_write") => Ok(Self::ReadWrite),
            Some("read_only") => Ok(Self::ReadOnly),
            _ => Err(Fault::fatal(format!(
                "access is {value}; it can be \"owner\", \"read_write\" or \"read_only\""
            ))),
        }
    }

    /// The group role.
    pub(super) const fn group(self) -> &'static str {
        match self {
            Self::Owner => "app_owner",
            Self::ReadWrite => "app_rw",
            Self::ReadOnly => "app_ro",
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::model::FaultKind;

    #[test]
    fn access_is_asked_for_by_either_name() {
        for (parameters, expected) in [
            (json!({}), Access::Owner),
            (json!({"access": "owner", "read_only": false}), Access::Owner),
            (json!({"access": "read_write"}), Access::ReadWrite),
            (json!({"access": "read_only"}), Access::ReadOnly),
            (json!({"access": "owner", "read_only": true}), Access::ReadOnly),
        ] {
            let parameters = parameters.as_object().expect("an object");
            assert_eq!(Access::of(parameters).unwrap(), expected, "{parameters:?}");
        }
        for parameters in [json!({"access": "root"}), json!({"access": 1}), json!({"read_only": 1})]
        {
            let fault = Access::of(parameters.as_object().expect("an object")).unwrap_err();
            assert_eq!(fault.kind, FaultKind::Fatal);
        }
    }
}
