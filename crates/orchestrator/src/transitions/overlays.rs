//! Numbers by which hosts and VPCs find each other where a VPC is on several hosts.

use std::collections::BTreeSet;
use std::convert::Infallible;
use std::sync::Arc;

use domain::host::Host;
use domain::vpc::Vpc;
use store::{State, Tx};

#[cfg(test)]
mod tests;

/// Highest number of a host: each has an address of 169.254.192.0/18 inside of tunnels.
const HOST_NUMBER_MAX: u32 = (1 << 14) - 1;
/// Highest number of a VPC, as VXLAN has it.
const VNI_MAX: u32 = (1 << 24) - 1;

/// A number that no host has; 0 if there is none.
pub fn free_host_number(state: &State) -> u16 {
    let taken: Vec<u32> = state.all::<Host>().map(|it| it.number.into()).collect();
    u16::try_from(free(&taken, HOST_NUMBER_MAX)).unwrap_or(0)
}

/// Gives a VPC a number that no other has, unless it has one.
pub fn number_vpc(tx: &mut Tx<'_>, vpc: &Vpc) -> Arc<Vpc> {
    if vpc.vni != 0 {
        return tx.put(vpc.clone());
    }
    let taken: Vec<u32> = tx.state().all::<Vpc>().map(|it| it.vni).collect();
    let vni = free(&taken, VNI_MAX);
    tx.put(Vpc { vni, ..vpc.clone() })
}

/// Gives numbers to VPCs of a time when no VPC was on several hosts.
///
/// # Errors
/// None.
pub fn number_vpcs(tx: &mut Tx<'_>) -> Result<(), Infallible> {
    let bare = tx.state().all::<Vpc>().filter(|it| it.vni == 0);
    for vpc in bare.cloned().collect::<Vec<_>>() {
        number_vpc(tx, &vpc);
    }
    Ok(())
}

/// The one after the highest, so that a number rests before somebody else has it; then the lowest that is free.
fn free(taken: &[u32], most: u32) -> u32 {
    let next = taken.iter().max().map_or(1, |it| it + 1);
    if next <= most {
        return next;
    }
    let taken: BTreeSet<&u32> = taken.iter().collect();
    (1..=most).find(|it| !taken.contains(it)).unwrap_or(0)
}
