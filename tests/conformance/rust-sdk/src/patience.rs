//! Waiting for what becomes true, with a deadline.

use std::time::Duration;

use anyhow::{Result, bail};
use tokio::time::Instant;

/// How long anything may take.
const DEADLINE: Duration = Duration::from_secs(60);
/// Between two questions.
const PAUSE: Duration = Duration::from_millis(250);

/// Asks again and again.
pub async fn until(what: &str, is_so: impl AsyncFn() -> Result<bool>) -> Result<()> {
    let end = Instant::now() + DEADLINE;
    while Instant::now() < end {
        if is_so().await? {
            return Ok(());
        }
        tokio::time::sleep(PAUSE).await;
    }
    bail!("after {DEADLINE:?} it is still not so: {what}")
}
