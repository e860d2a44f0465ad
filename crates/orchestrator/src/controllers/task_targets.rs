//! Registers tasks of services with their target groups once they run, and deregisters them before they stop: a task is
//! told to stop when its load balancers have nothing in flight to it any more, or when the delay of the group is over.
//! Behind a classic load balancer, tasks also learn here how their instances are.
//! <https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task-lifecycle-explanation.html>

use std::collections::BTreeSet;

use domain::classic_load_balancer::ClassicLoadBalancer;
use domain::service::Service;
use domain::task::{Task, TaskStatus};
use domain::{ServiceArn, TaskArn};
use store::{Change, Changed, State, Tx};

use super::{Controller, Next};
use crate::transitions::{changed_tasks, deregister_tasks, drain_task, follow_instances, register_tasks};

#[cfg(test)]
mod tests;

/// Most tasks of a service that one run registers, deregisters or lets go.
const STEP_MAX: usize = 64;

/// See the module.
pub struct TaskTargets;

impl Controller for TaskTargets {
    const NAME: &'static str = "task_targets";
    type Key = ServiceArn;

    fn keys(&self, state: &State, change: &Change) -> Vec<ServiceArn> {
        if let Change::ClassicLoadBalancer(it) = change {
            return behind(state, it);
        }
        let task = match change {
            Change::Task(it) => it.after.as_ref(),
            // It has drained, or is gone.
            Change::Target(it) => it.current().task.as_ref().and_then(|it| state.get::<Task>(it)),
            _ => None,
        };
        // Health alone moves nothing.
        let moving = task.filter(|it| it.has_moving_targets());
        moving.and_then(|it| it.service.clone()).into_iter().collect()
    }

    fn all_keys(&self, state: &State) -> Vec<ServiceArn> {
        let services = state.all::<Service>().map(|it| &it.arn);
        let moving = services.filter(|it| state.tasks_with_moving_targets(it).next().is_some());
        let mut keys: Vec<_> = moving.cloned().collect();
        let all = state.all::<Service>().filter(|it| has_classic(it));
        keys.extend(all.map(|it| it.arn.clone()));
        keys
    }

    fn reconcile(&self, tx: &mut Tx<'_>, arn: &ServiceArn) -> Next {
        if let Some(it) = tx.get::<Service>(arn)
            && !follow_instances(tx, &it, STEP_MAX)
        {
            return Next::Again;
        }
        let moving = |tx: &Tx<'_>, is_meant: fn(&Task) -> bool| -> Vec<TaskArn> {
            let tasks = tx.state().tasks_with_moving_targets(arn);
            let meant = tasks.filter(|it| is_meant(it)).map(|it| it.arn.clone());
            meant.collect()
        };
        let (arriving, leaving) = (
            moving(tx, Task::is_to_be_registered),
            moving(tx, Task::is_to_be_deregistered),
        );
        let is_cut_short = arriving.len() > STEP_MAX || leaving.len() > STEP_MAX;
        let first = |tasks: &'_ [TaskArn]| tasks[..tasks.len().min(STEP_MAX)].to_vec();
        let mut has_moved = false;
        if let Some(known) = tx.get::<Service>(arn)
            && !(arriving.is_empty() && leaving.is_empty())
        {
            let mut service = Service::clone(&known);
            deregister_tasks(tx, &mut service, &first(&leaving));
            register_tasks(tx, &mut service, &first(&arriving));
            has_moved = service != *known;
            if has_moved {
                tx.put(service);
            }
        }
        let draining = moving(tx, |it| {
            it.last_status == TaskStatus::Deactivating && !it.is_registered()
        });
        let mut next = match is_cut_short && has_moved {
            true => Next::Again,
            false => Next::AwaitChange,
        };
        let mut gone = 0;
        for task in draining {
            if gone == STEP_MAX {
                return Next::Again;
            }
            match drain_task(tx, &task) {
                Some(left) => next = next.or(Next::After(left)),
                None => gone += 1,
            }
        }
        next
    }
}

fn has_classic(it: &Service) -> bool {
    it.load_balancers.iter().any(|it| it.behind.classic().is_some())
}

/// Services behind a classic load balancer, as far as a change of it may concern them.
fn behind(state: &State, change: &Changed<ClassicLoadBalancer>) -> Vec<ServiceArn> {
    let services: BTreeSet<ServiceArn> = match &change.before {
        Some(_) => {
            let tasks = changed_tasks(change).into_iter();
            let tasks = tasks.filter_map(|it| state.get::<Task>(&it));
            tasks.filter_map(|it| it.service.clone()).collect()
        }
        // There may have been one of that name before.
        None => {
            let scope = change.current().arn.scope();
            let all = state.all::<Service>().filter(|it| it.arn.scope() == scope);
            all.filter(|it| has_classic(it))
                .map(|it| it.arn.clone())
                .collect()
        }
    };
    services.into_iter().collect()
}
