//! Exceptions of CodeDeploy, in Amazon's words where they are known.

use api::codedeploy::{self, Error};
use orchestrator::transitions::{CreateDeploymentRefusal, DeploymentRefusal, RouteRefusal};
use store::TransactError;
use wire::error::CodedError;

/// InvalidApplicationName.
pub fn invalid_application_name(message: impl Into<String>) -> Error {
    let message = Some(message.into());
    Error::InvalidApplicationNameException(codedeploy::InvalidApplicationNameException { message })
}

/// InvalidDeploymentGroupName.
pub fn invalid_group_name(message: impl Into<String>) -> Error {
    let message = Some(message.into());
    Error::InvalidDeploymentGroupNameException(codedeploy::InvalidDeploymentGroupNameException { message })
}

/// InvalidDeploymentConfigName.
pub fn invalid_config_name(message: impl Into<String>) -> Error {
    let message = Some(message.into());
    Error::InvalidDeploymentConfigNameException(codedeploy::InvalidDeploymentConfigNameException { message })
}

/// InvalidComputePlatform.
pub fn invalid_compute_platform(message: impl Into<String>) -> Error {
    let message = Some(message.into());
    Error::InvalidComputePlatformException(codedeploy::InvalidComputePlatformException { message })
}

/// InvalidECSService.
pub fn invalid_service(message: impl Into<String>) -> Error {
    let message = Some(message.into());
    Error::InvalidECSServiceException(codedeploy::InvalidECSServiceException { message })
}

/// InvalidTargetGroupPair.
pub fn invalid_pair(message: impl Into<String>) -> Error {
    let message = Some(message.into());
    Error::InvalidTargetGroupPairException(codedeploy::InvalidTargetGroupPairException { message })
}

/// InvalidLoadBalancerInfo.
pub fn invalid_load_balancer_info(message: impl Into<String>) -> Error {
    let message = Some(message.into());
    Error::InvalidLoadBalancerInfoException(codedeploy::InvalidLoadBalancerInfoException { message })
}

/// InvalidDeploymentStyle.
pub fn invalid_style(message: impl Into<String>) -> Error {
    let message = Some(message.into());
    Error::InvalidDeploymentStyleException(codedeploy::InvalidDeploymentStyleException { message })
}

/// InvalidBlueGreenDeploymentConfiguration.
pub fn invalid_blue_green(message: impl Into<String>) -> Error {
    let message = Some(message.into());
    Error::InvalidBlueGreenDeploymentConfigurationException(
        codedeploy::InvalidBlueGreenDeploymentConfigurationException { message },
    )
}

/// InvalidAutoRollbackConfig.
pub fn invalid_auto_rollback(message: impl Into<String>) -> Error {
    let message = Some(message.into());
    Error::InvalidAutoRollbackConfigException(codedeploy::InvalidAutoRollbackConfigException { message })
}

/// InvalidAlarmConfig.
pub fn invalid_alarms(message: impl Into<String>) -> Error {
    let message = Some(message.into());
    Error::InvalidAlarmConfigException(codedeploy::InvalidAlarmConfigException { message })
}

/// InvalidTriggerConfig.
pub fn invalid_triggers(message: impl Into<String>) -> Error {
    let message = Some(message.into());
    Error::InvalidTriggerConfigException(codedeploy::InvalidTriggerConfigException { message })
}

/// InvalidInput.
pub fn invalid_input(message: impl Into<String>) -> Error {
    let message = Some(message.into());
    Error::InvalidInputException(codedeploy::InvalidInputException { message })
}

/// InvalidTrafficRoutingConfiguration.
pub fn invalid_routing(message: impl Into<String>) -> Error {
    let message = Some(message.into());
    Error::InvalidTrafficRoutingConfigurationException(
        codedeploy::InvalidTrafficRoutingConfigurationException { message },
    )
}

/// InvalidRevision.
pub fn invalid_revision(message: impl Into<String>) -> Error {
    let message = Some(message.into());
    Error::InvalidRevisionException(codedeploy::InvalidRevisionException { message })
}

/// InvalidTagsToAdd.
pub fn invalid_tags(message: impl Into<String>) -> Error {
    let message = Some(message.into());
    Error::InvalidTagsToAddException(codedeploy::InvalidTagsToAddException { message })
}

/// InvalidArn.
pub fn invalid_arn(message: impl Into<String>) -> Error {
    let message = Some(message.into());
    Error::InvalidArnException(codedeploy::InvalidArnException { message })
}

/// InvalidDeploymentStatus.
pub fn invalid_status(message: impl Into<String>) -> Error {
    let message = Some(message.into());
    Error::InvalidDeploymentStatusException(codedeploy::InvalidDeploymentStatusException { message })
}

/// UnsupportedActionForDeploymentType.
pub fn unsupported_action(message: impl Into<String>) -> Error {
    let message = Some(message.into());
    Error::UnsupportedActionForDeploymentTypeException(
        codedeploy::UnsupportedActionForDeploymentTypeException { message },
    )
}

