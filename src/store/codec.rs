//! Between rows and our types. Its errors name the place and never the content, which may be
//! secret.

use serde::Serialize;
use serde::de::DeserializeOwned;
use sqlx::Row as _;
use sqlx::any::AnyRow;

use super::{Result, StoreError};
use crate::model::Object;
use crate::secret::Secret;
use crate::secret::seal::{Seal, SealError};

/// A row that knows its table, for errors.
pub(super) struct Columns<'a> {
    table: &'static str,
    row: &'a AnyRow,
}

impl<'a> Columns<'a> {
    pub(super) fn of(table: &'static str, row: &'a AnyRow) -> Self {
        Self { table, row }
    }

    pub(super) fn text(&self, column: &str) -> Result<String> {
        self.optional_text(column)?.ok_or_else(|| self.unreadable(column, "missing"))
    }

    pub(super) fn optional_text(&self, column: &str) -> Result<Option<String>> {
        self.row.try_get(column).map_err(|_| self.unreadable(column, "not text"))
    }

    pub(super) fn number<T: TryFrom<i64>>(&self, column: &str) -> Result<T> {
        self.optional_number(column)?.ok_or_else(|| self.unreadable(column, "missing"))
    }

    pub(super) fn optional_number<T: TryFrom<i64>>(&self, column: &str) -> Result<Option<T>> {
        let number: Option<i64> =
            self.row.try_get(column).map_err(|_| self.unreadable(column, "not a number"))?;
        let number = number.map(T::try_from).transpose();
        number.map_err(|_| self.unreadable(column, "a number out of range"))
    }

    pub(super) fn flag(&self, column: &str) -> Result<bool> {
        Ok(self.number::<i64>(column)? != 0)
    }

    pub(super) fn optional_flag(&self, column: &str) -> Result<Option<bool>> {
        Ok(self.optional_number::<i64>(column)?.map(|number| number != 0))
    }

    /// One word of a closed set.
    pub(super) fn word<T>(&self, column: &str, parse: fn(&str) -> Option<T>) -> Result<T> {
        parse(&self.text(column)?).ok_or_else(|| self.unreadable(column, "an unknown word"))
    }

    pub(super) fn object(&self, column: &str) -> Result<Object> {
        from_json(&self.text(column)?).map_err(|reason| self.unreadable(column, &reason))
    }

    /// What was sealed for `place`.
    pub(super) fn sealed(&self, column: &str, seal: &Seal, place: &str) -> Result<Secret> {
        seal.open(&self.text(column)?, place).map_err(|error| match error {
            SealError::UnknownKey(_) | SealError::BadKey => StoreError::Seal(error),
            SealError::Damaged => {
                self.unreadable(column, &format!("the sealed data at {place} is damaged"))
            }
        })
    }

    /// JSON that was sealed for `place`.
    pub(super) fn sealed_json<T: DeserializeOwned>(
        &self,
        column: &str,
        seal: &Seal,
        place: &str,
    ) -> Result<T> {
        let text = self.sealed(column, seal, place)?;
        from_json(text.expose()).map_err(|reason| self.unreadable(column, &reason))
    }

    pub(super) fn unreadable(&self, column: &str, reason: &str) -> StoreError {
        StoreError::Unreadable(format!("{}.{column}: {reason}", self.table))
    }
}

pub(super) fn to_json<T: Serialize>(value: &T) -> String {
    serde_json::to_string(value).expect("our types have text as keys and fail at nothing")
}

/// serde's own message may quote the content.
fn from_json<T: DeserializeOwned>(text: &str) -> std::result::Result<T, String> {
    serde_json::from_str(text).map_err(|error| {
        format!(
            "JSON that does not fit ({:?} error at column {})",
            error.classify(),
            error.column()
        )
    })
}
