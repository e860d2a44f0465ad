//! Looking for network interfaces without looking at every task, and never at more than a stretch of them at once.

use std::collections::BTreeSet;

use domain::network_interface::NetworkInterface;
use domain::tags::Pair;
use domain::task::Task;
use domain::{Scope, TaskArn};
use store::State;

use super::{Interface, is_of};
use crate::handlers::ec2::stretches::{STRETCH, Stretch};

/// What narrows a search before anything is rendered.
#[derive(Clone, Copy, Debug)]
pub enum Narrowing<'a> {
    /// Nothing does.
    All,
    /// Ids of interfaces.
    Ids(&'a [String]),
    /// Subnets they are in.
    Subnets(&'a [String]),
    /// Security groups they are members of.
    SecurityGroups(&'a [String]),
}

impl Narrowing<'_> {
    fn has(&self, it: &Interface) -> bool {
        match self {
            Self::All => true,
            Self::Ids(ids) => ids.contains(&it.id),
            Self::Subnets(ids) => ids.contains(&it.subnet_id),
            Self::SecurityGroups(ids) => it.security_groups.iter().any(|it| ids.contains(it)),
        }
    }
}

/// What may be an interface of a page: rendered only when it is its turn.
pub enum Candidate {
    /// That of a task.
    Task(TaskArn),
    /// Any other.
    Other(Box<Interface>),
}

/// Where those of tasks begin: all others come before.
const TASKS: &str = "task ";

/// What a search may find after a position, at most a stretch of tasks.
pub fn candidates(
    state: &State,
    scope: &Scope,
    narrowing: Narrowing<'_>,
    after: Option<&str>,
) -> Stretch<Candidate> {
    if let Some(position) = after.and_then(|it| it.strip_prefix(TASKS)) {
        return of_tasks(state, narrowing, position);
    }
    let others = others(state, scope).into_iter();
    let others = others.filter(|it| narrowing.has(it) && after.is_none_or(|after| after < it.id.as_str()));
    let mut items: Vec<_> = others
        .map(|it| (it.id.clone(), Candidate::Other(Box::new(it))))
        .collect();
    items.sort_by(|one, other| one.0.cmp(&other.0));
    Stretch {
        items,
        resume: Some(TASKS.to_owned()),
    }
}

fn of_tasks(state: &State, narrowing: Narrowing<'_>, after: &str) -> Stretch<Candidate> {
    let found: Vec<(String, TaskArn)> = match narrowing {
        Narrowing::All => {
            let found = state.task_interfaces_from(&successor(after)).take(STRETCH);
            found.map(|(id, task)| (id.clone(), task.clone())).collect()
        }
        Narrowing::Ids(ids) => {
            let ids: BTreeSet<&String> = ids.iter().filter(|it| after < it.as_str()).collect();
            let found = ids
                .into_iter()
                .filter_map(|id| Some((id.clone(), state.task_of_interface(id)?.arn.clone())));
            found.take(STRETCH).collect()
        }
        Narrowing::Subnets(ids) => in_places(ids, after, |id, task| {
            Box::new(state.tasks_in_subnet_after(id, task))
        }),
        Narrowing::SecurityGroups(ids) => in_places(ids, after, |id, task| {
            Box::new(state.tasks_in_security_group_after(id, task))
        }),
    };
    let last = found.last().filter(|_| found.len() == STRETCH);
    let resume = last.map(|(position, _)| format!("{TASKS}{position}"));
    Stretch {
        items: found
            .into_iter()
            .map(|(position, task)| (format!("{TASKS}{position}"), Candidate::Task(task)))
            .collect(),
        resume,
    }
}

/// What comes next after an id, whatever ids there are.
fn successor(id: &str) -> String {
    format!("{id}\0")
}

/// Ids and tags of tasks' network interfaces, from an id on: of all, or of some ids. Goes on with the next id.
pub fn tagged_tasks(state: &State, scope: &Scope, ids: Option<&[String]>, from: &str) -> Stretch<Vec<Pair>> {
    let found: Vec<_> = match ids {
        None => state.task_interfaces_from(from).take(STRETCH).collect(),
        Some(ids) => {
            let ids: BTreeSet<&String> = ids.iter().filter(|it| from <= it.as_str()).collect();
            let found = ids
                .into_iter()
                .filter_map(|id| Some((id, &state.task_of_interface(id)?.arn)));
            found.take(STRETCH).collect()
        }
    };
    let last = found.last().filter(|_| found.len() == STRETCH);
    let resume = last.map(|(id, _)| successor(id));
    let tagged = found.into_iter().filter_map(|(id, task)| {
        let it = Interface::of_task(state.get::<Task>(task)?)?;
        (is_of(scope, &it) && !it.tags.is_empty()).then(|| (id.clone(), it.tags))
    });
    Stretch {
        items: tagged.collect(),
        resume,
    }
}

/// Tasks of several places, each once, by ARN: what goes from one place to another between two looks is not missed, as
/// its turn comes with its ARN.
fn in_places<'a>(
    places: &[String],
    after: &str,
    tasks: impl Fn(&str, Option<&TaskArn>) -> Box<dyn Iterator<Item = &'a TaskArn> + 'a>,
) -> Vec<(String, TaskArn)> {
    let after: Option<TaskArn> = TaskArn::parse(after).ok();
    let places: BTreeSet<&String> = places.iter().collect();
    let walks = places.into_iter().map(|it| tasks(it, after.as_ref()).peekable());
    let mut walks: Vec<_> = walks.collect();
    let mut found = Vec::new();
    while found.len() < STRETCH {
        let Some(next) = walks.iter_mut().filter_map(|it| it.peek().copied()).min() else {
            break;
        };
        for walk in &mut walks {
            walk.next_if_eq(&next);
        }
        found.push((next.to_string(), next.clone()));
    }
    found
}

