//! Container instances that tasks could run on, if these took them now and had room.

use domain::host::Host;
use domain::placement::PlacementConstraint;
use domain::task_definition::LaunchType;
use placement::{Candidate, InstanceTasks, Rules, unmet};
use store::State;

use super::{Joined, RunTasks, hosts, instance_tasks, platform};

/// Those that have the attributes and satisfy the constraints, but for `distinctInstance`: that is a matter of room.
/// Hosts of FARGATE have all that is asked for.
pub fn eligible<'a>(state: &'a State, run: &RunTasks) -> Vec<Joined<'a>> {
    let (hosts, _) = platform::matching(run, hosts(state, run, None));
    if run.launch_type == LaunchType::Fargate {
        return hosts;
    }
    let rules = standing_rules(
        run.definition
            .placement_constraints
            .iter()
            .chain(&run.placement_constraints),
    );
    let tasks = instance_tasks::of(state, run, &rules, &hosts);
    let attributes = platform::attributes(&run.definition);
    let is_eligible = |(index, joined): &(usize, Joined<'a>)| {
        let candidate = candidate(joined.0, *joined, tasks.get(*index));
        unmet(&candidate, &attributes, &rules).is_empty()
    };
    let found = hosts.into_iter().enumerate().filter(is_eligible);
    found.map(|(_, joined)| joined).collect()
}

/// Rules that do not ask what else a service has.
pub(super) fn standing_rules<'a>(constraints: impl Iterator<Item = &'a PlacementConstraint>) -> Rules {
    Rules::new(
        constraints.filter(|it| **it != PlacementConstraint::DistinctInstance),
        &[],
    )
}

pub(super) fn candidate<'a>(
    host: &'a Host,
    (_, instance): Joined<'a>,
    tasks: Option<&'a InstanceTasks>,
) -> Candidate<'a> {
    Candidate {
        host,
        container_instance: Some(&**instance),
        tasks,
    }
}
