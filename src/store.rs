//! What the broker knows, kept: SQLite in the data folder, or PostgreSQL, with one SQL text.
//!
//! Reads go to a pool; whatever decides goes through [`Decision`], one transaction that begins by
//! writing the row that it decides about; whatever a worker learns goes through [`Store::record`],
//! guarded by its [`Lease`].
//!
//! Locks are taken in one order, so that no two transactions wait for each other: the instance's
//! row of `subjects`, then what all instances share, then anything else ([`locks`]).

mod attempt;
mod audit;
mod bindings;
mod codec;
mod connect;
mod decision;
mod error;
mod instances;
mod leases;
mod locks;
mod meta;
pub mod migrations;
mod operations;
mod ports;
mod readers;
mod retention;
mod subnets;

use ipnet::Ipv4Net;
use sqlx::{Any, AnyPool, Transaction};

use crate::clock::Millis;
use crate::id::{BindingKey, BrokerId, InstanceKey, OperationId, TenantId};
use crate::model::{Binding, Instance, Operation};
use crate::secret::Secret;
use crate::secret::seal::Seal;

use attempt::Attempt as _;
pub use audit::AuditEntry;
pub use decision::Decision;
pub use error::StoreError;
pub use leases::{Effect, Lease};
use readers::{Reader, Readers};

/// The database. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Store {
    /// For what only reads.
    read: Readers,
    /// For what writes: SQLite has one writer, so this has one connection there.
    write: AnyPool,
    seal: Seal,
}

type Result<T> = std::result::Result<T, StoreError>;

impl Store {
    /// Opens, makes or migrates the database at `url` (`sqlite:///path/file.db`, `postgres://…`).
    ///
    /// # Errors
    /// [`StoreError::Newer`] and [`StoreError::Seal`] leave the database as it was.
    pub async fn open(url: &str, seal: Seal) -> Result<Self> {
        let (read, write) = connect::pools(url).await?;
        let store = Self { read, write, seal };
        let mut transaction = migrations::begin(&store.write).await?;
        migrations::run(&mut transaction, migrations::ALL).await?;
        meta::found(&mut transaction, &store.seal).await?;
        transaction.commit().attempting("preparing it").await?;
        Ok(store)
    }

    /// Whether the database answers.
    pub async fn ping(&self) -> Result<()> {
        sqlx::query("SELECT 1")
            .execute(&mut *self.reader().await?)
            .attempting("asking whether it answers")
            .await
            .map(drop)
    }

    /// Made at the first start, kept for ever.
    pub async fn broker_id(&self) -> Result<BrokerId> {
        meta::broker_id(&mut *self.reader().await?).await
    }

    /// The certificate authority that is kept; `new`, from now on, where none is. Of several
    /// brokers that start at once all are answered the same.
    pub async fn authority(&self, new: &Secret) -> Result<Secret> {
        let mut transaction = self.begin("keeping the certificate authority").await?;
        let kept = meta::authority(&mut transaction, &self.seal, new).await?;
        transaction.commit().attempting("keeping the certificate authority").await?;
        Ok(kept)
    }

    /// One instance.
    pub async fn instance(&self, key: &InstanceKey) -> Result<Option<Instance>> {
        instances::one(&mut *self.reader().await?, &self.seal, key).await
    }

    /// All instances, the oldest first.
    pub async fn instances(&self) -> Result<Vec<Instance>> {
        instances::all(&mut *self.reader().await?, &self.seal).await
    }

    /// One binding.
    pub async fn binding(&self, key: &BindingKey) -> Result<Option<Binding>> {
        bindings::one(&mut *self.reader().await?, &self.seal, key).await
    }

    /// An instance's bindings, the oldest first.
    pub async fn bindings(&self, instance: &InstanceKey) -> Result<Vec<Binding>> {
        bindings::of(&mut *self.reader().await?, &self.seal, instance).await
    }

    /// Ready bindings whose time is over and that nothing is done about yet; at most 100.
    pub async fn expired_bindings(&self, now: Millis) -> Result<Vec<Binding>> {
        bindings::expired(&mut *self.reader().await?, &self.seal, now).await
    }

    /// One operation, running or ended.
    pub async fn operation(&self, id: &OperationId) -> Result<Option<Operation>> {
        operations::one(&mut *self.reader().await?, &self.seal, id).await
    }

    /// The newest operation of a subject ([`Operation::subject`]).
    pub async fn latest(&self, subject: &str) -> Result<Option<Operation>> {
        operations::latest(&mut *self.reader().await?, &self.seal, subject).await
    }

    /// The running operation of a subject, if any.
    pub async fn running(&self, subject: &str) -> Result<Option<Operation>> {
        operations::running(&mut *self.reader().await?, &self.seal, subject).await
    }

    /// The newest operations, of one instance (its bindings' included) or of all.
    pub async fn operations(
        &self,
        instance: Option<&InstanceKey>,
        limit: u32,
    ) -> Result<Vec<Operation>> {
        operations::newest(&mut *self.reader().await?, &self.seal, instance, limit).await
    }

    /// When the next running operation can be claimed, in ms; none if none runs. May be in the
    /// past.
    pub async fn next_due(&self) -> Result<Option<Millis>> {
        leases::next_due(&mut *self.reader().await?).await
    }

    /// How many operations run or wait.
    pub async fn count_running(&self) -> Result<u64> {
        operations::count_running(&mut *self.reader().await?).await
    }

    /// How many instances a tenant has beside one, without those that are being deprovisioned.
    pub async fn count_others(&self, tenant: &TenantId, key: &InstanceKey) -> Result<u64> {
        instances::count_others(&mut *self.reader().await?, tenant, key).await
    }

