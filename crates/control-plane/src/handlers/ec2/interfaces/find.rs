//! Looking for network interfaces without looking at every task.

use std::collections::BTreeSet;

use domain::network_interface::NetworkInterface;
use domain::task::Task;
use domain::{Scope, TaskArn};
use store::State;

use super::{Interface, is_of};

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

/// All that a search may find, by id.
pub fn candidates(state: &State, scope: &Scope, narrowing: Narrowing<'_>) -> Vec<(String, Candidate)> {
    let others = others(state, scope);
    let others = others.into_iter().filter(|it| narrowing.has(it));
    let mut found: Vec<_> = others
        .map(|it| (it.id.clone(), Candidate::Other(Box::new(it))))
        .collect();
    let tasks: BTreeSet<&TaskArn> = match narrowing {
        Narrowing::All => state.task_interfaces().map(|(_, task)| task).collect(),
        Narrowing::Ids(ids) => {
            let tasks = ids.iter().filter_map(|id| state.task_of_interface(id));
            tasks.map(|it| &it.arn).collect()
        }
        Narrowing::Subnets(ids) => ids.iter().flat_map(|id| state.tasks_in_subnet(id)).collect(),
        Narrowing::SecurityGroups(ids) => {
            let tasks = ids.iter().flat_map(|id| state.tasks_in_security_group(id));
            tasks.collect()
        }
    };
    for arn in tasks {
        if let Some(eni) = state.get::<Task>(arn).and_then(|it| it.eni.as_deref()) {
            found.push((eni.network_interface_id.clone(), Candidate::Task(arn.clone())));
        }
    }
    found.sort_by(|one, other| one.0.cmp(&other.0));
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

/// Whether an interface is a member of a security group.
pub fn has_member(state: &State, scope: &Scope, group_id: &str) -> bool {
    if state.tasks_in_security_group(group_id).len() > 0 {
        return true;
    }
    let mut others = others(state, scope).into_iter();
    others.any(|it| it.security_groups.iter().any(|it| it == group_id))
}
