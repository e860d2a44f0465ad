//! Which handler serves which operation.

use std::collections::HashMap;
use std::future::Future;
use std::pin::Pin;

use api::{ecr, ecs, efs, gantry, iam, logs, secretsmanager, ssm, sts};
use bytes::Bytes;
use domain::Timestamp;
use http::{HeaderMap, Uri};
use wire::error::{CommonError, ErrorAnswer, modelled};
use wire::rest::Answer as Answered;
use wire::route::Protocol;
use wire::{DecodeError, Operation, Service, ec2 as ec2_query, json, query, rest};

use crate::call::{Authorized, Call, Caller, Origin};
use crate::handlers::ecs::{
    account_settings, agent, attributes, capacity_providers, clusters, container_instances, services,
    tagging, task_definitions, tasks,
};
use crate::handlers::{
    ecr as ecr_handlers, efs as file_systems, gantry as gantry_handlers, iam as roles, logs as log_handlers,
    secretsmanager as secrets, ssm as parameters, sts as sts_handlers,
};

mod acm;
mod codedeploy;
mod ec2;
mod ec2_gateways;
mod elb;
mod elbv2;
mod partial;
mod refused;
mod route53;
mod servicediscovery;
#[cfg(test)]
mod tests;

/// Services that are spoken: those of AWS, and the one that is Gantry's own.
pub static SERVICES: [&Service; 16] = [
    &api::acm::SERVICE,
    &api::codedeploy::SERVICE,
    &api::ec2::SERVICE,
    &ecr::SERVICE,
    &ecs::SERVICE,
    &efs::SERVICE,
    &api::elb::SERVICE,
    &api::elbv2::SERVICE,
    &gantry::SERVICE,
    &iam::SERVICE,
    &logs::SERVICE,
    &api::route53::SERVICE,
    &secretsmanager::SERVICE,
    &api::servicediscovery::SERVICE,
    &ssm::SERVICE,
    &sts::SERVICE,
];

/// A verified request of an operation.
pub struct Request {
    /// As it came.
    pub body: Bytes,
    /// Address and headers, where members may be in them.
    pub head: Option<(Uri, HeaderMap)>,
    /// How it is spoken.
    pub protocol: Protocol,
    /// Goes into the answer.
    pub request_id: String,
    /// Who signed it.
    pub caller: Caller,
    /// The way to the state.
    pub access: Authorized,
    /// When it arrived.
    pub now: Timestamp,
    /// How its sender reaches this server.
    pub origin: Origin,
}

/// What a service is called here: as requests are signed for it, but that two share the name of load balancing.
pub fn name(service: &Service) -> &'static str {
    let is_classic = service.api_version == api::elb::SERVICE.api_version;
    match service.signing_name == api::elb::SERVICE.signing_name && is_classic {
        true => CLASSIC_LOAD_BALANCING,
        false => service.signing_name,
    }
}

/// See [`name`].
pub const CLASSIC_LOAD_BALANCING: &str = "elasticloadbalancing 2012-06-01 (classic)";

type Running = Pin<Box<dyn Future<Output = Result<Answered, ErrorAnswer>> + Send>>;
type Handler = Box<dyn Fn(Request) -> Running + Send + Sync>;

/// All handlers, by service and operation.
#[derive(Default)]
pub struct Routes {
    handlers: HashMap<(&'static str, &'static str), Handler>,
    /// Why some of them do nothing but refuse.
    refusals: HashMap<(&'static str, &'static str), refused::Refused>,
}

