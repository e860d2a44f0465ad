//! Attributes of load balancers, listeners and target groups: described and modified.

use api::elbv2::{self, Error};
use domain::listener::Listener;
use domain::load_balancer::{LoadBalancer, LoadBalancerKind};
use domain::target_group::TargetGroup;

use super::errors::{self, from_store, invalid_configuration, validation};
use super::names;
use crate::access_logs;
use crate::call::Call;

/// Attribute that only load balancers with IPv6 have.
const DENY_IGW: &str = "ipv6.deny_all_igw_traffic";
/// Most attributes of one call.
const ATTRIBUTES_MAX: usize = 20;

fn pairs(given: Vec<(Option<String>, Option<String>)>) -> Result<Vec<(String, String)>, Error> {
    let mut pairs: Vec<(String, String)> = Vec::new();
    if given.is_empty() || given.len() > ATTRIBUTES_MAX {
        return Err(validation(format!(
            "1 to {ATTRIBUTES_MAX} attributes must be specified"
        )));
    }
    for (key, value) in given {
        let key = key.ok_or_else(|| validation("An attribute key must be specified"))?;
        if pairs.iter().any(|(it, _)| *it == key) {
            return Err(validation(format!(
                "The attribute key '{key}' was specified more than once"
            )));
        }
        pairs.push((key, value.unwrap_or_default()));
    }
    Ok(pairs)
}

fn of_load_balancer(it: &LoadBalancer) -> Vec<elbv2::LoadBalancerAttribute> {
    let all = it.attributes.list(it.kind).into_iter();
    all.map(|(key, value)| elbv2::LoadBalancerAttribute {
        key: Some(key.to_owned()),
        value: Some(value),
    })
    .collect()
}

/// `DescribeLoadBalancerAttributes`.
///
/// # Errors
/// LoadBalancerNotFound, ValidationError.
pub async fn describe_load_balancer_attributes(
    call: Call<elbv2::DescribeLoadBalancerAttributes>,
) -> Result<elbv2::DescribeLoadBalancerAttributesOutput, Error> {
    let (scope, arn) = (call.scope(), &call.input().load_balancer_arn);
    let it = call
        .access()
        .store()
        .read(|state| names::load_balancer(state, scope, arn))?;
    Ok(elbv2::DescribeLoadBalancerAttributesOutput {
        attributes: Some(of_load_balancer(&it)),
    })
}

/// The load balancer with these attributes set.
fn with(load_balancer: &LoadBalancer, given: &[(String, String)]) -> Result<LoadBalancer, Error> {
    let mut it = load_balancer.clone();
    for (key, value) in given {
        if key == DENY_IGW {
            return Err(invalid_configuration(format!(
                "Load balancer attribute key '{DENY_IGW}' is not supported on load balancers with IP address type 'ipv4'"
            )));
        }
        let with = format!("load balancers with type '{}'", it.kind.as_str());
        let set = it.attributes.set(it.kind, key, value);
        set.map_err(|refusal| errors::attribute("Load balancer", &with, refusal))?;
    }
    check_logs(&it)?;
    Ok(it)
}

/// Logs go to a bucket, and only access logs of application load balancers are written.
fn check_logs(it: &LoadBalancer) -> Result<(), Error> {
    let attributes = &it.attributes;
    for (what, logs) in [
        ("access_logs", &attributes.access_logs),
        ("connection_logs", &attributes.connection_logs),
        ("health_check_logs", &attributes.health_check_logs),
    ] {
        if !logs.is_enabled {
            continue;
        }
        if logs.bucket.is_empty() {
            return Err(invalid_configuration(format!(
                "The value of '{what}.s3.bucket' cannot be empty if '{what}.s3.enabled' is 'true'"
            )));
        }
        if what != "access_logs" || it.kind != LoadBalancerKind::Application {
            let of = it.kind.as_str();
            return Err(errors::unbuilt(&format!(
                "'{what}.s3.enabled' of load balancers with type '{of}'"
            )));
        }
    }
    Ok(())
}

/// `ModifyLoadBalancerAttributes`: all or none are set.
///
/// # Errors
/// LoadBalancerNotFound, InvalidConfigurationRequest, ValidationError.
pub async fn modify_load_balancer_attributes(
    call: Call<elbv2::ModifyLoadBalancerAttributes>,
) -> Result<elbv2::ModifyLoadBalancerAttributesOutput, Error> {
    let (scope, input) = (call.scope().clone(), call.input().clone());
    let given = pairs(
        input
            .attributes
            .into_iter()
            .map(|it| (it.key, it.value))
            .collect(),
    )?;
    let store = call.access().store();
    let before = store.read(|state| names::load_balancer(state, &scope, &input.load_balancer_arn))?;
    let wanted = with(&before, &given)?;
    let logs = &wanted.attributes.access_logs;
    if logs.is_enabled && *logs != before.attributes.access_logs {
        let written = access_logs::test(call.access().object_storage(), &wanted, logs, call.now()).await;
        written.map_err(|error| {
            invalid_configuration(format!(
                "Access Denied for bucket: {}. Please check S3bucket permission ({error})",
                logs.bucket
            ))
        })?;
    }
    let changed = store.transact(move |tx| {
        let found = names::load_balancer(tx.state(), &scope, &input.load_balancer_arn)?;
        Ok(tx.put(with(&found, &given)?))
    });
    let it = changed.await.map_err(from_store)?;
    Ok(elbv2::ModifyLoadBalancerAttributesOutput {
        attributes: Some(of_load_balancer(&it)),
    })
}

