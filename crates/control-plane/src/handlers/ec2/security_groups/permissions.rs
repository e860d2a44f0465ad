//! `IpPermissions` between the wire, which merges rules of equal protocol and ports, and the records, which do not.

use api::ec2;
use domain::Scope;
use domain::network_traffic::Traffic;
use domain::security_group::{Peer, SecurityGroup, SecurityGroupRule};
use ipnet::{Ipv4Net, Ipv6Net};
use store::State;

use super::traffic;
use crate::handlers::ec2::prefix_lists::check_exists;
use crate::handlers::ec2::resources::require;
use crate::handlers::ec2::{invalid_value, missing, refusal};

/// A rule to be: no two of a group and direction are equal but for what is said of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Permission {
    /// What it lets through.
    pub traffic: Traffic,
    /// From or to whom.
    pub peer: Peer,
    /// As the caller said.
    pub description: Option<String>,
}

impl Permission {
    /// Whether a rule is about the same traffic and peer.
    pub fn is(&self, rule: &SecurityGroupRule) -> bool {
        self.traffic == rule.traffic && self.peer == rule.peer
    }
}

/// What a permission is read for.
pub struct Reader<'a> {
    /// Groups and prefix lists.
    pub state: &'a State,
    /// Whose they are.
    pub scope: &'a Scope,
    /// The group that gets or loses the rules.
    pub group: &'a SecurityGroup,
}

impl Reader<'_> {
    /// Reads permissions, each source of one by itself.
    ///
    /// # Errors
    /// InvalidParameterValue, MissingParameter, InvalidGroup.NotFound, InvalidPrefixListID.NotFound.
    pub fn read(&self, given: &[ec2::IpPermission]) -> Result<Vec<Permission>, ec2::Error> {
        let mut read: Vec<Permission> = Vec::new();
        for it in given {
            let traffic = traffic::parse(it.ip_protocol.as_deref(), it.from_port, it.to_port)?;
            let peers = self.peers(it)?;
            if peers.is_empty() {
                return Err(refusal("MissingParameter", "Source group ID missing."));
            }
            for (peer, description) in peers {
                check_description(description.as_deref())?;
                if read.iter().any(|it| it.traffic == traffic && it.peer == peer) {
                    return Err(invalid_value(
                        "The same permission must not appear multiple times",
                    ));
                }
                read.push(Permission {
                    traffic,
                    peer,
                    description,
                });
            }
        }
        Ok(read)
    }

    fn peers(&self, it: &ec2::IpPermission) -> Result<Vec<(Peer, Option<String>)>, ec2::Error> {
        let mut peers = Vec::new();
        for range in it.ip_ranges.iter().flatten() {
            let peer = ipv4(range.cidr_ip.as_deref().unwrap_or_default())?;
            peers.push((peer, range.description.clone()));
        }
        for range in it.ipv6_ranges.iter().flatten() {
            let peer = ipv6(range.cidr_ipv6.as_deref().unwrap_or_default())?;
            peers.push((peer, range.description.clone()));
        }
        for list in it.prefix_list_ids.iter().flatten() {
            let id = list.prefix_list_id.as_deref().unwrap_or_default();
            peers.push((self.prefix_list(id)?, list.description.clone()));
        }
        for pair in it.user_id_group_pairs.iter().flatten() {
            peers.push((self.group(pair)?, pair.description.clone()));
        }
        Ok(peers)
    }

    /// A prefix list, as a source.
    ///
    /// # Errors
    /// InvalidPrefixListID.NotFound.
    pub fn prefix_list(&self, id: &str) -> Result<Peer, ec2::Error> {
        check_exists(self.state, self.scope, id)?;
        Ok(Peer::PrefixList(id.to_owned()))
    }

    /// A group of the same VPC, as a source.
    ///
    /// # Errors
    /// InvalidGroup.NotFound.
    pub fn group_of_id(&self, id: &str) -> Result<Peer, ec2::Error> {
        // What a rule speaks of may be gone when it is revoked.
        let speaks_of_it = |it: &SecurityGroupRule| it.peer == Peer::SecurityGroup(id.to_owned());
        if self.group.rules.iter().any(speaks_of_it) {
            return Ok(Peer::SecurityGroup(id.to_owned()));
        }
        let group = require::<SecurityGroup>(self.state, self.scope, id)?;
        if group.vpc_id != self.group.vpc_id {
            return Err(refusal(
                "InvalidGroup.NotFound",
                "You have specified two resources that belong to different networks.",
            ));
        }
        Ok(Peer::SecurityGroup(group.id.clone()))
    }

    fn group(&self, pair: &ec2::UserIdGroupPair) -> Result<Peer, ec2::Error> {
        if pair.user_id.as_ref().is_some_and(|it| *it != self.scope.account) {
            let named = pair.group_id.as_ref().or(pair.group_name.as_ref());
            return Err(refusal(
                "InvalidGroup.NotFound",
                format!(
                    "The security group '{}' does not exist",
                    named.map(String::as_str).unwrap_or_default()
                ),
            ));
        }
        match (&pair.group_id, &pair.group_name) {
            (Some(id), _) => self.group_of_id(id),
            (None, Some(name)) => {
                let found = super::named_in(self.state, self.scope, &self.group.vpc_id, name);
                let found = found.ok_or_else(|| {
                    let text = format!("The security group '{name}' does not exist");
                    refusal("InvalidGroup.NotFound", text)
                })?;
                Ok(Peer::SecurityGroup(found.id.clone()))
            }
            (None, None) => Err(missing("groupId")),
        }
    }
}

