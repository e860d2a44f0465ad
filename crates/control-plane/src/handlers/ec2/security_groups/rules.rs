//! Rules of security groups by their ids: as they are shown, listed, changed and taken.

use api::ec2;
use domain::network_traffic::Direction;
use domain::security_group::{Peer, SecurityGroup, SecurityGroupRule};
use store::State;

use super::change::{check_limit, check_new};
use super::permissions::{Permission, Reader, check_description, ipv4, ipv6};
use super::traffic;
use crate::call::Call;
use crate::handlers::ec2::filters::Rule;
use crate::handlers::ec2::resources::require;
use crate::handlers::ec2::select::{IdKind, Listing, describe};
use crate::handlers::ec2::{check_dry_run, from_store, invalid_value, missing, refusal, tags};

const ID: IdKind = IdKind {
    prefix: "sgr-",
    noun: "security group rule ID",
    not_found: "InvalidSecurityGroupRuleId.NotFound",
    malformed: "InvalidSecurityGroupRuleId.Malformed",
};

const RULES: [Rule<ec2::SecurityGroupRule>; 2] = [
    Rule {
        names: &["group-id"],
        values: |it| it.group_id.iter().cloned().collect(),
    },
    Rule {
        names: &["security-group-rule-id"],
        values: |it| it.security_group_rule_id.iter().cloned().collect(),
    },
];

/// The other side of a rule, in the members that shapes have for it.
#[derive(Default)]
pub struct PeerMembers {
    /// `CidrIpv4`
    pub cidr_ipv4: Option<String>,
    /// `CidrIpv6`
    pub cidr_ipv6: Option<String>,
    /// `PrefixListId`
    pub prefix_list_id: Option<String>,
    /// Id of a group.
    pub group_id: Option<String>,
}

impl PeerMembers {
    /// One of them is filled.
    pub fn of(peer: &Peer) -> Self {
        let mut members = Self::default();
        match peer {
            Peer::Ipv4(range) => members.cidr_ipv4 = Some(range.to_string()),
            Peer::Ipv6(range) => members.cidr_ipv6 = Some(range.to_string()),
            Peer::PrefixList(id) => members.prefix_list_id = Some(id.clone()),
            Peer::SecurityGroup(id) => members.group_id = Some(id.clone()),
        }
        members
    }
}

/// A rule as Amazon shows it.
pub fn rendered(state: &State, group: &SecurityGroup, rule: &SecurityGroupRule) -> ec2::SecurityGroupRule {
    let ports = traffic::port_range(rule.traffic).unwrap_or((-1, -1));
    let peer = PeerMembers::of(&rule.peer);
    let (region, account) = (&group.scope.region, &group.scope.account);
    let referenced = peer.group_id.map(|id| ec2::ReferencedSecurityGroup {
        vpc_id: state.get::<SecurityGroup>(&id).map(|it| it.vpc_id.clone()),
        group_id: Some(id),
        user_id: Some(account.clone()),
        ..ec2::ReferencedSecurityGroup::default()
    });
    ec2::SecurityGroupRule {
        cidr_ipv4: peer.cidr_ipv4,
        cidr_ipv6: peer.cidr_ipv6,
        description: rule.description.clone(),
        from_port: Some(ports.0),
        group_id: Some(group.id.clone()),
        group_owner_id: Some(account.clone()),
        ip_protocol: Some(traffic::protocol(rule.traffic)),
        is_egress: Some(rule.direction == Direction::Egress),
        prefix_list_id: peer.prefix_list_id,
        referenced_group_info: referenced,
        security_group_rule_arn: Some(format!(
            "arn:aws:ec2:{region}:{account}:security-group-rule/{}",
            rule.id
        )),
        security_group_rule_id: Some(rule.id.clone()),
        tags: tags::render(&rule.tags),
        to_port: Some(ports.1),
    }
}

/// Takes rules of a direction from a group, by their ids.
///
/// # Errors
/// InvalidSecurityGroupRuleId.NotFound, InvalidSecurityGroupRuleId.Malformed.
pub fn take(
    group: &mut SecurityGroup,
    direction: Direction,
    ids: &[String],
) -> Result<Vec<SecurityGroupRule>, ec2::Error> {
    let mut taken = Vec::new();
    for id in ids {
        let is_meant = |it: &SecurityGroupRule| it.id == *id && it.direction == direction;
        let at = group.rules.iter().position(is_meant);
        taken.push(group.rules.remove(at.ok_or_else(|| ID.unknown(id))?));
    }
    Ok(taken)
}

