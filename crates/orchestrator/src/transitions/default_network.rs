//! The VPC that every account has in every region.

use std::sync::Arc;

use domain::Scope;
use domain::vpc::{Cidr, Subnet, Vpc};
use store::Tx;

/// Zones that get a subnet.
const ZONES: [&str; 3] = ["a", "b", "c"];
/// Bits that a subnet's prefix is longer than its VPC's, as in Amazon's default VPC.
const SUBNET_BITS: u8 = 4;
/// Longest prefix of a subnet.
const SUBNET_PREFIX_MAX: u8 = 28;

/// Makes the default VPC if there is none; one that is there keeps its range.
pub fn ensure_default_network(tx: &mut Tx<'_>, scope: &Scope, cidr: Cidr) -> (Arc<Vpc>, Vec<Arc<Subnet>>) {
    if let Some(vpc) = tx.state().vpcs(scope).next().cloned() {
        let subnets = tx
            .state()
            .subnets(scope)
            .filter(|it| it.vpc_id == vpc.id)
            .cloned()
            .collect();
        return (vpc, subnets);
    }
    let ids = tx.ids();
    let vpc = Vpc {
        id: ids.ec2("vpc"),
        scope: scope.clone(),
        cidr,
        default_security_group: ids.ec2("sg"),
    };
    let prefix = (cidr.prefix + SUBNET_BITS).min(SUBNET_PREFIX_MAX);
    let parts = cidr.split(prefix).collect::<Vec<_>>();
    let subnets: Vec<Subnet> = ZONES
        .iter()
        .zip(parts)
        .map(|(zone, cidr)| Subnet {
            id: ids.ec2("subnet"),
            scope: scope.clone(),
            vpc_id: vpc.id.clone(),
            cidr,
            availability_zone: format!("{}{zone}", scope.region),
        })
        .collect();
    tx.put(vpc.clone());
    for subnet in &subnets {
        tx.put(subnet.clone());
    }
    (Arc::new(vpc), subnets.into_iter().map(Arc::new).collect())
}
