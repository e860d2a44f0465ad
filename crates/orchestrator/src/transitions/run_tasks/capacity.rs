//! Tasks divided among the capacity providers of a strategy.

use domain::capacity_provider::{CapacityProviderStrategyItem, is_fargate};
use domain::{CapacityProviderArn, Scope};
use store::State;

use super::{PlacementFailure, RunTasks};

/// Amazon's reason for a capacity provider that has no container instances.
pub const EMPTY_CAPACITY_PROVIDER: &str = "EMPTY CAPACITY PROVIDER";

/// One part for each capacity provider that gets tasks. What a service's deployment already has counts.
pub fn parts(state: &State, run: &RunTasks) -> Vec<RunTasks> {
    let strategy = &run.capacity_provider_strategy;
    let existing: Vec<u32> = strategy.iter().map(|it| existing(state, run, it)).collect();
    let counts = placement::divide(strategy, &existing, run.count);
    let parts = strategy.iter().zip(counts).filter(|(_, count)| *count > 0);
    parts
        .map(|(item, count)| RunTasks {
            count,
            capacity_provider_strategy: vec![item.clone()],
            ..run.clone()
        })
        .collect()
}

fn existing(state: &State, run: &RunTasks, item: &CapacityProviderStrategyItem) -> u32 {
    let deployment = run.started_by.as_deref().unwrap_or_default();
    let service = run.service.as_ref();
    service.map_or(0, |it| {
        state.tasks_of_capacity_provider_count(it, deployment, &item.capacity_provider)
    })
}

/// The capacity provider of a part, if a strategy chose one.
pub fn provider(run: &RunTasks) -> Option<&str> {
    let item = run.capacity_provider_strategy.first();
    item.map(|it| it.capacity_provider.as_str())
}

/// Whether a part is for an Auto Scaling group: there are no groups yet, so nothing has registered for it.
pub fn is_of_group(run: &RunTasks) -> bool {
    provider(run).is_some_and(|it| !is_fargate(it))
}

/// Tasks do not wait for an Auto Scaling group to grow: they fail as on a group that is empty and not managed.
pub fn empty(scope: &Scope, name: &str) -> PlacementFailure {
    super::failure(
        CapacityProviderArn::of(scope, name).to_string(),
        EMPTY_CAPACITY_PROVIDER,
        None,
        "has no container instances",
    )
}