/// `DescribeSecurityGroupRules`.
///
/// # Errors
/// InvalidSecurityGroupRuleId.NotFound, InvalidSecurityGroupRuleId.Malformed, InvalidParameterValue,
/// MissingParameter, DryRunOperation.
pub async fn describe_security_group_rules(
    call: Call<ec2::DescribeSecurityGroupRules>,
) -> Result<ec2::DescribeSecurityGroupRulesOutput, ec2::Error> {
    let input = call.input();
    let listing = Listing {
        ids: input.security_group_rule_ids.as_ref(),
        filters: input.filters.as_ref(),
        dry_run: input.dry_run,
        max_results: input.max_results,
        next_token: input.next_token.as_deref(),
    };
    let (rules, next_token) = describe(&call, &ID, &RULES, &listing, |state| {
        let mut all = Vec::new();
        for group in state.security_groups(call.scope()) {
            let own = group.rules.iter();
            all.extend(own.map(|it| (it.id.clone(), rendered(state, group, it))));
        }
        all
    })?;
    Ok(ec2::DescribeSecurityGroupRulesOutput {
        next_token,
        security_group_rules: Some(rules),
    })
}

/// `ModifySecurityGroupRules`: a rule keeps its direction, id and tags.
///
/// # Errors
/// InvalidGroup.NotFound, InvalidSecurityGroupRuleId.NotFound, InvalidPermission.Duplicate, InvalidParameterValue,
/// MissingParameter, RulesPerSecurityGroupLimitExceeded, DryRunOperation.
pub async fn modify_security_group_rules(
    call: Call<ec2::ModifySecurityGroupRules>,
) -> Result<ec2::ModifySecurityGroupRulesOutput, ec2::Error> {
    let (scope, input) = (call.scope().clone(), call.input().clone());
    if input.security_group_rules.is_empty() {
        return Err(missing("SecurityGroupRules"));
    }
    check_dry_run(input.dry_run)?;
    let modified = call.access().store().transact(move |tx| {
        let group = require::<SecurityGroup>(tx.state(), &scope, &input.group_id)?;
        let mut changed = SecurityGroup::clone(&group);
        let mut updated: Vec<(&String, Direction, Permission)> = Vec::new();
        for update in &input.security_group_rules {
            let id = &update.security_group_rule_id;
            let Some(wanted) = &update.security_group_rule else {
                return Err(missing("SecurityGroupRule"));
            };
            let reader = Reader {
                state: tx.state(),
                scope: &scope,
                group: &group,
            };
            let permission = read(&reader, wanted)?;
            if updated.iter().any(|(it, ..)| *it == id) {
                return Err(invalid_value(format!("The rule '{id}' is named more than once")));
            }
            let found = changed.rules.iter().position(|it| it.id == *id);
            let at = found.ok_or_else(|| ID.unknown(id))?;
            let rule = &mut changed.rules[at];
            rule.traffic = permission.traffic;
            rule.peer.clone_from(&permission.peer);
            rule.description.clone_from(&permission.description);
            updated.push((id, rule.direction, permission));
        }
        // Only now: rules may take each other's place.
        for (id, direction, permission) in updated {
            check_new(&changed, direction, &permission, Some(id))?;
        }
        check_limit(tx.state(), &changed)?;
        tx.put(changed);
        Ok(())
    });
    modified.await.map_err(from_store)?;
    Ok(ec2::ModifySecurityGroupRulesOutput { r#return: Some(true) })
}

fn read(reader: &Reader<'_>, wanted: &ec2::SecurityGroupRuleRequest) -> Result<Permission, ec2::Error> {
    let given = [
        wanted.cidr_ipv4.as_deref().map(ipv4),
        wanted.cidr_ipv6.as_deref().map(ipv6),
        wanted.prefix_list_id.as_deref().map(|id| reader.prefix_list(id)),
        wanted
            .referenced_group_id
            .as_deref()
            .map(|id| reader.group_of_id(id)),
    ];
    let mut given = given.into_iter().flatten();
    let (peer, None) = (given.next(), given.next()) else {
        return Err(refusal(
            "InvalidParameterCombination",
            "Only one of cidrIp, cidrIpv6, sourcePrefixListId, or sourceSecurityGroupId can be specified",
        ));
    };
    check_description(wanted.description.as_deref())?;
    Ok(Permission {
        traffic: traffic::parse(wanted.ip_protocol.as_deref(), wanted.from_port, wanted.to_port)?,
        peer: peer.ok_or_else(|| {
            missing("CidrIpv4, CidrIpv6, PrefixListId or ReferencedGroupId of SecurityGroupRule")
        })??,
        description: wanted.description.clone(),
    })
}
