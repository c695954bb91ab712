//! Puts the parts together and runs the broker.

use crate::config::Settings;

/// Runs the broker until it is told to stop.
///
/// # Errors
/// What kept it from starting.
#[expect(clippy::unused_async, reason = "the parts that it will await are not there yet")]
pub async fn serve(_settings: Settings) -> anyhow::Result<()> {
    anyhow::bail!("the broker's parts are not put together yet")
}
