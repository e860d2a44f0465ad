//! Records as the API shows them.

use api::codedeploy;
use domain::code_deploy::deployment::{
    CodeDeployDeployment, Creator, DeploymentStatus, Revision, RevisionKind, Rollback,
};
use domain::code_deploy::deployment_group::{AutoRollback, BlueGreen, DeploymentGroup, TrafficRoutes};
use domain::code_deploy::stage::Stage;
use store::State;

/// A deployment group, with what became of its deployments.
pub fn group(state: &State, it: &DeploymentGroup) -> codedeploy::DeploymentGroupInfo {
    let all = state.deployments_of_group(&it.scope, &it.application, &it.name);
    let succeeded = all.iter().find(|it| it.status == DeploymentStatus::Succeeded);
    let target = all.iter().find(|it| it.is_success_of_user());
    codedeploy::DeploymentGroupInfo {
        application_name: Some(it.application.clone()),
        deployment_group_id: Some(it.id.clone()),
        deployment_group_name: Some(it.name.clone()),
        deployment_config_name: Some(it.deployment_config_name.clone()),
        compute_platform: Some(codedeploy::ComputePlatform::Ecs),
        service_role_arn: Some(it.service_role_arn.clone()),
        ecs_services: Some(vec![codedeploy::ECSService {
            cluster_name: Some(it.service.cluster().name().to_owned()),
            service_name: Some(it.service.name().to_owned()),
        }]),
        load_balancer_info: Some(load_balancer_info(&it.routes)),
        blue_green_deployment_configuration: Some(blue_green(it.blue_green)),
        deployment_style: Some(style()),
        auto_rollback_configuration: Some(auto_rollback(it.auto_rollback)),
        auto_scaling_groups: Some(Vec::new()),
        ec2_tag_filters: Some(Vec::new()),
        on_premises_instance_tag_filters: Some(Vec::new()),
        trigger_configurations: Some(Vec::new()),
        outdated_instances_strategy: Some(codedeploy::OutdatedInstancesStrategy::Update),
        last_attempted_deployment: all.first().map(|it| last(it)),
        last_successful_deployment: succeeded.map(|it| last(it)),
        target_revision: target.map(|it| revision(&it.revision)),
        termination_hook_enabled: Some(false),
        ..codedeploy::DeploymentGroupInfo::default()
    }
}

fn last(it: &CodeDeployDeployment) -> codedeploy::LastDeploymentInfo {
    codedeploy::LastDeploymentInfo {
        create_time: Some(it.created_at),
        deployment_id: Some(it.id.clone()),
        end_time: it.completed_at,
        status: Some(codedeploy::DeploymentStatus::from(it.status.as_str())),
    }
}

fn load_balancer_info(it: &TrafficRoutes) -> codedeploy::LoadBalancerInfo {
    let groups = it.target_groups.iter().map(|name| codedeploy::TargetGroupInfo {
        name: Some(name.clone()),
    });
    let route = |arn: &domain::ListenerArn| codedeploy::TrafficRoute {
        listener_arns: Some(vec![arn.to_string()]),
    };
    codedeploy::LoadBalancerInfo {
        target_group_pair_info_list: Some(vec![codedeploy::TargetGroupPairInfo {
            prod_traffic_route: Some(route(&it.production)),
            target_groups: Some(groups.collect()),
            test_traffic_route: it.test.as_ref().map(route),
        }]),
        ..codedeploy::LoadBalancerInfo::default()
    }
}

fn blue_green(it: BlueGreen) -> codedeploy::BlueGreenDeploymentConfiguration {
    let minutes = |it: u32| i32::try_from(it).unwrap_or(i32::MAX);
    codedeploy::BlueGreenDeploymentConfiguration {
        deployment_ready_option: Some(codedeploy::DeploymentReadyOption {
            action_on_timeout: Some(match it.ready_minutes {
                Some(_) => codedeploy::DeploymentReadyAction::StopDeployment,
                None => codedeploy::DeploymentReadyAction::ContinueDeployment,
            }),
            wait_time_in_minutes: Some(it.ready_minutes.map_or(0, minutes)),
        }),
        green_fleet_provisioning_option: None,
        terminate_blue_instances_on_deployment_success: Some(codedeploy::BlueInstanceTerminationOption {
            action: Some(match it.termination_minutes {
                Some(_) => codedeploy::InstanceAction::Terminate,
                None => codedeploy::InstanceAction::KeepAlive,
            }),
            termination_wait_time_in_minutes: it.termination_minutes.map(minutes),
        }),
    }
}

fn style() -> codedeploy::DeploymentStyle {
    codedeploy::DeploymentStyle {
        deployment_option: Some(codedeploy::DeploymentOption::WithTrafficControl),
        deployment_type: Some(codedeploy::DeploymentType::BlueGreen),
    }
}

