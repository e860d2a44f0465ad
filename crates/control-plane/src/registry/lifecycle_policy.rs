//! The JSON of lifecycle policies.
//!
//! <https://docs.aws.amazon.com/AmazonECR/latest/userguide/lifecycle_policy_parameters.html>

use domain::lifecycle_policy::{Limit, Rule, Selection};
use serde::Deserialize;

#[cfg(test)]
mod tests;

/// Most rules of a policy.
const RULES_MAX: usize = 50;
/// Longest description.
const DESCRIPTION_LENGTH_MAX: usize = 256;
/// Most `*` of a pattern.
const WILDCARDS_MAX: usize = 4;

/// What is wrong with a policy.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct InvalidPolicy(pub String);

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Policy {
    rules: Vec<RuleText>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct RuleText {
    rule_priority: u32,
    description: Option<String>,
    selection: SelectionText,
    action: Action,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct SelectionText {
    tag_status: String,
    tag_prefix_list: Option<Vec<String>>,
    tag_pattern_list: Option<Vec<String>>,
    storage_class: Option<String>,
    count_type: String,
    count_unit: Option<String>,
    count_number: u32,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Action {
    #[serde(rename = "type")]
    kind: String,
    target_storage_class: Option<String>,
}

/// Reads a policy.
///
/// # Errors
/// [`InvalidPolicy`]
pub fn parse(text: &str) -> Result<Vec<Rule>, InvalidPolicy> {
    let policy: Policy = serde_json::from_str(text).map_err(|error| InvalidPolicy(error.to_string()))?;
    if !(1..=RULES_MAX).contains(&policy.rules.len()) {
        return Err(InvalidPolicy(format!("a policy has 1 to {RULES_MAX} rules")));
    }
    let mut rules: Vec<Rule> = policy.rules.into_iter().map(rule).collect::<Result<_, _>>()?;
    rules.sort_by_key(|it| it.priority);
    if let Some(same) = rules.windows(2).find(|it| it[0].priority == it[1].priority) {
        let message = format!("rulePriority {} is given to more than one rule", same[0].priority);
        return Err(InvalidPolicy(message));
    }
    let any = rules.iter().position(|it| it.selection == Selection::Any);
    if any.is_some_and(|at| at + 1 < rules.len()) {
        return Err(InvalidPolicy(
            "the rule with tagStatus any must have the highest rulePriority, and there is only one"
                .to_owned(),
        ));
    }
    let untagged = rules
        .iter()
        .filter(|it| it.selection == Selection::Untagged)
        .count();
    if untagged > 1 {
        return Err(InvalidPolicy("only one rule has tagStatus untagged".to_owned()));
    }
    Ok(rules)
}

fn rule(text: RuleText) -> Result<Rule, InvalidPolicy> {
    let priority = text.rule_priority;
    let wrong = |what: &str| InvalidPolicy(format!("rule {priority}: {what}"));
    if priority == 0 {
        return Err(wrong("rulePriority must be at least 1"));
    }
    let description = text.description.unwrap_or_default();
    if description.chars().count() > DESCRIPTION_LENGTH_MAX {
        return Err(wrong("the description has at most 256 characters"));
    }
    match (text.action.kind.as_str(), text.action.target_storage_class) {
        ("expire", None) => {}
        ("transition", _) => return Err(wrong("the action transition is not supported by Gantry yet")),
        _ => return Err(wrong("the action must be of type expire")),
    }
    let SelectionText {
        count_number,
        count_type,
        count_unit,
        storage_class,
        ..
    } = &text.selection;
    if *count_number == 0 {
        return Err(wrong("countNumber must be at least 1"));
    }
    // All images are of the standard class.
    if storage_class.as_deref().is_some_and(|it| it != "standard") {
        return Err(wrong("the storage class archive is not supported by Gantry yet"));
    }
    let limit = match (count_type.as_str(), count_unit.as_deref()) {
        ("imageCountMoreThan", None) => Limit::CountMoreThan(*count_number),
        ("imageCountMoreThan", Some(_)) => return Err(wrong("countUnit goes with sinceImagePushed only")),
        ("sinceImagePushed", Some("days")) => Limit::DaysSincePushed(*count_number),
        ("sinceImagePushed", _) => return Err(wrong("countUnit must be days")),
        ("sinceImagePulled" | "sinceImageTransitioned", _) => {
            return Err(wrong(&format!(
                "countType {count_type} is not supported by Gantry yet"
            )));
        }
        _ => return Err(wrong("countType must be imageCountMoreThan or sinceImagePushed")),
    };
    let selection = selection(text.selection).map_err(|what| wrong(&what))?;
    Ok(Rule {
        priority,
        selection,
        limit,
    })
}

fn selection(text: SelectionText) -> Result<Selection, String> {
    let filled = |list: Option<Vec<String>>| list.filter(|it| !it.is_empty());
    let lists = (filled(text.tag_prefix_list), filled(text.tag_pattern_list));
    match (text.tag_status.as_str(), lists) {
        ("any", (None, None)) => Ok(Selection::Any),
        ("untagged", (None, None)) => Ok(Selection::Untagged),
        ("tagged", (Some(prefixes), None)) => Ok(Selection::Prefixes(prefixes)),
        ("tagged", (None, Some(patterns))) => {
            let has_too_many = |it: &String| it.matches('*').count() > WILDCARDS_MAX;
            if patterns.iter().any(has_too_many) {
                return Err(format!("a pattern has at most {WILDCARDS_MAX} wildcards"));
            }
            Ok(Selection::Patterns(patterns))
        }
        ("tagged", _) => Err("tagStatus tagged needs either tagPrefixList or tagPatternList".to_owned()),
        ("any" | "untagged", _) => {
            Err("tagPrefixList and tagPatternList go with tagStatus tagged only".to_owned())
        }
        _ => Err("tagStatus must be tagged, untagged or any".to_owned()),
    }
}