/// ApplicationDoesNotExist.
pub fn no_application(name: &str) -> Error {
    Error::ApplicationDoesNotExistException(codedeploy::ApplicationDoesNotExistException {
        message: Some(format!("No application found for name: {name}")),
    })
}

/// DeploymentGroupDoesNotExist.
pub fn no_group(name: &str) -> Error {
    Error::DeploymentGroupDoesNotExistException(codedeploy::DeploymentGroupDoesNotExistException {
        message: Some(format!("No Deployment Group found for name: {name}")),
    })
}

/// DeploymentConfigDoesNotExist.
pub fn no_config(name: &str) -> Error {
    Error::DeploymentConfigDoesNotExistException(codedeploy::DeploymentConfigDoesNotExistException {
        message: Some(format!("No Deployment Configuration found for name: {name}")),
    })
}

/// DeploymentDoesNotExist.
pub fn no_deployment(id: &str) -> Error {
    Error::DeploymentDoesNotExistException(codedeploy::DeploymentDoesNotExistException {
        message: Some(format!("The deployment {id} could not be found")),
    })
}

/// The exception for a required member that is missing: each has its own.
pub fn required(member: &str) -> &'static str {
    match member {
        "applicationName" | "applicationNames" => "ApplicationNameRequiredException",
        "deploymentGroupName" | "deploymentGroupNames" | "currentDeploymentGroupName" => {
            "DeploymentGroupNameRequiredException"
        }
        "deploymentConfigName" => "DeploymentConfigNameRequiredException",
        "deploymentId" | "deploymentIds" => "DeploymentIdRequiredException",
        "targetId" | "targetIds" => "DeploymentTargetIdRequiredException",
        "instanceId" | "instanceIds" => "InstanceIdRequiredException",
        "instanceName" | "instanceNames" => "InstanceNameRequiredException",
        "revision" | "revisions" => "RevisionRequiredException",
        "serviceRoleArn" => "RoleRequiredException",
        "ResourceArn" => "ResourceArnRequiredException",
        "Tags" | "TagKeys" | "tags" => "TagRequiredException",
        _ => "InvalidInputException",
    }
}

/// BatchLimitExceeded.
pub fn too_many(what: &str, most: usize) -> Error {
    Error::BatchLimitExceededException(codedeploy::BatchLimitExceededException {
        message: Some(format!("The maximum number of {what} in one call is {most}")),
    })
}

/// OperationNotSupported: what Gantry does not have.
pub fn not_supported(why: &str) -> Error {
    Error::OperationNotSupportedException(codedeploy::OperationNotSupportedException {
        message: Some(format!("The operation is not supported: {why}.")),
    })
}

/// What a deployment that stays as it is becomes.
pub fn of_deployment(refusal: DeploymentRefusal, id: &str) -> Error {
    match refusal {
        DeploymentRefusal::NotFound => no_deployment(id),
        DeploymentRefusal::Completed => {
            Error::DeploymentAlreadyCompletedException(codedeploy::DeploymentAlreadyCompletedException {
                message: Some(format!("The deployment {id} is already completed")),
            })
        }
        DeploymentRefusal::NotWaiting => {
            Error::DeploymentIsNotInReadyStateException(codedeploy::DeploymentIsNotInReadyStateException {
                message: Some(format!(
                    "The deployment {id} is not in the state that it would be continued from"
                )),
            })
        }
    }
}

/// What a deployment that is not made becomes.
pub fn of_creation(refusal: CreateDeploymentRefusal, group: &str) -> Error {
    match refusal {
        CreateDeploymentRefusal::Active(id) => {
            Error::DeploymentLimitExceededException(codedeploy::DeploymentLimitExceededException {
                message: Some(format!(
                    "The Deployment Group '{group}' already has an active Deployment '{id}'"
                )),
            })
        }
        CreateDeploymentRefusal::Route(refusal) => invalid_load_balancer_info(of_route(&refusal)),
    }
}

/// Why traffic cannot be shifted.
pub fn of_route(refusal: &RouteRefusal) -> String {
    match refusal {
        RouteRefusal::NoTargetGroup(name) => format!("The target group {name} could not be found"),
        RouteRefusal::NoListener(arn) => format!("The listener {arn} could not be found"),
        RouteRefusal::NotForwarded(arn) => format!(
            "The listener {arn} forwards to neither of the two target groups: one of them has to serve the service"
        ),
    }
}

/// What a transaction's end becomes.
pub fn from_store(error: TransactError<Error>) -> Error {
    match error {
        TransactError::Refused(refusal) => refusal,
        TransactError::Unavailable(error) => {
            tracing::error!(%error, "the store failed");
            Error::Unmodelled(CodedError {
                status: 500,
                code: "InternalFailure",
                message: format!("The server could not store the change ({error})."),
            })
        }
    }
}
