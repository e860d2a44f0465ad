//! A network interface as Amazon shows it.

use std::net::Ipv4Addr;
use std::sync::Arc;

use api::ec2;
use domain::elastic_address::ElasticAddress;
use domain::nat_gateway::NatConnectivity;
use domain::network_interface::InterfaceKind;
use domain::security_group::SecurityGroup;
use domain::task::TaskStatus;
use domain::vpc::internal_name;
use store::State;

use super::{Holder, Interface, place};
use crate::handlers::ec2::tags;
use crate::handlers::ec2::zones::zone_id;

/// Owner of public addresses that have no allocation.
const AMAZON: &str = "amazon";

/// As Amazon shows it.
pub fn rendered(state: &State, it: &Interface) -> ec2::NetworkInterface {
    let (vpc_id, zone) = place(state, &it.subnet_id);
    let is_managed = it.is_in_use();
    let attachment = attachment(it);
    let addresses = addresses(state, it);
    let status = match &attachment {
        Some(_) => ec2::NetworkInterfaceStatus::InUse,
        None => ec2::NetworkInterfaceStatus::Available,
    };
    ec2::NetworkInterface {
        association: addresses.first().and_then(|it| it.association.clone()),
        attachment,
        availability_zone_id: Some(zone_id(&zone)),
        availability_zone: Some(zone),
        description: Some(it.description.clone()),
        groups: Some(groups(state, it)),
        interface_type: Some(ec2::NetworkInterfaceType::from(it.interface_type)),
        ipv6_addresses: Some(Vec::new()),
        mac_address: Some(it.mac_address.clone()),
        network_interface_id: Some(it.id.clone()),
        owner_id: Some(it.scope.account.clone()),
        private_dns_name: Some(internal_name(&it.scope.region, it.address)),
        private_ip_address: Some(it.address.to_string()),
        private_ip_addresses: Some(addresses),
        requester_id: requester(it).map(str::to_owned),
        requester_managed: Some(is_managed),
        source_dest_check: Some(it.is_source_dest_checked),
        status: Some(status),
        subnet_id: Some(it.subnet_id.clone()),
        tag_set: tags::render(&it.tags),
        vpc_id: Some(vpc_id),
        ..ec2::NetworkInterface::default()
    }
}

fn addresses(state: &State, it: &Interface) -> Vec<ec2::NetworkInterfacePrivateIpAddress> {
    let of_gateway = of_nat_gateway(state, it);
    let association = |is_primary: bool, address: Ipv4Addr| {
        let elastic = state.elastic_addresses_of(&it.id).chain(of_gateway);
        let mut own = elastic.filter_map(|elastic| association(address, elastic));
        let given = it.public_address.filter(|_| is_primary);
        own.next().or_else(|| given.map(given_association))
    };
    let first = std::iter::once((true, it.address));
    let all = first.chain(it.secondary_addresses.iter().map(|it| (false, *it)));
    let one = |(is_primary, address): (bool, Ipv4Addr)| ec2::NetworkInterfacePrivateIpAddress {
        association: association(is_primary, address),
        primary: Some(is_primary),
        private_dns_name: Some(internal_name(&it.scope.region, address)),
        private_ip_address: Some(address.to_string()),
    };
    all.map(one).collect()
}

/// The elastic address of the NAT gateway that an interface is of.
fn of_nat_gateway<'a>(state: &'a State, it: &Interface) -> Option<&'a Arc<ElasticAddress>> {
    if it.holder != Holder::Nobody(InterfaceKind::NatGateway) {
        return None;
    }
    let mut gateways = state.nat_gateways(&it.scope);
    let gateway = gateways.find(|gateway| gateway.network_interface_id == it.id)?;
    match &gateway.connectivity {
        NatConnectivity::Public(allocation) => state.get::<ElasticAddress>(&allocation.allocation_id),
        NatConnectivity::Private => None,
    }
}

/// An elastic address that an address of an interface is translated to.
fn association(address: Ipv4Addr, elastic: &ElasticAddress) -> Option<ec2::NetworkInterfaceAssociation> {
    let association = elastic.association.as_ref()?;
    let is_its = association.private_address == address;
    is_its.then(|| ec2::NetworkInterfaceAssociation {
        allocation_id: Some(elastic.id.clone()),
        association_id: Some(association.id.clone()),
        ip_owner_id: Some(elastic.scope.account.clone()),
        public_ip: Some(elastic.address.to_string()),
        ..ec2::NetworkInterfaceAssociation::default()
    })
}

/// An address out of Amazon's pool that is nobody's: it is given with the interface, and has no allocation.
/// <https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/using-instance-addressing.html>
fn given_association(public: Ipv4Addr) -> ec2::NetworkInterfaceAssociation {
    ec2::NetworkInterfaceAssociation {
        ip_owner_id: Some(AMAZON.to_owned()),
        public_ip: Some(public.to_string()),
        ..ec2::NetworkInterfaceAssociation::default()
    }
}

/// Ids and names of its groups.
pub fn groups(state: &State, it: &Interface) -> Vec<ec2::GroupIdentifier> {
    let group = |id: &String| ec2::GroupIdentifier {
        group_id: Some(id.clone()),
        group_name: state.get::<SecurityGroup>(id).map(|it| it.name.clone()),
    };
    it.security_groups.iter().map(group).collect()
}

/// On whose behalf it was made, if not on that of its owner.
fn requester(it: &Interface) -> Option<&'static str> {
    match it.holder {
        Holder::Task { .. } => Some("amazon-ecs"),
        Holder::LoadBalancer { .. } => Some("amazon-elb"),
        Holder::MountTarget => Some("amazon-efs"),
        Holder::Nobody(InterfaceKind::Interface) => None,
        Holder::Nobody(_) => Some("amazon-vpc"),
    }
}

/// To what it is attached: nothing of the caller's.
pub fn attachment(it: &Interface) -> Option<ec2::NetworkInterfaceAttachment> {
    let (attach_time, status) = match &it.holder {
        Holder::Nobody(InterfaceKind::Interface) => return None,
        Holder::Task {
            attached_at, status, ..
        } => (Some(*attached_at), task_status(*status)),
        Holder::LoadBalancer { created_at } => (Some(*created_at), ec2::AttachmentStatus::Attached),
        Holder::MountTarget | Holder::Nobody(_) => (None, ec2::AttachmentStatus::Attached),
    };
    Some(ec2::NetworkInterfaceAttachment {
        attach_time,
        attachment_id: Some(attachment_id(it)),
        delete_on_termination: Some(false),
        device_index: Some(1),
        instance_owner_id: requester(it).map(str::to_owned),
        status: Some(status),
        ..ec2::NetworkInterfaceAttachment::default()
    })
}

fn task_status(it: TaskStatus) -> ec2::AttachmentStatus {
    match it {
        TaskStatus::Provisioning => ec2::AttachmentStatus::Attaching,
        TaskStatus::Deprovisioning => ec2::AttachmentStatus::Detaching,
        _ => ec2::AttachmentStatus::Attached,
    }
}

/// `eni-attach-…`, and `ela-attach-…` for load balancers.
pub fn attachment_id(it: &Interface) -> String {
    let prefix = match it.holder {
        Holder::LoadBalancer { .. } => "ela-attach-",
        _ => "eni-attach-",
    };
    it.id.replacen("eni-", prefix, 1)
}
