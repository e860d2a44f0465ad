//! What placement says of each host, with nothing placed.

use std::slice;

use domain::ContainerInstanceArn;
use domain::host::Resources;
use domain::task_definition::LaunchType;
use store::Tx;

use super::{
    PlacementFailure, RunTasks, RunTasksRefusal, Where, capacity, failure, fargate, hosts, is_active, needs,
    placement,
};

/// What placement says of one task.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Considered {
    /// What it takes of its host.
    pub needs: Resources,
    /// Each host in question, with its reasons against the task; none if it takes it.
    pub hosts: Vec<(ContainerInstanceArn, Vec<PlacementFailure>)>,
    /// Reasons of no host.
    pub failures: Vec<PlacementFailure>,
    /// There is no host in question.
    pub nowhere: Option<RunTasksRefusal>,
}

/// Asks each host for itself whether it takes one of the tasks: by the code that places them. Draws ids only.
pub fn consider(tx: &Tx<'_>, run: &RunTasks) -> Considered {
    let mut considered = Considered {
        needs: needs(run),
        ..Considered::default()
    };
    let one = RunTasks {
        count: 1,
        ..run.clone()
    };
    let by_provider;
    let parts = if run.capacity_provider_strategy.is_empty() {
        slice::from_ref(&one)
    } else {
        by_provider = capacity::parts(tx.state(), &one);
        &by_provider[..]
    };
    for part in parts {
        if let Some(name) = capacity::provider(part).filter(|_| capacity::is_of_group(part)) {
            considered
                .failures
                .push(capacity::empty(&part.cluster.scope(), name));
            continue;
        }
        let mut found = hosts(tx.state(), part, None);
        let has_any = match &part.placed {
            Where::On(named) => {
                found.retain(|(_, instance)| named.contains(&instance.arn));
                !found.is_empty()
            }
            Where::Anywhere | Where::InZone(_) => found.iter().any(|(_, instance)| is_active(instance)),
        };
        if !has_any {
            match part.launch_type {
                LaunchType::Fargate => {
                    let unplaced = fargate::unplaced(tx.state(), &considered.needs, &[], 1);
                    considered.failures.extend(unplaced);
                }
                _ => considered.nowhere = Some(RunTasksRefusal::NoContainerInstances),
            }
        }
        for host in found {
            if !is_active(host.1) {
                // placement passes it over, whatever else it lacks
                let (arn, status) = (host.1.arn.clone(), host.1.status.as_str().to_owned());
                let closed = failure(arn.to_string(), "INACTIVE", Some(status), "is not active");
                considered.hosts.push((arn, vec![closed]));
                continue;
            }
            let decided = placement(tx, part, &considered.needs, vec![host], 1);
            considered.hosts.push((host.1.arn.clone(), decided.failures));
        }
    }
    considered
}
