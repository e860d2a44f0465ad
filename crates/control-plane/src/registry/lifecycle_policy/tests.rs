use serde_json::{Value, json};

use super::*;

fn policy(rules: &[Value]) -> Result<Vec<Rule>, InvalidPolicy> {
    parse(&json!({ "rules": rules }).to_string())
}

fn rule(priority: u32, selection: Value) -> Value {
    json!({ "rulePriority": priority, "selection": selection, "action": { "type": "expire" } })
}

fn count(tag_status: &str) -> Value {
    json!({ "tagStatus": tag_status, "countType": "imageCountMoreThan", "countNumber": 3 })
}

#[test]
fn policies_are_read_in_the_order_of_priorities() {
    let pushed = json!({
        "tagStatus": "untagged", "countType": "sinceImagePushed", "countUnit": "days", "countNumber": 14,
    });
    let tagged = json!({
        "tagStatus": "tagged", "tagPatternList": ["v*"], "countType": "imageCountMoreThan", "countNumber": 3,
    });
    let rules = policy(&[rule(9, count("any")), rule(1, pushed), rule(5, tagged)]).expect("is valid");
    let expected = [
        (1, Selection::Untagged, Limit::DaysSincePushed(14)),
        (
            5,
            Selection::Patterns(vec!["v*".to_owned()]),
            Limit::CountMoreThan(3),
        ),
        (9, Selection::Any, Limit::CountMoreThan(3)),
    ];
    let rules: Vec<_> = rules
        .into_iter()
        .map(|it| (it.priority, it.selection, it.limit))
        .collect();
    assert_eq!(rules, expected);
}

#[test]
fn what_amazon_refuses_is_refused() {
    let with = |key: &str, value: Value| {
        let mut selection = count("any");
        selection[key] = value;
        rule(1, selection)
    };
    let transition = json!({
        "rulePriority": 1, "selection": count("any"),
        "action": { "type": "transition", "targetStorageClass": "archive" },
    });
    for rules in [
        vec![],
        vec![rule(1, count("any")), rule(2, count("untagged"))],
        vec![rule(1, count("untagged")), rule(1, count("any"))],
        vec![rule(1, count("untagged")), rule(2, count("untagged"))],
        vec![rule(0, count("any"))],
        vec![rule(1, count("tagged"))],
        vec![rule(1, count("some"))],
        vec![with("tagPrefixList", json!(["v"]))],
        vec![with("countNumber", json!(0))],
        vec![with("countNumber", json!(-1))],
        vec![with("countUnit", json!("days"))],
        vec![
            with("countUnit", Value::Null),
            with("countType", json!("sinceImagePushed")),
        ],
        vec![with("countType", json!("sinceImagePulled"))],
        vec![with("unknown", json!(1))],
        vec![transition],
    ] {
        assert!(policy(&rules).is_err(), "{rules:?}");
    }
    let wild = json!({
        "tagStatus": "tagged", "tagPatternList": ["*a*b*c*d*"], "countType": "imageCountMoreThan", "countNumber": 3,
    });
    assert!(policy(&[rule(1, wild)]).is_err());
    assert!(parse("").is_err() && parse("{}").is_err());
}
