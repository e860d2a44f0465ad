//! What CreateDeploymentGroup and UpdateDeploymentGroup say, checked member by member.

use api::codedeploy::{self, Error};
use domain::code_deploy::deployment_group::{AutoRollback, BlueGreen, TrafficRoutes};
use domain::service::{DeploymentController, Service, ServiceStatus};
use domain::{ListenerArn, Scope, ServiceArn};
use orchestrator::transitions::{RouteRefusal, code_deploy_route};
use store::State;
use wire::ServiceError;

use super::errors::{
    invalid_alarms, invalid_auto_rollback, invalid_blue_green, invalid_input, invalid_load_balancer_info,
    invalid_pair, invalid_service, invalid_style, invalid_triggers, of_route,
};
use crate::handlers::ecs::service_arn;

/// Longest wait, in minutes: two days.
const WAIT_MAX: i32 = 2880;

/// The members that both operations have.
pub struct Given<'a> {
    pub alarms: Option<&'a codedeploy::AlarmConfiguration>,
    pub auto_rollback: Option<&'a codedeploy::AutoRollbackConfiguration>,
    pub auto_scaling_groups: Option<&'a Vec<String>>,
    pub blue_green: Option<&'a codedeploy::BlueGreenDeploymentConfiguration>,
    pub style: Option<&'a codedeploy::DeploymentStyle>,
    pub services: Option<&'a Vec<codedeploy::ECSService>>,
    pub load_balancer_info: Option<&'a codedeploy::LoadBalancerInfo>,
    /// Tags and tag sets, by which instances are chosen.
    pub names_instances: bool,
    pub has_triggers: bool,
    pub has_termination_hook: bool,
}

impl<'a> Given<'a> {
    /// Of CreateDeploymentGroup.
    pub fn of_new(it: &'a codedeploy::CreateDeploymentGroupInput) -> Self {
        Self {
            alarms: it.alarm_configuration.as_ref(),
            auto_rollback: it.auto_rollback_configuration.as_ref(),
            auto_scaling_groups: it.auto_scaling_groups.as_ref(),
            blue_green: it.blue_green_deployment_configuration.as_ref(),
            style: it.deployment_style.as_ref(),
            services: it.ecs_services.as_ref(),
            load_balancer_info: it.load_balancer_info.as_ref(),
            names_instances: is_filled(it.ec2_tag_filters.as_ref())
                || is_filled(it.on_premises_instance_tag_filters.as_ref())
                || it.ec2_tag_set.is_some()
                || it.on_premises_tag_set.is_some(),
            has_triggers: is_filled(it.trigger_configurations.as_ref()),
            has_termination_hook: it.termination_hook_enabled == Some(true),
        }
    }

    /// Of UpdateDeploymentGroup.
    pub fn of_change(it: &'a codedeploy::UpdateDeploymentGroupInput) -> Self {
        Self {
            alarms: it.alarm_configuration.as_ref(),
            auto_rollback: it.auto_rollback_configuration.as_ref(),
            auto_scaling_groups: it.auto_scaling_groups.as_ref(),
            blue_green: it.blue_green_deployment_configuration.as_ref(),
            style: it.deployment_style.as_ref(),
            services: it.ecs_services.as_ref(),
            load_balancer_info: it.load_balancer_info.as_ref(),
            names_instances: is_filled(it.ec2_tag_filters.as_ref())
                || is_filled(it.on_premises_instance_tag_filters.as_ref())
                || it.ec2_tag_set.is_some()
                || it.on_premises_tag_set.is_some(),
            has_triggers: is_filled(it.trigger_configurations.as_ref()),
            has_termination_hook: it.termination_hook_enabled == Some(true),
        }
    }

    /// Refuses what groups for ECS do not have, and what is not built.
    ///
    /// # Errors
    /// InvalidAutoScalingGroup, InvalidInput, InvalidAlarmConfig, InvalidTriggerConfig, InvalidDeploymentStyle.
    pub fn check(&self) -> Result<(), Error> {
        if is_filled(self.auto_scaling_groups) {
            return Err(Error::InvalidAutoScalingGroupException(
                codedeploy::InvalidAutoScalingGroupException {
                    message: Some(
                        "For ECS deployment group, autoScalingGroups can not be specified".to_owned(),
                    ),
                },
            ));
        }
        if self.names_instances {
            return Err(invalid_input(
                "For ECS deployment group, tags of instances can not be specified",
            ));
        }
        if self.has_termination_hook {
            return Err(invalid_input(
                "For ECS deployment group, terminationHookEnabled can not be specified",
            ));
        }
        check_alarms(self.alarms)?;
        if self.has_triggers {
            return Err(invalid_triggers("Triggers are not supported by Gantry yet"));
        }
        self.style.map_or(Ok(()), check_style)
    }
}

