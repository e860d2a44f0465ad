//! Kinds of resources that have ids and tags: their names, and how one is found.

use std::sync::Arc;

use api::ec2;
use domain::Scope;
use domain::network_acl::NetworkAcl;
use domain::network_interface::NetworkInterface;
use domain::prefix_list::PrefixList;
use domain::route_table::{InternetGateway, RouteTable};
use domain::security_group::SecurityGroup;
use domain::tags::Pair;
use domain::vpc::{Subnet, Vpc};
use store::{Record, State};

use super::select::IdKind;

mod gateways;

/// A record that is a resource of EC2.
pub trait Resource: Record<Key = String> {
    /// How its ids look and what is said of others.
    const KIND: IdKind;
    /// As tags name it.
    const RESOURCE_TYPE: ec2::ResourceType;

    /// Account and region.
    fn scope(&self) -> &Scope;
    /// In the order given.
    fn tags(&self) -> &[Pair];
    /// To change them.
    fn tags_mut(&mut self) -> &mut Vec<Pair>;
}

/// The resource of an id.
///
/// # Errors
/// What its kind says of ids that nothing in the scope has.
pub fn require<R: Resource>(state: &State, scope: &Scope, id: &str) -> Result<Arc<R>, ec2::Error> {
    let found = state.get::<R>(&id.to_owned());
    let found = found.filter(|it| it.scope() == scope);
    found.cloned().ok_or_else(|| R::KIND.unknown(id))
}

impl Resource for Vpc {
    const KIND: IdKind = IdKind {
        prefix: "vpc-",
        noun: "vpc ID",
        not_found: "InvalidVpcID.NotFound",
        malformed: "InvalidVpcID.Malformed",
    };
    const RESOURCE_TYPE: ec2::ResourceType = ec2::ResourceType::Vpc;

    fn scope(&self) -> &Scope {
        &self.scope
    }

    fn tags(&self) -> &[Pair] {
        &self.tags
    }

    fn tags_mut(&mut self) -> &mut Vec<Pair> {
        &mut self.tags
    }
}

impl Resource for Subnet {
    const KIND: IdKind = IdKind {
        prefix: "subnet-",
        noun: "subnet ID",
        not_found: "InvalidSubnetID.NotFound",
        malformed: "InvalidSubnetID.Malformed",
    };
    const RESOURCE_TYPE: ec2::ResourceType = ec2::ResourceType::Subnet;

    fn scope(&self) -> &Scope {
        &self.scope
    }

    fn tags(&self) -> &[Pair] {
        &self.tags
    }

    fn tags_mut(&mut self) -> &mut Vec<Pair> {
        &mut self.tags
    }
}

impl Resource for SecurityGroup {
    const KIND: IdKind = IdKind {
        prefix: "sg-",
        noun: "security group",
        not_found: "InvalidGroup.NotFound",
        malformed: "InvalidGroupId.Malformed",
    };
    const RESOURCE_TYPE: ec2::ResourceType = ec2::ResourceType::SecurityGroup;

    fn scope(&self) -> &Scope {
        &self.scope
    }

    fn tags(&self) -> &[Pair] {
        &self.tags
    }

    fn tags_mut(&mut self) -> &mut Vec<Pair> {
        &mut self.tags
    }
}

impl Resource for NetworkAcl {
    const KIND: IdKind = IdKind {
        prefix: "acl-",
        noun: "networkAcl ID",
        not_found: "InvalidNetworkAclID.NotFound",
        malformed: "InvalidNetworkAclID.Malformed",
    };
    const RESOURCE_TYPE: ec2::ResourceType = ec2::ResourceType::NetworkAcl;

    fn scope(&self) -> &Scope {
        &self.scope
    }

    fn tags(&self) -> &[Pair] {
        &self.tags
    }

    fn tags_mut(&mut self) -> &mut Vec<Pair> {
        &mut self.tags
    }
}

impl Resource for RouteTable {
    const KIND: IdKind = IdKind {
        prefix: "rtb-",
        noun: "routeTable ID",
        not_found: "InvalidRouteTableID.NotFound",
        malformed: "InvalidRouteTableId.Malformed",
    };
    const RESOURCE_TYPE: ec2::ResourceType = ec2::ResourceType::RouteTable;

    fn scope(&self) -> &Scope {
        &self.scope
    }

    fn tags(&self) -> &[Pair] {
        &self.tags
    }

    fn tags_mut(&mut self) -> &mut Vec<Pair> {
        &mut self.tags
    }
}

impl Resource for InternetGateway {
    const KIND: IdKind = IdKind {
        prefix: "igw-",
        noun: "internetGateway ID",
        not_found: "InvalidInternetGatewayID.NotFound",
        malformed: "InvalidInternetGatewayId.Malformed",
    };
    const RESOURCE_TYPE: ec2::ResourceType = ec2::ResourceType::InternetGateway;

    fn scope(&self) -> &Scope {
        &self.scope
    }

    fn tags(&self) -> &[Pair] {
        &self.tags
    }

    fn tags_mut(&mut self) -> &mut Vec<Pair> {
        &mut self.tags
    }
}

impl Resource for PrefixList {
    const KIND: IdKind = IdKind {
        prefix: "pl-",
        noun: "prefix list ID",
        not_found: "InvalidPrefixListID.NotFound",
        malformed: "InvalidPrefixListId.Malformed",
    };
    const RESOURCE_TYPE: ec2::ResourceType = ec2::ResourceType::PrefixList;

    fn scope(&self) -> &Scope {
        &self.scope
    }

    fn tags(&self) -> &[Pair] {
        &self.tags
    }

    fn tags_mut(&mut self) -> &mut Vec<Pair> {
        &mut self.tags
    }
}

impl Resource for NetworkInterface {
    const KIND: IdKind = IdKind {
        prefix: "eni-",
        noun: "networkInterface ID",
        not_found: "InvalidNetworkInterfaceID.NotFound",
        malformed: "InvalidNetworkInterfaceId.Malformed",
    };
    const RESOURCE_TYPE: ec2::ResourceType = ec2::ResourceType::NetworkInterface;

    fn scope(&self) -> &Scope {
        &self.scope
    }

    fn tags(&self) -> &[Pair] {
        &self.tags
    }

    fn tags_mut(&mut self) -> &mut Vec<Pair> {
        &mut self.tags
    }
}
