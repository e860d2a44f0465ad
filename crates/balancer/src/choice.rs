//! Which of several a request goes to: pure, over counts that the caller gives.

use crate::dice::Dice;

#[cfg(test)]
mod tests;

/// Which of the weighted entries is hit by chance; none if all weights are zero.
pub(crate) fn weighted(weights: impl Iterator<Item = u32> + Clone, dice: &Dice) -> Option<usize> {
    let total: u64 = weights.clone().map(u64::from).sum();
    if total == 0 {
        return None;
    }
    let mut point = dice.below(total);
    let mut hit = None;
    for (index, weight) in weights.enumerate() {
        let weight = u64::from(weight);
        if weight > 0 {
            hit = Some(index);
        }
        if point < weight {
            return hit;
        }
        point -= weight;
    }
    // Weights may have shrunk since they were added up.
    hit
}

/// The entry with the lowest count, the search beginning at `start` so that equals take turns; none of none.
pub(crate) fn least(count: usize, start: usize, outstanding: impl Fn(usize) -> usize) -> Option<usize> {
    let mut best: Option<(usize, usize)> = None;
    for step in 0..count {
        let index = (start + step) % count;
        let load = outstanding(index);
        if load == 0 {
            return Some(index);
        }
        if best.is_none_or(|(_, lowest)| load < lowest) {
            best = Some((index, load));
        }
    }
    best.map(|(index, _)| index)
}

/// The share of a target that does not warm up.
pub(crate) const WHOLE_SHARE: u32 = 1000;

/// Turns, as `next` gives them, where a newcomer takes only the share that `share` gives it. A turn that it passes is gone,
/// so that all others get the same. None of none.
pub(crate) fn turns(
    count: usize,
    next: impl Fn() -> usize,
    share: impl Fn(usize) -> u32,
    dice: &Dice,
) -> Option<usize> {
    let mut last = None;
    for _ in 0..count {
        let index = next();
        let share = share(index);
        if share >= WHOLE_SHARE || dice.below(u64::from(WHOLE_SHARE)) < u64::from(share) {
            return Some(index);
        }
        last = Some(index);
    }
    last
}

/// The share of 1,000 that a target gets `elapsed` milliseconds after it became healthy, in a linear ramp.
pub(crate) fn slow_start_share(elapsed_ms: u64, ramp_ms: u64) -> u32 {
    if elapsed_ms >= ramp_ms {
        return WHOLE_SHARE;
    }
    // one in a hundred at the least, so that it warms up at all
    ((elapsed_ms * u64::from(WHOLE_SHARE) / ramp_ms) as u32).max(10)
}

/// The entry for a key by rendezvous: when an entry goes, only its own keys move.
pub(crate) fn by_hash(key: u64, entries: impl Iterator<Item = u64>) -> Option<usize> {
    let weigh = |(index, entry): (usize, u64)| (crate::dice::mix(key ^ entry.rotate_left(17)), index);
    entries.enumerate().map(weigh).max().map(|(_, index)| index)
}
