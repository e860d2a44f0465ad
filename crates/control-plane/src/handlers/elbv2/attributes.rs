//! Attributes of load balancers, listeners and target groups: described and modified.

use std::sync::Arc;

use api::elbv2::{self, Error};
use domain::listener::Listener;
use domain::load_balancer::LoadBalancer;
use domain::target_group::TargetGroup;
use store::{State, Store};

use super::errors::{from_store, invalid_configuration};
use super::names;
use crate::access_logs;
use crate::call::Call;

mod kinds;

use kinds::{Attributed, pairs, shown, with};

/// Sets attributes of what is found: all or none.
async fn modify<R: Attributed>(
    store: &Store,
    given: Vec<(String, String)>,
    find: impl FnOnce(&State) -> Result<Arc<R>, Error> + Send + 'static,
) -> Result<Option<Vec<R::Shown>>, Error> {
    let changed = store.transact(move |tx| {
        let found = find(tx.state())?;
        Ok(tx.put(with(&*found, &given)?))
    });
    Ok(shown(&*changed.await.map_err(from_store)?))
}

/// `DescribeLoadBalancerAttributes`.
///
/// # Errors
/// LoadBalancerNotFound, ValidationError.
pub async fn describe_load_balancer_attributes(
    call: Call<elbv2::DescribeLoadBalancerAttributes>,
) -> Result<elbv2::DescribeLoadBalancerAttributesOutput, Error> {
    let (scope, arn) = (call.scope(), &call.input().load_balancer_arn);
    let store = call.access().store();
    let it = store.read(|state| names::load_balancer(state, scope, arn))?;
    Ok(elbv2::DescribeLoadBalancerAttributesOutput {
        attributes: shown(&*it),
    })
}

/// `ModifyLoadBalancerAttributes`: all or none are set.
///
/// # Errors
/// LoadBalancerNotFound, InvalidConfigurationRequest, ValidationError.
pub async fn modify_load_balancer_attributes(
    call: Call<elbv2::ModifyLoadBalancerAttributes>,
) -> Result<elbv2::ModifyLoadBalancerAttributesOutput, Error> {
    let (scope, input) = (call.scope().clone(), call.input().clone());
    let given = pairs::<LoadBalancer>(input.attributes)?;
    let (store, arn) = (call.access().store(), input.load_balancer_arn);
    let before = store.read(|state| names::load_balancer(state, &scope, &arn))?;
    let wanted: LoadBalancer = with(&*before, &given)?;
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
    let find = move |state: &State| names::load_balancer(state, &scope, &arn);
    Ok(elbv2::ModifyLoadBalancerAttributesOutput {
        attributes: modify::<LoadBalancer>(store, given, find).await?,
    })
}

/// `DescribeTargetGroupAttributes`.
///
/// # Errors
/// TargetGroupNotFound, ValidationError.
pub async fn describe_target_group_attributes(
    call: Call<elbv2::DescribeTargetGroupAttributes>,
) -> Result<elbv2::DescribeTargetGroupAttributesOutput, Error> {
    let (scope, arn) = (call.scope(), &call.input().target_group_arn);
    let store = call.access().store();
    let it = store.read(|state| names::target_group(state, scope, arn))?;
    Ok(elbv2::DescribeTargetGroupAttributesOutput {
        attributes: shown(&*it),
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
    let given = pairs::<TargetGroup>(input.attributes)?;
    let find = move |state: &State| names::target_group(state, &scope, &input.target_group_arn);
    Ok(elbv2::ModifyTargetGroupAttributesOutput {
        attributes: modify::<TargetGroup>(call.access().store(), given, find).await?,
    })
}

/// `DescribeListenerAttributes`.
///
/// # Errors
/// ListenerNotFound, ValidationError.
pub async fn describe_listener_attributes(
    call: Call<elbv2::DescribeListenerAttributes>,
) -> Result<elbv2::DescribeListenerAttributesOutput, Error> {
    let (scope, arn) = (call.scope(), &call.input().listener_arn);
    let store = call.access().store();
    let it = store.read(|state| names::listener(state, scope, arn))?;
    Ok(elbv2::DescribeListenerAttributesOutput {
        attributes: shown(&*it),
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
    let given = pairs::<Listener>(input.attributes)?;
    let find = move |state: &State| names::listener(state, &scope, &input.listener_arn);
    Ok(elbv2::ModifyListenerAttributesOutput {
        attributes: modify::<Listener>(call.access().store(), given, find).await?,
    })
}
