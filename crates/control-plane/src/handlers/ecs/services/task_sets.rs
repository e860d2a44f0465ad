//! Task sets of services with the EXTERNAL deployment controller.

use std::sync::Arc;

use api::ecs;
use domain::capacity_provider::Capacity;
use domain::service::Service;
use domain::task_set::Scale;
use domain::{ServiceArn, TaskSetArn};
use orchestrator::transitions::{self, NewTaskSet, TaskSetRefusal};
use store::{State, Tally};

use super::{external, load_balancers, parse, registries, rules, unbuilt};
use crate::call::Call;
use crate::handlers::ecs::clusters::require_active;
use crate::handlers::ecs::errors::{self, FromRefusal, invalid_parameter};
use crate::handlers::ecs::{capacity_providers, listing, names, network, render, tags, task_definitions};

#[cfg(test)]
mod tests;

/// Longest `externalId`: it becomes an attribute of Cloud Map, where a value has so many characters.
const EXTERNAL_ID_LENGTH_MAX: usize = 1024;

impl FromRefusal<TaskSetRefusal> for ecs::Error {
    fn from_refusal(refusal: TaskSetRefusal) -> Self {
        match refusal {
            TaskSetRefusal::ServiceNotFound => errors::service_not_found(),
            TaskSetRefusal::ServiceNotActive => errors::service_not_active(),
            // https://github.com/hashicorp/terraform-provider-aws/issues/30347
            TaskSetRefusal::ServiceNotExternal => invalid_parameter(
                "Amazon ECS only supports task set management on services configured to use external deployment \
                 controllers.",
            ),
            TaskSetRefusal::NotFound => Self::TaskSetNotFoundException(ecs::TaskSetNotFoundException {
                message: Some("The specified task set does not exist.".to_owned()),
            }),
            TaskSetRefusal::NotIdempotent => invalid_parameter("Creation of task set was not idempotent."),
            // https://github.com/aws-samples/ecs-bg-external-controller/issues/6
            TaskSetRefusal::TooMany => invalid_parameter(
                "5 deployments exist on the service. Unable to create new TaskSet since this exceeds the maximum limit.",
            ),
            TaskSetRefusal::IsPrimary => invalid_parameter("Primary TaskSet cannot be deleted"),
            TaskSetRefusal::ScaledAboveZero => invalid_parameter(
                "The task set cannot be deleted while it is scaled above 0. Scale it to 0 first, or use force.",
            ),
            TaskSetRefusal::IsDraining => {
                invalid_parameter("The task set is DRAINING: it is being deleted, and cannot be updated.")
            }
        }
    }
}

