//! Which tasks of a part go first when it scales in: the ratio of its capacity provider strategy is kept.

use std::collections::BTreeSet;
use std::sync::Arc;

use domain::TaskArn;
use domain::task::Task;

use super::part::Part;

/// Of tasks in the order in which they would stop, those that their capacity provider has too many of.
/// Empty without a strategy.
pub fn surplus(part: &Part, tasks: &[Arc<Task>]) -> BTreeSet<TaskArn> {
    let strategy = &part.capacity_provider_strategy;
    let kept = placement::divide(strategy, &[], part.desired_count);
    let mut surplus = BTreeSet::new();
    for (item, kept) in strategy.iter().zip(kept) {
        let of_provider = tasks
            .iter()
            .filter(|it| it.capacity_provider.as_ref() == Some(&item.capacity_provider));
        let kept = usize::try_from(kept).unwrap_or(usize::MAX);
        surplus.extend(of_provider.rev().skip(kept).map(|it| it.arn.clone()));
    }
    surplus
}
