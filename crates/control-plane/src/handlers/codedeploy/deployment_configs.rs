//! CreateDeploymentConfig, GetDeploymentConfig, ListDeploymentConfigs, DeleteDeploymentConfig.

use api::codedeploy::{self, Error};
use domain::code_deploy::deployment_config::{
    DeploymentConfig, PREDEFINED, PREDEFINED_PREFIX, TrafficRouting, predefined,
};

use super::errors::{from_store, invalid_config_name, invalid_routing};
use super::paging::cut;
use super::{applications, names};
use crate::call::Call;

/// Most configs of a region.
const CONFIGS_MAX: usize = 50;
/// Longest interval, in minutes: two days.
const INTERVAL_MAX: i32 = 2880;

fn exists(name: &str) -> Error {
    Error::DeploymentConfigAlreadyExistsException(codedeploy::DeploymentConfigAlreadyExistsException {
        message: Some(format!(
            "Deployment Configuration already exists for name: {name}"
        )),
    })
}

/// `CreateDeploymentConfig`.
///
/// # Errors
/// Those of names, DeploymentConfigAlreadyExists, DeploymentConfigLimitExceeded, InvalidComputePlatform,
/// InvalidMinimumHealthyHostValue, InvalidTrafficRoutingConfiguration, InvalidZonalDeploymentConfiguration.
pub async fn create_deployment_config(
    call: Call<codedeploy::CreateDeploymentConfig>,
) -> Result<codedeploy::CreateDeploymentConfigOutput, Error> {
    let (scope, input) = (call.scope().clone(), call.input().clone());
    let name = input.deployment_config_name;
    names::check_config(&name)?;
    if name.starts_with(PREDEFINED_PREFIX) {
        return Err(match predefined(&name) {
            Some(_) => exists(&name),
            None => invalid_config_name(format!("The prefix {PREDEFINED_PREFIX} is reserved")),
        });
    }
    applications::check_platform(input.compute_platform.as_ref())?;
    if input.minimum_healthy_hosts.is_some() {
        return Err(Error::InvalidMinimumHealthyHostValueException(
            codedeploy::InvalidMinimumHealthyHostValueException {
                message: Some("minimumHealthyHosts is not valid for the compute platform ECS".to_owned()),
            },
        ));
    }
    if input.zonal_config.is_some() {
        return Err(Error::InvalidZonalDeploymentConfigurationException(
            codedeploy::InvalidZonalDeploymentConfigurationException {
                message: Some("zonalConfig is not valid for the compute platform ECS".to_owned()),
            },
        ));
    }
    let routing = routing(input.traffic_routing_config.as_ref())?;
    let created = call.access().store().transact(move |tx| {
        if tx
            .get::<DeploymentConfig>(&(scope.clone(), name.clone()))
            .is_some()
        {
            return Err(exists(&name));
        }
        if tx.state().deployment_configs(&scope).count() >= CONFIGS_MAX {
            return Err(Error::DeploymentConfigLimitExceededException(
                codedeploy::DeploymentConfigLimitExceededException {
                    message: Some(format!("There can be at most {CONFIGS_MAX} deployment configs")),
                },
            ));
        }
        let config = DeploymentConfig {
            scope,
            name,
            id: tx.ids().uuid(),
            routing,
            created_at: tx.now(),
        };
        Ok(tx.put(config).id.clone())
    });
    Ok(codedeploy::CreateDeploymentConfigOutput {
        deployment_config_id: Some(created.await.map_err(from_store)?),
    })
}

/// How traffic is shifted.
///
/// # Errors
/// InvalidTrafficRoutingConfiguration.
pub fn routing(given: Option<&codedeploy::TrafficRoutingConfig>) -> Result<TrafficRouting, Error> {
    let Some(given) = given else {
        return Err(invalid_routing("trafficRoutingConfig must be specified"));
    };
    let (linear, canary) = (&given.time_based_linear, &given.time_based_canary);
    let kind = given.r#type.as_ref().map_or("", |it| it.as_str());
    match (kind, linear, canary) {
        ("AllAtOnce", None, None) => Ok(TrafficRouting::AllAtOnce),
        ("TimeBasedLinear", Some(it), None) => {
            let (percentage, interval) = step("linear", it.linear_percentage, it.linear_interval)?;
            Ok(TrafficRouting::TimeBasedLinear { percentage, interval })
        }
        ("TimeBasedCanary", None, Some(it)) => {
            let (percentage, interval) = step("canary", it.canary_percentage, it.canary_interval)?;
            Ok(TrafficRouting::TimeBasedCanary { percentage, interval })
        }
        ("AllAtOnce" | "TimeBasedLinear" | "TimeBasedCanary", ..) => Err(invalid_routing(format!(
            "The traffic routing type {kind} needs its own configuration, and no other"
        ))),
        _ => Err(invalid_routing(format!(
            "The traffic routing type {kind:?} is not valid: it is one of AllAtOnce, TimeBasedLinear, TimeBasedCanary"
        ))),
    }
}

