//! Exceptions of ECS, and what the decisions below them become.

use std::convert::Infallible;

use api::ecs;
use orchestrator::transitions::{
    ContainerInstanceRefusal, ContinueRefusal, DeleteClusterRefusal, RunTasksOnceRefusal, RunTasksRefusal,
    ServiceRefusal, StopServiceDeploymentRefusal, TaskDefinitionRefusal, TaskNotFound,
};
use store::TransactError;

use super::network;

#[cfg(test)]
mod tests;

/// ClientException: the request itself is wrong.
pub fn client(message: impl Into<String>) -> ecs::Error {
    ecs::Error::ClientException(ecs::ClientException {
        message: Some(message.into()),
    })
}

/// InvalidParameterException: a parameter does not fit the state of things.
pub fn invalid_parameter(message: impl Into<String>) -> ecs::Error {
    ecs::Error::InvalidParameterException(ecs::InvalidParameterException {
        message: Some(message.into()),
    })
}

/// UnsupportedFeatureException: what is not built yet.
pub fn unsupported(member: &str) -> ecs::Error {
    let message = format!("The specified feature is not supported: {member} is not supported by Gantry yet.");
    ecs::Error::UnsupportedFeatureException(ecs::UnsupportedFeatureException {
        message: Some(message),
    })
}

/// ClientException: the same of operations whose model does not have the other.
pub fn unbuilt(member: &str) -> ecs::Error {
    client(format!("{member} is not supported by Gantry yet."))
}

/// Whether a list says anything.
pub fn is_filled<T>(list: Option<&Vec<T>>) -> bool {
    list.is_some_and(|it| !it.is_empty())
}

/// Refuses the first member that is given and not built yet.
///
/// # Errors
/// UnsupportedFeatureException that names it.
pub fn refuse_unbuilt(members: &[(&str, bool)]) -> Result<(), ecs::Error> {
    match members.iter().find(|(_, is_given)| *is_given) {
        Some((member, _)) => Err(unsupported(member)),
        None => Ok(()),
    }
}

/// "Cluster not found."
pub fn cluster_not_found() -> ecs::Error {
    ecs::Error::ClusterNotFoundException(ecs::ClusterNotFoundException {
        message: Some("Cluster not found.".to_owned()),
    })
}

/// "The referenced cluster was inactive.": one that was deleted.
pub fn cluster_inactive() -> ecs::Error {
    ecs::Error::ClusterNotFoundException(ecs::ClusterNotFoundException {
        message: Some("The referenced cluster was inactive.".to_owned()),
    })
}

/// "Service not found."
pub fn service_not_found() -> ecs::Error {
    ecs::Error::ServiceNotFoundException(ecs::ServiceNotFoundException {
        message: Some("Service not found.".to_owned()),
    })
}

/// "Service was not ACTIVE."
pub fn service_not_active() -> ecs::Error {
    ecs::Error::ServiceNotActiveException(ecs::ServiceNotActiveException {
        message: Some("Service was not ACTIVE.".to_owned()),
    })
}

/// What a transaction's end becomes.
pub fn from_store<R>(error: TransactError<R>) -> ecs::Error
where
    ecs::Error: FromRefusal<R>,
{
    match error {
        TransactError::Refused(refusal) => ecs::Error::from_refusal(refusal),
        TransactError::Unavailable(error) => {
            tracing::error!(%error, "the store failed");
            let message = format!("The server could not store the change ({error}). Try again in a moment.");
            ecs::Error::ServerException(ecs::ServerException {
                message: Some(message),
            })
        }
    }
}

/// How a refused decision is answered: each arm is one exception, in Amazon's words.
pub trait FromRefusal<R> {
    /// The exception.
    fn from_refusal(refusal: R) -> Self;
}

impl FromRefusal<Infallible> for ecs::Error {
    fn from_refusal(refusal: Infallible) -> Self {
        match refusal {}
    }
}

impl FromRefusal<Self> for ecs::Error {
    fn from_refusal(refusal: Self) -> Self {
        refusal
    }
}

impl FromRefusal<DeleteClusterRefusal> for ecs::Error {
    fn from_refusal(refusal: DeleteClusterRefusal) -> Self {
        let message = |text: &str| Some(text.to_owned());
        match refusal {
            DeleteClusterRefusal::NotFound => cluster_not_found(),
            DeleteClusterRefusal::ContainsContainerInstances => {
                let text = "The Cluster cannot be deleted while Container Instances are active or draining.";
                Self::ClusterContainsContainerInstancesException(
                    ecs::ClusterContainsContainerInstancesException {
                        message: message(text),
                    },
                )
            }
            DeleteClusterRefusal::ContainsServices => {
                let text = "The Cluster cannot be deleted while Services are active.";
                Self::ClusterContainsServicesException(ecs::ClusterContainsServicesException {
                    message: message(text),
                })
            }
            DeleteClusterRefusal::ContainsTasks => {
                let text = "The Cluster cannot be deleted while Tasks are active.";
                Self::ClusterContainsTasksException(ecs::ClusterContainsTasksException {
                    message: message(text),
                })
            }
        }
    }
}

