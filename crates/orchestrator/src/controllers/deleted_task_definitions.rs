//! Forgets task definitions whose deletion was asked for, once nothing refers to them any more.
//! <https://docs.aws.amazon.com/AmazonECS/latest/developerguide/delete-task-definition-v2.html>

use std::time::Duration;

use domain::TaskDefinitionArn;
use domain::service::{Service, ServiceStatus};
use domain::task_definition::{TaskDefinition, TaskDefinitionStatus};
use store::{Change, State, Tx};

use super::{Controller, Next};

/// Time between two looks at one that is still in use. What ends its last use are tasks, and these change far too
/// often to look at each.
const INTERVAL: Duration = Duration::from_secs(5);

/// See the module.
pub struct DeletedTaskDefinitions;

impl Controller for DeletedTaskDefinitions {
    const NAME: &'static str = "deleted_task_definitions";
    type Key = TaskDefinitionArn;

    fn keys(&self, _: &State, change: &Change) -> Vec<TaskDefinitionArn> {
        match change {
            Change::TaskDefinition(changed) => {
                let after = changed.after.iter().filter(|it| is_to_go(it));
                after.map(|it| it.arn.clone()).collect()
            }
            _ => Vec::new(),
        }
    }

    fn all_keys(&self, state: &State) -> Vec<TaskDefinitionArn> {
        let all = state.all::<TaskDefinition>().filter(|it| is_to_go(it));
        all.map(|it| it.arn.clone()).collect()
    }

    fn reconcile(&self, tx: &mut Tx<'_>, arn: &TaskDefinitionArn) -> Next {
        if !tx.get::<TaskDefinition>(arn).is_some_and(|it| is_to_go(&it)) {
            return Next::AwaitChange;
        }
        if is_in_use(tx.state(), arn) {
            return Next::After(INTERVAL);
        }
        tx.delete::<TaskDefinition>(arn);
        Next::AwaitChange
    }
}

fn is_to_go(definition: &TaskDefinition) -> bool {
    definition.status == TaskDefinitionStatus::DeleteInProgress
}

fn is_in_use(state: &State, arn: &TaskDefinitionArn) -> bool {
    let is_wanted = |it: &Service| {
        it.status != ServiceStatus::Inactive
            && (it.task_definition.as_ref() == Some(arn)
                || it.deployments.iter().any(|one| one.task_definition == *arn)
                || it.task_sets.iter().any(|one| one.task_definition == *arn))
    };
    state.tasks_of_task_definition_count(arn) > 0 || state.all::<Service>().any(|it| is_wanted(it))
}
