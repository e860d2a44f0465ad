//! ResolveName.

use api::gantry;

use super::errors::{invalid_parameter, name_not_found};
use crate::call::Call;

/// `ResolveName`: the addresses that a name stands for in this Gantry: those of a load balancer, for its `DNSName`.
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
        let mut load_balancers = state.load_balancers(scope);
        let found = load_balancers.find(|it| it.dns_name.eq_ignore_ascii_case(name))?;
        let addresses = found.zones.iter().flat_map(|it| &it.addresses);
        Some(addresses.map(ToString::to_string).collect::<Vec<_>>())
    });
    let addresses = addresses.ok_or_else(|| {
        name_not_found(format!(
            "Name not found: no load balancer of this account and region has the DNSName {name}; \
             `aws elbv2 describe-load-balancers` lists them."
        ))
    })?;
    Ok(gantry::ResolveNameOutput {
        addresses: Some(addresses),
    })
}
