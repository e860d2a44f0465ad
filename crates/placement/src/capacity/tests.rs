use domain::capacity_provider::CapacityProviderStrategyItem;
use proptest::prelude::*;

use super::divide;

fn strategy(items: &[(u32, u32)]) -> Vec<CapacityProviderStrategyItem> {
    let named = items.iter().enumerate();
    named
        .map(|(index, (base, weight))| CapacityProviderStrategyItem {
            capacity_provider: format!("provider-{index}"),
            base: *base,
            weight: *weight,
        })
        .collect()
}

#[test]
fn bases_come_first_then_the_ratio_of_weights() {
    type Case = (&'static [(u32, u32)], &'static [u32], u32, &'static [u32]);
    let cases: [Case; 12] = [
        (&[(0, 1)], &[0], 3, &[3]),
        (&[(0, 1), (0, 4)], &[0, 0], 5, &[1, 4]),
        (&[(0, 1), (0, 4)], &[0, 0], 1, &[1, 0]),
        (&[(0, 4), (0, 1)], &[0, 0], 10, &[8, 2]),
        // Amazon's example: base 1 on the first, then one to three.
        (&[(1, 1), (0, 3)], &[0, 0], 5, &[2, 3]),
        (&[(1, 0), (0, 3)], &[0, 0], 4, &[1, 3]),
        (&[(2, 0), (0, 1)], &[0, 0], 1, &[1, 0]),
        // What runs already counts.
        (&[(1, 0), (0, 3)], &[0, 3], 1, &[1, 0]),
        (&[(1, 0), (0, 3)], &[1, 0], 3, &[0, 3]),
        (&[(0, 1), (0, 1)], &[3, 0], 4, &[1, 3]),
        // Nothing has a weight: only the base is given out.
        (&[(2, 0), (0, 0)], &[0, 0], 5, &[2, 0]),
        (&[], &[], 5, &[]),
    ];
    for (items, existing, count, expected) in cases {
        let given = divide(&strategy(items), existing, count);
        assert_eq!(given, expected, "{items:?} {existing:?} {count}");
    }
}

fn items() -> impl Strategy<Value = Vec<(u32, u32)>> {
    proptest::collection::vec((0..20_u32, 0..=1000_u32), 1..6)
}

proptest! {
    #[test]
    fn all_tasks_are_given_out_if_anything_has_a_weight(items in items(), existing in proptest::collection::vec(0..50_u32, 6), count in 0..200_u32) {
        let strategy = strategy(&items);
        let given = divide(&strategy, &existing, count);
        let sum: u32 = given.iter().sum();
        prop_assert!(sum <= count);
        if items.iter().any(|(_, weight)| *weight > 0) {
            prop_assert_eq!(sum, count);
        }
    }

    #[test]
    fn bases_are_full_before_anything_goes_by_weight(items in items(), count in 0..200_u32) {
        let given = divide(&strategy(&items), &[], count);
        let is_over = given.iter().zip(&items).any(|(given, (base, _))| given > base);
        let are_full = given.iter().zip(&items).all(|(given, (base, _))| given >= base);
        prop_assert!(!is_over || are_full);
    }

    #[test]
    fn one_by_one_is_the_same_as_at_once(items in items(), count in 0..60_u32) {
        let strategy = strategy(&items);
        let mut existing = vec![0; items.len()];
        for _ in 0..count {
            let one = divide(&strategy, &existing, 1);
            for (sum, one) in existing.iter_mut().zip(one) {
                *sum += one;
            }
        }
        prop_assert_eq!(existing, divide(&strategy, &[], count));
    }

    #[test]
    fn the_rest_is_within_one_task_of_its_share_pairwise(items in items(), count in 0..200_u32) {
        let given = divide(&strategy(&items), &[], count);
        let beyond = |index: usize| u64::from(given[index].saturating_sub(items[index].0));
        for a in 0..items.len() {
            for b in 0..items.len() {
                let (weight_a, weight_b) = (u64::from(items[a].1), u64::from(items[b].1));
                if weight_a > 0 && weight_b > 0 && beyond(a) > 0 {
                    // The last task that `a` got was due: `b` was no nearer to its share.
                    prop_assert!((beyond(a) - 1) * weight_b <= beyond(b) * weight_a);
                }
            }
        }
    }
}
