//! A task set with every field filled in: a part of its service's record.

use domain::task_definition::LaunchType;
use domain::task_set::{Scale, Stability, TaskSet, TaskSetStatus};

use crate::capacity_providers::strategy;
use crate::records::{at, network_configuration, tags, task_definition};

pub fn task_set() -> TaskSet {
    TaskSet {
        id: "ecs-svc/1234567890123456780".into(),
        status: TaskSetStatus::Primary,
        scale: Scale::from_percent(12.5).expect("is a share"),
        external_id: Some("blue".into()),
        task_definition: task_definition().arn,
        launch_type: LaunchType::Fargate,
        capacity_provider_strategy: strategy(),
        platform_version: Some("1.4.0".into()),
        network_configuration: Some(network_configuration()),
        load_balancers: vec![crate::services::load_balancer()],
        service_registries: vec![crate::cloud_map::service_registry()],
        client_token: Some("token".into()),
        created_at: at(0),
        updated_at: at(1),
        stability: Stability::SteadyState,
        stability_at: at(2),
        failed_starts: 1,
        throttled_until: Some(at(3)),
        announced_refusal: Some("RESOURCE:MEMORY".into()),
        tags: tags(),
    }
}
