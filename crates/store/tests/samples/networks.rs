//! Samples of what belongs to networks beside VPCs and subnets.

use domain::client_request::ClientRequest;
use domain::dhcp_options::{DOMAIN_NAME, DhcpOption, DhcpOptions};
use domain::elastic_address::{AddressAssociation, AddressHolder, ElasticAddress};
use domain::nat_gateway::{EgressOnlyInternetGateway, NatAllocation, NatConnectivity, NatGateway};
use domain::network_acl::{AclAction, NetworkAcl, NetworkAclAssociation, NetworkAclEntry};
use domain::network_interface::{InterfaceKind, NetworkInterface};
use domain::network_traffic::{Direction, IcmpKind, PortRange, Traffic};
use domain::prefix_list::{ListChange, PrefixList, PrefixListEntry};
use domain::route_table::{
    Destination, InternetGateway, Route, RouteTable, RouteTableAssociation, RouteTarget,
};
use domain::security_group::{Peer, SecurityGroup, SecurityGroupRule};
use domain::tags::Pair;
use domain::vpc_endpoint::{
    DnsRecordIpType, EndpointInterface, EndpointKind, InterfaceEndpoint, VpcEndpoint,
};
use domain::{Scope, Timestamp};

fn scope() -> Scope {
    Scope::new("123456789012", "us-east-1")
}

fn tags() -> Vec<Pair> {
    vec![Pair::new("team", "web")]
}

fn request() -> Option<ClientRequest> {
    Some(ClientRequest {
        token: "once".into(),
        fingerprint: "0123456789abcdef0123456789abcdef".into(),
    })
}

pub fn security_group() -> SecurityGroup {
    let rule = |number: u8, direction, traffic, peer| SecurityGroupRule {
        id: format!("sgr-0123456789abcdef{number}"),
        direction,
        traffic,
        peer,
        description: Some("from everywhere".into()),
        tags: tags(),
    };
    let ports = |first, last| PortRange { first, last };
    let echo = IcmpKind {
        icmp_type: Some(8),
        code: None,
    };
    let range = Peer::Ipv4("10.0.0.0/8".parse().expect("valid"));
    let range6 = Peer::Ipv6("fd00::/8".parse().expect("valid"));
    let itself = Peer::SecurityGroup("sg-0123456789abcdef0".into());
    let list = Peer::PrefixList("pl-0123456789abcdef0".into());
    SecurityGroup {
        id: "sg-0123456789abcdef0".into(),
        scope: scope(),
        vpc_id: "vpc-0123456789abcdef0".into(),
        name: "web".into(),
        description: "of the web".into(),
        rules: vec![
            rule(0, Direction::Ingress, Traffic::Tcp(ports(80, 443)), range),
            rule(1, Direction::Ingress, Traffic::Icmp(echo), itself.clone()),
            rule(2, Direction::Egress, Traffic::Udp(PortRange::ALL), list),
            rule(3, Direction::Egress, Traffic::Icmpv6(echo), range6),
            rule(4, Direction::Egress, Traffic::Other(50), itself.clone()),
            rule(5, Direction::Egress, Traffic::All, itself),
        ],
        tags: tags(),
    }
}

pub fn network_acl() -> NetworkAcl {
    let entry = |direction, action| NetworkAclEntry {
        number: 100,
        direction,
        traffic: Traffic::All,
        range: "0.0.0.0/0".parse().expect("valid"),
        action,
    };
    NetworkAcl {
        id: "acl-0123456789abcdef0".into(),
        scope: scope(),
        vpc_id: "vpc-0123456789abcdef0".into(),
        is_default: true,
        entries: vec![
            entry(Direction::Ingress, AclAction::Allow),
            entry(Direction::Egress, AclAction::Deny),
        ],
        associations: vec![NetworkAclAssociation {
            id: "aclassoc-0123456789abcdef0".into(),
            subnet_id: "subnet-0123456789abcdef0".into(),
        }],
        client_request: request(),
        tags: tags(),
    }
}

pub fn route_table() -> RouteTable {
    let route = |destination, target| Route {
        destination: Destination::Range(format!("{destination}/8").parse().expect("valid")),
        target,
    };
    let association = |subnet_id: Option<&str>| RouteTableAssociation {
        id: "rtbassoc-0123456789abcdef0".into(),
        subnet_id: subnet_id.map(str::to_owned),
    };
    RouteTable {
        id: "rtb-0123456789abcdef0".into(),
        scope: scope(),
        vpc_id: "vpc-0123456789abcdef0".into(),
        routes: vec![
            route("10.0.0.0", RouteTarget::InternetGateway("igw-0".into())),
            route(
                "11.0.0.0",
                RouteTarget::EgressOnlyInternetGateway("eigw-0".into()),
            ),
            route("12.0.0.0", RouteTarget::NatGateway("nat-0".into())),
            route("13.0.0.0", RouteTarget::NetworkInterface("eni-0".into())),
            Route {
                destination: Destination::PrefixList("pl-0".into()),
                target: RouteTarget::VpcEndpoint("vpce-0".into()),
            },
        ],
        associations: vec![association(None), association(Some("subnet-0123456789abcdef0"))],
        client_request: request(),
        tags: tags(),
    }
}