impl Routes {
    /// The handlers of this version.
    pub fn new() -> Self {
        let mut routes = Self::default();
        routes.acm();
        routes.refused_acm();
        routes.codedeploy();
        routes.refused_codedeploy();
        routes.ec2();
        routes.ecr();
        routes.ecs();
        routes.refused();
        routes.refused_elbv2();
        routes.efs();
        routes.elb();
        routes.elbv2();
        routes.on::<gantry::ExplainService, _, _>(gantry_handlers::explain_service);
        routes.on::<gantry::ListLoadBalancers, _, _>(gantry_handlers::list_load_balancers);
        routes.on::<gantry::ListServiceConnectMetrics, _, _>(gantry_handlers::list_service_connect_metrics);
        routes.on::<gantry::ResolveName, _, _>(gantry_handlers::resolve_name);
        routes.on::<gantry::ExplainTask, _, _>(gantry_handlers::explain_task);
        routes.on::<gantry::InspectTask, _, _>(gantry_handlers::inspect_task);
        routes.on::<gantry::ListEvents, _, _>(gantry_handlers::list_events);
        routes.on::<gantry::ListStoppedTasks, _, _>(gantry_handlers::list_stopped_tasks);
        routes.on::<gantry::OpenTaskStream, _, _>(gantry_handlers::open_task_stream);
        routes.iam();
        routes.logs();
        routes.route53();
        routes.refused_route53();
        routes.secretsmanager();
        routes.servicediscovery();
        routes.ssm();
        routes.on::<sts::AssumeRole, _, _>(sts_handlers::assume_role);
        routes.on::<sts::GetCallerIdentity, _, _>(sts_handlers::get_caller_identity);
        routes
    }

    /// The handler of an operation of the service of that [`name`], if it is built or refused.
    pub fn get(&self, service: &str, operation: &str) -> Option<&Handler> {
        // The map's keys live as long as the program, the request's words do not: found by the service's own list.
        let known = SERVICES.iter().find(|it| name(it) == service)?;
        let operation = known.operations.iter().find(|it| **it == operation)?;
        self.handlers.get(&(name(known), *operation))
    }

    fn coverage(&self, service: &'static str, operation: &'static str) -> Coverage {
        let refused = self.refusals.get(&(service, operation));
        match (
            self.get(service, operation),
            refused,
            partial::lacks(service, operation),
        ) {
            (None, ..) => Coverage::NotYet,
            (_, Some(refused), _) => Coverage::Refused(refused.why),
            (_, _, Some(lacks)) => Coverage::Partial(lacks),
            _ => Coverage::Works,
        }
    }

    fn on<O, F, R>(&mut self, handler: F)
    where
        O: Operation,
        F: Fn(Call<O>) -> R + Copy + Send + Sync + 'static,
        R: Future<Output = Result<O::Output, O::Error>> + Send + 'static,
    {
        let run = move |request: Request| -> Running { Box::pin(run::<O, F, R>(handler, request)) };
        self.handlers.insert((name(O::SERVICE), O::NAME), Box::new(run));
    }

