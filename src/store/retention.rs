//! What is remembered of the past, and for how long.

use super::attempt::Attempt as _;
use super::{Result, Store, audit, locks};
use crate::clock::Millis;
use crate::id::InstanceKey;

const FORGET_OPERATIONS: &str = "DELETE FROM operations \
    WHERE state <> 'running' AND finished_at < $1 AND lease_until < $1 AND ( \
        EXISTS (SELECT 1 FROM operations newer \
            WHERE newer.subject = operations.subject AND newer.seq > operations.seq) \
        OR (NOT EXISTS (SELECT 1 FROM instances WHERE instances.key = operations.subject) \
            AND NOT EXISTS (SELECT 1 FROM bindings WHERE bindings.key = operations.subject)))";
const FORGET_REMOVALS: &str = "DELETE FROM removed_instances WHERE removed_at < $1";
const FORGET_HELD_BACK: &str = "DELETE FROM ports_held_back WHERE until < $1";
const WAS_REMOVED: &str = "SELECT 1 AS one FROM removed_instances WHERE instance = $1";

impl Store {
    /// Forgets operations that ended before `before` and whose subject is gone or has a newer one,
    /// and audit entries and removals of before it. Answers how many operations.
    pub async fn forget_ended(&self, before: Millis) -> Result<u64> {
        const ATTEMPTING: &str = "forgetting what is long past";
        // Each statement by itself: together they would take locks in no good order.
        let forgotten = sqlx::query(FORGET_OPERATIONS)
            .bind(before)
            .execute(&self.write)
            .attempting(ATTEMPTING)
            .await?;
        for sql in [FORGET_REMOVALS, FORGET_HELD_BACK] {
            sqlx::query(sql).bind(before).execute(&self.write).attempting(ATTEMPTING).await?;
        }
        let mut connection = self.write.acquire().attempting(ATTEMPTING).await?;
        audit::forget(&mut connection, before).await?;
        locks::prune(&mut connection).await?;
        Ok(forgotten.rows_affected())
    }

    /// Whether an instance was deprovisioned here: its remains on the engine may be removed.
    pub async fn was_removed(&self, instance: &InstanceKey) -> Result<bool> {
        let row = sqlx::query(WAS_REMOVED)
            .bind(instance.as_str())
            .fetch_optional(&mut *self.reader().await?)
            .attempting("asking whether an instance was removed")
            .await?;
        Ok(row.is_some())
    }
}
