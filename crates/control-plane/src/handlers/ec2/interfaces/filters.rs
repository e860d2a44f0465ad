//! Filters of DescribeNetworkInterfaces.

use api::ec2;

use crate::handlers::ec2::filters::Rule;

fn attachment(
    it: &ec2::NetworkInterface,
    member: fn(&ec2::NetworkInterfaceAttachment) -> Option<String>,
) -> Vec<String> {
    it.attachment.as_ref().and_then(member).into_iter().collect()
}

fn association(
    it: &ec2::NetworkInterface,
    member: fn(&ec2::NetworkInterfaceAssociation) -> Option<String>,
) -> Vec<String> {
    it.association.as_ref().and_then(member).into_iter().collect()
}

fn addresses(
    it: &ec2::NetworkInterface,
    member: fn(&ec2::NetworkInterfacePrivateIpAddress) -> Option<String>,
) -> Vec<String> {
    let all = it.private_ip_addresses.iter().flatten();
    all.filter_map(member).collect()
}

/// Filters on tags are those of all resources; those on what no interface here has match nothing.
pub const RULES: [Rule<ec2::NetworkInterface>; 31] = [
    Rule {
        names: &["network-interface-id"],
        values: |it| it.network_interface_id.iter().cloned().collect(),
    },
    Rule {
        names: &["subnet-id"],
        values: |it| it.subnet_id.iter().cloned().collect(),
    },
    Rule {
        names: &["vpc-id"],
        values: |it| it.vpc_id.iter().cloned().collect(),
    },
    Rule {
        names: &["availability-zone"],
        values: |it| it.availability_zone.iter().cloned().collect(),
    },
    Rule {
        names: &["availability-zone-id"],
        values: |it| it.availability_zone_id.iter().cloned().collect(),
    },
    Rule {
        names: &["description"],
        values: |it| it.description.iter().cloned().collect(),
    },
    Rule {
        names: &["group-id"],
        values: |it| {
            let groups = it.groups.iter().flatten();
            groups.filter_map(|it| it.group_id.clone()).collect()
        },
    },
    Rule {
        names: &["group-name"],
        values: |it| {
            let groups = it.groups.iter().flatten();
            groups.filter_map(|it| it.group_name.clone()).collect()
        },
    },
    Rule {
        names: &["interface-type"],
        values: |it| {
            it.interface_type
                .iter()
                .map(|it| it.as_str().to_owned())
                .collect()
        },
    },
    Rule {
        names: &["mac-address"],
        values: |it| it.mac_address.iter().cloned().collect(),
    },
    Rule {
        names: &["owner-id"],
        values: |it| it.owner_id.iter().cloned().collect(),
    },
    Rule {
        names: &["private-dns-name"],
        values: |it| it.private_dns_name.iter().cloned().collect(),
    },
    Rule {
        names: &["private-ip-address", "addresses.private-ip-address"],
        values: |it| addresses(it, |it| it.private_ip_address.clone()),
    },
    Rule {
        names: &["addresses.primary"],
        values: |it| addresses(it, |it| it.primary.map(|it| it.to_string())),
    },
    Rule {
        names: &["requester-id"],
        values: |it| it.requester_id.iter().cloned().collect(),
    },
    Rule {
        names: &["requester-managed"],
        values: |it| it.requester_managed.iter().map(bool::to_string).collect(),
    },
    Rule {
        names: &["source-dest-check"],
        values: |it| it.source_dest_check.iter().map(bool::to_string).collect(),
    },
    Rule {
        names: &["status"],
        values: |it| it.status.iter().map(|it| it.as_str().to_owned()).collect(),
    },
    Rule {
        names: &["attachment.attachment-id"],
        values: |it| attachment(it, |it| it.attachment_id.clone()),
    },
    Rule {
        names: &["attachment.instance-owner-id"],
        values: |it| attachment(it, |it| it.instance_owner_id.clone()),
    },
    Rule {
        names: &["attachment.status"],
        values: |it| attachment(it, |it| it.status.as_ref().map(|it| it.as_str().to_owned())),
    },
    Rule {
        names: &["attachment.device-index"],
        values: |it| attachment(it, |it| it.device_index.map(|it| it.to_string())),
    },
    Rule {
        names: &["attachment.delete-on-termination"],
        values: |it| attachment(it, |it| it.delete_on_termination.map(|it| it.to_string())),
    },
    Rule {
        names: &["attachment.attach-time"],
        values: |it| attachment(it, |it| it.attach_time.map(|it| it.to_string())),
    },
    Rule {
        names: &["association.public-ip"],
        values: |it| association(it, |it| it.public_ip.clone()),
    },
    Rule {
        names: &["association.allocation-id"],
        values: |it| association(it, |it| it.allocation_id.clone()),
    },
    Rule {
        names: &["association.association-id"],
        values: |it| association(it, |it| it.association_id.clone()),
    },
    Rule {
        names: &["association.ip-owner-id"],
        values: |it| association(it, |it| it.ip_owner_id.clone()),
    },
    Rule {
        names: &["addresses.association.public-ip"],
        values: |it| addresses(it, |it| it.association.as_ref()?.public_ip.clone()),
    },
    Rule {
        names: &["addresses.association.owner-id"],
        values: |it| addresses(it, |it| it.association.as_ref()?.ip_owner_id.clone()),
    },
    Rule {
        names: &[
            "association.public-dns-name",
            "attachment.instance-id",
            "attachment.nat-gateway-id",
            "ipv6-addresses.ipv6-address",
            "operator.managed",
            "operator.principal",
        ],
        values: |_| Vec::new(),
    },
];