    /// A tenant's network range, if it has one.
    pub async fn subnet(&self, tenant: &TenantId) -> Result<Option<Ipv4Net>> {
        subnets::of(&mut *self.reader().await?, tenant).await
    }

    /// The newest audit entries.
    pub async fn audit(&self, limit: u32) -> Result<Vec<AuditEntry>> {
        audit::newest(&mut *self.reader().await?, limit).await
    }

    /// Begins a decision about an instance (which need not exist) or its bindings. It holds the
    /// only writing connection to SQLite: call nothing that writes on the store before it ends.
    pub async fn decide(&self, instance: &InstanceKey) -> Result<Decision<'_>> {
        let mut transaction = self.begin("beginning a decision").await?;
        locks::hold_instance(&mut transaction, instance).await?;
        Ok(Decision::new(transaction, &self.seal, instance.clone()))
    }

    async fn reader(&self) -> Result<Reader> {
        self.read.acquire().attempting("waiting for a connection to read with").await
    }

    async fn begin(&self, attempting: &'static str) -> Result<Transaction<'static, Any>> {
        self.write.begin().attempting(attempting).await
    }
}

#[cfg(test)]
mod tests {
    use sqlx::{AnyConnection, Row as _};

    use super::*;
    use crate::model::{Kind, OperationState, Phase};

    fn operation(number: usize, instance: &InstanceKey) -> Operation {
        Operation {
            id: format!("op-{number}").as_str().into(),
            kind: Kind::Provision,
            instance: instance.clone(),
            binding: None,
            target: None,
            state: OperationState::Running,
            phase: Phase::Forward,
            step: 0,
            attempts: 0,
            run_after: 0,
            deadline: 0,
            description: "x".repeat(1_000),
            instance_usable: None,
            update_repeatable: None,
            created_at: 0,
            finished_at: None,
        }
    }

    fn seal() -> Seal {
        Seal::new(&[Seal::generate_key()]).unwrap()
    }

    async fn new() -> (Store, tempfile::TempDir) {
        let folder = tempfile::tempdir().unwrap();
        let url = format!("sqlite://{}", folder.path().join("new.db").display());
        (Store::open(&url, seal()).await.unwrap(), folder)
    }

    /// Writes until it fails; each decision writes an operation and an audit entry.
    async fn fill(store: &Store) -> (u32, StoreError) {
        for number in 0.. {
            let key = InstanceKey::from(format!("{number:016x}"));
            let decide = async {
                let mut decision = store.decide(&key).await?;
                decision.begin(&operation(number, &key)).await?;
                decision.audit(&AuditEntry::default()).await?;
                decision.commit().await
            };
            if let Err(error) = decide.await {
                return (u32::try_from(number).unwrap(), error);
            }
        }
        unreachable!("the disk is full at some time")
    }

    async fn pragma(connection: &mut AnyConnection, sql: &'static str) -> String {
        let row = sqlx::query(sql).fetch_one(connection).await.unwrap();
        row.try_get::<String, _>(0).unwrap_or_else(|_| row.get::<i64, _>(0).to_string())
    }

    #[tokio::test]
    async fn sqlite_loses_nothing_and_its_readers_write_nothing() {
        let (store, _folder) = new().await;
        let mut writer = store.write.acquire().await.unwrap();
        assert_eq!(pragma(&mut writer, "PRAGMA journal_mode").await, "wal");
        let full = "2";
        assert_eq!(pragma(&mut writer, "PRAGMA synchronous").await, full);
        drop(writer);
        let mut reader = store.reader().await.unwrap();
        assert_eq!(pragma(&mut reader, "PRAGMA query_only").await, "1");
        assert_eq!(store.write.options().get_max_connections(), 1);
    }

    #[tokio::test]
    async fn a_database_that_is_away_is_unavailable_and_its_password_stays_unsaid() {
        let url = "postgres://banquet:PlantedPassword@localhost/banquet?host=/nowhere";
        for (url, unavailable) in [(url, true), ("mysql://u:PlantedPassword@h/d", false)] {
            let error = Store::open(url, seal()).await.unwrap_err();
            assert_eq!(error.is_unavailable(), unavailable, "{error:?}");
            assert!(!format!("{error:?}").contains("PlantedPassword"));
        }
    }

    #[tokio::test]
    async fn a_full_disk_fails_cleanly_and_heals() {
        let (store, _folder) = new().await;
        // The limit belongs to the connection, and there is one that writes. SQLite answers as it
        // does when the disk is full.
        sqlx::query("PRAGMA max_page_count = 100").execute(&store.write).await.unwrap();
        let (written, error) = fill(&store).await;
        assert!(written > 10);
        assert!(
            matches!(error, StoreError::Database { .. }) && error.is_unavailable(),
            "{error:?}"
        );
        let count = usize::try_from(written).unwrap();
        assert_eq!(store.operations(None, 10_000).await.unwrap().len(), count);
        assert_eq!(store.audit(10_000).await.unwrap().len(), count, "nothing is half written");

        sqlx::query("PRAGMA max_page_count = 1000").execute(&store.write).await.unwrap();
        let key = InstanceKey::from(format!("{count:016x}"));
        drop(store.decide(&key).await.unwrap());
        let mut decision = store.decide(&key).await.unwrap();
        decision.begin(&operation(count, &key)).await.unwrap();
        decision.commit().await.unwrap();
        assert_eq!(store.operations(None, 10_000).await.unwrap().len(), count + 1);
    }
}
