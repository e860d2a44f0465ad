//! ResolveName.

use std::cmp::Reverse;

use api::gantry;
use domain::Scope;
use domain::cloud_map::{Namespace, NamespaceKind};
use domain::served_names::ServedRecord;
use domain::vpc::Vpc;
use store::State;

use super::errors::{invalid_parameter, name_not_found};
use crate::call::Call;
use crate::sessions::names_served_by;

#[cfg(test)]
mod tests;

/// The zone that load balancers have their names in.
const LOAD_BALANCERS: &str = "amazonaws.com";

/// `ResolveName`: the addresses that a name stands for in this Gantry: those of a load balancer, for its `DNSName`, that
/// of a client alias of Service Connect, and all that the resolvers of VPCs choose from, for a name of Cloud Map.
/// With `vpcId` only what tasks of that VPC are told: of several zones that they see, the one with the longest name
/// answers, and a private one denies what it does not have.
/// Names are compared without regard to case, as in DNS; a dot at the end changes nothing.
///
/// # Errors
/// NameNotFoundException; InvalidParameterException for an empty name and a VPC that is not there.
pub async fn resolve_name(
    call: Call<gantry::ResolveName>,
) -> Result<gantry::ResolveNameOutput, gantry::Error> {
    let (scope, input) = (call.scope(), call.input());
    let name = input.name.trim_end_matches('.').to_ascii_lowercase();
    if name.is_empty() {
        return Err(invalid_parameter("name: must not be empty."));
    }
    let addresses = call.access().store().read(|state| match &input.vpc_id {
        None => Ok(anywhere(state, scope, &name)),
        Some(id) => {
            let vpc = state.get::<Vpc>(id).filter(|it| it.scope == *scope);
            let unknown = || {
                invalid_parameter(format!(
                    "vpcId: this account and region has no VPC {id}; `aws ec2 describe-vpcs` lists them."
                ))
            };
            Ok(in_vpc(state, vpc.ok_or_else(unknown)?, &name))
        }
    });
    let addresses = addresses?.ok_or_else(|| {
        let to_whom = input.vpc_id.as_ref();
        let to_whom = to_whom.map_or_else(String::new, |id| format!(" that tasks of {id} are told of"));
        name_not_found(format!(
            "Name not found: no load balancer of this account and region has the DNSName {name}, no service offers it as \
             a client alias{to_whom}, and no service of Cloud Map has instances under it{to_whom}; \
             `aws elbv2 describe-load-balancers` and `aws servicediscovery list-services` list them."
        ))
    })?;
    Ok(gantry::ResolveNameOutput {
        addresses: Some(addresses),
    })
}

/// What a name stands for in any VPC, the first that is found.
fn anywhere(state: &State, scope: &Scope, name: &str) -> Option<Vec<String>> {
    let alias = || {
        let mut aliases = state.client_aliases(scope);
        let found = aliases.find(|it| it.key.dns_name.eq_ignore_ascii_case(name))?;
        Some(vec![found.address.to_string()])
    };
    let discovered = || {
        let mut namespaces = state.namespaces(scope).filter(|it| is_above(&it.name, name));
        namespaces.find_map(|it| discovered_in(state, it, name))
    };
    load_balancer(state, scope, name)
        .or_else(alias)
        .or_else(discovered)
}

/// A zone that a VPC sees.
enum Zone<'a> {
    LoadBalancers,
    Namespace(&'a Namespace),
}

impl Zone<'_> {
    fn origin(&self) -> &str {
        match self {
            Self::LoadBalancers => LOAD_BALANCERS,
            Self::Namespace(it) => &it.name,
        }
    }

    /// A private zone says of the names that it does not have that they are not there, whoever else has them.
    fn denies(&self) -> bool {
        matches!(self, Self::Namespace(it) if matches!(it.kind, NamespaceKind::PrivateDns { .. }))
    }

    fn is_seen_by(&self, vpc: &Vpc) -> bool {
        match self {
            Self::LoadBalancers => true,
            Self::Namespace(it) => match &it.kind {
                NamespaceKind::Http => false,
                NamespaceKind::PrivateDns { vpc_id, .. } => *vpc_id == vpc.id,
                NamespaceKind::PublicDns { .. } => true,
            },
        }
    }
}

/// What a name stands for to the tasks of a VPC, in the order in which its resolver looks.
fn in_vpc(state: &State, vpc: &Vpc, name: &str) -> Option<Vec<String>> {
    // Its tasks have no resolver.
    if !vpc.has_dns_support {
        return None;
    }
    if let Some(address) = state.service_connect_names(&vpc.id).get(name) {
        return Some(vec![address.to_string()]);
    }
    let namespaces = state.namespaces(&vpc.scope).map(|it| Zone::Namespace(it));
    let zones = namespaces.chain([Zone::LoadBalancers]);
    let mut zones: Vec<Zone<'_>> = zones
        .filter(|it| it.is_seen_by(vpc) && is_above(it.origin(), name))
        .collect();
    zones.sort_by_key(|it| (Reverse(it.origin().len()), !it.denies()));
    for zone in zones {
        let found = match &zone {
            Zone::LoadBalancers => load_balancer(state, &vpc.scope, name),
            Zone::Namespace(it) => discovered_in(state, it, name),
        };
        if found.is_some() || zone.denies() {
            return found;
        }
    }
    None
}

fn load_balancer(state: &State, scope: &Scope, name: &str) -> Option<Vec<String>> {
    let mut classic = state.classic_load_balancers(scope);
    if let Some(found) = classic.find(|it| it.dns_name.eq_ignore_ascii_case(name)) {
        return Some(found.resolved().iter().map(ToString::to_string).collect());
    }
    let mut load_balancers = state.load_balancers(scope);
    let found = load_balancers.find(|it| it.dns_name.eq_ignore_ascii_case(name))?;
    Some(found.addresses().map(|it| it.to_string()).collect())
}

/// Whether a name is below that of a zone.
fn is_above(zone: &str, name: &str) -> bool {
    let head = name.strip_suffix(&zone.to_ascii_lowercase());
    head.is_some_and(|it| it.ends_with('.'))
}

/// What is answered under a name of Cloud Map: addresses, and for ports and other names where they lead.
fn discovered_in(state: &State, namespace: &Namespace, name: &str) -> Option<Vec<String>> {
    let services = state.discovery_services_of(&namespace.id);
    let mut served = services.flat_map(|it| names_served_by(state, &namespace.scope, &it.id));
    let (_, sets) = served.find(|(key, _)| key.name == name)?;
    let records = sets.iter().flat_map(|it| &it.records);
    Some(records.map(shown).collect())
}

fn shown(record: &ServedRecord) -> String {
    match record {
        ServedRecord::A(address) => address.to_string(),
        ServedRecord::Aaaa(address) => address.to_string(),
        ServedRecord::Cname(name) => name.clone(),
        ServedRecord::Srv { port, target, .. } => format!("{target}:{port}"),
    }
}
