//! ListLoadBalancers.

use api::gantry;
use domain::load_balancer::LoadBalancerState;

use crate::call::Call;

/// `ListLoadBalancers`: all of the account and region, by kind and name, with the addresses at which they are reached.
///
/// # Errors
/// None of its own.
pub async fn list_load_balancers(
    call: Call<gantry::ListLoadBalancers>,
) -> Result<gantry::ListLoadBalancersOutput, gantry::Error> {
    let scope = call.scope();
    let described = call.access().store().read(|state| {
        let load_balancers = state.load_balancers(scope).map(|it| {
            let listeners = state.listeners_of(&it.arn).map(|it| gantry::ListenerDescription {
                port: Some(it.port.into()),
                protocol: Some(it.protocol.as_str().to_owned()),
            });
            let addresses = it.zones.iter().flat_map(|it| &it.addresses);
            let reason = match &it.state {
                LoadBalancerState::Failed { reason } => Some(reason.clone()),
                LoadBalancerState::Provisioning | LoadBalancerState::Active => None,
            };
            gantry::LoadBalancerDescription {
                load_balancer_arn: Some(it.arn.to_string()),
                load_balancer_name: Some(it.name.clone()),
                r#type: Some(it.kind.as_str().to_owned()),
                scheme: Some(it.scheme.as_str().to_owned()),
                state: Some(it.state.as_str().to_owned()),
                reason,
                addresses: Some(addresses.map(ToString::to_string).collect()),
                listeners: Some(listeners.collect()),
            }
        });
        load_balancers.collect()
    });
    Ok(gantry::ListLoadBalancersOutput {
        load_balancers: Some(described),
    })
}
