//! DescribeLoadBalancerAttributes, ModifyLoadBalancerAttributes.

use api::elb::{self, Error};
use domain::classic_load_balancer::{ClassicAttributes, ClassicLoadBalancer};
use domain::load_balancer::DesyncMitigation;

use super::errors::{from_store, invalid_configuration, range, unbuilt};
use super::names;
use crate::call::Call;

/// The only attribute that has no member of its own.
const DESYNC_MITIGATION: &str = "elb.http.desyncmitigationmode";
/// How long instances drain unless told.
const DRAINING_SECONDS: u32 = 300;

const MODES: [(&str, DesyncMitigation); 3] = [
    ("monitor", DesyncMitigation::Monitor),
    ("defensive", DesyncMitigation::Defensive),
    ("strictest", DesyncMitigation::Strictest),
];

/// `DescribeLoadBalancerAttributes`.
///
/// # Errors
/// LoadBalancerNotFound.
pub async fn describe_load_balancer_attributes(
    call: Call<elb::DescribeLoadBalancerAttributes>,
) -> Result<elb::DescribeLoadBalancerAttributesOutput, Error> {
    let (scope, input) = (call.scope(), call.input());
    let store = call.access().store();
    let it = store.read(|state| names::load_balancer(state, scope, &input.load_balancer_name))?;
    Ok(elb::DescribeLoadBalancerAttributesOutput {
        load_balancer_attributes: Some(render(&it.attributes)),
    })
}

/// `ModifyLoadBalancerAttributes`: those that are not named stay as they are. It answers those named.
///
/// # Errors
/// LoadBalancerNotFound, LoadBalancerAttributeNotFound, InvalidConfigurationRequest, ValidationError.
pub async fn modify_load_balancer_attributes(
    call: Call<elb::ModifyLoadBalancerAttributes>,
) -> Result<elb::ModifyLoadBalancerAttributesOutput, Error> {
    let (scope, input) = (call.scope().clone(), call.input().clone());
    let changed = call.access().store().transact(move |tx| {
        let it = names::load_balancer(tx.state(), &scope, &input.load_balancer_name)?;
        let mut it = ClassicLoadBalancer::clone(&it);
        modify(&mut it.attributes, &input.load_balancer_attributes)?;
        let it = tx.put(it);
        let all = render(&it.attributes);
        let given = input.load_balancer_attributes;
        Ok(elb::ModifyLoadBalancerAttributesOutput {
            load_balancer_name: Some(it.name.clone()),
            load_balancer_attributes: Some(elb::LoadBalancerAttributes {
                access_log: given.access_log.and(all.access_log),
                additional_attributes: given.additional_attributes.and(all.additional_attributes),
                connection_draining: given.connection_draining.and(all.connection_draining),
                connection_settings: given.connection_settings.and(all.connection_settings),
                cross_zone_load_balancing: given.cross_zone_load_balancing.and(all.cross_zone_load_balancing),
            }),
        })
    });
    changed.await.map_err(from_store)
}

fn modify(attributes: &mut ClassicAttributes, given: &elb::LoadBalancerAttributes) -> Result<(), Error> {
    if given.access_log.as_ref().is_some_and(|it| it.enabled) {
        return Err(unbuilt("AccessLog"));
    }
    if let Some(it) = &given.cross_zone_load_balancing {
        attributes.is_cross_zone = it.enabled;
    }
    if let Some(it) = &given.connection_settings {
        range(it.idle_timeout.into(), "idleTimeout", (1, 3600))?;
        attributes.idle_timeout_seconds = it.idle_timeout.unsigned_abs();
    }
    if let Some(it) = &given.connection_draining {
        if let Some(seconds) = it.timeout {
            range(seconds.into(), "connectionDraining.timeout", (1, 3600))?;
        }
        let seconds = it.timeout.map_or(draining_seconds(attributes), i32::unsigned_abs);
        attributes.draining_seconds = it.enabled.then_some(seconds);
        attributes.kept_draining_seconds = (!it.enabled).then_some(seconds);
    }
    for elb::AdditionalAttribute { key, value } in given.additional_attributes.iter().flatten() {
        let key = key.as_deref().unwrap_or_default();
        if key != DESYNC_MITIGATION {
            return Err(Error::LoadBalancerAttributeNotFoundException(
                elb::LoadBalancerAttributeNotFoundException {
                    message: Some(format!("Load balancer attribute '{key}' is not recognized")),
                },
            ));
        }
        let value = value.as_deref().unwrap_or_default();
        let mode = MODES.iter().find(|(word, _)| *word == value);
        let (_, mode) = mode.ok_or_else(|| {
            invalid_configuration(format!(
                "The value '{value}' of '{DESYNC_MITIGATION}' is not valid: it must be monitor, defensive or strictest"
            ))
        })?;
        attributes.desync_mitigation = *mode;
    }
    Ok(())
}

/// How long instances drain while that is switched on.
fn draining_seconds(it: &ClassicAttributes) -> u32 {
    let known = it.draining_seconds.or(it.kept_draining_seconds);
    known.unwrap_or(DRAINING_SECONDS)
}

fn render(it: &ClassicAttributes) -> elb::LoadBalancerAttributes {
    let mode = MODES.iter().find(|(_, mode)| *mode == it.desync_mitigation);
    elb::LoadBalancerAttributes {
        access_log: Some(elb::AccessLog::default()),
        additional_attributes: Some(vec![elb::AdditionalAttribute {
            key: Some(DESYNC_MITIGATION.to_owned()),
            value: mode.map(|(word, _)| (*word).to_owned()),
        }]),
        connection_draining: Some(elb::ConnectionDraining {
            enabled: it.draining_seconds.is_some(),
            timeout: i32::try_from(draining_seconds(it)).ok(),
        }),
        connection_settings: Some(elb::ConnectionSettings {
            idle_timeout: i32::try_from(it.idle_timeout_seconds).unwrap_or(i32::MAX),
        }),
        cross_zone_load_balancing: Some(elb::CrossZoneLoadBalancing {
            enabled: it.is_cross_zone,
        }),
    }
}