    fn ecr(&mut self) {
        self.on::<ecr::BatchCheckLayerAvailability, _, _>(ecr_handlers::batch_check_layer_availability);
        self.on::<ecr::BatchDeleteImage, _, _>(ecr_handlers::batch_delete_image);
        self.on::<ecr::BatchGetImage, _, _>(ecr_handlers::batch_get_image);
        self.on::<ecr::CompleteLayerUpload, _, _>(ecr_handlers::complete_layer_upload);
        self.on::<ecr::CreateRepository, _, _>(ecr_handlers::create_repository);
        self.on::<ecr::DeleteLifecyclePolicy, _, _>(ecr_handlers::delete_lifecycle_policy);
        self.on::<ecr::DeleteRepository, _, _>(ecr_handlers::delete_repository);
        self.on::<ecr::DeleteRepositoryPolicy, _, _>(ecr_handlers::delete_repository_policy);
        self.on::<ecr::DescribeImageScanFindings, _, _>(ecr_handlers::describe_image_scan_findings);
        self.on::<ecr::DescribeImages, _, _>(ecr_handlers::describe_images);
        self.on::<ecr::DescribeRegistry, _, _>(ecr_handlers::describe_registry);
        self.on::<ecr::DescribeRepositories, _, _>(ecr_handlers::describe_repositories);
        self.on::<ecr::GetAuthorizationToken, _, _>(ecr_handlers::get_authorization_token);
        self.on::<ecr::GetDownloadUrlForLayer, _, _>(ecr_handlers::get_download_url_for_layer);
        self.on::<ecr::GetLifecyclePolicy, _, _>(ecr_handlers::get_lifecycle_policy);
        self.on::<ecr::GetLifecyclePolicyPreview, _, _>(ecr_handlers::get_lifecycle_policy_preview);
        self.on::<ecr::GetRegistryScanningConfiguration, _, _>(
            ecr_handlers::get_registry_scanning_configuration,
        );
        self.on::<ecr::GetRepositoryPolicy, _, _>(ecr_handlers::get_repository_policy);
        self.on::<ecr::InitiateLayerUpload, _, _>(ecr_handlers::initiate_layer_upload);
        self.on::<ecr::ListImages, _, _>(ecr_handlers::list_images);
        self.on::<ecr::ListTagsForResource, _, _>(ecr_handlers::list_tags_for_resource);
        self.on::<ecr::PutImage, _, _>(ecr_handlers::put_image);
        self.on::<ecr::PutImageScanningConfiguration, _, _>(ecr_handlers::put_image_scanning_configuration);
        self.on::<ecr::PutImageTagMutability, _, _>(ecr_handlers::put_image_tag_mutability);
        self.on::<ecr::PutLifecyclePolicy, _, _>(ecr_handlers::put_lifecycle_policy);
        self.on::<ecr::SetRepositoryPolicy, _, _>(ecr_handlers::set_repository_policy);
        self.on::<ecr::StartImageScan, _, _>(ecr_handlers::start_image_scan);
        self.on::<ecr::StartLifecyclePolicyPreview, _, _>(ecr_handlers::start_lifecycle_policy_preview);
        self.on::<ecr::TagResource, _, _>(ecr_handlers::tag_resource);
        self.on::<ecr::UntagResource, _, _>(ecr_handlers::untag_resource);
        self.on::<ecr::UploadLayerPart, _, _>(ecr_handlers::upload_layer_part);
    }

    fn ecs(&mut self) {
        self.on::<ecs::CreateCluster, _, _>(clusters::create_cluster);
        self.on::<ecs::DescribeClusters, _, _>(clusters::describe_clusters);
        self.on::<ecs::ListClusters, _, _>(clusters::list_clusters);
        self.on::<ecs::DeleteCluster, _, _>(clusters::delete_cluster);
        self.on::<ecs::RegisterTaskDefinition, _, _>(task_definitions::register_task_definition);
        self.on::<ecs::DescribeTaskDefinition, _, _>(task_definitions::describe_task_definition);
        self.on::<ecs::ListTaskDefinitions, _, _>(task_definitions::list_task_definitions);
        self.on::<ecs::ListTaskDefinitionFamilies, _, _>(task_definitions::list_task_definition_families);
        self.on::<ecs::DeregisterTaskDefinition, _, _>(task_definitions::deregister_task_definition);
        self.on::<ecs::DeleteTaskDefinitions, _, _>(task_definitions::delete_task_definitions);
        self.on::<ecs::RunTask, _, _>(tasks::run_task);
        self.on::<ecs::StartTask, _, _>(tasks::start_task);
        self.on::<ecs::StopTask, _, _>(tasks::stop_task);
        self.on::<ecs::DescribeTasks, _, _>(tasks::describe_tasks);
        self.on::<ecs::ListTasks, _, _>(tasks::list_tasks);
        self.on::<ecs::ExecuteCommand, _, _>(tasks::execute_command);
        self.on::<ecs::CreateService, _, _>(services::create_service);
        self.on::<ecs::UpdateService, _, _>(services::update_service);
        self.on::<ecs::DeleteService, _, _>(services::delete_service);
        self.on::<ecs::DescribeServices, _, _>(services::describe_services);
        self.on::<ecs::ListServices, _, _>(services::list_services);
        self.on::<ecs::ListServicesByNamespace, _, _>(services::list_services_by_namespace);
        self.on::<ecs::DescribeServiceDeployments, _, _>(services::describe_service_deployments);
        self.on::<ecs::DescribeServiceRevisions, _, _>(services::describe_service_revisions);
        self.on::<ecs::ListServiceDeployments, _, _>(services::list_service_deployments);
        self.on::<ecs::StopServiceDeployment, _, _>(services::stop_service_deployment);
        self.on::<ecs::ContinueServiceDeployment, _, _>(services::continue_service_deployment);
        self.on::<ecs::RegisterContainerInstance, _, _>(agent::register_container_instance);
        self.on::<ecs::DeregisterContainerInstance, _, _>(container_instances::deregister_container_instance);
        self.on::<ecs::DescribeContainerInstances, _, _>(container_instances::describe_container_instances);
        self.on::<ecs::ListContainerInstances, _, _>(container_instances::list_container_instances);
        self.on::<ecs::DiscoverPollEndpoint, _, _>(agent::discover_poll_endpoint);
        self.on::<ecs::SubmitTaskStateChange, _, _>(agent::submit_task_state_change);
        self.on::<ecs::SubmitContainerStateChange, _, _>(agent::submit_container_state_change);
        self.on::<ecs::SubmitAttachmentStateChanges, _, _>(agent::submit_attachment_state_changes);
        self.ecs_task_sets();
        self.ecs_around_resources();
    }

