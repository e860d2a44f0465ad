//! How tasks are divided among the capacity providers of a strategy. Pure arithmetic.
//!
//! <https://docs.aws.amazon.com/AmazonECS/latest/developerguide/capacity-provider-launch-type-comparison.html>

use domain::capacity_provider::CapacityProviderStrategyItem;

#[cfg(test)]
mod tests;

/// How many of `count` further tasks go to each item, beside those that `existing` says it has.
///
/// Bases are filled first, in the order of the items. Each further task goes where the number of tasks beyond the base
/// is smallest for the weight; the first of equals gets it. Fewer than `count` are given out only if no item has a
/// weight.
pub fn divide(strategy: &[CapacityProviderStrategyItem], existing: &[u32], count: u32) -> Vec<u32> {
    let mut left = count;
    let mut given = vec![0_u32; strategy.len()];
    let has = |index: usize| existing.get(index).copied().unwrap_or(0);
    for (index, item) in strategy.iter().enumerate() {
        given[index] = item.base.saturating_sub(has(index)).min(left);
        left -= given[index];
    }
    for _ in 0..left {
        let beyond = |index: usize| {
            let total = u64::from(has(index)) + u64::from(given[index]);
            total.saturating_sub(u64::from(strategy[index].base))
        };
        let weighted = (0..strategy.len()).filter(|it| strategy[*it].weight > 0);
        // a / w < b / v, without fractions.
        let next = weighted.min_by(|a, b| {
            let (left, right) = (u64::from(strategy[*b].weight), u64::from(strategy[*a].weight));
            (beyond(*a) * left).cmp(&(beyond(*b) * right))
        });
        let Some(next) = next else { break };
        given[next] += 1;
    }
    given
}
