//! What is asked of the rules of a security group: to add some or to take them away, in either direction.

use api::ec2;
use domain::network_traffic::Direction;
use domain::security_group::{SecurityGroup, SecurityGroupRule};
use domain::tags::Pair;
use domain::vpc::Vpc;
use store::{Store, Tx};

use super::change::{authorize, check_limit, revoke};
use super::permissions::{Permission, Reader};
use super::{named_or_default, rules, traffic};
use crate::handlers::ec2::resources::require;
use crate::handlers::ec2::{from_store, missing, refusal};

/// What is asked of the rules of a group, of either direction.
pub struct Asked {
    /// Whose group.
    pub scope: domain::Scope,
    /// Of which rules.
    pub direction: Direction,
    /// Id of the group.
    pub group_id: Option<String>,
    /// Its name instead, in the default VPC.
    pub group_name: Option<String>,
    /// The rules.
    pub permissions: Vec<ec2::IpPermission>,
}

/// Members for a single rule, which are older than `IpPermissions`.
#[derive(Clone, Default)]
pub struct Flat {
    /// `CidrIp`
    pub cidr_ip: Option<String>,
    /// `IpProtocol`
    pub ip_protocol: Option<String>,
    /// `FromPort`
    pub from_port: Option<i32>,
    /// `ToPort`
    pub to_port: Option<i32>,
    /// `SourceSecurityGroupName`
    pub source_group: Option<String>,
    /// `SourceSecurityGroupOwnerId`
    pub source_account: Option<String>,
}

impl Flat {
    /// The permissions they stand for; none if none is given.
    fn permissions(self) -> Vec<ec2::IpPermission> {
        let ranges = self.cidr_ip.map(|it| ec2::IpRange {
            cidr_ip: Some(it),
            description: None,
        });
        let pairs = self.source_group.map(|name| ec2::UserIdGroupPair {
            group_name: Some(name),
            user_id: self.source_account.clone(),
            ..ec2::UserIdGroupPair::default()
        });
        let permission = |protocol: String, from, to| ec2::IpPermission {
            ip_protocol: Some(protocol),
            from_port: from,
            to_port: to,
            ip_ranges: Some(ranges.iter().cloned().collect()),
            user_id_group_pairs: Some(pairs.iter().cloned().collect()),
            ..ec2::IpPermission::default()
        };
        match self.ip_protocol {
            Some(protocol) => vec![permission(protocol, self.from_port, self.to_port)],
            // A group alone stands for all of its ICMP, TCP and UDP.
            None if pairs.is_some() => vec![
                permission("tcp".to_owned(), Some(0), Some(65535)),
                permission("udp".to_owned(), Some(0), Some(65535)),
                permission("icmp".to_owned(), Some(-1), Some(-1)),
            ],
            None if ranges.is_some() => vec![ec2::IpPermission {
                ip_ranges: Some(ranges.into_iter().collect()),
                ..ec2::IpPermission::default()
            }],
            None => Vec::new(),
        }
    }
}

/// The one or the other.
///
/// # Errors
/// InvalidParameterCombination for both.
pub fn either(
    permissions: Option<Vec<ec2::IpPermission>>,
    flat: Flat,
) -> Result<Vec<ec2::IpPermission>, ec2::Error> {
    let permissions = permissions.unwrap_or_default();
    let flat = flat.permissions();
    match (permissions.is_empty(), flat.is_empty()) {
        (false, false) => Err(refusal(
            "InvalidParameterCombination",
            "The parameter 'ipPermissions' may not be used in combination with 'ipProtocol'",
        )),
        (false, true) => Ok(permissions),
        (true, _) => Ok(flat),
    }
}

impl Asked {
    /// The group and what is asked of it.
    fn read(&self, tx: &Tx<'_>) -> Result<(SecurityGroup, Vec<Permission>), ec2::Error> {
        let (id, name) = (self.group_id.as_deref(), self.group_name.as_deref());
        let group = named_or_default(tx.state(), &self.scope, id, name)?;
        let reader = Reader {
            state: tx.state(),
            scope: &self.scope,
            group: &group,
        };
        let permissions = reader.read(&self.permissions)?;
        Ok((SecurityGroup::clone(&group), permissions))
    }