fn auto_rollback(it: AutoRollback) -> codedeploy::AutoRollbackConfiguration {
    use codedeploy::AutoRollbackEvent as Event;
    let events = [
        (it.on_failure, Event::DeploymentFailure),
        (it.on_alarm, Event::DeploymentStopOnAlarm),
        (it.on_request, Event::DeploymentStopOnRequest),
    ];
    let events = events.into_iter().filter(|(is_meant, _)| *is_meant);
    codedeploy::AutoRollbackConfiguration {
        enabled: Some(it.enabled),
        events: Some(events.map(|(_, event)| event).collect()),
    }
}

/// Of an AppSpec only the checksum is shown, as on Amazon; of a string all.
pub fn revision(it: &Revision) -> codedeploy::RevisionLocation {
    let mut shown = codedeploy::RevisionLocation::default();
    match it.kind {
        RevisionKind::AppSpecContent => {
            shown.revision_type = Some(codedeploy::RevisionLocationType::AppSpecContent);
            shown.app_spec_content = Some(codedeploy::AppSpecContent {
                content: None,
                sha256: Some(it.sha256.clone()),
            });
        }
        RevisionKind::String => {
            shown.revision_type = Some(codedeploy::RevisionLocationType::String);
            shown.string = Some(codedeploy::RawString {
                content: Some(it.content.clone()),
                sha256: Some(it.sha256.clone()),
            });
        }
    }
    shown
}

/// A deployment.
pub fn deployment(it: &CodeDeployDeployment) -> codedeploy::DeploymentInfo {
    let is_rollback = it.creator == Creator::Rollback;
    codedeploy::DeploymentInfo {
        application_name: Some(it.application.clone()),
        deployment_group_name: Some(it.group.clone()),
        deployment_config_name: Some(it.deployment_config_name.clone()),
        deployment_id: Some(it.id.clone()),
        compute_platform: Some(codedeploy::ComputePlatform::Ecs),
        creator: Some(match is_rollback {
            true => codedeploy::DeploymentCreator::CodeDeployRollback,
            false => codedeploy::DeploymentCreator::User,
        }),
        description: it.description.clone(),
        revision: Some(revision(&it.revision)),
        previous_revision: it.previous_revision.as_ref().map(revision),
        status: Some(codedeploy::DeploymentStatus::from(it.status.as_str())),
        error_information: it.error.as_ref().map(|error| codedeploy::ErrorInformation {
            code: Some(codedeploy::ErrorCode::from(error.code.as_str())),
            message: Some(error.message.clone()),
        }),
        rollback_info: it.rollback.as_ref().map(|other| rollback(it, other)),
        create_time: Some(it.created_at),
        start_time: it.started_at,
        complete_time: it.completed_at,
        deployment_overview: Some(overview(it.status)),
        deployment_style: Some(style()),
        blue_green_deployment_configuration: Some(blue_green(it.blue_green)),
        auto_rollback_configuration: Some(auto_rollback(it.auto_rollback)),
        load_balancer_info: Some(load_balancer_info(&it.routes)),
        instance_termination_wait_time_started: Some(it.stage >= Stage::TerminationWait),
        file_exists_behavior: Some(codedeploy::FileExistsBehavior::Disallow),
        ignore_application_stop_failures: Some(false),
        update_outdated_instances_only: Some(false),
        deployment_status_messages: Some(it.error.iter().map(|it| it.message.clone()).collect()),
        ..codedeploy::DeploymentInfo::default()
    }
}

fn rollback(it: &CodeDeployDeployment, other: &Rollback) -> codedeploy::RollbackInfo {
    match other {
        Rollback::By(id) => codedeploy::RollbackInfo {
            rollback_deployment_id: Some(id.clone()),
            rollback_triggering_deployment_id: None,
            rollback_message: Some(format!("Deployment {} is rolled back by deployment {id}.", it.id)),
        },
        Rollback::Of(id) => codedeploy::RollbackInfo {
            rollback_deployment_id: None,
            rollback_triggering_deployment_id: Some(id.clone()),
            rollback_message: Some(format!("Deployment {} rolls back deployment {id}.", it.id)),
        },
    }
}

/// A deployment to ECS has one target.
fn overview(status: DeploymentStatus) -> codedeploy::DeploymentOverview {
    let one = |of: &[DeploymentStatus]| Some(i64::from(of.contains(&status)));
    codedeploy::DeploymentOverview {
        pending: one(&[DeploymentStatus::Created]),
        in_progress: one(&[DeploymentStatus::InProgress]),
        succeeded: one(&[DeploymentStatus::Succeeded]),
        failed: one(&[DeploymentStatus::Failed]),
        skipped: one(&[DeploymentStatus::Stopped]),
        ready: one(&[DeploymentStatus::Ready]),
    }
}