/// An IPv4 range, as a source; what lies behind the prefix is dropped, as Amazon does.
///
/// # Errors
/// InvalidParameterValue.
pub fn ipv4(given: &str) -> Result<Peer, ec2::Error> {
    let range: Ipv4Net = given.parse().map_err(|_| malformed(given))?;
    Ok(Peer::Ipv4(range.trunc()))
}

/// An IPv6 range, as a source.
///
/// # Errors
/// InvalidParameterValue.
pub fn ipv6(given: &str) -> Result<Peer, ec2::Error> {
    let range: Ipv6Net = given.parse().map_err(|_| malformed(given))?;
    Ok(Peer::Ipv6(range.trunc()))
}

fn malformed(given: &str) -> ec2::Error {
    invalid_value(format!("CIDR block {given} is malformed"))
}

/// Most letters of a description.
const DESCRIPTION_MAX: usize = 255;

/// Checks what is said of a rule or group.
///
/// # Errors
/// InvalidParameterValue.
pub fn check_description(given: Option<&str>) -> Result<(), ec2::Error> {
    let given = given.unwrap_or_default();
    if !super::is_plain(given) {
        return Err(invalid_value(
            "Invalid rule description. Valid descriptions are strings less than 256 characters from the following set: \
             a-zA-Z0-9. _-:/()#,@[]+=&;{}!$*",
        ));
    }
    if given.len() > DESCRIPTION_MAX {
        return Err(invalid_value(format!(
            "Invalid rule description. Descriptions have at most {DESCRIPTION_MAX} characters."
        )));
    }
    Ok(())
}

/// Rules of one direction as Amazon shows them: those of equal protocol and ports are one permission.
pub fn render(rules: &[&SecurityGroupRule], account: &str) -> Vec<ec2::IpPermission> {
    let mut merged: Vec<(Traffic, ec2::IpPermission)> = Vec::new();
    for rule in rules {
        let at = merged.iter().position(|(it, _)| *it == rule.traffic);
        let at = at.unwrap_or_else(|| {
            merged.push((rule.traffic, empty(rule.traffic)));
            merged.len() - 1
        });
        if let Some((_, permission)) = merged.get_mut(at) {
            add(permission, rule, account);
        }
    }
    merged.into_iter().map(|(_, it)| it).collect()
}

fn empty(of: Traffic) -> ec2::IpPermission {
    let ports = traffic::port_range(of);
    ec2::IpPermission {
        ip_protocol: Some(traffic::protocol(of)),
        from_port: ports.map(|it| it.0),
        to_port: ports.map(|it| it.1),
        ip_ranges: Some(Vec::new()),
        ipv6_ranges: Some(Vec::new()),
        prefix_list_ids: Some(Vec::new()),
        user_id_group_pairs: Some(Vec::new()),
    }
}

fn add(permission: &mut ec2::IpPermission, rule: &SecurityGroupRule, account: &str) {
    let description = rule.description.clone();
    match &rule.peer {
        Peer::Ipv4(range) => permission.ip_ranges.get_or_insert_default().push(ec2::IpRange {
            cidr_ip: Some(range.to_string()),
            description,
        }),
        Peer::Ipv6(range) => permission
            .ipv6_ranges
            .get_or_insert_default()
            .push(ec2::Ipv6Range {
                cidr_ipv6: Some(range.to_string()),
                description,
            }),
        Peer::PrefixList(id) => permission
            .prefix_list_ids
            .get_or_insert_default()
            .push(ec2::PrefixListId {
                prefix_list_id: Some(id.clone()),
                description,
            }),
        Peer::SecurityGroup(id) => {
            permission
                .user_id_group_pairs
                .get_or_insert_default()
                .push(ec2::UserIdGroupPair {
                    user_id: Some(account.to_owned()),
                    group_id: Some(id.clone()),
                    description,
                    ..ec2::UserIdGroupPair::default()
                });
        }
    }
}
