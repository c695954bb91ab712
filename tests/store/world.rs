//! A database of its own for each test.

use banquet::secret::Secret;
use banquet::secret::seal::Seal;
use banquet::store::Store;
use sqlx::AnyPool;
use tempfile::TempDir;

use crate::postgres;

pub(crate) struct World {
    pub(crate) store: Store,
    pub(crate) url: String,
    pub(crate) key: Secret,
    _folder: Option<TempDir>,
}

impl World {
    pub(crate) async fn sqlite() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let url = format!("sqlite://{}", folder.path().join("a database.db").display());
        Self::open(url, Some(folder)).await
    }

    pub(crate) async fn postgres() -> Self {
        Self::open(postgres::database().await, None).await
    }

    async fn open(url: String, folder: Option<TempDir>) -> Self {
        let key = Seal::generate_key();
        let store = Store::open(&url, seal(&[&key])).await.unwrap();
        Self { store, url, key, _folder: folder }
    }

    /// Past the store, to see and break what is kept.
    pub(crate) async fn raw(&self) -> AnyPool {
        AnyPool::connect(&self.url).await.unwrap()
    }

    pub(crate) fn is_sqlite(&self) -> bool {
        self.url.starts_with("sqlite")
    }

    /// An empty database beside this one, of the same kind.
    pub(crate) async fn empty(&self) -> (AnyPool, Option<TempDir>) {
        if self.is_sqlite() {
            let folder = tempfile::tempdir().unwrap();
            let url = format!("sqlite://{}?mode=rwc", folder.path().join("empty.db").display());
            (AnyPool::connect(&url).await.unwrap(), Some(folder))
        } else {
            (AnyPool::connect(&postgres::database().await).await.unwrap(), None)
        }
    }
}

pub(crate) fn seal(keys: &[&Secret]) -> Seal {
    Seal::new(&keys.iter().map(|key| (*key).clone()).collect::<Vec<_>>()).unwrap()
}
