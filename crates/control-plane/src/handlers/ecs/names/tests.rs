use super::*;

fn scope() -> Scope {
    Scope::new("123456789012", "us-east-1")
}

#[test]
fn clusters_are_named_or_default() {
    let arn = |name: &str| format!("arn:aws:ecs:us-east-1:123456789012:cluster/{name}");
    for (given, expected) in [
        (None, "default"),
        (Some(""), "default"),
        (Some("lab"), "lab"),
        (Some(&*arn("x")), "x"),
    ] {
        assert_eq!(cluster(&scope(), given).expect("valid").as_str(), arn(expected));
    }
    for given in [
        "a b",
        "arn:aws:ecs:us-east-1:1:service/x/y",
        ":",
        "ä",
        &"x".repeat(256),
    ] {
        assert!(cluster(&scope(), Some(given)).is_err(), "{given}");
    }
}

#[test]
fn members_are_named_in_three_ways_but_of_this_cluster_only() {
    let lab = ClusterArn::of(&scope(), "lab");
    let long = "arn:aws:ecs:us-east-1:123456789012:task/lab/0a1b";
    for given in ["0a1b", long, "arn:aws:ecs:us-east-1:123456789012:task/0a1b"] {
        assert_eq!(task(&lab, given).expect("valid").as_str(), long);
    }
    let error = task(&lab, "arn:aws:ecs:us-east-1:123456789012:task/other/0a1b").expect_err("other cluster");
    assert!(
        format!("{error:?}").contains("Identifier is for other. Your cluster is lab"),
        "{error:?}"
    );
    for given in [
        "",
        "a/b",
        "arn:aws:ecs:us-east-1:123456789012:service/lab/web",
        "arn:x",
    ] {
        assert!(task(&lab, given).is_err(), "{given}");
    }
}

#[test]
fn task_definitions_are_families_or_revisions() {
    use TaskDefinitionName::{Family, Revision};
    let arn = "arn:aws:ecs:us-east-1:123456789012:task-definition/web:3";
    assert_eq!(task_definition(&scope(), "web"), Ok(Family("web".into())));
    assert_eq!(task_definition(&scope(), "web:3"), Ok(Revision("web".into(), 3)));
    assert_eq!(task_definition(&scope(), arn), Ok(Revision("web".into(), 3)));
    for given in [
        "",
        "web:",
        "web:0",
        "web:-1",
        "web:x",
        "web:1:2",
        "arn:aws:ecs:eu-west-1:1:task-definition/web:3",
    ] {
        assert!(task_definition(&scope(), given).is_err(), "{given}");
    }
}