    /// Adds the rules.
    ///
    /// # Errors
    /// Those of `AuthorizeSecurityGroupIngress`.
    pub async fn authorize(
        self,
        store: &Store,
        tags: Vec<Pair>,
    ) -> Result<Vec<ec2::SecurityGroupRule>, ec2::Error> {
        if self.permissions.is_empty() {
            return Err(missing("ipPermissions"));
        }
        let done = store.transact(move |tx| {
            let (mut group, permissions) = self.read(tx)?;
            let added = authorize(&mut group, self.direction, permissions, &tags, tx.ids())?;
            check_limit(tx.state(), &group)?;
            let group = tx.put(group);
            let rendered = added.iter().map(|it| rules::rendered(tx.state(), &group, it));
            Ok(rendered.collect())
        });
        done.await.map_err(from_store)
    }

    /// Takes the rules away, and those of the ids.
    ///
    /// # Errors
    /// Those of `RevokeSecurityGroupIngress`.
    pub async fn revoke(self, store: &Store, ids: Vec<String>) -> Result<Revoked, ec2::Error> {
        if self.permissions.is_empty() && ids.is_empty() {
            return Err(refusal(
                "MissingParameter",
                "Either 'ipPermissions' or 'securityGroupRuleIds' should be provided.",
            ));
        }
        let done = store.transact(move |tx| {
            let (mut group, permissions) = self.read(tx)?;
            let mut revoked = rules::take(&mut group, self.direction, &ids)?;
            let (found, unknown) = revoke(&mut group, self.direction, permissions);
            revoked.extend(found);
            let vpc = require::<Vpc>(tx.state(), &self.scope, &group.vpc_id)?;
            // In the default VPC Amazon tells them, elsewhere it refuses.
            if !unknown.is_empty() && !vpc.is_default {
                return Err(refusal(
                    "InvalidPermission.NotFound",
                    "The specified rule does not exist in this security group.",
                ));
            }
            let group = tx.put(group);
            Ok(Revoked::of(&group, self.direction, &revoked, &unknown))
        });
        done.await.map_err(from_store)
    }
}

/// What was revoked, and what could not be.
pub struct Revoked {
    /// Those that were there.
    pub rules: Vec<ec2::RevokedSecurityGroupRule>,
    /// Those that were not.
    pub unknown: Vec<ec2::IpPermission>,
}

impl Revoked {
    fn of(
        group: &SecurityGroup,
        direction: Direction,
        revoked: &[SecurityGroupRule],
        unknown: &[Permission],
    ) -> Self {
        let as_rule = |it: &Permission| SecurityGroupRule {
            id: String::new(),
            direction,
            traffic: it.traffic,
            peer: it.peer.clone(),
            description: it.description.clone(),
            tags: Vec::new(),
        };
        let unknown: Vec<_> = unknown.iter().map(as_rule).collect();
        let unknown: Vec<_> = unknown.iter().collect();
        Self {
            rules: revoked.iter().map(|it| self::revoked(group, it)).collect(),
            unknown: super::permissions::render(&unknown, &group.scope.account),
        }
    }
}

fn revoked(group: &SecurityGroup, rule: &SecurityGroupRule) -> ec2::RevokedSecurityGroupRule {
    let ports = traffic::port_range(rule.traffic).unwrap_or((-1, -1));
    let peer = rules::PeerMembers::of(&rule.peer);
    ec2::RevokedSecurityGroupRule {
        cidr_ipv4: peer.cidr_ipv4,
        cidr_ipv6: peer.cidr_ipv6,
        description: rule.description.clone(),
        from_port: Some(ports.0),
        to_port: Some(ports.1),
        group_id: Some(group.id.clone()),
        ip_protocol: Some(traffic::protocol(rule.traffic)),
        is_egress: Some(rule.direction == Direction::Egress),
        prefix_list_id: peer.prefix_list_id,
        referenced_group_id: peer.group_id,
        security_group_rule_id: Some(rule.id.clone()),
    }
}
