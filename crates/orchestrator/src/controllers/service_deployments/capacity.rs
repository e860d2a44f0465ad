//! How many tasks of a part go first when it scales in: the ratio of its capacity provider strategy is kept.

use domain::task::Task;

use super::part::Part;

/// Of these tasks, how many each capacity provider of the strategy has too many. Empty without a strategy.
pub fn surplus(part: &Part, tasks: &[&Task]) -> Vec<(String, u32)> {
    let strategy = &part.capacity_provider_strategy;
    let kept = placement::divide(strategy, &[], part.desired_count);
    let surplus = strategy.iter().zip(kept).map(|(item, kept)| {
        let name = &item.capacity_provider;
        let of_provider = tasks
            .iter()
            .filter(|it| it.capacity_provider.as_ref() == Some(name));
        let has = u32::try_from(of_provider.count()).unwrap_or(u32::MAX);
        (name.clone(), has.saturating_sub(kept))
    });
    surplus.filter(|(_, count)| *count > 0).collect()
}
