//! Adding rules to a security group and taking them away: pure, refusals aside.

use api::ec2;
use domain::ids::Ids;
use domain::network_traffic::Direction;
use domain::prefix_list::PrefixList;
use domain::security_group::{Peer, SecurityGroup, SecurityGroupRule};
use domain::tags::Pair;
use store::State;

use super::permissions::Permission;
use super::traffic;
use crate::handlers::ec2::refusal;

/// Most rules of a group and direction: the most that Amazon gives to those who ask.
const RULES_MAX: u32 = 1000;

/// Adds rules and gives them back.
///
/// # Errors
/// InvalidPermission.Duplicate.
pub fn authorize(
    group: &mut SecurityGroup,
    direction: Direction,
    permissions: Vec<Permission>,
    tags: &[Pair],
    ids: &Ids,
) -> Result<Vec<SecurityGroupRule>, ec2::Error> {
    let mut added = Vec::new();
    for it in permissions {
        check_new(group, direction, &it, None)?;
        let rule = SecurityGroupRule {
            id: ids.ec2("sgr"),
            direction,
            traffic: it.traffic,
            peer: it.peer,
            description: it.description,
            tags: tags.to_vec(),
        };
        group.rules.push(rule.clone());
        added.push(rule);
    }
    Ok(added)
}

/// Checks that no other rule says the same.
///
/// # Errors
/// InvalidPermission.Duplicate.
pub fn check_new(
    group: &SecurityGroup,
    direction: Direction,
    permission: &Permission,
    instead_of: Option<&str>,
) -> Result<(), ec2::Error> {
    let mut others = group.rules.iter().filter(|it| Some(it.id.as_str()) != instead_of);
    if others.any(|it| it.direction == direction && permission.is(it)) {
        return Err(refusal(
            "InvalidPermission.Duplicate",
            format!(
                "the specified rule \"peer: {}, {}, ALLOW\" already exists",
                peer_in_words(&permission.peer),
                traffic::in_words(permission.traffic)
            ),
        ));
    }
    Ok(())
}

fn peer_in_words(peer: &Peer) -> String {
    match peer {
        Peer::Ipv4(range) => range.to_string(),
        Peer::Ipv6(range) => range.to_string(),
        Peer::SecurityGroup(id) | Peer::PrefixList(id) => id.clone(),
    }
}

/// Checks that a group has not too many rules in either direction. A prefix list counts as what it may hold.
///
/// # Errors
/// RulesPerSecurityGroupLimitExceeded.
pub fn check_limit(state: &State, group: &SecurityGroup) -> Result<(), ec2::Error> {
    let weight = |rule: &SecurityGroupRule| match &rule.peer {
        Peer::PrefixList(id) => state.get::<PrefixList>(id).map_or(1, |it| it.max_entries),
        Peer::Ipv4(_) | Peer::Ipv6(_) | Peer::SecurityGroup(_) => 1,
    };
    for direction in [Direction::Ingress, Direction::Egress] {
        let own = group.rules.iter().filter(|it| it.direction == direction);
        let count = own.map(weight).fold(0_u32, u32::saturating_add);
        if count > RULES_MAX {
            return Err(refusal(
                "RulesPerSecurityGroupLimitExceeded",
                "The maximum number of rules per security group has been reached.",
            ));
        }
    }
    Ok(())
}

/// Takes rules away and gives them back, with permissions that no rule says.
pub fn revoke(
    group: &mut SecurityGroup,
    direction: Direction,
    permissions: Vec<Permission>,
) -> (Vec<SecurityGroupRule>, Vec<Permission>) {
    let (mut revoked, mut unknown) = (Vec::new(), Vec::new());
    for it in permissions {
        let is_meant = |rule: &SecurityGroupRule| rule.direction == direction && it.is(rule);
        match group.rules.iter().position(is_meant) {
            Some(at) => revoked.push(group.rules.remove(at)),
            None => unknown.push(it),
        }
    }
    (revoked, unknown)
}
