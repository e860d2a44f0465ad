//! A million requests through a load balancer while the service behind it is replaced over and over, by rolling updates
//! and by blue/green deployments in turns: how many failed.

mod askers;
mod stack;

use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::{Result, ensure};

use self::askers::Askers;
use self::stack::{Stack, Strategy};
use crate::install::say;

/// Requests until the end.
const REQUESTS: usize = 1_000_000;

/// Prints how many requests were answered, during what, and how many were not.
///
/// # Errors
/// One was not.
pub fn measure(binary: &Path, clients: PathBuf) -> Result<()> {
    say("A million requests through a service that is replaced all the time");
    let stack = Stack::new(super::started(binary)?, clients)?;
    let askers = Askers::start(&stack.address, REQUESTS)?;
    let begun = Instant::now();
    let mut deployments = [0_u32; 2];
    let mut revision = 1;
    while !askers.have_ended() {
        for (count, strategy) in deployments
            .iter_mut()
            .zip([Strategy::Rolling, Strategy::BlueGreen])
        {
            revision += 1;
            stack.deploy(revision, strategy)?;
            *count += 1;
            println!(
                "revision {revision} after {:.0} s: {} requests answered, {} failed",
                begun.elapsed().as_secs_f64(),
                askers.asked().answered(),
                askers.asked().failures().len()
            );
        }
    }
    let took = begun.elapsed().as_secs_f64();
    let asked = askers.end()?;
    let (failures, [rolling, blue_green]) = (asked.failures(), deployments);
    println!(
        "{} requests in {took:.0} s, half of them on connections of their own, through {rolling} rolling updates and \
         {blue_green} blue/green deployments: {} failed",
        asked.answered() + failures.len(),
        failures.len()
    );
    ensure!(
        failures.is_empty(),
        "requests failed, the first of them: {}",
        failures[0]
    );
    Ok(())
}