/// `CreateTaskSet`.
///
/// # Errors
/// ClusterNotFoundException, ServiceNotFoundException, ServiceNotActiveException; InvalidParameterException in Amazon's
/// words; UnsupportedFeatureException for what is not built yet.
pub async fn create_task_set(call: Call<ecs::CreateTaskSet>) -> Result<ecs::CreateTaskSetOutput, ecs::Error> {
    let input = call.input();
    let shared = as_create_service(input);
    rules::check(&shared)?;
    let cluster = names::cluster(call.scope(), Some(&input.cluster))?;
    let arn = names::service(&cluster, &input.service)?;
    let external_id = input.external_id.clone();
    if external_id
        .as_ref()
        .is_some_and(|it| it.len() > EXTERNAL_ID_LENGTH_MAX)
    {
        return Err(invalid_parameter(format!(
            "externalId can have at most {EXTERNAL_ID_LENGTH_MAX} characters."
        )));
    }
    let store = call.access().store();
    let new = store.read(|state| -> Result<NewTaskSet, ecs::Error> {
        require_active(state, &cluster)?;
        let service = require_external(state, &arn)?;
        let definition = task_definitions::require_active(state, call.scope(), &input.task_definition)?;
        rules::check_with(&shared, &definition)?;
        unbuilt::refuse(&shared)?;
        let Capacity {
            launch_type,
            strategy,
        } = capacity_providers::capacity(
            state,
            &cluster,
            input.launch_type.as_ref(),
            input.capacity_provider_strategy.as_deref(),
            &definition,
        )?;
        rules::check_placement(service, launch_type)?;
        let network = input.network_configuration.as_ref();
        let load_balancers = input.load_balancers.as_deref().unwrap_or_default();
        let load_balancers = load_balancers::parse(state, &definition, load_balancers)?;
        external::refuse_classic_of_task_set(&load_balancers)?;
        Ok(NewTaskSet {
            service: arn.clone(),
            external_id,
            task_definition: definition.arn.clone(),
            launch_type,
            capacity_provider_strategy: strategy,
            platform_version: parse::platform_version(input.platform_version.as_deref(), launch_type)?,
            network_configuration: network::parse(state, call.scope(), &definition, launch_type, network)?,
            load_balancers,
            service_registries: registries::parse(
                state,
                &definition,
                input.service_registries.as_deref().unwrap_or_default(),
            )?,
            scale: scale(input.scale.as_ref())?,
            client_token: input.client_token.clone(),
            tags: tags::parse(input.tags.as_deref())?,
        })
    })?;
    let created = store
        .transact(move |tx| transitions::create_task_set(tx, new))
        .await;
    let (service, arn) = created.map_err(errors::from_store)?;
    Ok(ecs::CreateTaskSetOutput {
        task_set: store.read(|state| shown(state, &service, &arn, true)),
    })
}

/// `UpdateTaskSet`: another scale.
///
/// # Errors
/// TaskSetNotFoundException and those of CreateTaskSet.
pub async fn update_task_set(call: Call<ecs::UpdateTaskSet>) -> Result<ecs::UpdateTaskSetOutput, ecs::Error> {
    let input = call.input();
    let scale = scale(Some(&input.scale))?;
    let arn = named(&call, &input.cluster, &input.service, &input.task_set)?;
    let store = call.access().store();
    let (key, of) = (arn.clone(), arn);
    let updated = store
        .transact(move |tx| transitions::update_task_set(tx, &key, scale))
        .await;
    let service = updated.map_err(errors::from_store)?;
    Ok(ecs::UpdateTaskSetOutput {
        task_set: store.read(|state| shown(state, &service, &of, true)),
    })
}

/// `UpdateServicePrimaryTaskSet`: what is said of it is said of the service too.
///
/// # Errors
/// TaskSetNotFoundException and those of CreateTaskSet.
pub async fn update_service_primary_task_set(
    call: Call<ecs::UpdateServicePrimaryTaskSet>,
) -> Result<ecs::UpdateServicePrimaryTaskSetOutput, ecs::Error> {
    let input = call.input();
    let arn = named(&call, &input.cluster, &input.service, &input.primary_task_set)?;
    let store = call.access().store();
    let key = arn.clone();
    let updated = store.transact(move |tx| transitions::update_service_primary_task_set(tx, &key));
    let service = updated.await.map_err(errors::from_store)?;
    Ok(ecs::UpdateServicePrimaryTaskSetOutput {
        task_set: store.read(|state| shown(state, &service, &arn, true)),
    })
}

/// `DeleteTaskSet`: DRAINING until its tasks have stopped.
///
/// # Errors
/// TaskSetNotFoundException; InvalidParameterException for a PRIMARY one and for one that is scaled above 0, unless
/// forced; those of CreateTaskSet.
pub async fn delete_task_set(call: Call<ecs::DeleteTaskSet>) -> Result<ecs::DeleteTaskSetOutput, ecs::Error> {
    let input = call.input();
    let force = input.force == Some(true);
    let arn = named(&call, &input.cluster, &input.service, &input.task_set)?;
    let store = call.access().store();
    let key = arn.clone();
    let deleted = store
        .transact(move |tx| transitions::delete_task_set(tx, &key, force))
        .await;
    let service = deleted.map_err(errors::from_store)?;
    Ok(ecs::DeleteTaskSetOutput {
        task_set: store.read(|state| shown(state, &service, &arn, false)),
    })
}

