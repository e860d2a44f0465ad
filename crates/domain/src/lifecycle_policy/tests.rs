use super::*;
use proptest::prelude::*;

fn days_ago(days: i64) -> Timestamp {
    now() - SignedDuration::from_hours(24 * days)
}

fn now() -> Timestamp {
    Timestamp::from_second(1_700_000_000).expect("in range")
}

fn image(digest: &str, tags: &[&str], days: i64) -> Candidate {
    Candidate {
        digest: digest.to_owned(),
        tags: tags.iter().map(|it| (*it).to_owned()).collect(),
        pushed_at: days_ago(days),
        is_referenced: false,
    }
}

fn rule(priority: u32, selection: Selection, limit: Limit) -> Rule {
    Rule {
        priority,
        selection,
        limit,
    }
}

fn prefixes(all: &[&str]) -> Selection {
    Selection::Prefixes(all.iter().map(|it| (*it).to_owned()).collect())
}

fn patterns(all: &[&str]) -> Selection {
    Selection::Patterns(all.iter().map(|it| (*it).to_owned()).collect())
}

fn check(rules: &[Rule], images: &[Candidate], expected: &[(&str, u32)]) {
    let expired = evaluate(rules, images, now());
    let expired: Vec<_> = expired
        .iter()
        .map(|it| (it.image.digest.as_str(), it.rule_priority))
        .collect();
    assert_eq!(expired, expected);
}

/// The first two are examples of Amazon's user guide.
#[test]
fn rules_expire_what_amazon_says() {
    let guide = [
        image("A", &["beta-1", "prod-1"], 10),
        image("B", &["beta-2", "prod-2"], 9),
        image("C", &["beta-3"], 8),
    ];
    let one = Limit::CountMoreThan(1);
    let (prod, beta) = (prefixes(&["prod"]), prefixes(&["beta"]));
    check(
        &[rule(1, prod.clone(), one), rule(2, beta.clone(), one)],
        &guide,
        &[("A", 1)],
    );
    check(
        &[rule(1, beta.clone(), one), rule(2, prod.clone(), one)],
        &guide,
        &[("A", 1), ("B", 1)],
    );
    let both = [image("A", &["alpha-1", "beta-1"], 3), image("B", &["alpha-2"], 2)];
    check(
        &[rule(1, prefixes(&["alpha", "beta"]), Limit::CountMoreThan(0))],
        &both,
        &[("A", 1)],
    );
    check(&[rule(5, Selection::Any, one)], &guide, &[("A", 5), ("B", 5)]);
    check(
        &[rule(1, patterns(&["*-2", "beta*"]), Limit::CountMoreThan(0))],
        &guide,
        &[("B", 1)],
    );
    check(
        &[rule(1, Selection::Any, Limit::DaysSincePushed(9))],
        &guide,
        &[("A", 1)],
    );
    check(
        &[rule(1, Selection::Untagged, Limit::CountMoreThan(0))],
        &guide,
        &[],
    );
    check(&[], &guide, &[]);
}

#[test]
fn an_image_of_an_index_stays() {
    let mut images = [image("A", &[], 10), image("B", &[], 9)];
    images[0].is_referenced = true;
    let rules = [rule(1, Selection::Untagged, Limit::CountMoreThan(0))];
    check(&rules, &images, &[("B", 1)]);
}

fn rules() -> impl Strategy<Value = Vec<Rule>> {
    let selection = prop_oneof![
        Just(Selection::Any),
        Just(Selection::Untagged),
        Just(prefixes(&["a"])),
        Just(prefixes(&["a", "b"])),
        Just(patterns(&["*1"])),
    ];
    let limit = prop_oneof![
        (0_u32..4).prop_map(Limit::CountMoreThan),
        (0_u32..9).prop_map(Limit::DaysSincePushed),
    ];
    let rules = prop::collection::vec((selection, limit), 0..4);
    rules.prop_map(|all| {
        let numbered = all.into_iter().zip(1..);
        numbered
            .map(|((selection, limit), at)| rule(at, selection, limit))
            .collect()
    })
}

fn images() -> impl Strategy<Value = Vec<Candidate>> {
    let tags = prop::sample::subsequence(vec!["a1", "a2", "b1", "c"], 0..=3);
    let images = prop::collection::vec((tags, 0_i64..9, any::<bool>()), 0..9);
    images.prop_map(|all| {
        let numbered = all.into_iter().enumerate();
        let made = numbered.map(|(at, (tags, days, is_referenced))| Candidate {
            is_referenced,
            ..image(&at.to_string(), &tags, days)
        });
        made.collect()
    })
}

proptest! {
    #[test]
    fn what_expires_is_selected_once_by_the_first_rule_that_may(rules in rules(), images in images()) {
        let expired = evaluate(&rules, &images, now());
        for (at, it) in expired.iter().enumerate() {
            prop_assert!(!it.image.is_referenced);
            prop_assert!(expired[..at].iter().all(|other| other.image.digest != it.image.digest));
            let first = rules.iter().find(|rule| rule.selection.selects(&it.image.tags));
            prop_assert_eq!(first.map(|rule| rule.priority), Some(it.rule_priority));
        }
        for rule in &rules {
            let selected: Vec<_> = images.iter().filter(|it| rule.selection.selects(&it.tags)).collect();
            let gone = |it: &&&Candidate| {
                expired.iter().any(|one| one.rule_priority == rule.priority && one.image.digest == it.digest)
            };
            if let Limit::CountMoreThan(count) = rule.limit {
                let left = selected.len() - selected.iter().filter(gone).count();
                prop_assert!(left >= selected.len().min(count as usize));
            }
        }
        // Evaluated again, what is left loses nothing more: no rule counts twice.
        let left: Vec<_> = images
            .iter()
            .filter(|it| !expired.iter().any(|one| one.image.digest == it.digest))
            .cloned()
            .collect();
        prop_assert!(evaluate(&rules, &left, now()).is_empty());
    }

    #[test]
    fn the_order_of_rules_and_images_does_not_matter(rules in rules(), images in images()) {
        let (mut other_rules, mut other_images) = (rules.clone(), images.clone());
        other_rules.reverse();
        other_images.reverse();
        let digests = |all: Vec<Expiry<'_>>| -> Vec<(String, u32)> {
            all.iter().map(|it| (it.image.digest.clone(), it.rule_priority)).collect()
        };
        prop_assert_eq!(
            digests(evaluate(&rules, &images, now())),
            digests(evaluate(&other_rules, &other_images, now()))
        );
    }
}
