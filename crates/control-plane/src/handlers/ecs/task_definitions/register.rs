//! A definition becomes the next revision of its family.

use api::ecs;
use domain::task_definition::{TaskDefinition, TaskDefinitionStatus};
use domain::{TaskDefinitionArn, Timestamp};
use orchestrator::transitions;

use super::parse::{self, Draft};
use super::{requires, unbuilt};
use crate::call::Call;
use crate::handlers::ecs::{errors, render, tags};

/// `RegisterTaskDefinition`: always a new revision.
///
/// # Errors
/// ClientException for what the definition may not say.
pub async fn register_task_definition(
    call: Call<ecs::RegisterTaskDefinition>,
) -> Result<ecs::RegisterTaskDefinitionOutput, ecs::Error> {
    let scope = call.scope().clone();
    let draft = parse::parse(&scope, call.input())?;
    unbuilt::refuse(&draft)?;
    let registered_by = call.caller().arn();
    let store = call.access().store();
    let registered = store
        .transact(move |tx| {
            let now = tx.now();
            transitions::register_task_definition(tx, &scope, &draft.family.clone(), |arn, revision| {
                record(draft, arn, revision, now, registered_by)
            })
        })
        .await;
    let registered = registered.map_err(errors::from_store)?;
    Ok(ecs::RegisterTaskDefinitionOutput {
        task_definition: Some(render::task_definition(&registered)),
        tags: Some(tags::render(&registered.tags)),
    })
}

/// A draft with its number.
pub fn record(
    draft: Draft,
    arn: TaskDefinitionArn,
    revision: u32,
    now: Timestamp,
    registered_by: String,
) -> TaskDefinition {
    TaskDefinition {
        arn,
        revision,
        status: TaskDefinitionStatus::Active,
        registered_at: now,
        deregistered_at: None,
        delete_requested_at: None,
        registered_by,
        requires_attributes: requires::attributes(&draft),
        family: draft.family,
        network_mode: draft.network_mode,
        requires_compatibilities: draft.requires_compatibilities,
        compatibilities: draft.compatibilities,
        cpu: draft.cpu,
        memory: draft.memory,
        execution_role_arn: draft.execution_role_arn,
        task_role_arn: draft.task_role_arn,
        runtime_platform: draft.runtime_platform,
        containers: draft.containers,
        volumes: draft.volumes,
        placement_constraints: draft.placement_constraints,
        pid_mode: draft.pid_mode,
        ipc_mode: draft.ipc_mode,
        proxy_configuration: draft.proxy_configuration,
        ephemeral_storage_gib: draft.ephemeral_storage_gib,
        enable_fault_injection: draft.enable_fault_injection,
        tags: draft.tags,
    }
}