/// `DescribeTaskSets`: those that are named, though Amazon's model would let a caller name none.
///
/// # Errors
/// InvalidParameterException for none; those of CreateTaskSet. <https://github.com/aws/aws-cli/issues/5380>
pub async fn describe_task_sets(
    call: Call<ecs::DescribeTaskSets>,
) -> Result<ecs::DescribeTaskSetsOutput, ecs::Error> {
    let input = call.input();
    let cluster = names::cluster(call.scope(), Some(&input.cluster))?;
    let arn = names::service(&cluster, &input.service)?;
    let include = input.include.iter().flatten().map(|it| it.as_str());
    listing::require_word("include", include.clone(), &["TAGS"])?;
    let shows_tags = include.count() > 0;
    let given = input.task_sets.as_deref().unwrap_or_default();
    if given.is_empty() {
        return Err(invalid_parameter("TaskSets cannot be empty."));
    }
    if given.len() > DESCRIBED_MAX {
        return Err(invalid_parameter(format!(
            "taskSets can have at most {DESCRIBED_MAX} items."
        )));
    }
    call.access().store().read(|state| {
        require_active(state, &cluster)?;
        let service = require_external(state, &arn)?;
        let (mut found, mut failures) = (Vec::new(), Vec::new());
        for it in given {
            let arn = names::task_set(&arn, it)?;
            match shown(state, service, &arn, shows_tags) {
                Some(it) => found.push(it),
                None => failures.push(render::missing(arn.to_string())),
            }
        }
        Ok(ecs::DescribeTaskSetsOutput {
            task_sets: Some(found),
            failures: Some(failures),
        })
    })
}

/// Most task sets of one DescribeTaskSets.
const DESCRIBED_MAX: usize = 100;

/// The members that a task set shares with a service: the same rules hold for both.
fn as_create_service(input: &ecs::CreateTaskSetInput) -> ecs::CreateServiceInput {
    ecs::CreateServiceInput {
        client_token: input.client_token.clone(),
        load_balancers: input.load_balancers.clone(),
        service_registries: input.service_registries.clone(),
        ..ecs::CreateServiceInput::default()
    }
}

fn require_external<'a>(state: &'a State, arn: &ServiceArn) -> Result<&'a Arc<Service>, ecs::Error> {
    transitions::external_service(state, arn).map_err(<ecs::Error as FromRefusal<_>>::from_refusal)
}

/// The task set that a call names; its cluster and its service come first.
fn named<O: wire::Operation>(
    call: &Call<O>,
    cluster: &str,
    service: &str,
    task_set: &str,
) -> Result<TaskSetArn, ecs::Error> {
    let cluster = names::cluster(call.scope(), Some(cluster))?;
    let service = names::service(&cluster, service)?;
    call.access().store().read(|state| {
        require_active(state, &cluster)?;
        require_external(state, &service).map(|_| ())
    })?;
    names::task_set(&service, task_set)
}

fn scale(given: Option<&ecs::Scale>) -> Result<Scale, ecs::Error> {
    let Some(given) = given else {
        return Ok(Scale::default());
    };
    let unit = given.unit.as_ref().map(ecs::ScaleUnit::as_str);
    listing::require_word("scale.unit", unit, &["PERCENT"])?;
    let value = given.value.unwrap_or(0.0);
    Scale::from_percent(value)
        .ok_or_else(|| invalid_parameter(format!("The scale value must be between 0 and 100, not {value}.")))
}

fn shown(state: &State, service: &Service, arn: &TaskSetArn, with_tags: bool) -> Option<ecs::TaskSet> {
    let tallies = state.service_tally(&service.arn);
    let mine = tallies.iter().find(|(id, _)| id == arn.id());
    let tally = mine.map_or(Tally::default(), |(_, tally)| *tally);
    let it = service.task_set(arn.id())?;
    Some(render::task_set(service, it, tally, with_tags))
}
