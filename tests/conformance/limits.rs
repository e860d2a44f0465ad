//! Request limits as clients meet them: an SDK backs off and succeeds, one that does not try again is told.

use anyhow::{Result, ensure};

use crate::subject::{Subject, start};

#[test]
fn clients_back_off_from_request_limits() -> Result<()> {
    if std::env::var_os(crate::subject::ENDPOINT_VARIABLE).is_some() {
        // Limits are an option of a Gantry of one's own.
        return Ok(());
    }
    let gantry = start(&["--api-rate-limits"])?;
    ensure!(gantry.is_healthy(), "the agent's own calls are not in the way");
    Subject::of(gantry)?.run("rate_limits")
}
