//! Kinds of what leads out of networks, and of what their machines are told.

use api::ec2;
use domain::Scope;
use domain::dhcp_options::DhcpOptions;
use domain::elastic_address::ElasticAddress;
use domain::nat_gateway::{EgressOnlyInternetGateway, NatGateway};
use domain::tags::Pair;
use domain::vpc_endpoint::VpcEndpoint;

use super::Resource;
use crate::handlers::ec2::select::IdKind;

impl Resource for NatGateway {
    const KIND: IdKind = IdKind {
        prefix: "nat-",
        noun: "Nat Gateway",
        not_found: "NatGatewayNotFound",
        malformed: "NatGatewayMalformed",
    };
    const RESOURCE_TYPE: ec2::ResourceType = ec2::ResourceType::Natgateway;

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

impl Resource for EgressOnlyInternetGateway {
    const KIND: IdKind = IdKind {
        prefix: "eigw-",
        noun: "eigw ID",
        not_found: "InvalidGatewayID.NotFound",
        malformed: "InvalidEgressOnlyInternetGatewayId.Malformed",
    };
    const RESOURCE_TYPE: ec2::ResourceType = ec2::ResourceType::EgressOnlyInternetGateway;

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

impl Resource for ElasticAddress {
    const KIND: IdKind = IdKind {
        prefix: "eipalloc-",
        noun: "allocation ID",
        not_found: "InvalidAllocationID.NotFound",
        malformed: "InvalidAllocationID.Malformed",
    };
    const RESOURCE_TYPE: ec2::ResourceType = ec2::ResourceType::ElasticIp;

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

impl Resource for VpcEndpoint {
    const KIND: IdKind = IdKind {
        prefix: "vpce-",
        noun: "Vpc Endpoint Id",
        not_found: "InvalidVpcEndpointId.NotFound",
        malformed: "InvalidVpcEndpointId.Malformed",
    };
    const RESOURCE_TYPE: ec2::ResourceType = ec2::ResourceType::VpcEndpoint;

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

impl Resource for DhcpOptions {
    const KIND: IdKind = IdKind {
        prefix: "dopt-",
        noun: "dhcpOption ID",
        not_found: "InvalidDhcpOptionID.NotFound",
        malformed: "InvalidDhcpOptionsId.Malformed",
    };
    const RESOURCE_TYPE: ec2::ResourceType = ec2::ResourceType::DhcpOptions;

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
