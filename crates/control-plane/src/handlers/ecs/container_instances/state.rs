//! UpdateContainerInstancesState and UpdateContainerAgent.

use api::ecs;
use domain::container_instance::{ContainerInstance, ContainerInstanceStatus};
use orchestrator::transitions::{self, Availability};

use crate::call::Call;
use crate::handlers::ecs::clusters::require_active;
use crate::handlers::ecs::errors::{self, client, invalid_parameter};
use crate::handlers::ecs::{names, render};

/// Most container instances of one UpdateContainerInstancesState.
const UPDATED_MAX: usize = 10;

/// `UpdateContainerInstancesState`: DRAINING takes no new tasks, services replace theirs, other tasks run on.
///
/// # Errors
/// ClusterNotFoundException; InvalidParameterException for another status, none or too many.
pub async fn update_container_instances_state(
    call: Call<ecs::UpdateContainerInstancesState>,
) -> Result<ecs::UpdateContainerInstancesStateOutput, ecs::Error> {
    let input = call.input();
    let wish = match input.status.as_str() {
        "ACTIVE" => Availability::Active,
        "DRAINING" => Availability::Draining,
        _ => {
            return Err(invalid_parameter(
                "Container instance status should be one of [ACTIVE, DRAINING]",
            ));
        }
    };
    let given = &input.container_instances;
    if given.is_empty() || given.len() > UPDATED_MAX {
        return Err(invalid_parameter(format!(
            "containerInstances must have 1 to {UPDATED_MAX} items."
        )));
    }
    let cluster = names::cluster(call.scope(), input.cluster.as_deref())?;
    let arns = given
        .iter()
        .map(|it| names::container_instance(&cluster, it))
        .collect::<Result<Vec<_>, _>>()?;
    let store = call.access().store();
    store.read(|state| require_active(state, &cluster))?;
    let updated = store
        .transact(move |tx| transitions::update_container_instances_state(tx, &arns, wish))
        .await;
    let updated = updated.map_err(errors::from_store)?;
    let (mut found, mut failures) = (Vec::new(), Vec::new());
    store.read(|state| {
        for (arn, outcome) in &updated {
            match outcome {
                Ok(it) => found.push(render::container_instance(state, it, &[])),
                Err(refusal) => failures.push(render::failure(arn.as_str(), refusal.as_str())),
            }
        }
    });
    Ok(ecs::UpdateContainerInstancesStateOutput {
        container_instances: Some(found),
        failures: Some(failures),
    })
}

/// `UpdateContainerAgent`: agents come with Gantry and are never updated by it, so there is no update.
///
/// # Errors
/// Always: NoUpdateAvailableException, MissingVersionException while the agent has never connected;
/// ClusterNotFoundException; ClientException for an unknown instance.
pub async fn update_container_agent(
    call: Call<ecs::UpdateContainerAgent>,
) -> Result<ecs::UpdateContainerAgentOutput, ecs::Error> {
    let input = call.input();
    let cluster = names::cluster(call.scope(), input.cluster.as_deref())?;
    let arn = names::container_instance(&cluster, &input.container_instance)?;
    let version = call.access().store().read(|state| {
        require_active(state, &cluster)?;
        let known = state
            .get::<ContainerInstance>(&arn)
            .filter(|it| it.status != ContainerInstanceStatus::Inactive);
        let known = known.ok_or_else(|| client("The referenced container instance was not found."))?;
        Ok(known.agent_version.clone())
    })?;
    Err(no_update(&version))
}

/// Why an agent of that version is not updated.
pub fn no_update(version: &str) -> ecs::Error {
    if version.is_empty() {
        let message = "Amazon ECS is unable to determine the current version of the Amazon ECS container agent on the \
                       container instance and does not have enough information to proceed with an update.";
        return ecs::Error::MissingVersionException(ecs::MissingVersionException {
            message: Some(message.to_owned()),
        });
    }
    let message = format!(
        "There is no update available for this Amazon ECS container agent. It has version {version}."
    );
    ecs::Error::NoUpdateAvailableException(ecs::NoUpdateAvailableException {
        message: Some(message),
    })
}
