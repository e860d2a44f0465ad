//! DescribeTasks and ListTasks.

use std::sync::Arc;

use api::ecs;
use domain::TaskArn;
use domain::task::Task;
use store::State;

use crate::call::Call;
use crate::handlers::ecs::clusters::require_active;
use crate::handlers::ecs::errors::{invalid_parameter, service_not_found};
use crate::handlers::ecs::{listing, names, render};

#[cfg(test)]
mod tests;

/// Most tasks of one DescribeTasks.
const DESCRIBED_MAX: usize = 100;

/// `DescribeTasks`: in the order asked for.
///
/// # Errors
/// ClusterNotFoundException; InvalidParameterException for none, too many, or tasks of another cluster.
pub async fn describe_tasks(call: Call<ecs::DescribeTasks>) -> Result<ecs::DescribeTasksOutput, ecs::Error> {
    let input = call.input();
    if input.tasks.is_empty() {
        return Err(invalid_parameter("Tasks cannot be empty."));
    }
    if input.tasks.len() > DESCRIBED_MAX {
        return Err(invalid_parameter(format!(
            "tasks can have at most {DESCRIBED_MAX} items."
        )));
    }
    let cluster = names::cluster(call.scope(), input.cluster.as_deref())?;
    let arns = input
        .tasks
        .iter()
        .map(|it| names::task(&cluster, it))
        .collect::<Result<Vec<_>, _>>()?;
    let include = input.include.iter().flatten().map(|it| it.as_str());
    listing::require_word("include", include.clone(), &["TAGS"])?;
    let shows_tags = include.count() > 0;
    call.access().store().read(|state| {
        require_active(state, &cluster)?;
        let (found, failures) = listing::found::<Task>(state, &arns);
        let tasks = found.into_iter().map(|it| render::task(state, it, shows_tags));
        Ok(ecs::DescribeTasksOutput {
            tasks: Some(tasks.collect()),
            failures: Some(failures),
        })
    })
}

/// `ListTasks`: by **desired** status, RUNNING unless told.
///
/// # Errors
/// ClusterNotFoundException, ServiceNotFoundException; InvalidParameterException for filters that do not go together.
pub async fn list_tasks(call: Call<ecs::ListTasks>) -> Result<ecs::ListTasksOutput, ecs::Error> {
    let input = call.input();
    let cluster = names::cluster(call.scope(), input.cluster.as_deref())?;
    if input.daemon_name.is_some() {
        return Err(invalid_parameter(
            "Filtering by daemonName is not supported by Gantry yet.",
        ));
    }
    let wanted_status = input.desired_status.as_ref().map(|it| it.as_str());
    listing::require_word("desiredStatus", wanted_status, &["RUNNING", "PENDING", "STOPPED"])?;
    let wanted_type = input.launch_type.as_ref().map(|it| it.as_str());
    listing::require_word("launchType", wanted_type, &listing::LAUNCH_TYPES)?;
    check_filters(input)?;
    let service = input
        .service_name
        .as_deref()
        .map(|it| names::service(&cluster, it))
        .transpose()?;
    let instance = input
        .container_instance
        .as_deref()
        .map(|it| names::container_instance(&cluster, it))
        .transpose()?;
    let desired = wanted_status.unwrap_or("RUNNING");
    let matches = |task: &Task| {
        task.desired_status.as_str() == desired
            && is_asked_for(input, task)
            && instance
                .as_ref()
                .is_none_or(|it| task.container_instance.as_ref() == Some(it))
    };
    let wanted = listing::Wanted {
        max_results: input.max_results,
        next_token: input.next_token.as_deref(),
    };
    let listing_name = format!(
        "tasks {cluster} {service:?} {instance:?} {desired} {:?} {:?} {:?}",
        input.family, input.started_by, input.launch_type
    );
    let key = call.access().page_key();
    let (task_arns, next_token) = call.access().store().read(|state| {
        require_active(state, &cluster)?;
        let tasks: Box<dyn Iterator<Item = &Arc<Task>>> = match (&service, &instance) {
            (Some(service), _) => {
                require_service(state, service)?;
                Box::new(state.tasks_of_service(service))
            }
            (None, Some(instance)) => Box::new(state.tasks_of_container_instance(instance)),
            (None, None) => {
                let after = listing::resumes_after(key, &wanted, &listing_name)?;
                let after = after.and_then(|it| TaskArn::parse(&it).ok());
                Box::new(state.tasks_of_cluster_after(&cluster, after.as_ref()))
            }
        };
        let items = tasks
            .filter(|it| matches(it))
            .map(|it| (it.arn.as_str(), it.arn.to_string()));
        listing::list(key, listing::HUNDRED, &wanted, &listing_name, items)
    })?;
    Ok(ecs::ListTasksOutput {
        task_arns: Some(task_arns),
        next_token,
    })
}

/// Filters that do not go with others, in Amazon's words; all go with the cluster and the desired status.
/// <https://github.com/aws/aws-sdk-go-v2/issues/1893>, <https://github.com/boto/boto3/issues/874>,
/// <https://github.com/fujiwara/ecsta/pull/119>
fn check_filters(input: &ecs::ListTasksInput) -> Result<(), ecs::Error> {
    let has_place_or_family = input.container_instance.is_some() || input.family.is_some();
    let filters = [
        (
            "startedBy",
            input.started_by.is_some(),
            has_place_or_family || input.service_name.is_some() || input.launch_type.is_some(),
        ),
        ("serviceName", input.service_name.is_some(), has_place_or_family),
    ];
    match filters
        .iter()
        .find(|(_, is_given, has_others)| *is_given && *has_others)
    {
        Some((filter, ..)) => Err(invalid_parameter(format!(
            "cannot specify {filter} with other arguments"
        ))),
        None => Ok(()),
    }
}

/// The filters that are plain members of a task.
fn is_asked_for(input: &ecs::ListTasksInput, task: &Task) -> bool {
    let is_of_family = |family: &str| {
        let known = task.task_definition.family_and_revision();
        known.is_some_and(|(it, _)| it == family)
    };
    input.family.as_deref().is_none_or(is_of_family)
        && input
            .started_by
            .as_deref()
            .is_none_or(|it| task.started_by.as_deref() == Some(it))
        && input
            .launch_type
            .as_ref()
            .is_none_or(|it| it.as_str() == task.launch_type.as_str())
}

fn require_service(state: &State, arn: &domain::ServiceArn) -> Result<(), ecs::Error> {
    state
        .get::<domain::service::Service>(arn)
        .map(|_| ())
        .ok_or_else(service_not_found)
}
