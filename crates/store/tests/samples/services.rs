//! Services, their history and their events.

use domain::circuit_breaker::{CircuitBreaker, Threshold};
use domain::deployment_lifecycle::{DeploymentLifecycle, LifecycleStage};
use domain::deployment_strategy::DeploymentStrategy;
use domain::lifecycle_hook::{HookAction, HookRun, HookStatus, HookTarget, HookTimeout, LifecycleHook};
use domain::placement::{BinpackField, PlacementConstraint, PlacementStrategy, SpreadField};
use domain::service::{
    Deployment, DeploymentAlarms, DeploymentConfiguration, DeploymentController, PropagateTags, Rollout,
    Service, ServiceEvent, ServiceStatus, Starts,
};
use domain::service_action::{ServiceAction, ServiceActionName};
use domain::service_deployment::{
    ServiceDeployment, ServiceDeploymentStatus, ServiceRevision, ServiceRollback,
};
use domain::service_load_balancer::{AdvancedConfiguration, Behind, ServiceLoadBalancer, TrafficSource};
use domain::service_scheduling::{AvailabilityZoneRebalancing, Balance, Move, MovedFrom, SchedulingStrategy};
use domain::task_definition::LaunchType;

use crate::capacity_providers::strategy;
use crate::load_balancing::{listener_rule, target_group};
use crate::records::{UUID, at, cluster, member, network_configuration, tags, task, task_definition};
use crate::task_sets::task_set;

pub fn service_revision() -> ServiceRevision {
    ServiceRevision {
        arn: member::<domain::arn::kinds::Service>("web").part("1234567890123456789"),
        service: member("web"),
        task_definition: task_definition().arn,
        launch_type: LaunchType::Fargate,
        capacity_provider_strategy: strategy(),
        platform_version: Some("1.4.0".into()),
        network_configuration: Some(network_configuration()),
        load_balancers: vec![load_balancer()],
        service_registries: vec![crate::cloud_map::service_registry()],
        target_groups: vec![Behind::TargetGroup(target_group().arn)],
        service_connect: Some(crate::service_connect::configuration()),
        service_connect_resources: vec![crate::service_connect::resource()],
        image_digests: [("web".to_owned(), "sha256:0123".to_owned())].into(),
        created_at: at(0),
    }
}

pub fn load_balancer() -> ServiceLoadBalancer {
    let rule = listener_rule().arn;
    ServiceLoadBalancer {
        behind: Behind::TargetGroup(target_group().arn),
        container: "web".into(),
        container_port: 80,
        advanced: Some(AdvancedConfiguration {
            alternate_target_group: target_group().arn,
            test_listener_rule: rule.listener().ok().map(TrafficSource::Listener),
            production_listener_rule: TrafficSource::Rule(rule),
            role_arn: Some("arn:aws:iam::123456789012:role/lb".into()),
        }),
    }
}

fn circuit_breaker() -> CircuitBreaker {
    CircuitBreaker {
        enable: true,
        rollback: true,
        reset_on_healthy_task: Some(false),
        threshold: Some(Threshold::BoundedPercent(50)),
    }
}

fn lifecycle_hook(target: HookTarget) -> LifecycleHook {
    LifecycleHook {
        target,
        role_arn: Some("arn:aws:iam::123456789012:role/hooks".into()),
        stages: vec![LifecycleStage::PreScaleUp],
        details: Some("{}".into()),
        timeout: Some(HookTimeout {
            minutes: Some(10),
            action: Some(HookAction::Continue),
        }),
    }
}

pub fn service_deployment() -> ServiceDeployment {
    ServiceDeployment {
        arn: member::<domain::arn::kinds::Service>("web").part("abcdefghijklmnopqrs_-"),
        service: member("web"),
        sources: vec![service_revision().arn],
        target: service_revision().arn,
        status: ServiceDeploymentStatus::RollbackInProgress,
        status_reason: Some("why".into()),
        circuit_breaker_failures: Some(3),
        rollback: Some(ServiceRollback {
            reason: "why".into(),
            started_at: at(1),
            revision: service_revision().arn,
        }),
        deployment_configuration: DeploymentConfiguration {
            maximum_percent: 200,
            minimum_healthy_percent: 100,
            circuit_breaker: circuit_breaker(),
            strategy: DeploymentStrategy::BlueGreen,
            bake_minutes: 5,
        },
        lifecycle_hooks: vec![lifecycle_hook(HookTarget::Pause)],
        deployment_alarms: deployment_alarms(),
        created_at: at(0),
        updated_at: at(2),
        finished_at: Some(at(3)),
        stopped_at: Some(at(1)),
    }
}

fn deployment_alarms() -> DeploymentAlarms {
    DeploymentAlarms {
        names: vec!["errors".into()],
        rollback: true,
    }
}