/// Alarms are not watched, so none may be given.
///
/// # Errors
/// InvalidAlarmConfig.
pub fn check_alarms(given: Option<&codedeploy::AlarmConfiguration>) -> Result<(), Error> {
    match given {
        Some(it) if it.enabled == Some(true) || is_filled(it.alarms.as_ref()) => {
            Err(invalid_alarms("Alarms are not supported by Gantry yet"))
        }
        _ => Ok(()),
    }
}

fn is_filled<T>(list: Option<&Vec<T>>) -> bool {
    list.is_some_and(|it| !it.is_empty())
}

/// A deployment style.
///
/// # Errors
/// InvalidDeploymentStyle.
pub fn check_style(given: &codedeploy::DeploymentStyle) -> Result<(), Error> {
    let kind = given.deployment_type.as_ref().map(|it| it.as_str());
    let option = given.deployment_option.as_ref().map(|it| it.as_str());
    match (kind, option) {
        (Some("BLUE_GREEN"), Some("WITH_TRAFFIC_CONTROL")) => Ok(()),
        _ => Err(invalid_style(
            "For ECS deployment, the deployment type must be BLUE_GREEN, and deployment option must be \
             WITH_TRAFFIC_CONTROL.",
        )),
    }
}

/// The one service of a group.
///
/// # Errors
/// InvalidECSService.
pub fn service(state: &State, scope: &Scope, given: &[codedeploy::ECSService]) -> Result<ServiceArn, Error> {
    let [only] = given else {
        return Err(invalid_service(
            "For ECS deployment group, ecsServices must contain exactly one service",
        ));
    };
    let cluster = only.cluster_name.as_deref().unwrap_or_default();
    let name = only.service_name.as_deref().unwrap_or_default();
    if name.is_empty() {
        return Err(invalid_service(
            "For ECS deployment group, serviceName must be specified",
        ));
    }
    let not_loaded = |cause: &str| {
        invalid_service(format!(
            "Could not load ECS service information for cluster: {cluster}, service: {name}. Cause: {cause}"
        ))
    };
    let arn = service_arn(scope, cluster, name)
        .map_err(|error| not_loaded(error.message().unwrap_or("the names are not valid")))?;
    let known = state.get::<Service>(&arn);
    let known = known.filter(|it| it.status == ServiceStatus::Active);
    let known = known.ok_or_else(|| not_loaded("there is no such service that is ACTIVE"))?;
    match known.deployment_controller {
        DeploymentController::CodeDeploy => Ok(arn),
        DeploymentController::Ecs | DeploymentController::External => Err(invalid_service(
            "Deployment group's ECS service must be configured for a CODE_DEPLOY deployment controller.",
        )),
    }
}

/// Listeners and target groups.
///
/// # Errors
/// InvalidLoadBalancerInfo, InvalidTargetGroupPair.
pub fn routes(
    state: &State,
    scope: &Scope,
    given: Option<&codedeploy::LoadBalancerInfo>,
) -> Result<TrafficRoutes, Error> {
    let given = given.ok_or_else(|| {
        invalid_load_balancer_info("For ECS deployment group, loadBalancerInfo must be specified")
    })?;
    if is_filled(given.elb_info_list.as_ref()) {
        return Err(invalid_load_balancer_info(
            "For ECS deployment group, loadBalancerInfo must not contain elbInfo list",
        ));
    }
    if is_filled(given.target_group_info_list.as_ref()) {
        return Err(invalid_load_balancer_info(
            "For ECS deployment group, loadBalancerInfo must not contain targetGroupInfo list",
        ));
    }
    let pairs = given.target_group_pair_info_list.as_deref().unwrap_or_default();
    let [pair] = pairs else {
        return Err(invalid_pair(
            "For ECS deployment group, loadBalancerInfo must contain exactly one target group pair",
        ));
    };
    let names = pair.target_groups.as_deref().unwrap_or_default();
    let names: Vec<&str> = names.iter().filter_map(|it| it.name.as_deref()).collect();
    let [first, second] = names[..] else {
        return Err(invalid_pair(
            "A target group pair must contain the names of exactly two target groups",
        ));
    };
    if first == second {
        return Err(invalid_pair(format!(
            "The two target groups of a pair must differ, both are {first}"
        )));
    }
    let production = listener(pair.prod_traffic_route.as_ref(), "prodTrafficRoute")?;
    let production = production
        .ok_or_else(|| invalid_pair("The prodTrafficRoute of a target group pair must contain a listener"))?;
    let routes = TrafficRoutes {
        target_groups: [first.to_owned(), second.to_owned()],
        production,
        test: listener(pair.test_traffic_route.as_ref(), "testTrafficRoute")?,
    };
    if routes.test.as_ref() == Some(&routes.production) {
        return Err(invalid_pair(
            "The listeners of prodTrafficRoute and testTrafficRoute must differ",
        ));
    }
    match code_deploy_route(state, scope, &routes) {
        // A service may come to serve later.
        Ok(_) | Err(RouteRefusal::NotForwarded(_)) => Ok(routes),
        Err(refusal) => Err(invalid_pair(of_route(&refusal))),
    }
}

