use proptest::prelude::*;

use super::*;

fn scale(percent: f64) -> Scale {
    Scale::from_percent(percent).expect("is a share")
}

#[test]
fn shares_round_up() {
    let cases = [
        (10, 30.0, 3),
        (1, 50.0, 1),
        (4, 30.0, 2),
        (4, 25.0, 1),
        (1000, 0.1, 1),
        (1000, 1.1, 11),
        (3, 100.0, 3),
        (3, 0.0, 0),
        (0, 100.0, 0),
        (5000, 0.000_000_001, 1),
        (u32::MAX, 100.0, u32::MAX),
    ];
    for (desired, percent, expected) in cases {
        assert_eq!(scale(percent).of(desired), expected, "{percent} % of {desired}");
    }
}

#[test]
fn a_share_reads_back_as_it_was_given() {
    for percent in [0.0, 0.1, 12.5, 33.333_333, 99.999_999, 100.0] {
        assert!(
            (scale(percent).percent() - percent).abs() < f64::EPSILON,
            "{percent}"
        );
    }
    for percent in [-0.1, 100.000_1, f64::NAN, f64::INFINITY] {
        assert_eq!(Scale::from_percent(percent), None, "{percent}");
    }
}

proptest! {
    /// Shares that make a whole never want fewer tasks than it, and at most one more for each.
    #[test]
    fn shares_of_a_whole_cover_it(desired in 0_u32..=5000, cuts in proptest::collection::vec(0_u32..=100, 0..4)) {
        let mut cuts = cuts;
        cuts.extend([0, 100]);
        cuts.sort_unstable();
        let shares: Vec<u32> = cuts.windows(2).map(|it| it[1] - it[0]).collect();
        let sum: u32 = shares.iter().map(|it| scale(f64::from(*it)).of(desired)).sum();
        let used = u32::try_from(shares.iter().filter(|it| **it > 0).count()).expect("a few");
        prop_assert!(sum >= desired);
        prop_assert!(sum < desired + used, "{sum} of {desired}");
    }
}
