//! What networks have from their beginning.

mod default_dhcp_options;
mod dependents;
mod public_addresses;

use std::sync::Arc;

use domain::network_acl::{AclAction, NetworkAcl, NetworkAclAssociation, NetworkAclEntry};
use domain::network_traffic::{Direction, EVERY_IPV4, Traffic};
use domain::route_table::{RouteTable, RouteTableAssociation};
use domain::security_group::{DEFAULT_NAME, Peer, SecurityGroup, SecurityGroupRule};
use domain::vpc::{Subnet, Vpc};
use ipnet::IpNet;
use store::Tx;

use super::overlays::number_vpc;

pub(super) use default_dhcp_options::ensure_default_dhcp_options;
pub use dependents::{
    delete_subnet, forget_vpc, free_elastic_addresses, is_reachable, subnet_dependents, use_dhcp_options,
    vpc_dependents, vpc_of_address,
};
pub use public_addresses::{
    free_public_address, is_free_public_address, public_address_count, public_address_of_task,
};

/// All IPv4 addresses.
pub(super) const EVERYWHERE: IpNet = IpNet::V4(EVERY_IPV4);
/// Number of the entries of a default network ACL.
const FIRST_ENTRY: u16 = 100;

/// Stores a new VPC with its default security group, its default network ACL, its main route table and the default set of
/// DHCP options; it gets the number that tells its packets from those of others:
/// <https://docs.aws.amazon.com/vpc/latest/userguide/create-vpc.html>
pub fn furnish_vpc(tx: &mut Tx<'_>, vpc: &Vpc) -> Arc<Vpc> {
    let vpc = number_vpc(tx, vpc);
    let (scope, vpc_id) = (vpc.scope.clone(), vpc.id.clone());
    let group = default_security_group(tx, &vpc);
    let (acl_id, table_id) = (tx.ids().ec2("acl"), tx.ids().ec2("rtb"));
    let association = RouteTableAssociation {
        id: tx.ids().ec2("rtbassoc"),
        subnet_id: None,
    };
    tx.put(group);
    let entry = |direction| NetworkAclEntry {
        number: FIRST_ENTRY,
        direction,
        traffic: Traffic::All,
        range: EVERYWHERE,
        action: AclAction::Allow,
    };
    tx.put(NetworkAcl {
        id: acl_id,
        scope: scope.clone(),
        vpc_id: vpc_id.clone(),
        is_default: true,
        entries: vec![entry(Direction::Ingress), entry(Direction::Egress)],
        associations: Vec::new(),
        client_request: None,
        tags: Vec::new(),
    });
    tx.put(RouteTable {
        id: table_id,
        scope,
        vpc_id,
        routes: Vec::new(),
        associations: vec![association],
        client_request: None,
        tags: Vec::new(),
    });
    let options = ensure_default_dhcp_options(tx, &vpc.scope);
    use_dhcp_options(tx, &vpc, Some(&options));
    vpc
}

/// From its own members everything may come, to everywhere everything may go.
fn default_security_group(tx: &Tx<'_>, vpc: &Vpc) -> SecurityGroup {
    let ids = tx.ids();
    let id = vpc.default_security_group.clone();
    let among_members = SecurityGroupRule {
        id: ids.ec2("sgr"),
        direction: Direction::Ingress,
        traffic: Traffic::All,
        peer: Peer::SecurityGroup(id.clone()),
        description: None,
        tags: Vec::new(),
    };
    SecurityGroup {
        scope: vpc.scope.clone(),
        vpc_id: vpc.id.clone(),
        name: DEFAULT_NAME.to_owned(),
        description: "default VPC security group".to_owned(),
        rules: vec![among_members, SecurityGroupRule::everything_out(ids.ec2("sgr"))],
        tags: Vec::new(),
        id,
    }
}

/// Has a new subnet obey the default network ACL of its VPC.
pub fn obey_default_acl(tx: &mut Tx<'_>, subnet: &Subnet) {
    let acl = tx.state().network_acls(&subnet.scope);
    let acl = acl
        .filter(|it| it.vpc_id == subnet.vpc_id)
        .find(|it| it.is_default);
    if let Some(acl) = acl.cloned() {
        let mut acl = NetworkAcl::clone(&acl);
        acl.associations.push(NetworkAclAssociation {
            id: tx.ids().ec2("aclassoc"),
            subnet_id: subnet.id.clone(),
        });
        tx.put(acl);
    }
}
