//! Revisions of families.

use std::convert::Infallible;
use std::sync::Arc;

use domain::task_definition::{TaskDefinition, TaskDefinitionFamily, TaskDefinitionStatus};
use domain::{Scope, TaskDefinitionArn};
use store::Tx;

/// Why a revision stays.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TaskDefinitionRefusal {
    /// There is none.
    #[error("The specified task definition does not exist.")]
    NotFound,
    /// Only INACTIVE ones can be deleted.
    #[error(
        "The specified task definition is still in ACTIVE status. Please deregister the target and try again."
    )]
    Active,
}

/// What DeleteTaskDefinitions did.
#[derive(Clone, Debug, Default)]
pub struct DeletedTaskDefinitions {
    /// Now DELETE_IN_PROGRESS.
    pub deleted: Vec<Arc<TaskDefinition>>,
    /// Left as they were.
    pub refused: Vec<(TaskDefinitionArn, TaskDefinitionRefusal)>,
}

/// Gives a definition the next number of its family, which never comes again.
///
/// # Errors
/// None.
pub fn register_task_definition(
    tx: &mut Tx<'_>,
    scope: &Scope,
    family: &str,
    make: impl FnOnce(TaskDefinitionArn, u32) -> TaskDefinition,
) -> Result<Arc<TaskDefinition>, Infallible> {
    let known = tx.get::<TaskDefinitionFamily>(&(scope.clone(), family.to_owned()));
    let revision = known.map_or(0, |it| it.last_revision) + 1;
    tx.put(TaskDefinitionFamily {
        scope: scope.clone(),
        name: family.to_owned(),
        last_revision: revision,
    });
    let definition = make(TaskDefinitionArn::of(scope, family, revision), revision);
    tx.put(definition.clone());
    Ok(Arc::new(definition))
}

/// ACTIVE becomes INACTIVE; one that is not ACTIVE stays as it is.
///
/// # Errors
/// There is none.
pub fn deregister_task_definition(
    tx: &mut Tx<'_>,
    arn: &TaskDefinitionArn,
) -> Result<Arc<TaskDefinition>, TaskDefinitionRefusal> {
    let known = tx
        .get::<TaskDefinition>(arn)
        .ok_or(TaskDefinitionRefusal::NotFound)?;
    if known.status != TaskDefinitionStatus::Active {
        return Ok(known);
    }
    let definition = TaskDefinition {
        status: TaskDefinitionStatus::Inactive,
        deregistered_at: Some(tx.now()),
        ..(*known).clone()
    };
    tx.put(definition.clone());
    Ok(Arc::new(definition))
}

/// INACTIVE becomes DELETE_IN_PROGRESS.
///
/// # Errors
/// None: each refusal is in the answer.
pub fn delete_task_definitions(
    tx: &mut Tx<'_>,
    arns: &[TaskDefinitionArn],
) -> Result<DeletedTaskDefinitions, Infallible> {
    let mut outcome = DeletedTaskDefinitions::default();
    for arn in arns {
        let Some(known) = tx.get::<TaskDefinition>(arn) else {
            outcome
                .refused
                .push((arn.clone(), TaskDefinitionRefusal::NotFound));
            continue;
        };
        if known.status == TaskDefinitionStatus::Active {
            outcome.refused.push((arn.clone(), TaskDefinitionRefusal::Active));
            continue;
        }
        let definition = TaskDefinition {
            status: TaskDefinitionStatus::DeleteInProgress,
            delete_requested_at: known.delete_requested_at.or(Some(tx.now())),
            ..(*known).clone()
        };
        tx.put(definition.clone());
        outcome.deleted.push(Arc::new(definition));
    }
    Ok(outcome)
}
