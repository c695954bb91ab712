//! Every call of the database has a time limit and says in its error what was being done.

use std::io;
use std::time::Duration;

use super::StoreError;

/// Above every limit that the database keeps by itself ([`super::connect`]): it ends only calls
/// whose answer is lost, on a connection that nobody told us is dead.
const LIMIT: Duration = Duration::from_secs(20);

pub(super) trait Attempt<T> {
    /// Waits for the database's answer, at most [`LIMIT`]; `what` is in words.
    fn attempting(self, what: &'static str) -> impl Future<Output = Result<T, StoreError>> + Send;
}

impl<T, F> Attempt<T> for F
where
    F: Future<Output = sqlx::Result<T>> + Send,
{
    async fn attempting(self, what: &'static str) -> Result<T, StoreError> {
        let answer = tokio::time::timeout(LIMIT, self).await.unwrap_or_else(|_| {
            let message = format!("no answer within {} s", LIMIT.as_secs());
            Err(sqlx::Error::Io(io::Error::new(io::ErrorKind::TimedOut, message)))
        });
        answer.map_err(|source| StoreError::Database { attempting: what, source })
    }
}
