//! `Filters` of the Describe operations.

use api::ec2;

use super::tags::Tagged;
use super::{invalid_value, refusal};

/// Most values of all filters of a call.
const VALUES_MAX: usize = 200;

/// What a filter compares.
pub struct Rule<T> {
    /// Names that a filter may have; one that ends in a colon stands for all that begin with it.
    pub names: &'static [&'static str],
    /// What the resource has under them.
    pub values: fn(&T) -> Vec<String>,
}

impl<T> Rule<T> {
    fn is_of(&self, name: &str) -> bool {
        self.names
            .iter()
            .any(|it| *it == name || (it.ends_with(':') && name.starts_with(it)))
    }
}

/// What a filter looks at.
enum Subject<'a, T> {
    Rule(&'a Rule<T>),
    /// `tag:<key>`
    TagOf(&'a str),
    /// `tag-key`
    TagKey,
    /// `tag-value`
    TagValue,
}

impl<T: Tagged> Subject<'_, T> {
    fn has_match(&self, resource: &T, patterns: &[String]) -> bool {
        let is_match = |text: &str| patterns.iter().any(|pattern| matches(pattern, text));
        let key = |it: &ec2::Tag| it.key.clone().unwrap_or_default();
        let value = |it: &ec2::Tag| it.value.clone().unwrap_or_default();
        let mut tags = resource.tags().iter();
        match self {
            Self::Rule(rule) => (rule.values)(resource).iter().any(|it| is_match(it)),
            Self::TagOf(name) => tags.any(|it| key(it) == *name && is_match(&value(it))),
            Self::TagKey => tags.any(|it| is_match(&key(it))),
            Self::TagValue => tags.any(|it| is_match(&value(it))),
        }
    }
}

/// Filters that exist: every one of them must match.
pub struct Filters<'a, T>(Vec<(Subject<'a, T>, &'a [String])>);

impl<'a, T: Tagged> Filters<'a, T> {
    /// Finds the rules of the given filters. Filters on tags need none: all that has tags has them.
    ///
    /// # Errors
    /// InvalidParameterValue for a filter that the operation does not have, MissingParameter for one without values,
    /// FilterLimitExceeded.
    pub fn of(rules: &'a [Rule<T>], given: Option<&'a Vec<ec2::Filter>>) -> Result<Self, ec2::Error> {
        let mut filters = Vec::new();
        let mut count = 0;
        for (at, filter) in given.into_iter().flatten().enumerate() {
            let name = filter.name.as_deref().unwrap_or("null");
            let subject = subject(rules, name);
            let subject = subject.ok_or_else(|| invalid_value(format!("The filter '{name}' is invalid")))?;
            let values = filter.values.as_deref().unwrap_or_default();
            if values.is_empty() {
                return Err(refusal(
                    "MissingParameter",
                    format!("The request must contain the parameter Filter.{}.Value", at + 1),
                ));
            }
            count += values.len();
            filters.push((subject, values));
        }
        if count > VALUES_MAX {
            return Err(refusal(
                "FilterLimitExceeded",
                format!("The maximum number of filter values specified on a single call is {VALUES_MAX}"),
            ));
        }
        Ok(Self(filters))
    }

    /// Whether each filter has a value that the resource has.
    pub fn match_all(&self, resource: &T) -> bool {
        let mut all = self.0.iter();
        all.all(|(subject, wanted)| subject.has_match(resource, wanted))
    }
}

fn subject<'a, T: Tagged>(rules: &'a [Rule<T>], name: &'a str) -> Option<Subject<'a, T>> {
    if let Some(rule) = rules.iter().find(|it| it.is_of(name)) {
        return Some(Subject::Rule(rule));
    }
    match name {
        _ if !T::HAS_TAGS => None,
        "tag-key" => Some(Subject::TagKey),
        "tag-value" => Some(Subject::TagValue),
        _ => name.strip_prefix("tag:").map(Subject::TagOf),
    }
}

/// Values that a filter name is given, if it is given: what narrows a search before anything is rendered.
pub fn values_of<'a>(given: Option<&'a Vec<ec2::Filter>>, names: &[&str]) -> Option<&'a [String]> {
    let mut filters = given.into_iter().flatten();
    let found = filters.find(|it| it.name.as_deref().is_some_and(|name| names.contains(&name)));
    found.map(|it| it.values.as_deref().unwrap_or_default())
}

/// Values of [`values_of`] if none of them is a pattern.
pub fn exact_values_of<'a>(given: Option<&'a Vec<ec2::Filter>>, names: &[&str]) -> Option<&'a [String]> {
    let values = values_of(given, names)?;
    let is_exact = |it: &String| !it.contains(['*', '?', '\\']);
    values.iter().all(is_exact).then_some(values)
}

/// `*` stands for any letters, `?` for one, and `\` takes the meaning of the next:
/// <https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/Using_Filtering.html>
pub fn matches(pattern: &str, text: &str) -> bool {
    let (pattern, text): (Vec<char>, Vec<char>) = (pattern.chars().collect(), text.chars().collect());
    let (mut p, mut t) = (0, 0);
    // Where to go on after the last star, if what follows it does not match: one letter further each time.
    let mut retry: Option<(usize, usize)> = None;
    while t < text.len() {
        let step = match (pattern.get(p), pattern.get(p + 1)) {
            (Some('*'), _) => {
                retry = Some((p + 1, t));
                p += 1;
                continue;
            }
            (Some('?'), _) => Some(1),
            (Some('\\'), Some(escaped)) => (*escaped == text[t]).then_some(2),
            (Some(letter), _) => (*letter == text[t]).then_some(1),
            (None, _) => None,
        };
        match (step, retry) {
            (Some(step), _) => (p, t) = (p + step, t + 1),
            (None, Some((after_star, from))) => {
                retry = Some((after_star, from + 1));
                (p, t) = (after_star, from + 1);
            }
            (None, None) => return false,
        }
    }
    pattern[p..].iter().all(|it| *it == '*')
}
