//! Which images of a repository a lifecycle policy expires.
//!
//! <https://docs.aws.amazon.com/AmazonECR/latest/userguide/LifecyclePolicies.html>

use std::cmp::Reverse;

use jiff::SignedDuration;

use crate::Timestamp;
use crate::repository::matches_wildcard;

#[cfg(test)]
mod tests;

/// A rule. All its images expire, none is archived.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rule {
    /// `rulePriority`: lower ones decide first. No two rules of a policy have the same.
    pub priority: u32,
    /// Which images it is about.
    pub selection: Selection,
    /// Which of those expire.
    pub limit: Limit,
}

/// `tagStatus` and what goes with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Selection {
    /// `any`
    Any,
    /// `untagged`
    Untagged,
    /// `tagPrefixList`: for each prefix the image has a tag that begins with it.
    Prefixes(Vec<String>),
    /// `tagPatternList`: for each pattern the image has a tag that it matches.
    Patterns(Vec<String>),
}

/// `countType` with its number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Limit {
    /// `imageCountMoreThan`: all but this many, the youngest.
    CountMoreThan(u32),
    /// `sinceImagePushed`: those pushed longer ago than this many days.
    DaysSincePushed(u32),
}

/// An image as rules look at it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Candidate {
    /// Names it.
    pub digest: String,
    /// All its tags.
    pub tags: Vec<String>,
    /// When it was pushed.
    pub pushed_at: Timestamp,
    /// An index leads to it: it stays as long as the index does.
    pub is_referenced: bool,
}

/// An image that expires, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Expiry<'a> {
    /// Which.
    pub image: &'a Candidate,
    /// Of the rule that expires it.
    pub rule_priority: u32,
}

/// The images that expire at `now`, in the order of the rules and from old to young.
///
/// An image that a rule selects is out of reach of all rules that come later, which still count it.
pub fn evaluate<'a>(rules: &[Rule], images: &'a [Candidate], now: Timestamp) -> Vec<Expiry<'a>> {
    let mut rules: Vec<&Rule> = rules.iter().collect();
    rules.sort_by_key(|it| it.priority);
    // Youngest first. Of two pushed at once the digest decides, so that every evaluation says the same.
    let mut by_age: Vec<usize> = (0..images.len()).collect();
    by_age.sort_by_key(|at| (Reverse(images[*at].pushed_at), &images[*at].digest));
    let mut is_decided = vec![false; images.len()];
    let mut expired = Vec::new();
    for rule in rules {
        let selected = by_age
            .iter()
            .filter(|at| rule.selection.selects(&images[**at].tags));
        let selected: Vec<usize> = selected.copied().collect();
        let over = over_the_limit(rule.limit, &selected, images, now);
        let free = over.iter().rev().map(|at| (*at, &images[*at]));
        let free = free.filter(|(at, image)| !is_decided[*at] && !image.is_referenced);
        expired.extend(free.map(|(_, image)| Expiry {
            image,
            rule_priority: rule.priority,
        }));
        for at in selected {
            is_decided[at] = true;
        }
    }
    expired
}

/// Those of the selected images, youngest first, that are beyond the limit.
fn over_the_limit<'a>(
    limit: Limit,
    selected: &'a [usize],
    images: &[Candidate],
    now: Timestamp,
) -> &'a [usize] {
    let kept = match limit {
        Limit::CountMoreThan(count) => usize::try_from(count).unwrap_or(usize::MAX),
        Limit::DaysSincePushed(days) => {
            let age = SignedDuration::from_hours(i64::from(days) * 24);
            // Before all time nothing was pushed.
            let oldest = now.checked_sub(age).unwrap_or(Timestamp::MIN);
            selected.partition_point(|at| images[*at].pushed_at >= oldest)
        }
    };
    selected.get(kept..).unwrap_or_default()
}

impl Selection {
    fn selects(&self, tags: &[String]) -> bool {
        match self {
            Self::Any => true,
            Self::Untagged => tags.is_empty(),
            Self::Prefixes(prefixes) => each(prefixes, tags, |prefix, tag| tag.starts_with(prefix)),
            Self::Patterns(patterns) => each(patterns, tags, matches_wildcard),
        }
    }
}

/// Whether each of the wishes is fulfilled by some tag.
fn each(wishes: &[String], tags: &[String], fulfils: impl Fn(&str, &str) -> bool) -> bool {
    wishes
        .iter()
        .all(|wish| tags.iter().any(|tag| fulfils(wish, tag)))
}