pub fn internet_gateway() -> InternetGateway {
    InternetGateway {
        id: "igw-0123456789abcdef0".into(),
        scope: scope(),
        vpc_id: Some("vpc-0123456789abcdef0".into()),
        tags: tags(),
    }
}

pub fn prefix_list() -> PrefixList {
    let entry = PrefixListEntry {
        range: "10.0.0.0/8".parse().expect("valid"),
        description: Some("the office".into()),
    };
    PrefixList {
        id: "pl-0123456789abcdef0".into(),
        scope: scope(),
        name: "office".into(),
        max_entries: 10,
        version: 2,
        versions: vec![Vec::new(), vec![entry]],
        last_change: ListChange::Restoration,
        address_family: "IPv4".into(),
        client_request: request(),
        tags: tags(),
    }
}

pub fn nat_gateway() -> NatGateway {
    let at: Timestamp = "2026-01-02T03:04:05Z".parse().expect("valid");
    NatGateway {
        id: "nat-0123456789abcdef0".into(),
        scope: scope(),
        vpc_id: "vpc-0123456789abcdef0".into(),
        subnet_id: "subnet-0123456789abcdef0".into(),
        network_interface_id: "eni-0123456789abcdef0".into(),
        private_address: "172.31.0.9".parse().expect("valid"),
        connectivity: NatConnectivity::Public(NatAllocation {
            allocation_id: "eipalloc-0123456789abcdef0".into(),
            association_id: "eipassoc-0123456789abcdef0".into(),
            address: "203.0.113.7".parse().expect("valid"),
        }),
        created_at: at,
        deleted_at: Some(at),
        client_request: request(),
        tags: tags(),
    }
}

pub fn egress_only_internet_gateway() -> EgressOnlyInternetGateway {
    EgressOnlyInternetGateway {
        id: "eigw-0123456789abcdef0".into(),
        scope: scope(),
        vpc_id: "vpc-0123456789abcdef0".into(),
        client_request: request(),
        tags: tags(),
    }
}

pub fn elastic_address() -> ElasticAddress {
    ElasticAddress {
        id: "eipalloc-0123456789abcdef0".into(),
        scope: scope(),
        address: "203.0.113.7".parse().expect("valid"),
        association: Some(AddressAssociation {
            id: "eipassoc-0123456789abcdef0".into(),
            holder: AddressHolder::NatGateway("nat-0123456789abcdef0".into()),
            private_address: "172.31.0.9".parse().expect("valid"),
        }),
        tags: tags(),
    }
}

pub fn vpc_endpoint() -> VpcEndpoint {
    VpcEndpoint {
        id: "vpce-0123456789abcdef0".into(),
        scope: scope(),
        vpc_id: "vpc-0123456789abcdef0".into(),
        service_name: "com.amazonaws.us-east-1.ecs".into(),
        kind: EndpointKind::Interface(InterfaceEndpoint {
            interfaces: vec![EndpointInterface {
                id: "eni-0123456789abcdef0".into(),
                subnet_id: "subnet-0123456789abcdef0".into(),
                address: "172.31.0.10".parse().expect("valid"),
            }],
            security_groups: vec!["sg-0123456789abcdef0".into()],
            has_private_dns: true,
            dns_record_ip_type: DnsRecordIpType::ServiceDefined,
        }),
        policy: Some("{}".into()),
        created_at: "2026-01-02T03:04:05Z".parse().expect("valid"),
        client_request: request(),
        tags: tags(),
    }
}

pub fn dhcp_options() -> DhcpOptions {
    DhcpOptions {
        id: "dopt-0123456789abcdef0".into(),
        scope: scope(),
        is_default: true,
        options: vec![DhcpOption {
            key: DOMAIN_NAME.into(),
            values: vec!["example.internal".into()],
        }],
        vpc_ids: vec!["vpc-0123456789abcdef0".into()],
        tags: tags(),
    }
}

pub fn network_interface() -> NetworkInterface {
    NetworkInterface {
        id: "eni-0123456789abcdef0".into(),
        scope: scope(),
        subnet_id: "subnet-0123456789abcdef0".into(),
        vpc_id: "vpc-0123456789abcdef0".into(),
        availability_zone: "us-east-1a".into(),
        address: "172.31.0.5".parse().expect("valid"),
        secondary_addresses: vec!["172.31.0.6".parse().expect("valid")],
        mac_address: "02:00:00:00:00:01".into(),
        kind: InterfaceKind::Interface,
        description: "of the web".into(),
        security_groups: vec!["sg-0123456789abcdef0".into()],
        is_source_dest_checked: true,
        client_request: request(),
        tags: tags(),
    }
}
