//! Security groups: the default one of each VPC.

use api::ec2;
use domain::vpc::Vpc;

use super::filters::{Filters, Rule};
use super::select::{IdKind, Wanted, cut};
use super::{check_dry_run, refusal};
use crate::call::Call;

const ID: IdKind = IdKind {
    prefix: "sg-",
    noun: "security group",
    not_found: "InvalidGroup.NotFound",
    malformed: "InvalidGroupId.Malformed",
};
/// Name of the group that comes with a VPC.
const DEFAULT_NAME: &str = "default";
/// All protocols, in a rule.
const ALL_PROTOCOLS: &str = "-1";
/// Everywhere, in a rule.
const ANYWHERE: &str = "0.0.0.0/0";

/// Filters on what no group here has match nothing.
const RULES: [Rule<ec2::SecurityGroup>; 10] = [
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
        names: &["ip-permission.group-id"],
        values: |it| it.group_id.iter().cloned().collect(),
    },
    Rule {
        names: &["ip-permission.user-id"],
        values: |it| it.owner_id.iter().cloned().collect(),
    },
    Rule {
        names: &["ip-permission.protocol", "egress.ip-permission.protocol"],
        values: |_| vec![ALL_PROTOCOLS.to_owned()],
    },
    Rule {
        names: &["egress.ip-permission.cidr"],
        values: |_| vec![ANYWHERE.to_owned()],
    },
    Rule {
        names: &[
            "egress.ip-permission.from-port",
            "egress.ip-permission.group-id",
            "egress.ip-permission.group-name",
            "egress.ip-permission.ipv6-cidr",
            "egress.ip-permission.prefix-list-id",
            "egress.ip-permission.to-port",
            "egress.ip-permission.user-id",
            "ip-permission.cidr",
            "ip-permission.from-port",
            "ip-permission.group-name",
            "ip-permission.ipv6-cidr",
            "ip-permission.prefix-list-id",
            "ip-permission.to-port",
            "tag:",
            "tag-key",
            "tag-value",
        ],
        values: |_| Vec::new(),
    },
];

/// `DescribeSecurityGroups`.
///
/// # Errors
/// InvalidGroup.NotFound, InvalidGroupId.Malformed, InvalidParameterValue, MissingParameter, DryRunOperation.
pub async fn describe_security_groups(
    call: Call<ec2::DescribeSecurityGroups>,
) -> Result<ec2::DescribeSecurityGroupsOutput, ec2::Error> {
    let input = call.input();
    let filters = Filters::of(&RULES, input.filters.as_ref())?;
    check_dry_run(input.dry_run)?;
    let all: Vec<_> = call.access().store().read(|state| {
        let vpcs = state.vpcs(call.scope());
        vpcs.map(|it| (it.default_security_group.clone(), rendered(it)))
            .collect()
    });
    let all = named(input.group_names.as_ref(), all)?;
    let mut chosen = ID.named(input.group_ids.as_ref(), all)?;
    chosen.retain(|(_, it)| filters.match_all(it));
    let wanted = Wanted {
        max_results: input.max_results,
        next_token: input.next_token.as_deref(),
    };
    let listing = format!(
        "DescribeSecurityGroups {:?} {:?} {:?} {:?}",
        call.scope(),
        input.group_ids,
        input.group_names,
        input.filters
    );
    let (security_groups, next_token) = cut(call.access().page_key(), &wanted, &listing, chosen)?;
    Ok(ec2::DescribeSecurityGroupsOutput {
        security_groups: Some(security_groups),
        next_token,
    })
}

/// Names are looked for in the default VPC only.
fn named(
    names: Option<&Vec<String>>,
    groups: Vec<(String, ec2::SecurityGroup)>,
) -> Result<Vec<(String, ec2::SecurityGroup)>, ec2::Error> {
    let names = names.map(Vec::as_slice).unwrap_or_default();
    let Some(unknown) = names.iter().find(|it| *it != DEFAULT_NAME) else {
        return Ok(groups);
    };
    let vpc = groups
        .first()
        .and_then(|(_, it)| it.vpc_id.as_deref())
        .unwrap_or("null");
    Err(refusal(
        ID.not_found,
        format!("The security group '{unknown}' does not exist in default VPC '{vpc}'"),
    ))
}

/// As Amazon makes a default group: from its own members everything may come, to everywhere everything may go.
pub(super) fn rendered(vpc: &Vpc) -> ec2::SecurityGroup {
    let (group, account) = (&vpc.default_security_group, &vpc.scope.account);
    let nothing = || ec2::IpPermission {
        ip_protocol: Some(ALL_PROTOCOLS.to_owned()),
        user_id_group_pairs: Some(Vec::new()),
        ip_ranges: Some(Vec::new()),
        ipv6_ranges: Some(Vec::new()),
        prefix_list_ids: Some(Vec::new()),
        ..ec2::IpPermission::default()
    };
    let itself = ec2::UserIdGroupPair {
        user_id: Some(account.clone()),
        group_id: Some(group.clone()),
        ..ec2::UserIdGroupPair::default()
    };
    let anywhere = ec2::IpRange {
        cidr_ip: Some(ANYWHERE.to_owned()),
        description: None,
    };
    ec2::SecurityGroup {
        group_id: Some(group.clone()),
        group_name: Some(DEFAULT_NAME.to_owned()),
        description: Some("default VPC security group".to_owned()),
        owner_id: Some(account.clone()),
        vpc_id: Some(vpc.id.clone()),
        security_group_arn: Some(format!(
            "arn:aws:ec2:{}:{account}:security-group/{group}",
            vpc.scope.region
        )),
        ip_permissions: Some(vec![ec2::IpPermission {
            user_id_group_pairs: Some(vec![itself]),
            ..nothing()
        }]),
        ip_permissions_egress: Some(vec![ec2::IpPermission {
            ip_ranges: Some(vec![anywhere]),
            ..nothing()
        }]),
        tags: None,
    }
}
