//! What is made at the first start and kept for ever: the broker's id, a canary that only the right
//! master key opens, and the certificate authority.

use sqlx::AnyConnection;

use super::Result;
use super::attempt::Attempt as _;
use super::codec::Columns;
use crate::id::BrokerId;
use crate::secret::Secret;
use crate::secret::seal::Seal;

const BROKER_ID: &str = "broker_id";
const CANARY: &str = "canary";
const CANARY_PLACE: &str = "meta/canary";
const AUTHORITY: &str = "authority";
const AUTHORITY_PLACE: &str = "meta/authority";

const FOUND: &str = "INSERT INTO meta (key, value) VALUES ($1, $2) ON CONFLICT (key) DO NOTHING";
const READ: &str = "SELECT value FROM meta WHERE key = $1";

/// Makes what is missing, then tries the master key.
pub(super) async fn found(connection: &mut AnyConnection, seal: &Seal) -> Result<()> {
    let canary = seal.seal("the master key is the right one", CANARY_PLACE);
    for (key, value) in [(BROKER_ID, new_broker_id()), (CANARY, canary)] {
        sqlx::query(FOUND)
            .bind(key)
            .bind(value)
            .execute(&mut *connection)
            .attempting("founding it")
            .await?;
    }
    seal.open(&read(connection, CANARY).await?, CANARY_PLACE)?;
    Ok(())
}

pub(super) async fn broker_id(connection: &mut AnyConnection) -> Result<BrokerId> {
    read(connection, BROKER_ID).await.map(BrokerId::from)
}

/// The authority: the one that is kept, or this one from now on.
pub(super) async fn authority(
    connection: &mut AnyConnection,
    seal: &Seal,
    new: &Secret,
) -> Result<Secret> {
    sqlx::query(FOUND)
        .bind(AUTHORITY)
        .bind(seal.seal(new.expose(), AUTHORITY_PLACE))
        .execute(&mut *connection)
        .attempting("keeping the certificate authority")
        .await?;
    Ok(seal.open(&read(connection, AUTHORITY).await?, AUTHORITY_PLACE)?)
}

async fn read(connection: &mut AnyConnection, key: &'static str) -> Result<String> {
    let row = sqlx::query(READ)
        .bind(key)
        .fetch_one(connection)
        .attempting("reading what was made at the first start")
        .await?;
    Columns::of("meta", &row).text("value")
}

/// Eight of `[a-z0-9]`: part of labels that people read.
fn new_broker_id() -> String {
    const ALPHABET: &[u8; 36] = b"abcdefghijklmnopqrstuvwxyz0123456789";
    let mut bytes = [0_u8; 8];
    getrandom::fill(&mut bytes).expect("the system's random source never fails once started");
    bytes.iter().map(|byte| char::from(ALPHABET[usize::from(*byte) % ALPHABET.len()])).collect()
}
