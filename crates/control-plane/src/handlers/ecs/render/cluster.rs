//! A cluster with its counters, which follow from the other records.

use api::ecs;
use domain::cluster::{Cluster, ClusterStatus};
use domain::container_instance::ContainerInstanceStatus;
use domain::service::ServiceStatus;
use domain::tags::Pair;
use domain::task_definition::LaunchType;
use sha2::{Digest, Sha256};
use store::{State, Tally};

use super::count;
use super::task_definition::pair;
use crate::handlers::ecs::{capacity_providers, clusters, tags};

/// A cluster; settings, configuration, statistics and tags are shown only if `include` names them.
pub fn cluster(state: &State, it: &Cluster, include: &[ecs::ClusterField]) -> ecs::Cluster {
    let shows = |field: &str| include.iter().any(|it| it.as_str() == field);
    let tally = state.cluster_tally(&it.arn);
    let is_counted = |status| status != ContainerInstanceStatus::Inactive;
    let instances = state
        .container_instances_of_cluster(&it.arn)
        .filter(|it| is_counted(it.status))
        .count();
    let services = state
        .services_of_cluster(&it.arn)
        .filter(|it| it.status == ServiceStatus::Active)
        .count();
    let setting = |it: &Pair| ecs::ClusterSetting {
        name: Some(ecs::ClusterSettingName::from(it.name.as_str())),
        value: it.value.clone(),
    };
    let arn = it.arn.to_string();
    let namespace = it.service_connect_namespace.as_deref();
    let namespace = namespace.filter(|_| shows("ATTACHMENTS"));
    ecs::Cluster {
        cluster_arn: Some(it.arn.to_string()),
        cluster_name: Some(it.arn.name().to_owned()),
        status: Some(it.status.as_str().to_owned()),
        registered_container_instances_count: Some(count(instances)),
        running_tasks_count: Some(count(tally.running)),
        pending_tasks_count: Some(count(tally.pending)),
        active_services_count: Some(count(services)),
        statistics: Some(if shows("STATISTICS") {
            statistics(state, it)
        } else {
            Vec::new()
        }),
        tags: Some(if shows("TAGS") {
            tags::render(&it.tags)
        } else {
            Vec::new()
        }),
        settings: Some(if shows("SETTINGS") {
            it.settings.iter().map(setting).collect()
        } else {
            Vec::new()
        }),
        configuration: shows("CONFIGURATIONS")
            .then(|| clusters::render_configuration(&it.configuration))
            .flatten(),
        service_connect_defaults: it.service_connect_namespace.as_ref().map(|it| {
            ecs::ClusterServiceConnectDefaults {
                namespace: Some(it.clone()),
            }
        }),
        attachments: Some(namespace.map(|it| attachment(&arn, it)).into_iter().collect()),
        attachments_status: namespace.map(|_| "UPDATE_COMPLETE".to_owned()),
        capacity_providers: Some(it.capacity.providers.clone()),
        default_capacity_provider_strategy: Some(
            capacity_providers::render_strategy(&it.capacity.default_strategy).unwrap_or_default(),
        ),
    }
}

/// What the default namespace of Service Connect is to a cluster; it is there at once.
/// <https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_Cluster.html>
fn attachment(cluster: &str, namespace: &str) -> ecs::Attachment {
    let hash = Sha256::digest(format!("{cluster} {namespace}"));
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&hash[..16]);
    ecs::Attachment {
        id: Some(uuid::Builder::from_random_bytes(bytes).into_uuid().to_string()),
        r#type: Some("sc".to_owned()),
        status: Some("ATTACHED".to_owned()),
        details: Some(Vec::new()),
    }
}

fn statistics(state: &State, it: &Cluster) -> Vec<ecs::KeyValuePair> {
    if it.status == ClusterStatus::Inactive {
        return Vec::new();
    }
    let tallies = state.cluster_tally_by_launch_type(&it.arn);
    let tasks = |wanted, column: fn(&Tally) -> u32| {
        let tally = tallies.iter().find(|(launch_type, _)| *launch_type == wanted);
        tally.map_or(0, |(_, tally)| column(tally) as usize)
    };
    let (running, pending) = (|it: &Tally| it.running, |it: &Tally| it.pending);
    let services = |launch_type, status| {
        let counted = state
            .services_of_cluster(&it.arn)
            .filter(|it| it.launch_type == launch_type && it.status == status);
        counted.count()
    };
    let numbers = [
        ("runningEC2TasksCount", tasks(LaunchType::Ec2, running)),
        ("runningFargateTasksCount", tasks(LaunchType::Fargate, running)),
        ("pendingEC2TasksCount", tasks(LaunchType::Ec2, pending)),
        ("pendingFargateTasksCount", tasks(LaunchType::Fargate, pending)),
        ("runningExternalTasksCount", tasks(LaunchType::External, running)),
        ("pendingExternalTasksCount", tasks(LaunchType::External, pending)),
        (
            "activeEC2ServiceCount",
            services(LaunchType::Ec2, ServiceStatus::Active),
        ),
        (
            "activeFargateServiceCount",
            services(LaunchType::Fargate, ServiceStatus::Active),
        ),
        (
            "drainingEC2ServiceCount",
            services(LaunchType::Ec2, ServiceStatus::Draining),
        ),
        (
            "drainingFargateServiceCount",
            services(LaunchType::Fargate, ServiceStatus::Draining),
        ),
        (
            "activeExternalServiceCount",
            services(LaunchType::External, ServiceStatus::Active),
        ),
        (
            "drainingExternalServiceCount",
            services(LaunchType::External, ServiceStatus::Draining),
        ),
    ];
    numbers
        .into_iter()
        .map(|(name, number)| pair(&Pair::new(name, number.to_string())))
        .collect()
}