    fn ecs_task_sets(&mut self) {
        self.on::<ecs::CreateTaskSet, _, _>(services::create_task_set);
        self.on::<ecs::UpdateTaskSet, _, _>(services::update_task_set);
        self.on::<ecs::DeleteTaskSet, _, _>(services::delete_task_set);
        self.on::<ecs::DescribeTaskSets, _, _>(services::describe_task_sets);
        self.on::<ecs::UpdateServicePrimaryTaskSet, _, _>(services::update_service_primary_task_set);
    }

    /// What is said about resources, rather than done with them.
    fn ecs_around_resources(&mut self) {
        self.on::<ecs::UpdateCluster, _, _>(clusters::update_cluster);
        self.on::<ecs::UpdateClusterSettings, _, _>(clusters::update_cluster_settings);
        self.on::<ecs::CreateCapacityProvider, _, _>(capacity_providers::create_capacity_provider);
        self.on::<ecs::UpdateCapacityProvider, _, _>(capacity_providers::update_capacity_provider);
        self.on::<ecs::DeleteCapacityProvider, _, _>(capacity_providers::delete_capacity_provider);
        self.on::<ecs::DescribeCapacityProviders, _, _>(capacity_providers::describe_capacity_providers);
        self.on::<ecs::PutClusterCapacityProviders, _, _>(capacity_providers::put_cluster_capacity_providers);
        self.on::<ecs::TagResource, _, _>(tagging::tag_resource);
        self.on::<ecs::UntagResource, _, _>(tagging::untag_resource);
        self.on::<ecs::ListTagsForResource, _, _>(tagging::list_tags_for_resource);
        self.on::<ecs::PutAccountSetting, _, _>(account_settings::put_account_setting);
        self.on::<ecs::PutAccountSettingDefault, _, _>(account_settings::put_account_setting_default);
        self.on::<ecs::DeleteAccountSetting, _, _>(account_settings::delete_account_setting);
        self.on::<ecs::ListAccountSettings, _, _>(account_settings::list_account_settings);
        self.on::<ecs::PutAttributes, _, _>(attributes::put_attributes);
        self.on::<ecs::DeleteAttributes, _, _>(attributes::delete_attributes);
        self.on::<ecs::ListAttributes, _, _>(attributes::list_attributes);
        self.on::<ecs::UpdateContainerInstancesState, _, _>(
            container_instances::update_container_instances_state,
        );
        self.on::<ecs::UpdateContainerAgent, _, _>(container_instances::update_container_agent);
        self.on::<ecs::GetTaskProtection, _, _>(tasks::get_task_protection);
        self.on::<ecs::UpdateTaskProtection, _, _>(tasks::update_task_protection);
    }