fn listener(given: Option<&codedeploy::TrafficRoute>, member: &str) -> Result<Option<ListenerArn>, Error> {
    let arns = given
        .and_then(|it| it.listener_arns.as_deref())
        .unwrap_or_default();
    match arns {
        [] => Ok(None),
        [only] => {
            let parsed = ListenerArn::parse(only);
            let parsed =
                parsed.map_err(|_| invalid_pair(format!("{only:?} is not the ARN of a listener")))?;
            Ok(Some(parsed))
        }
        _ => Err(invalid_pair(format!(
            "{member} must contain exactly one listener"
        ))),
    }
}

/// What deployments wait for.
///
/// # Errors
/// InvalidBlueGreenDeploymentConfiguration.
pub fn blue_green(given: Option<&codedeploy::BlueGreenDeploymentConfiguration>) -> Result<BlueGreen, Error> {
    let given = given.ok_or_else(|| {
        invalid_blue_green("For ECS deployment group, blueGreenDeploymentConfiguration must be specified")
    })?;
    if given.green_fleet_provisioning_option.is_some() {
        return Err(invalid_blue_green(
            "For ECS deployment group, greenFleetProvisioningOption can not be specified",
        ));
    }
    let ready = given.deployment_ready_option.as_ref().ok_or_else(|| {
        invalid_blue_green("For ECS deployment group, deploymentReadyOption must be specified")
    })?;
    let action = ready.action_on_timeout.as_ref().map(|it| it.as_str());
    let wait = ready.wait_time_in_minutes.unwrap_or(0);
    let ready_minutes = match action {
        None | Some("CONTINUE_DEPLOYMENT") if wait == 0 => None,
        None | Some("CONTINUE_DEPLOYMENT") => {
            return Err(invalid_blue_green(
                "waitTimeInMinutes is not valid for the actionOnTimeout CONTINUE_DEPLOYMENT",
            ));
        }
        Some("STOP_DEPLOYMENT") => Some(minutes("waitTimeInMinutes", wait, 1)?),
        Some(other) => {
            return Err(invalid_blue_green(format!(
                "The actionOnTimeout {other:?} is not valid: it is one of CONTINUE_DEPLOYMENT, STOP_DEPLOYMENT"
            )));
        }
    };
    let termination = given.terminate_blue_instances_on_deployment_success.as_ref();
    let termination = termination.ok_or_else(|| {
        invalid_blue_green(
            "For ECS deployment group, terminateBlueInstancesOnDeploymentSuccess must be specified",
        )
    })?;
    let wait = termination.termination_wait_time_in_minutes.unwrap_or(0);
    let termination_minutes = match termination.action.as_ref().map(|it| it.as_str()) {
        None | Some("TERMINATE") => Some(minutes("terminationWaitTimeInMinutes", wait, 0)?),
        Some("KEEP_ALIVE") => None,
        Some(other) => {
            return Err(invalid_blue_green(format!(
                "The action {other:?} is not valid: it is one of TERMINATE, KEEP_ALIVE"
            )));
        }
    };
    Ok(BlueGreen {
        ready_minutes,
        termination_minutes,
    })
}

fn minutes(member: &str, given: i32, least: i32) -> Result<u32, Error> {
    let minutes = u32::try_from(given).ok();
    minutes
        .filter(|_| (least..=WAIT_MAX).contains(&given))
        .ok_or_else(|| {
            invalid_blue_green(format!(
                "{member} must be between {least} and {WAIT_MAX}, it is {given}"
            ))
        })
}

/// When deployments are rolled back by themselves.
///
/// # Errors
/// InvalidAutoRollbackConfig.
pub fn auto_rollback(given: &codedeploy::AutoRollbackConfiguration) -> Result<AutoRollback, Error> {
    let enabled = given.enabled.unwrap_or(false);
    let events = given.events.as_deref().unwrap_or_default();
    let mut parsed = AutoRollback {
        enabled,
        ..AutoRollback::default()
    };
    for event in events {
        match event.as_str() {
            "DEPLOYMENT_FAILURE" => parsed.on_failure = true,
            "DEPLOYMENT_STOP_ON_ALARM" => parsed.on_alarm = true,
            "DEPLOYMENT_STOP_ON_REQUEST" => parsed.on_request = true,
            other => {
                return Err(invalid_auto_rollback(format!(
                    "The event {other:?} is not valid: it is one of DEPLOYMENT_FAILURE, DEPLOYMENT_STOP_ON_ALARM, \
                     DEPLOYMENT_STOP_ON_REQUEST"
                )));
            }
        }
    }
    match enabled && events.is_empty() {
        true => Err(invalid_auto_rollback(
            "Automatic rollback is enabled, so at least one event must be specified",
        )),
        false => Ok(parsed),
    }
}
