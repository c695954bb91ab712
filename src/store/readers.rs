//! The connections that only read.

use std::ops::{Deref, DerefMut};

use deadpool::Runtime;
use deadpool::unmanaged::{Object, Pool, PoolConfig, PoolError};
use sqlx::pool::PoolConnection;
use sqlx::{Any, AnyConnection, AnyPool};

use super::connect::ACQUIRE;

/// Where they are had from.
#[derive(Clone, Debug)]
pub(super) enum Readers {
    /// Of a server, which may end them: the driver's pool asks each around every use whether it
    /// still lives.
    Pooled(AnyPool),
    /// Of a file. To ask them would cost as much as most queries do.
    Kept(Pool<AnyConnection>),
}

/// One of them. It goes back when dropped.
pub(super) enum Reader {
    Pooled(PoolConnection<Any>),
    Kept(Object<AnyConnection>),
}

impl Readers {
    /// Keeps as many as there are.
    pub(super) fn keep(connections: Vec<AnyConnection>) -> Self {
        let pool = Pool::from_config(&PoolConfig {
            max_size: connections.len(),
            timeout: Some(ACQUIRE),
            runtime: Some(Runtime::Tokio1),
        });
        for connection in connections {
            assert!(pool.try_add(connection).is_ok(), "the pool was made for this many");
        }
        Self::Kept(pool)
    }

    /// Waits for a free one.
    pub(super) async fn acquire(&self) -> sqlx::Result<Reader> {
        match self {
            Self::Pooled(pool) => pool.acquire().await.map(Reader::Pooled),
            Self::Kept(pool) => pool.get().await.map(Reader::Kept).map_err(|error| match error {
                PoolError::Timeout => sqlx::Error::PoolTimedOut,
                PoolError::Closed | PoolError::NoRuntimeSpecified => sqlx::Error::PoolClosed,
            }),
        }
    }
}

impl Deref for Reader {
    type Target = AnyConnection;

    fn deref(&self) -> &AnyConnection {
        match self {
            Self::Pooled(connection) => connection,
            Self::Kept(connection) => connection,
        }
    }
}

impl DerefMut for Reader {
    fn deref_mut(&mut self) -> &mut AnyConnection {
        match self {
            Self::Pooled(connection) => connection,
            Self::Kept(connection) => connection,
        }
    }
}