    fn efs(&mut self) {
        self.on::<efs::CreateAccessPoint, _, _>(file_systems::create_access_point);
        self.on::<efs::CreateFileSystem, _, _>(file_systems::create_file_system);
        self.on::<efs::CreateMountTarget, _, _>(file_systems::create_mount_target);
        self.on::<efs::DeleteAccessPoint, _, _>(file_systems::delete_access_point);
        self.on::<efs::DeleteFileSystem, _, _>(file_systems::delete_file_system);
        self.on::<efs::DeleteFileSystemPolicy, _, _>(file_systems::delete_file_system_policy);
        self.on::<efs::DeleteMountTarget, _, _>(file_systems::delete_mount_target);
        self.on::<efs::DescribeAccessPoints, _, _>(file_systems::describe_access_points);
        self.on::<efs::DescribeAccountPreferences, _, _>(file_systems::describe_account_preferences);
        self.on::<efs::DescribeBackupPolicy, _, _>(file_systems::describe_backup_policy);
        self.on::<efs::DescribeFileSystemPolicy, _, _>(file_systems::describe_file_system_policy);
        self.on::<efs::DescribeFileSystems, _, _>(file_systems::describe_file_systems);
        self.on::<efs::DescribeLifecycleConfiguration, _, _>(file_systems::describe_lifecycle_configuration);
        self.on::<efs::DescribeMountTargetSecurityGroups, _, _>(
            file_systems::describe_mount_target_security_groups,
        );
        self.on::<efs::DescribeMountTargets, _, _>(file_systems::describe_mount_targets);
        self.on::<efs::ListTagsForResource, _, _>(file_systems::list_tags_for_resource);
        self.on::<efs::ModifyMountTargetSecurityGroups, _, _>(
            file_systems::modify_mount_target_security_groups,
        );
        self.on::<efs::PutBackupPolicy, _, _>(file_systems::put_backup_policy);
        self.on::<efs::PutFileSystemPolicy, _, _>(file_systems::put_file_system_policy);
        self.on::<efs::PutLifecycleConfiguration, _, _>(file_systems::put_lifecycle_configuration);
        self.on::<efs::TagResource, _, _>(file_systems::tag_resource);
        self.on::<efs::UntagResource, _, _>(file_systems::untag_resource);
        self.on::<efs::UpdateFileSystem, _, _>(file_systems::update_file_system);
    }

    fn iam(&mut self) {
        self.on::<iam::AttachRolePolicy, _, _>(roles::attach_role_policy);
        self.on::<iam::CreateRole, _, _>(roles::create_role);
        self.on::<iam::DeleteRole, _, _>(roles::delete_role);
        self.on::<iam::DeleteRolePolicy, _, _>(roles::delete_role_policy);
        self.on::<iam::DetachRolePolicy, _, _>(roles::detach_role_policy);
        self.on::<iam::GetRole, _, _>(roles::get_role);
        self.on::<iam::GetRolePolicy, _, _>(roles::get_role_policy);
        self.on::<iam::ListAttachedRolePolicies, _, _>(roles::list_attached_role_policies);
        self.on::<iam::ListInstanceProfilesForRole, _, _>(roles::list_instance_profiles_for_role);
        self.on::<iam::ListRolePolicies, _, _>(roles::list_role_policies);
        self.on::<iam::ListRoleTags, _, _>(roles::list_role_tags);
        self.on::<iam::ListRoles, _, _>(roles::list_roles);
        self.on::<iam::PutRolePolicy, _, _>(roles::put_role_policy);
        self.on::<iam::TagRole, _, _>(roles::tag_role);
        self.on::<iam::UntagRole, _, _>(roles::untag_role);
        self.on::<iam::UpdateAssumeRolePolicy, _, _>(roles::update_assume_role_policy);
        self.on::<iam::UpdateRole, _, _>(roles::update_role);
    }

