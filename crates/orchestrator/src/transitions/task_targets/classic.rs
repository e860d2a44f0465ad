//! Container instances behind classic load balancers, for the tasks of services that run on them.
//! <https://docs.aws.amazon.com/AmazonECS/latest/developerguide/service-load-balancing.html>

use std::collections::{BTreeMap, BTreeSet};

use domain::classic_load_balancer::{ClassicInstance, ClassicLoadBalancer, INSTANCES_MAX};
use domain::service::Service;
use domain::service_load_balancer::{TaskTarget, TaskTargetState};
use domain::target::TargetHealthState;
use domain::task::Task;
use domain::{Scope, TaskArn};
use store::{Changed, State, Tx};

use super::{Place, of_instance};
use crate::transitions::load_balancing::{NewInstance, NewTarget, deregister_instances, register_instances};

/// What a task is behind a classic load balancer, with these registered beside it.
pub(super) fn place(
    state: &State,
    task: &Task,
    (target, name): (&TaskTarget, &str),
    beside: &[NewTarget],
) -> Place {
    let Some(it) = state.classic_load_balancer_of_name(&task.arn.scope(), name) else {
        return Place::Never("The load balancer does not exist.");
    };
    match of_instance(state, task, target) {
        Place::Known(new) if !has_room(it, &new.id, beside) => {
            Place::Never("The load balancer has as many instances as it can have.")
        }
        place => place,
    }
}

/// One that is there already, for whomever, takes no room.
fn has_room(it: &ClassicLoadBalancer, id: &str, beside: &[NewTarget]) -> bool {
    let known: BTreeSet<&str> = it.instances.iter().map(|it| it.id.as_str()).collect();
    let others = beside.iter().map(|it| it.id.as_str());
    let others: BTreeSet<&str> = others.filter(|it| !known.contains(it)).collect();
    let is_there = known.contains(id) || others.contains(id);
    is_there || it.registered().count() + others.len() < INSTANCES_MAX
}

/// Registers instances for tasks; their load balancer has just been there.
pub(super) fn register(tx: &mut Tx<'_>, name: &str, instances: Vec<NewTarget>) {
    let scope = instances
        .iter()
        .find_map(|it| it.task.as_ref())
        .map(TaskArn::scope);
    let known = scope.and_then(|it| tx.state().classic_load_balancer_of_name(&it, name).cloned());
    if let Some(it) = known {
        let new = instances.into_iter().map(|it| NewInstance {
            id: it.id,
            zone: it.zone,
            task: it.task,
        });
        register_instances(tx, &it, new.collect());
    }
}

/// Deregisters instances, whole: other tasks on them get nothing either until they have drained, as on Amazon.
pub(super) fn deregister(tx: &mut Tx<'_>, scope: &Scope, name: &str, ids: BTreeSet<String>) {
    let known = tx.state().classic_load_balancer_of_name(scope, name).cloned();
    if let Some(it) = known {
        deregister_instances(tx, &it, &Vec::from_iter(ids));
    }
}

/// Whether an instance is registered, and that for a task.
pub(super) fn is_registered_for(state: &State, task: &Task, (name, id): (&str, &str)) -> bool {
    let it = state.classic_load_balancer_of_name(&task.arn.scope(), name);
    let instance = it.and_then(|it| it.instance(id));
    instance.is_some_and(|it| it.draining_since.is_none() && it.tasks.contains(&task.arn))
}

/// Tasks that may be concerned by a change of a classic load balancer: those whose instances are otherwise than before.
pub(crate) fn changed_tasks(change: &Changed<ClassicLoadBalancer>) -> BTreeSet<TaskArn> {
    let views = |it: Option<&ClassicLoadBalancer>| -> BTreeMap<TaskArn, TargetHealthState> {
        let Some(it) = it else { return BTreeMap::new() };
        let instances = it.instances.iter();
        let views = instances.flat_map(|instance| {
            let health = it.task_health_of(instance);
            instance.tasks.iter().map(move |task| (task.clone(), health))
        });
        views.collect()
    };
    let (before, after) = (views(change.before.as_deref()), views(change.after.as_deref()));
    let differs = |it: &&TaskArn| before.get(it) != after.get(it);
    before
        .keys()
        .chain(after.keys())
        .filter(differs)
        .cloned()
        .collect()
}

/// Brings what the tasks of a service know of their instances in line with what the load balancer says, for at most so many
/// tasks. One whose instance somebody has deregistered is to be registered again. `false`: there may be more.
pub(crate) fn follow_instances(tx: &mut Tx<'_>, service: &Service, most: usize) -> bool {
    let mut names = service.load_balancers.iter().filter_map(|it| it.behind.classic());
    let Some(name) = names.next() else { return true };
    let state = tx.state();
    let it = state.classic_load_balancer_of_name(&service.arn.scope(), name);
    let instances: BTreeMap<&str, &ClassicInstance> = match it {
        Some(it) => it.instances.iter().map(|it| (it.id.as_str(), it)).collect(),
        None => BTreeMap::new(),
    };
    let news = state.tasks_of_service(&service.arn).filter_map(|task| {
        let at = task.targets.iter().position(|it| is_registered_with(it, name))?;
        let (id, port) = task.targets[at].registered_as()?;
        let instance = instances.get(id).filter(|it| it.tasks.contains(&task.arn));
        let registered = |health| TaskTargetState::Registered {
            id: id.to_owned(),
            port,
            health,
        };
        let is = match (it, instance) {
            (None, _) => registered(TargetHealthState::Unused),
            (Some(it), Some(instance)) => registered(it.task_health_of(instance)),
            (Some(_), None) => TaskTargetState::Waiting,
        };
        (task.targets[at].state != is).then(|| (task.clone(), at, is))
    });
    let news: Vec<_> = news.take(most).collect();
    let is_all = news.len() < most;
    for (known, at, is) in news {
        let mut task = Task::clone(&known);
        task.targets[at].state = is;
        tx.put(task);
    }
    is_all
}

fn is_registered_with(it: &TaskTarget, name: &str) -> bool {
    it.is_registered() && it.behind.classic() == Some(name)
}