impl FromRefusal<TaskDefinitionRefusal> for ecs::Error {
    fn from_refusal(refusal: TaskDefinitionRefusal) -> Self {
        client(refusal.to_string())
    }
}

impl FromRefusal<TaskNotFound> for ecs::Error {
    fn from_refusal(TaskNotFound: TaskNotFound) -> Self {
        invalid_parameter("The referenced task was not found.")
    }
}

impl FromRefusal<ContainerInstanceRefusal> for ecs::Error {
    fn from_refusal(refusal: ContainerInstanceRefusal) -> Self {
        match refusal {
            ContainerInstanceRefusal::ClusterNotFound => cluster_not_found(),
            ContainerInstanceRefusal::NotFound => client("The referenced container instance was not found."),
            ContainerInstanceRefusal::HasTasks => {
                invalid_parameter("Found running tasks on the instance. Stop them, or deregister with force.")
            }
        }
    }
}

impl FromRefusal<RunTasksRefusal> for ecs::Error {
    fn from_refusal(refusal: RunTasksRefusal) -> Self {
        match refusal {
            RunTasksRefusal::NoContainerInstances => {
                invalid_parameter("No Container Instances were found in your cluster.")
            }
            RunTasksRefusal::NoSecurityGroup(id) => network::unknown_security_group(&id),
        }
    }
}

impl FromRefusal<RunTasksOnceRefusal> for ecs::Error {
    fn from_refusal(refusal: RunTasksOnceRefusal) -> Self {
        match refusal {
            RunTasksOnceRefusal::Nowhere(refusal) => Self::from_refusal(refusal),
            RunTasksOnceRefusal::ClientTokenTaken(tasks) => {
                let message = "The provided clientToken is already in use with a different RunTask request: use another \
                               clientToken, or repeat the original request unchanged.";
                Self::ConflictException(ecs::ConflictException {
                    message: Some(message.to_owned()),
                    resource_ids: Some(tasks.iter().map(ToString::to_string).collect()),
                })
            }
        }
    }
}

fn service_deployment_not_found() -> ecs::Error {
    let message = "The specified service deployment could not be found.".to_owned();
    ecs::Error::ServiceDeploymentNotFoundException(ecs::ServiceDeploymentNotFoundException {
        message: Some(message),
    })
}

impl FromRefusal<ContinueRefusal> for ecs::Error {
    fn from_refusal(refusal: ContinueRefusal) -> Self {
        match refusal {
            ContinueRefusal::NotFound => service_deployment_not_found(),
            ContinueRefusal::NotAwaited(status) => invalid_parameter(format!(
                "The lifecycle hook does not wait for an action: the service deployment has none of that hookId in \
                 AWAITING_ACTION, its status is {}. DescribeServiceDeployments shows the hooks of its stage.",
                status.as_str()
            )),
        }
    }
}

impl FromRefusal<StopServiceDeploymentRefusal> for ecs::Error {
    fn from_refusal(refusal: StopServiceDeploymentRefusal) -> Self {
        match refusal {
            StopServiceDeploymentRefusal::NotFound => service_deployment_not_found(),
            StopServiceDeploymentRefusal::Ended(status) => {
                let message = format!(
                    "The service deployment cannot be stopped: its status is {}. Only one in progress can be stopped.",
                    status.as_str()
                );
                Self::ConflictException(ecs::ConflictException {
                    message: Some(message),
                    resource_ids: None,
                })
            }
            StopServiceDeploymentRefusal::NothingToRollBackTo => invalid_parameter(
                "The service deployment cannot be rolled back: no earlier service revision was ever deployed.",
            ),
        }
    }
}

impl FromRefusal<ServiceRefusal> for ecs::Error {
    fn from_refusal(refusal: ServiceRefusal) -> Self {
        match refusal {
            ServiceRefusal::ClusterNotFound => cluster_not_found(),
            ServiceRefusal::NotFound => service_not_found(),
            ServiceRefusal::NotActive => service_not_active(),
            ServiceRefusal::NotIdempotent => invalid_parameter("Creation of service was not idempotent."),
            ServiceRefusal::StillDraining => {
                invalid_parameter("Unable to Start a service that is still Draining.")
            }
            ServiceRefusal::ScaledAboveZero => {
                invalid_parameter("The service cannot be stopped while it is scaled above 0.")
            }
            // terraform-provider-aws waits for task sets by this text.
            ServiceRefusal::ServiceConnect(refusal) => Self::from_refusal(refusal),
            ServiceRefusal::HasTaskSets => invalid_parameter(
                "The service cannot be stopped while deployments are active. Delete its task sets first, or use force.",
            ),
        }
    }
}
