//! Pauses between attempts: they grow, and are spread so that many agents do not call in step.

use std::time::Duration;

use domain::ids::Ids;

/// How pauses grow.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Backoff {
    /// The first pause.
    pub first: Duration,
    /// No pause is longer.
    pub longest: Duration,
    /// Each pause is this times the one before.
    pub factor: f64,
    /// Up to this part of a pause is added at random.
    pub jitter: f64,
}

impl Backoff {
    /// The pause after `failures` attempts that failed, at least one. `random` lies between 0 and 1.
    pub fn pause(&self, failures: u32, random: f64) -> Duration {
        let exponent = i32::try_from(failures.saturating_sub(1)).unwrap_or(i32::MAX);
        let seconds = self.first.as_secs_f64() * self.factor.powi(exponent);
        let bounded = seconds.min(self.longest.as_secs_f64());
        Duration::from_secs_f64(bounded * (1.0 + self.jitter * random))
    }
}

/// A number between 0 and 1 from the source of ids, so that a seed reproduces it.
pub fn random(ids: &Ids) -> f64 {
    let digits = ids.hex_32();
    let value = u32::from_str_radix(&digits[..8], 16).unwrap_or(0);
    f64::from(value) / f64::from(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_up_to_a_bound() {
        let backoff = Backoff {
            first: Duration::from_secs(3),
            longest: Duration::from_secs(192),
            factor: 2.0,
            jitter: 0.2,
        };
        let pauses: Vec<u64> = [1, 2, 3, 7, 8, 4000]
            .map(|it| backoff.pause(it, 0.0).as_secs())
            .into();
        assert_eq!(pauses, [3, 6, 12, 192, 192, 192]);
        assert_eq!(backoff.pause(1, 1.0), Duration::from_millis(3600));
    }

    #[test]
    fn random_numbers_lie_between_0_and_1() {
        let ids = Ids::seeded([7; 32]);
        let numbers: Vec<f64> = (0..100).map(|_| random(&ids)).collect();
        assert!(numbers.iter().all(|it| (0.0..=1.0).contains(it)));
        assert!(numbers.iter().any(|it| *it > 0.5) && numbers.iter().any(|it| *it < 0.5));
    }
}
