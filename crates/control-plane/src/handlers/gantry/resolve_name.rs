//! ResolveName.

use api::gantry;

use domain::Scope;
use domain::served_names::ServedRecord;
use store::State;

use super::errors::{invalid_parameter, name_not_found};
use crate::call::Call;
use crate::sessions::names_served_by;

/// `ResolveName`: the addresses that a name stands for in this Gantry: those of a load balancer, for its `DNSName`, that
/// of a client alias of Service Connect, and all that the resolvers of VPCs choose from, for a name of Cloud Map.
/// Names are compared without regard to case, as in DNS; a dot at the end changes nothing.
///
/// # Errors
/// NameNotFoundException; InvalidParameterException for an empty name.
pub async fn resolve_name(
    call: Call<gantry::ResolveName>,
) -> Result<gantry::ResolveNameOutput, gantry::Error> {
    let name = call.input().name.trim_end_matches('.');
    if name.is_empty() {
        return Err(invalid_parameter("name: must not be empty."));
    }
    let scope = call.scope();
    let addresses = call.access().store().read(|state| {
        let mut classic = state.classic_load_balancers(scope);
        if let Some(found) = classic.find(|it| it.dns_name.eq_ignore_ascii_case(name)) {
            return Some(found.resolved().iter().map(ToString::to_string).collect());
        }
        let mut aliases = state.client_aliases(scope);
        if let Some(found) = aliases.find(|it| it.key.dns_name.eq_ignore_ascii_case(name)) {
            return Some(vec![found.address.to_string()]);
        }
        let mut load_balancers = state.load_balancers(scope);
        let found = load_balancers.find(|it| it.dns_name.eq_ignore_ascii_case(name));
        let addresses = found.map(|it| it.addresses().map(|it| it.to_string()).collect::<Vec<_>>());
        addresses.or_else(|| discovered(state, scope, &name.to_ascii_lowercase()))
    });
    let addresses = addresses.ok_or_else(|| {
        name_not_found(format!(
            "Name not found: no load balancer of this account and region has the DNSName {name}, no service offers it as \
             a client alias, and no service of Cloud Map has instances under it; `aws elbv2 describe-load-balancers` and \
             `aws servicediscovery list-services` list them."
        ))
    })?;
    Ok(gantry::ResolveNameOutput {
        addresses: Some(addresses),
    })
}

/// What is answered under a name of Cloud Map: addresses, and for ports and other names where they lead.
fn discovered(state: &State, scope: &Scope, name: &str) -> Option<Vec<String>> {
    let is_above = |namespace: &str| {
        let head = name.strip_suffix(&namespace.to_ascii_lowercase());
        head.is_some_and(|it| it.ends_with('.'))
    };
    let namespaces = state.namespaces(scope).filter(|it| is_above(&it.name));
    let services = namespaces.flat_map(|it| state.discovery_services_of(&it.id));
    let mut served = services.flat_map(|it| names_served_by(state, scope, &it.id));
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
