//! Which handler serves which operation of CodeDeploy, and which only refuse.

use api::codedeploy;
use wire::Operation;

use super::Routes;
use super::refused::Refused;
use crate::handlers::codedeploy as deploy;

/// Why the operations of on-premises instances are refused.
const ON_PREMISES: &str = "there are no on-premises instances: deployments are to services of ECS";
/// Why the operations of deployment instances are refused.
const INSTANCES: &str = "deployments are to services of ECS: ask for deployment targets";
/// Why the operations of tokens of GitHub are refused.
const GITHUB: &str = "revisions are not fetched from GitHub";

impl Routes {
    pub(super) fn codedeploy(&mut self) {
        self.on::<codedeploy::BatchGetApplicationRevisions, _, _>(deploy::batch_get_application_revisions);
        self.on::<codedeploy::BatchGetApplications, _, _>(deploy::batch_get_applications);
        self.on::<codedeploy::BatchGetDeploymentGroups, _, _>(deploy::batch_get_deployment_groups);
        self.on::<codedeploy::BatchGetDeploymentTargets, _, _>(deploy::batch_get_deployment_targets);
        self.on::<codedeploy::BatchGetDeployments, _, _>(deploy::batch_get_deployments);
        self.on::<codedeploy::ContinueDeployment, _, _>(deploy::continue_deployment);
        self.on::<codedeploy::CreateApplication, _, _>(deploy::create_application);
        self.on::<codedeploy::CreateDeployment, _, _>(deploy::create_deployment);
        self.on::<codedeploy::CreateDeploymentConfig, _, _>(deploy::create_deployment_config);
        self.on::<codedeploy::CreateDeploymentGroup, _, _>(deploy::create_deployment_group);
        self.on::<codedeploy::DeleteApplication, _, _>(deploy::delete_application);
        self.on::<codedeploy::DeleteDeploymentConfig, _, _>(deploy::delete_deployment_config);
        self.on::<codedeploy::DeleteDeploymentGroup, _, _>(deploy::delete_deployment_group);
        self.on::<codedeploy::GetApplication, _, _>(deploy::get_application);
        self.on::<codedeploy::GetApplicationRevision, _, _>(deploy::get_application_revision);
        self.on::<codedeploy::GetDeployment, _, _>(deploy::get_deployment);
        self.on::<codedeploy::GetDeploymentConfig, _, _>(deploy::get_deployment_config);
        self.on::<codedeploy::GetDeploymentGroup, _, _>(deploy::get_deployment_group);
        self.on::<codedeploy::GetDeploymentTarget, _, _>(deploy::get_deployment_target);
        self.on::<codedeploy::ListApplicationRevisions, _, _>(deploy::list_application_revisions);
        self.on::<codedeploy::ListApplications, _, _>(deploy::list_applications);
        self.on::<codedeploy::ListDeploymentConfigs, _, _>(deploy::list_deployment_configs);
        self.on::<codedeploy::ListDeploymentGroups, _, _>(deploy::list_deployment_groups);
        self.on::<codedeploy::ListDeploymentTargets, _, _>(deploy::list_deployment_targets);
        self.on::<codedeploy::ListDeployments, _, _>(deploy::list_deployments);
        self.on::<codedeploy::ListTagsForResource, _, _>(deploy::list_tags_for_resource);
        self.on::<codedeploy::PutLifecycleEventHookExecutionStatus, _, _>(
            deploy::put_lifecycle_event_hook_execution_status,
        );
        self.on::<codedeploy::RegisterApplicationRevision, _, _>(deploy::register_application_revision);
        self.on::<codedeploy::StopDeployment, _, _>(deploy::stop_deployment);
        self.on::<codedeploy::TagResource, _, _>(deploy::tag_resource);
        self.on::<codedeploy::UntagResource, _, _>(deploy::untag_resource);
        self.on::<codedeploy::UpdateApplication, _, _>(deploy::update_application);
        self.on::<codedeploy::UpdateDeploymentGroup, _, _>(deploy::update_deployment_group);
    }

    /// Each is decoded first, so that wrong input is answered as by an operation that is built.
    pub(super) fn refused_codedeploy(&mut self) {
        self.refuse_codedeploy::<codedeploy::AddTagsToOnPremisesInstances>(ON_PREMISES);
        self.refuse_codedeploy::<codedeploy::BatchGetOnPremisesInstances>(ON_PREMISES);
        self.refuse_codedeploy::<codedeploy::DeregisterOnPremisesInstance>(ON_PREMISES);
        self.refuse_codedeploy::<codedeploy::GetOnPremisesInstance>(ON_PREMISES);
        self.refuse_codedeploy::<codedeploy::ListOnPremisesInstances>(ON_PREMISES);
        self.refuse_codedeploy::<codedeploy::RegisterOnPremisesInstance>(ON_PREMISES);
        self.refuse_codedeploy::<codedeploy::RemoveTagsFromOnPremisesInstances>(ON_PREMISES);
        self.refuse_codedeploy::<codedeploy::BatchGetDeploymentInstances>(INSTANCES);
        self.refuse_codedeploy::<codedeploy::GetDeploymentInstance>(INSTANCES);
        self.refuse_codedeploy::<codedeploy::ListDeploymentInstances>(INSTANCES);
        self.refuse_codedeploy::<codedeploy::SkipWaitTimeForInstanceTermination>(
            "it is superseded by ContinueDeployment with TERMINATION_WAIT",
        );
        self.refuse_codedeploy::<codedeploy::DeleteGitHubAccountToken>(GITHUB);
        self.refuse_codedeploy::<codedeploy::ListGitHubAccountTokenNames>(GITHUB);
        self.refuse_codedeploy::<codedeploy::DeleteResourcesByExternalId>(
            "there are no resources that CloudFormation has made",
        );
    }

    fn refuse_codedeploy<O: Operation<Error = codedeploy::Error>>(&mut self, why: &'static str) {
        self.on::<O, _, _>(move |_| async move { Err(deploy::not_supported(why)) });
        let refused = Refused {
            why,
            exception: "OperationNotSupportedException",
        };
        self.refusals.insert((O::SERVICE.signing_name, O::NAME), refused);
    }
}
