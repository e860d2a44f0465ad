//! `kill -9` in the middle of a write load: every acknowledged write is there afterwards, and none is half there.

use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use test_support::aws::Aws;
use test_support::gantry::Gantry;
use test_support::wait;

use crate::subject::{ENDPOINT_VARIABLE, start, suite};

/// Names how often to crash; a few times unless told.
const CRASHES_VARIABLE: &str = "GANTRY_CRASHES";
const CRASHES: usize = 3;
/// Acknowledged writes before each crash.
const WRITES: usize = 1000;
const LOAD_DEADLINE: Duration = Duration::from_secs(60);

#[test]
fn kill_9_loses_no_acknowledged_write() -> Result<()> {
    if std::env::var_os(ENDPOINT_VARIABLE).is_some() {
        // Only a Gantry of one's own can be killed.
        return Ok(());
    }
    let crashes = match std::env::var(CRASHES_VARIABLE) {
        Ok(given) => given
            .parse()
            .with_context(|| format!("{CRASHES_VARIABLE}={given}"))?,
        Err(_) => CRASHES,
    };
    let mut gantry = start(&[])?;
    let journals = gantry.scratch().join("journals");
    for round in 0..crashes {
        let folder = journals.join(round.to_string());
        crash(&mut gantry, &folder, &round.to_string())?;
        gantry.up()?;
        check(&gantry, &folder)?;
    }
    println!("{crashes} crashes; now what was written before all of them:");
    check(&gantry, &journals)
}

/// Kills it once so many writes are acknowledged, with more on their way.
fn crash(gantry: &mut Gantry, folder: &Path, round: &str) -> Result<()> {
    let aws = Aws::of(gantry)?;
    let mut load = suite(&aws, "crash_load");
    let mut load = load.arg(folder).arg(round).spawn().context("cannot run Python")?;
    let enough = wait::until("writes are acknowledged", LOAD_DEADLINE, || {
        Ok((acknowledged(folder) >= WRITES).then_some(()))
    });
    gantry.kill()?;
    let ended = load.wait()?;
    enough?;
    ensure!(ended.success(), "the load failed: {ended}");
    Ok(())
}

fn acknowledged(folder: &Path) -> usize {
    let files = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let texts = files.filter_map(|it| std::fs::read_to_string(it.path()).ok());
    texts
        .map(|it| {
            it.lines()
                .filter(|line| line.starts_with("[\"acknowledged\""))
                .count()
        })
        .sum()
}

fn check(gantry: &Gantry, journals: &Path) -> Result<()> {
    let status = suite(&Aws::of(gantry)?, "crash_check").arg(journals).status()?;
    ensure!(
        status.success(),
        "something is not as acknowledged; it stands above"
    );
    ensure!(!gantry.output().contains("panicked"), "{}", gantry.output());
    Ok(())
}
