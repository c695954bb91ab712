//! A database of its own for each test.

use banquet::secret::Secret;
use banquet::secret::seal::Seal;
use banquet::store::Store;
use sqlx::AnyPool;
use tempfile::TempDir;

use crate::postgres;

pub struct World {
    pub store: Store,
    pub url: String,
    pub key: Secret,
    _folder: Option<TempDir>,
}

impl World {
    pub async fn sqlite() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let url = format!("sqlite://{}", folder.path().join("a database.db").display());
        Self::open(url, Some(folder)).await
    }

    pub async fn postgres() -> Self {
        Self::open(postgres::database().await, None).await
    }

    async fn open(url: String, folder: Option<TempDir>) -> Self {
        let key = Seal::generate_key();
        let store = Store::open(&url, seal(&[&key])).await.unwrap();
        Self { store, url, key, _folder: folder }
    }

    /// Past the store, to see and break what is kept.
    pub async fn raw(&self) -> AnyPool {
        AnyPool::connect(&self.url).await.unwrap()
    }

    pub fn is_sqlite(&self) -> bool {
        self.url.starts_with("sqlite")
    }

    /// An empty database beside this one, of the same kind.
    pub async fn empty(&self) -> (AnyPool, Option<TempDir>) {
        if self.is_sqlite() {
            let folder = tempfile::tempdir().unwrap();
            let url = format!("sqlite://{}?mode=rwc", folder.path().join("empty.db").display());
            (AnyPool::connect(&url).await.unwrap(), Some(folder))
        } else {
            (AnyPool::connect(&postgres::database().await).await.unwrap(), None)
        }
    }
}

pub fn seal(keys: &[&Secret]) -> Seal {
    Seal::new(&keys.iter().map(|key| (*key).clone()).collect::<Vec<_>>()).unwrap()
}