fn of_target_group(it: &TargetGroup) -> Vec<elbv2::TargetGroupAttribute> {
    let all = it.attributes.list(it.protocol).into_iter();
    all.map(|(key, value)| elbv2::TargetGroupAttribute {
        key: Some(key.to_owned()),
        value: Some(value),
    })
    .collect()
}

/// `DescribeTargetGroupAttributes`.
///
/// # Errors
/// TargetGroupNotFound, ValidationError.
pub async fn describe_target_group_attributes(
    call: Call<elbv2::DescribeTargetGroupAttributes>,
) -> Result<elbv2::DescribeTargetGroupAttributesOutput, Error> {
    let (scope, arn) = (call.scope(), &call.input().target_group_arn);
    let it = call
        .access()
        .store()
        .read(|state| names::target_group(state, scope, arn))?;
    Ok(elbv2::DescribeTargetGroupAttributesOutput {
        attributes: Some(of_target_group(&it)),
    })
}

/// `ModifyTargetGroupAttributes`: all or none are set.
///
/// # Errors
/// TargetGroupNotFound, InvalidConfigurationRequest, ValidationError.
pub async fn modify_target_group_attributes(
    call: Call<elbv2::ModifyTargetGroupAttributes>,
) -> Result<elbv2::ModifyTargetGroupAttributesOutput, Error> {
    let (scope, input) = (call.scope().clone(), call.input().clone());
    let given = pairs(
        input
            .attributes
            .into_iter()
            .map(|it| (it.key, it.value))
            .collect(),
    )?;
    let changed = call.access().store().transact(move |tx| {
        let found = names::target_group(tx.state(), &scope, &input.target_group_arn)?;
        let mut it = TargetGroup::clone(&found);
        for (key, value) in &given {
            let with = format!("target groups with protocol '{}'", it.protocol.as_str());
            let set = it.attributes.set(it.protocol, key, value);
            set.map_err(|refusal| errors::attribute("Target group", &with, refusal))?;
        }
        it.attributes.check(it.protocol).map_err(invalid_configuration)?;
        Ok(tx.put(it))
    });
    let it = changed.await.map_err(from_store)?;
    Ok(elbv2::ModifyTargetGroupAttributesOutput {
        attributes: Some(of_target_group(&it)),
    })
}

fn of_listener(it: &Listener) -> Vec<elbv2::ListenerAttribute> {
    let all = it.attributes.list(it.protocol).into_iter();
    all.map(|(key, value)| elbv2::ListenerAttribute {
        key: Some(key.to_owned()),
        value: Some(value),
    })
    .collect()
}

/// `DescribeListenerAttributes`.
///
/// # Errors
/// ListenerNotFound, ValidationError.
pub async fn describe_listener_attributes(
    call: Call<elbv2::DescribeListenerAttributes>,
) -> Result<elbv2::DescribeListenerAttributesOutput, Error> {
    let (scope, arn) = (call.scope(), &call.input().listener_arn);
    let it = call
        .access()
        .store()
        .read(|state| names::listener(state, scope, arn))?;
    Ok(elbv2::DescribeListenerAttributesOutput {
        attributes: Some(of_listener(&it)),
    })
}

/// `ModifyListenerAttributes`: all or none are set.
///
/// # Errors
/// ListenerNotFound, InvalidConfigurationRequest, ValidationError.
pub async fn modify_listener_attributes(
    call: Call<elbv2::ModifyListenerAttributes>,
) -> Result<elbv2::ModifyListenerAttributesOutput, Error> {
    let (scope, input) = (call.scope().clone(), call.input().clone());
    let given = pairs(
        input
            .attributes
            .into_iter()
            .map(|it| (it.key, it.value))
            .collect(),
    )?;
    let changed = call.access().store().transact(move |tx| {
        let found = names::listener(tx.state(), &scope, &input.listener_arn)?;
        let mut it = Listener::clone(&found);
        for (key, value) in &given {
            let with = format!("listeners with protocol '{}'", it.protocol.as_str());
            let set = it.attributes.set(it.protocol, key, value);
            set.map_err(|refusal| errors::attribute("Listener", &with, refusal))?;
        }
        Ok(tx.put(it))
    });
    let it = changed.await.map_err(from_store)?;
    Ok(elbv2::ModifyListenerAttributesOutput {
        attributes: Some(of_listener(&it)),
    })
}