fn lifecycle() -> DeploymentLifecycle {
    DeploymentLifecycle {
        stage: LifecycleStage::PreScaleUp,
        since: at(1),
        blue: Some("ecs-svc/1234567890123456788".into()),
        test_weight: 1000,
        production_weight: 50,
        hooks: vec![HookRun {
            id: "ecs-hook-abcdefghijklmnopqrs_-".into(),
            hook: lifecycle_hook(HookTarget::Task(task_definition().arn)),
            status: HookStatus::InProgress,
            expires_at: at(3),
            due_at: at(1),
            task: Some(task().arn),
            reason: Some("why".into()),
        }],
    }
}

#[expect(clippy::too_many_lines, reason = "every member of the record")]
pub fn service() -> Service {
    Service {
        arn: member("web"),
        cluster: cluster().arn,
        status: ServiceStatus::Active,
        desired_count: 3,
        scheduling_strategy: SchedulingStrategy::Daemon,
        deployment_controller: DeploymentController::External,
        launch_type: LaunchType::Fargate,
        capacity_provider_strategy: strategy(),
        launch_type_before_strategy: Some(LaunchType::Fargate),
        platform_version: Some("1.4.0".into()),
        task_definition: Some(task_definition().arn),
        deployment_configuration: DeploymentConfiguration {
            maximum_percent: 200,
            minimum_healthy_percent: 100,
            circuit_breaker: circuit_breaker(),
            strategy: DeploymentStrategy::Linear {
                step: 100,
                bake_minutes: 6,
            },
            bake_minutes: 5,
        },
        lifecycle_hooks: vec![lifecycle_hook(HookTarget::Webhook("https://hook/".into()))],
        deployment_alarms: deployment_alarms(),
        lifecycle: Some(lifecycle()),
        deployments: vec![Deployment {
            id: "ecs-svc/1234567890123456789".into(),
            revision: service_revision().arn,
            task_definition: task_definition().arn,
            network_configuration: Some(network_configuration()),
            failed_tasks: 1,
            first_failed_task: Some(task().arn),
            healthy_tasks: 2,
            created_at: at(0),
            updated_at: at(1),
            rollout: Rollout::InProgress,
            rollout_reason: Some("why".into()),
            starts: Starts {
                failed: 1,
                throttled_until: Some(at(2)),
                announced_refusal: Some("why".into()),
            },
        }],
        task_sets: vec![task_set()],
        network_configuration: Some(network_configuration()),
        load_balancers: vec![load_balancer()],
        role: Some("arn:aws:iam::123456789012:role/ecsServiceRole".to_owned()),
        service_registries: vec![crate::cloud_map::service_registry()],
        service_connect: Some(crate::service_connect::configuration()),
        health_check_grace_period_seconds: Some(30),
        placement_constraints: vec![PlacementConstraint::DistinctInstance],
        placement_strategy: vec![
            PlacementStrategy::Spread(SpreadField::Attribute("ecs.availability-zone".into())),
            PlacementStrategy::Spread(SpreadField::InstanceId),
            PlacementStrategy::Binpack(BinpackField::Memory),
            PlacementStrategy::Random,
        ],
        availability_zone_rebalancing: AvailabilityZoneRebalancing::Enabled,
        balance: Balance {
            is_uneven: true,
            moving: Some(Move {
                replacement: task().arn,
                from: MovedFrom::Zone("us-east-1a".into()),
            }),
            moved_at: Some(at(1)),
            announced: Some("why".into()),
        },
        created_at: at(0),
        created_by: "arn:aws:iam::123456789012:root".into(),
        propagate_tags: PropagateTags::TaskDefinition,
        enable_ecs_managed_tags: true,
        enable_execute_command: true,
        client_token: Some("token".into()),
        failed_starts: 2,
        throttled_until: Some(at(2)),
        steady_since: Some(at(3)),
        event_count: 42,
        announced_refusal: Some("RESOURCE:MEMORY".into()),
        announced_protection: ["ecs-svc/1234567890123456789".to_owned()].into(),
        tags: tags(),
    }
}

pub fn service_event() -> ServiceEvent {
    ServiceEvent {
        service: member("web"),
        sequence: 41,
        id: UUID.into(),
        created_at: at(0),
        message: "(service web) has reached a steady state.".into(),
        action: Some(ServiceAction {
            name: ServiceActionName::ServiceTaskPlacementFailure,
            reason: Some("RESOURCE:MEMORY".into()),
            container_instances: vec![
                "arn:aws:ecs:us-east-1:123456789012:container-instance/default/1".into(),
            ],
            capacity_providers: vec!["arn:aws:ecs:us-east-1:123456789012:capacity-provider/mine".into()],
            tasks: vec!["arn:aws:ecs:us-east-1:123456789012:task/default/2".into()],
            task_sets: vec!["arn:aws:ecs:us-east-1:123456789012:task-set/default/web/ecs-svc/3".into()],
        }),
    }
}