fn step(kind: &str, percentage: Option<i32>, interval: Option<i32>) -> Result<(u16, u32), Error> {
    let percent = percentage.filter(|it| (1..100).contains(it));
    let percent = percent.and_then(|it| u16::try_from(it).ok());
    let percent = percent.ok_or_else(|| {
        invalid_routing(format!(
            "{kind}Percentage must be between 1 and 99, it is {}",
            told(percentage)
        ))
    })?;
    let minutes = interval.filter(|it| (1..=INTERVAL_MAX).contains(it));
    let minutes = minutes.and_then(|it| u32::try_from(it).ok());
    let minutes = minutes.ok_or_else(|| {
        invalid_routing(format!(
            "{kind}Interval must be between 1 and {INTERVAL_MAX} minutes, it is {}",
            told(interval)
        ))
    })?;
    Ok((percent, minutes))
}

fn told(given: Option<i32>) -> String {
    given.map_or("missing".to_owned(), |it| it.to_string())
}

fn shown(routing: TrafficRouting) -> codedeploy::TrafficRoutingConfig {
    let mut shown = codedeploy::TrafficRoutingConfig {
        r#type: Some(codedeploy::TrafficRoutingType::from(routing.as_str())),
        ..codedeploy::TrafficRoutingConfig::default()
    };
    let whole = |it: u32| i32::try_from(it).unwrap_or(i32::MAX);
    match routing {
        TrafficRouting::AllAtOnce => {}
        TrafficRouting::TimeBasedLinear { percentage, interval } => {
            shown.time_based_linear = Some(codedeploy::TimeBasedLinear {
                linear_interval: Some(whole(interval)),
                linear_percentage: Some(i32::from(percentage)),
            });
        }
        TrafficRouting::TimeBasedCanary { percentage, interval } => {
            shown.time_based_canary = Some(codedeploy::TimeBasedCanary {
                canary_interval: Some(whole(interval)),
                canary_percentage: Some(i32::from(percentage)),
            });
        }
    }
    shown
}

/// `GetDeploymentConfig`.
///
/// # Errors
/// Those of names.
pub async fn get_deployment_config(
    call: Call<codedeploy::GetDeploymentConfig>,
) -> Result<codedeploy::GetDeploymentConfigOutput, Error> {
    let name = &call.input().deployment_config_name;
    let (routing, made) = call.access().store().read(|state| -> Result<_, Error> {
        let routing = names::routing(state, call.scope(), name)?;
        let made = state.get::<DeploymentConfig>(&(call.scope().clone(), name.clone()));
        Ok((routing, made.cloned()))
    })?;
    Ok(codedeploy::GetDeploymentConfigOutput {
        deployment_config_info: Some(codedeploy::DeploymentConfigInfo {
            compute_platform: Some(codedeploy::ComputePlatform::Ecs),
            create_time: made.as_ref().map(|it| it.created_at),
            deployment_config_id: made.map(|it| it.id.clone()),
            deployment_config_name: Some(name.clone()),
            minimum_healthy_hosts: None,
            traffic_routing_config: Some(shown(routing)),
            zonal_config: None,
        }),
    })
}

/// `ListDeploymentConfigs`: predefined ones too, by name.
///
/// # Errors
/// InvalidNextToken.
pub async fn list_deployment_configs(
    call: Call<codedeploy::ListDeploymentConfigs>,
) -> Result<codedeploy::ListDeploymentConfigsOutput, Error> {
    let token = call.input().next_token.as_deref();
    let mut all: Vec<String> = PREDEFINED.iter().map(|(name, _)| (*name).to_owned()).collect();
    call.access().store().read(|state| {
        all.extend(state.deployment_configs(call.scope()).map(|it| it.name.clone()));
    });
    all.sort();
    let all = all.into_iter().map(|it| (it.clone(), it));
    let (configs, next_token) = cut(call.access(), "deployment configs", token, all)?;
    Ok(codedeploy::ListDeploymentConfigsOutput {
        deployment_configs_list: Some(configs),
        next_token,
    })
}

/// `DeleteDeploymentConfig`: not a predefined one, nor one that a deployment group uses.
///
/// # Errors
/// Those of names, DeploymentConfigInUse, InvalidOperation.
pub async fn delete_deployment_config(
    call: Call<codedeploy::DeleteDeploymentConfig>,
) -> Result<codedeploy::DeleteDeploymentConfigOutput, Error> {
    let (scope, name) = (call.scope().clone(), call.input().deployment_config_name.clone());
    names::check_config(&name)?;
    if predefined(&name).is_some() {
        return Err(Error::InvalidOperationException(
            codedeploy::InvalidOperationException {
                message: Some(format!(
                    "The predefined deployment config {name} cannot be deleted"
                )),
            },
        ));
    }
    let deleted = call.access().store().transact(move |tx| {
        let key = (scope.clone(), name.clone());
        let mut groups = tx.state().all_deployment_groups(&scope);
        if let Some(user) = groups.find(|it| it.deployment_config_name == name) {
            return Err(Error::DeploymentConfigInUseException(
                codedeploy::DeploymentConfigInUseException {
                    message: Some(format!(
                        "The deployment config {name} is used by the deployment group {} of the application {}",
                        user.name, user.application
                    )),
                },
            ));
        }
        drop(groups);
        tx.delete::<DeploymentConfig>(&key);
        Ok(())
    });
    deleted.await.map_err(from_store)?;
    Ok(codedeploy::DeleteDeploymentConfigOutput {})
}
