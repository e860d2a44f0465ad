//! Filters of DescribeSecurityGroups: a filter on rules matches if any rule of the direction does.

use api::ec2;

use crate::handlers::ec2::filters::Rule;

fn ranges(all: Option<&Vec<ec2::IpPermission>>) -> Vec<String> {
    let ranges = all
        .into_iter()
        .flatten()
        .flat_map(|it| it.ip_ranges.iter().flatten());
    ranges.filter_map(|it| it.cidr_ip.clone()).collect()
}

fn ranges6(all: Option<&Vec<ec2::IpPermission>>) -> Vec<String> {
    let ranges = all
        .into_iter()
        .flatten()
        .flat_map(|it| it.ipv6_ranges.iter().flatten());
    ranges.filter_map(|it| it.cidr_ipv6.clone()).collect()
}

fn prefix_lists(all: Option<&Vec<ec2::IpPermission>>) -> Vec<String> {
    let lists = all
        .into_iter()
        .flatten()
        .flat_map(|it| it.prefix_list_ids.iter().flatten());
    lists.filter_map(|it| it.prefix_list_id.clone()).collect()
}

fn groups(
    all: Option<&Vec<ec2::IpPermission>>,
    member: fn(&ec2::UserIdGroupPair) -> Option<String>,
) -> Vec<String> {
    let pairs = all
        .into_iter()
        .flatten()
        .flat_map(|it| it.user_id_group_pairs.iter().flatten());
    pairs.filter_map(member).collect()
}

fn ports(all: Option<&Vec<ec2::IpPermission>>, member: fn(&ec2::IpPermission) -> Option<i32>) -> Vec<String> {
    let ports = all.into_iter().flatten().filter_map(member);
    ports.map(|it| it.to_string()).collect()
}

fn protocols(all: Option<&Vec<ec2::IpPermission>>) -> Vec<String> {
    let protocols = all.into_iter().flatten();
    protocols.filter_map(|it| it.ip_protocol.clone()).collect()
}

/// Filters on tags are those of all resources.
pub const RULES: [Rule<ec2::SecurityGroup>; 22] = [
    Rule {
        names: &["group-id", "groupId"],
        values: |it| it.group_id.iter().cloned().collect(),
    },
    Rule {
        names: &["group-name", "groupName"],
        values: |it| it.group_name.iter().cloned().collect(),
    },
    Rule {
        names: &["description"],
        values: |it| it.description.iter().cloned().collect(),
    },
    Rule {
        names: &["owner-id"],
        values: |it| it.owner_id.iter().cloned().collect(),
    },
    Rule {
        names: &["vpc-id", "vpcId"],
        values: |it| it.vpc_id.iter().cloned().collect(),
    },
    Rule {
        names: &["ip-permission.cidr"],
        values: |it| ranges(it.ip_permissions.as_ref()),
    },
    Rule {
        names: &["ip-permission.ipv6-cidr"],
        values: |it| ranges6(it.ip_permissions.as_ref()),
    },
    Rule {
        names: &["ip-permission.from-port"],
        values: |it| ports(it.ip_permissions.as_ref(), |it| it.from_port),
    },
    Rule {
        names: &["ip-permission.to-port"],
        values: |it| ports(it.ip_permissions.as_ref(), |it| it.to_port),
    },
    Rule {
        names: &["ip-permission.group-id"],
        values: |it| groups(it.ip_permissions.as_ref(), |it| it.group_id.clone()),
    },
    Rule {
        names: &["ip-permission.user-id"],
        values: |it| groups(it.ip_permissions.as_ref(), |it| it.user_id.clone()),
    },
    Rule {
        names: &["ip-permission.prefix-list-id"],
        values: |it| prefix_lists(it.ip_permissions.as_ref()),
    },
    Rule {
        names: &["ip-permission.protocol"],
        values: |it| protocols(it.ip_permissions.as_ref()),
    },
    Rule {
        names: &["egress.ip-permission.cidr"],
        values: |it| ranges(it.ip_permissions_egress.as_ref()),
    },
    Rule {
        names: &["egress.ip-permission.ipv6-cidr"],
        values: |it| ranges6(it.ip_permissions_egress.as_ref()),
    },
    Rule {
        names: &["egress.ip-permission.from-port"],
        values: |it| ports(it.ip_permissions_egress.as_ref(), |it| it.from_port),
    },
    Rule {
        names: &["egress.ip-permission.to-port"],
        values: |it| ports(it.ip_permissions_egress.as_ref(), |it| it.to_port),
    },
    Rule {
        names: &["egress.ip-permission.group-id"],
        values: |it| groups(it.ip_permissions_egress.as_ref(), |it| it.group_id.clone()),
    },
    Rule {
        names: &["egress.ip-permission.user-id"],
        values: |it| groups(it.ip_permissions_egress.as_ref(), |it| it.user_id.clone()),
    },
    Rule {
        names: &["egress.ip-permission.prefix-list-id"],
        values: |it| prefix_lists(it.ip_permissions_egress.as_ref()),
    },
    // Rules name groups by id only.
    Rule {
        names: &["ip-permission.group-name", "egress.ip-permission.group-name"],
        values: |_| Vec::new(),
    },
    Rule {
        names: &["egress.ip-permission.protocol"],
        values: |it| protocols(it.ip_permissions_egress.as_ref()),
    },
];