    fn logs(&mut self) {
        self.on::<logs::CreateLogGroup, _, _>(log_handlers::create_log_group);
        self.on::<logs::DeleteLogGroup, _, _>(log_handlers::delete_log_group);
        self.on::<logs::DescribeLogGroups, _, _>(log_handlers::describe_log_groups);
        self.on::<logs::PutRetentionPolicy, _, _>(log_handlers::put_retention_policy);
        self.on::<logs::DeleteRetentionPolicy, _, _>(log_handlers::delete_retention_policy);
        self.on::<logs::CreateLogStream, _, _>(log_handlers::create_log_stream);
        self.on::<logs::DeleteLogStream, _, _>(log_handlers::delete_log_stream);
        self.on::<logs::DescribeLogStreams, _, _>(log_handlers::describe_log_streams);
        self.on::<logs::PutLogEvents, _, _>(log_handlers::put_log_events);
        self.on::<logs::GetLogEvents, _, _>(log_handlers::get_log_events);
        self.on::<logs::FilterLogEvents, _, _>(log_handlers::filter_log_events);
        self.on::<logs::ListTagsForResource, _, _>(log_handlers::list_tags_for_resource);
        self.on::<logs::TagResource, _, _>(log_handlers::tag_resource);
        self.on::<logs::UntagResource, _, _>(log_handlers::untag_resource);
    }

    fn secretsmanager(&mut self) {
        self.on::<secretsmanager::CreateSecret, _, _>(secrets::create_secret);
        self.on::<secretsmanager::DeleteSecret, _, _>(secrets::delete_secret);
        self.on::<secretsmanager::DescribeSecret, _, _>(secrets::describe_secret);
        self.on::<secretsmanager::GetRandomPassword, _, _>(secrets::get_random_password);
        self.on::<secretsmanager::GetSecretValue, _, _>(secrets::get_secret_value);
        self.on::<secretsmanager::ListSecretVersionIds, _, _>(secrets::list_secret_version_ids);
        self.on::<secretsmanager::ListSecrets, _, _>(secrets::list_secrets);
        self.on::<secretsmanager::PutSecretValue, _, _>(secrets::put_secret_value);
        self.on::<secretsmanager::RestoreSecret, _, _>(secrets::restore_secret);
        self.on::<secretsmanager::TagResource, _, _>(secrets::tag_resource);
        self.on::<secretsmanager::UntagResource, _, _>(secrets::untag_resource);
        self.on::<secretsmanager::UpdateSecret, _, _>(secrets::update_secret);
        self.on::<secretsmanager::UpdateSecretVersionStage, _, _>(secrets::update_secret_version_stage);
    }

    fn ssm(&mut self) {
        self.on::<ssm::PutParameter, _, _>(parameters::put_parameter);
        self.on::<ssm::GetParameter, _, _>(parameters::get_parameter);
        self.on::<ssm::GetParameters, _, _>(parameters::get_parameters);
        self.on::<ssm::GetParametersByPath, _, _>(parameters::get_parameters_by_path);
        self.on::<ssm::GetParameterHistory, _, _>(parameters::get_parameter_history);
        self.on::<ssm::DescribeParameters, _, _>(parameters::describe_parameters);
        self.on::<ssm::DeleteParameter, _, _>(parameters::delete_parameter);
        self.on::<ssm::DeleteParameters, _, _>(parameters::delete_parameters);
        self.on::<ssm::LabelParameterVersion, _, _>(parameters::label_parameter_version);
        self.on::<ssm::UnlabelParameterVersion, _, _>(parameters::unlabel_parameter_version);
        self.on::<ssm::AddTagsToResource, _, _>(parameters::add_tags_to_resource);
        self.on::<ssm::ListTagsForResource, _, _>(parameters::list_tags_for_resource);
        self.on::<ssm::RemoveTagsFromResource, _, _>(parameters::remove_tags_from_resource);
    }
}

