//! Network interfaces of `awsvpc` tasks: an address of a subnet that no other task has.

use std::net::Ipv4Addr;
use std::sync::Arc;

use domain::security_group::SecurityGroup;
use domain::task::{NetworkConfiguration, TaskEni};
use domain::vpc::{Subnet, Vpc};
use ipnet::Ipv4Net;
use store::Tx;

use crate::transitions::public_address_of_task;

/// Why a task gets no network interface.
pub enum Unattached {
    /// No subnet that is named has an address left.
    NoAddress,
    /// A security group that is named is not there any more.
    NoSecurityGroup(String),
}

/// Gives a network interface in the emptiest subnet that is named, and that subnet's zone. Where a public address is
/// asked for and all of the range are given already, the interface is without one: the task runs all the same.
pub fn attach(
    tx: &Tx<'_>,
    network: &NetworkConfiguration,
    public_addresses: Option<Ipv4Net>,
) -> Result<(TaskEni, String), Unattached> {
    let state = tx.state();
    let is_gone = |id: &&String| state.get::<SecurityGroup>(id).is_none();
    if let Some(gone) = network.security_groups.iter().find(is_gone) {
        return Err(Unattached::NoSecurityGroup(gone.clone()));
    }
    let mut subnets: Vec<&Arc<Subnet>> = network
        .subnets
        .iter()
        .filter_map(|id| state.get::<Subnet>(id))
        .collect();
    subnets.sort_by_key(|it| state.addresses_in_use(&it.id).len());
    let found = subnets
        .into_iter()
        .find_map(|it| Some((it, free_address(tx, it)?)));
    let (subnet, address) = found.ok_or(Unattached::NoAddress)?;
    let security_groups = if network.security_groups.is_empty() {
        state
            .get::<Vpc>(&subnet.vpc_id)
            .map(|it| it.default_security_group.clone())
            .into_iter()
            .collect()
    } else {
        network.security_groups.clone()
    };
    let ids = tx.ids();
    let eni = TaskEni {
        attachment_id: ids.uuid(),
        network_interface_id: ids.ec2("eni"),
        subnet_id: subnet.id.clone(),
        address,
        mac_address: ids.mac_address(),
        security_groups,
        is_public: network.is_public_ip_assigned,
        public_address: public_addresses
            .filter(|_| network.is_public_ip_assigned)
            .and_then(|range| public_address_of_task(tx, range)),
        tags: Box::default(),
    };
    Ok((eni, subnet.availability_zone.clone()))
}

/// An address of a subnet that nobody has. The search begins a little further with each commit: an address rests before it is given again.
pub fn free_address(tx: &Tx<'_>, subnet: &Subnet) -> Option<Ipv4Addr> {
    let used = tx.state().addresses_in_use(&subnet.id);
    let first = u32::from(subnet.assignable().next()?);
    let count = u32::try_from(subnet.assignable().size_hint().0).ok()?;
    let start = u32::try_from(tx.commit_id().0 % u64::from(count)).ok()?;
    (0..count)
        .map(|step| Ipv4Addr::from(first + (start + step) % count))
        .find(|address| !used.contains(address))
}