impl Candidate {
    /// The interface, if it is of the scope.
    pub fn interface(self, state: &State, scope: &Scope) -> Option<Interface> {
        let it = match self {
            Self::Task(arn) => Interface::of_task(state.get::<Task>(&arn)?)?,
            Self::Other(it) => *it,
        };
        is_of(scope, &it).then_some(it)
    }
}

/// Those of everything but tasks: few.
fn others(state: &State, scope: &Scope) -> Vec<Interface> {
    let balancers = state
        .load_balancers(scope)
        .flat_map(|it| Interface::of_load_balancer(it));
    let classic = state
        .classic_load_balancers(scope)
        .flat_map(|it| Interface::of_classic_load_balancer(it));
    let targets = state
        .all::<domain::file_system::MountTarget>()
        .filter(|it| it.scope == *scope);
    let targets = targets.map(|it| Interface::of_mount_target(it));
    let own = state.network_interfaces(scope).map(|it| Interface::of_record(it));
    balancers.chain(classic).chain(targets).chain(own).collect()
}

/// The interface of an id.
pub fn find(state: &State, scope: &Scope, id: &str) -> Option<Interface> {
    let own = state.get::<NetworkInterface>(&id.to_owned());
    let of_task = || state.task_of_interface(id).and_then(|it| Interface::of_task(it));
    let found = own.map(|it| Interface::of_record(it)).or_else(of_task);
    let found = found.or_else(|| others(state, scope).into_iter().find(|it| it.id == id));
    found.filter(|it| is_of(scope, it))
}

/// The first of some ids that no interface has.
pub fn unknown<'a>(state: &State, scope: &Scope, ids: &'a [String]) -> Option<&'a String> {
    let others = match ids {
        [] => return None,
        _ => others(state, scope),
    };
    let is_known = |id: &String| {
        let of_task = || state.task_of_interface(id).and_then(|it| Interface::of_task(it));
        others.iter().any(|it| it.id == *id) || of_task().is_some_and(|it| is_of(scope, &it))
    };
    ids.iter().find(|id| !is_known(id))
}

/// Whether an interface is a member of a security group.
pub fn has_member(state: &State, scope: &Scope, group_id: &str) -> bool {
    if state.tasks_in_security_group(group_id).len() > 0 {
        return true;
    }
    let mut others = others(state, scope).into_iter();
    others.any(|it| it.security_groups.iter().any(|it| it == group_id))
}
