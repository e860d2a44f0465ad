//! Atomic changes over several records. Each runs inside a transaction, and refuses with data, not with texts.

mod account_settings;
mod attributes;
mod capacity_providers;
mod cloud_map;
mod clusters;
pub(crate) mod code_deploy;
mod container_instances;
mod default_network;
mod default_roles;
mod deployment_lifecycles;
mod failed_tasks;
mod forget_stopped_tasks;
mod image_digests;
mod image_scans;
mod load_balancing;
mod networks;
mod observe_health;
mod observe_task;
mod overlays;
mod queued_tasks;
mod repositories;
mod repository_images;
mod reservation;
mod run_tasks;
mod secrets;
mod service_connect;
mod service_deployments;
mod services;
mod stop_task;
mod tags;
mod task_definitions;
mod task_protection;
mod task_registrations;
mod task_sets;
mod task_targets;
mod traffic;

pub use account_settings::{delete_account_setting, effective_setting, put_account_setting};
pub use attributes::{AttributeRefusal, TargetedAttribute, delete_attributes, put_attributes};
pub use capacity_providers::{
    CapacityProviderChange, CapacityProviderRefusal, ManagedScalingChange, create_capacity_provider,
    delete_capacity_provider, is_capacity_provider, put_cluster_capacity_providers,
    require_capacity_providers, update_capacity_provider,
};
pub use cloud_map::{
    deregister_instance, discovery_service_of_arn, put_instance,
    record_operation as record_cloud_map_operation, set_custom_health,
};
pub use clusters::{
    ClusterChange, ClusterNotFound, DeleteClusterRefusal, NewCluster, create_cluster, delete_cluster,
    update_cluster,
};
pub use code_deploy::{
    CreateDeploymentRefusal, DeploymentKey, DeploymentRefusal, HookStatusRefusal, NewCodeDeployment,
    RouteRefusal, WaitType, continue_code_deployment, create_code_deployment, note_deployment_webhook_answer,
    put_hook_status, register_revision, route as code_deploy_route, stop_code_deployment,
};
pub use container_instances::{
    Availability, Connection, ContainerInstanceRefusal, Deregistration, RegisterContainerInstance,
    StateChanges, StateRefusal, Versions, connect_host, deregister_container_instance,
    register_container_instance, update_container_instances_state,
};
pub use default_network::ensure_default_network;
pub use default_roles::{MAX_SESSION_SECONDS, create_default_roles, is_untouched_default_role};
pub(crate) use deployment_lifecycles::enter_lifecycle_stage;
pub use deployment_lifecycles::{
    ContinueRefusal, WebhookAnswer, continue_service_deployment, note_webhook_answer,
};
pub(crate) use failed_tasks::{count_failure, is_hopeless};
pub use forget_stopped_tasks::forget_stopped_tasks;
pub use image_digests::pinned_image;
pub use image_scans::{ScanRefusal, begin_scan, end_scan};
pub use load_balancing::{
    DeleteLoadBalancerRefusal, HealthChange, ListenerRefusal, NewClassicLoadBalancer, NewInstance,
    NewListener, NewLoadBalancer, NewRule, NewTarget, PriorityRefusal, ZoneWish, ZonesRefusal,
    classic_load_balancer_state, create_classic_load_balancer, create_listener, create_load_balancer,
    create_rule, delete_listener, delete_load_balancer, delete_rule, delete_target_group,
    deregister_instances, deregister_targets, follow_target_use, forget_drained_instances,
    forget_drained_target, instance_health, instances_are_idle, is_target_group_in_use,
    load_balancer_has_failed, load_balancer_is_served, modify_listener, modify_rule, register_instances,
    register_targets, set_classic_zones, set_rule_priorities, set_zones, target_anomaly,
    target_groups_behind, target_health, target_is_idle,
};
pub use networks::{
    delete_subnet, forget_vpc, free_elastic_addresses, free_public_address, furnish_vpc,
    is_free_public_address, is_reachable, obey_default_acl, public_address_count, public_address_of_task,
    subnet_dependents, use_dhcp_options, vpc_dependents, vpc_of_address,
};
pub use observe_health::{ContainerOutput, HealthReport, OutputReport, observe_health, observe_output};
pub use observe_task::{ContainerReport, TaskReport, observe_task};
pub use overlays::number_vpcs;
pub use queued_tasks::{CONCURRENCY, NO_HOST, run_queued_tasks};
pub(crate) use queued_tasks::{is_tried_again, place_queued_task, retry_task};
pub use repositories::{
    CreateRepositoryRefusal, DeleteImages, DeleteRepositoryRefusal, Deletion, NewRepository,
    REPOSITORIES_MAX, RepositoryChange, RepositoryNotFound, RepositoryTagRefusal, change_repository,
    create_repository, delete_repository, tag_repository, untag_repository,
};
pub use repository_images::{
    DeleteImageRefusal, ImageName, ImageNameRefusal, MountLayerRefusal, NewImage, PutImageRefusal,
    TAGS_PER_IMAGE_MAX, delete_image, find_image, forget_layers, mount_layer, put_image, put_layer,
};
pub(crate) use run_tasks::eligible;
pub use run_tasks::{
    CAPACITY_UNAVAILABLE, Considered, EMPTY_CAPACITY_PROVIDER, PlacementFailure, RunTasks,
    RunTasksOnceRefusal, RunTasksOutcome, RunTasksRefusal, Where, consider, free_address, needs, run_tasks,
    run_tasks_once, tell_refusal, tell_refusals,
};
pub use secrets::forget_secret;
pub use service_connect::{
    ServiceConnectRefusal, dns_name as service_connect_dns_name, endpoint_is_idle, ensure_namespace,
    find_namespace, port_mapping,
};
pub(crate) use service_connect::{endpoints as service_connect_endpoints, keep_proxies, withdraw};
pub use service_deployments::{StopServiceDeploymentRefusal, stop_service_deployment};
pub(crate) use service_deployments::{
    complete as complete_service_deployment, fail as fail_service_deployment,
    give_up as give_up_service_deployment,
};
pub use services::{
    NewService, ServiceChange, ServiceRefusal, create_service, delete_service, record_event, update_service,
};
pub(crate) use services::{record_action, record_steady_task_set};
pub use stop_task::{TaskNotFound, stop_task};
pub use tags::{TAGS_MAX, TagChange, TagRefusal, Taggable, change_tags, tags_of};
pub use task_definitions::{
    DeletedTaskDefinitions, TaskDefinitionRefusal, delete_task_definitions, deregister_task_definition,
    register_task_definition,
};
pub use task_protection::{
    Protection, ProtectionRefusal, Protections, task_protection, update_task_protection,
};
pub use task_sets::{
    NewTaskSet, TaskSetRefusal, create_task_set, delete_task_set, external_service,
    update_service_primary_task_set, update_task_set,
};

pub use task_targets::static_host_port;
pub(crate) use task_targets::{
    changed_tasks, deregister_tasks, drain_task, follow_instances, register_tasks,
};
pub use traffic::{
    RuleFault, check_rule as check_traffic_rule, obstacle as traffic_obstacle, rule as traffic_rule,
};

#[cfg(test)]
mod tests;
