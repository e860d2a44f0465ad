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
    let id = "0123456789abcdef0123456789abcdef";
    let arn = |path: &str| format!("arn:aws:ecs:us-east-1:123456789012:task/{path}{id}");
    for given in [id, &arn("lab/"), &arn("")] {
        assert_eq!(task(&lab, given).expect("valid").as_str(), arn("lab/"));
    }
    let error = task(&lab, &arn("other/")).expect_err("other cluster");
    assert!(
        format!("{error:?}").contains("Identifier is for cluster other. Your cluster is lab\""),
        "{error:?}"
    );
    for (scope, difference) in [
        (
            "eu-west-1:123456789012",
            "region eu-west-1, your region is us-east-1",
        ),
        (
            "us-east-1:210987654321",
            "account 210987654321, your account is 123456789012",
        ),
    ] {
        let error = task(&lab, &format!("arn:aws:ecs:{scope}:task/lab/{id}")).expect_err("another scope");
        let told = format!(
            "Invalid identifier: Identifier is for cluster lab. Your cluster is lab. The identifier is of the {difference}"
        );
        assert!(format!("{error:?}").contains(&told), "{error:?}");
    }
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
fn what_is_too_long_or_too_deep_is_refused_in_amazons_words() {
    let lab = ClusterArn::of(&scope(), "lab");
    let message = |error: &ecs::Error| format!("{error:?}");
    for given in [
        "",
        "None",
        "0a1b",
        "arn:aws:ecs:us-east-1:123456789012:task/lab/0a1b",
    ] {
        let error = task(&lab, given).expect_err("too short");
        assert!(
            message(&error).contains("taskId length should be one of [32,36]"),
            "{given}"
        );
    }
    let error = cluster(&scope(), Some("a/b")).expect_err("two parts");
    assert!(message(&error).contains("Invalid identifier: Unexpected number of separators"));
    let foreign = "arn:aws:ecs:us-east-1:210987654321:cluster/lab";
    let error = cluster(&scope(), Some(foreign)).expect_err("of another account");
    assert!(message(&error).contains("Cluster not found."));
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