async fn run<O, F, R>(handler: F, request: Request) -> Result<Answered, ErrorAnswer>
where
    O: Operation,
    F: Fn(Call<O>) -> R,
    R: Future<Output = Result<O::Output, O::Error>>,
{
    let Request {
        body,
        head,
        protocol,
        request_id,
        caller,
        access,
        now,
        origin,
    } = request;
    let input = match protocol {
        Protocol::Query => query::decode(&body),
        Protocol::Ec2 => ec2_query::decode(&body),
        Protocol::Json10 | Protocol::Json11 => json::decode(&body),
        Protocol::RestJson | Protocol::RestXml => of_http::<O>(head.as_ref(), &body),
    };
    let input = input
        .map_err(|error| undecodable(O::SERVICE, &error).answer_of(O::SERVICE, protocol, &request_id))?;
    drop(body);
    match handler(Call::new(input, caller, access, now).with_origin(origin)).await {
        Ok(output) => Ok(plain(
            protocol,
            match protocol {
                Protocol::RestJson | Protocol::RestXml => return Ok(to_http::<O>(&output)),
                Protocol::Query => query::encode(O::SERVICE, O::NAME, &output, &request_id),
                Protocol::Ec2 => ec2_query::encode(O::SERVICE, O::NAME, &output, &request_id),
                Protocol::Json10 | Protocol::Json11 => json::encode(&output),
            },
        )),
        Err(error) => Err(modelled(O::SERVICE, &error, protocol, &request_id)),
    }
}

fn plain(protocol: Protocol, body: Vec<u8>) -> Answered {
    Answered {
        status: 200,
        content_type: protocol.content_type(),
        headers: Vec::new(),
        body,
    }
}

/// Reads a request of rest-json or rest-xml; without an address it is all in the body.
fn of_http<O: Operation>(head: Option<&(Uri, HeaderMap)>, body: &[u8]) -> Result<O::Input, DecodeError> {
    match (rest::operation(O::SERVICE, O::NAME), head) {
        (Some(operation), Some((uri, headers))) => {
            rest::decode(O::SERVICE, operation, rest::Request { uri, headers, body })
        }
        _ => json::decode(body),
    }
}

fn to_http<O: Operation>(output: &O::Output) -> Answered {
    match rest::operation(O::SERVICE, O::NAME) {
        Some(operation) => rest::encode(O::SERVICE, operation, output),
        None => plain(Protocol::RestJson, json::encode(output)),
    }
}

fn undecodable(service: &Service, error: &DecodeError) -> CommonError {
    match error {
        DecodeError::Serialization { message } => CommonError::serialization(message.clone()),
        DecodeError::MissingMember { path } => CommonError {
            status: 400,
            // Each service has its own word for what is wrong with an input.
            json_code: match service.signing_name {
                "servicediscovery" => "InvalidInput",
                "codedeploy" => {
                    crate::handlers::codedeploy::required(path.first().map_or("", |it| it.as_ref()))
                }
                _ => "InvalidParameterException",
            },
            query_code: "ValidationError",
            message: format!("{} can not be blank.", path.join(".")),
        },
    }
}

/// An operation of a service, and whether it is built.
#[derive(Debug, PartialEq, Eq)]
pub struct Covered {
    /// `ecs`: its [`name`]
    pub service: &'static str,
    /// `RunTask`
    pub operation: &'static str,
    /// How far it is built.
    pub coverage: Coverage,
}

/// How far an operation is built.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Coverage {
    /// All of it.
    Works,
    /// Without this.
    Partial(&'static str),
    /// It only refuses, for this reason.
    Refused(&'static str),
    /// It is answered as an unknown operation.
    NotYet,
}

/// All operations of all services that are spoken.
pub fn coverage() -> Vec<Covered> {
    let routes = Routes::new();
    let operations = SERVICES.iter().flat_map(|service| {
        service
            .operations
            .iter()
            .map(|operation| (name(service), *operation))
    });
    operations
        .map(|(service, operation)| Covered {
            service,
            operation,
            coverage: routes.coverage(service, operation),
        })
        .collect()
}
