use std::collections::BTreeSet;

use domain::container_instance::{ContainerInstance, ContainerInstanceStatus};
use domain::host::{Host, Resources};
use domain::tags::Pair;
use domain::{ClusterArn, Scope};
use proptest::prelude::*;

use super::parse::DEPTH_MAX;
use super::*;

fn host() -> Host {
    Host {
        id: "h".into(),
        account: "1".into(),
        total: Resources::default(),
        promised: Resources::default(),
        task_count: 0,
        is_fargate_capacity: false,
        is_connected: true,
        availability_zone: "us-east-1a".into(),
        number: 1,
        address: None,
    }
}

fn instance() -> ContainerInstance {
    let cluster = ClusterArn::of(&Scope::new("123456789012", "us-east-1"), "default");
    ContainerInstance {
        arn: cluster.member("h"),
        host_id: "h".into(),
        ec2_instance_id: "i-abcd1234".into(),
        status: ContainerInstanceStatus::Active,
        attributes: vec![
            Pair::new("ecs.instance-type", "g2.2xlarge"),
            Pair::new("stack", "prod uction"),
            Pair::new("cores", "16"),
            Pair {
                name: "ecs.capability.task-eni".into(),
                value: None,
            },
        ],
        agent_version: "1.17.0".into(),
        agent_hash: String::new(),
        docker_version: String::new(),
        is_external: false,
        registered_at: "2018-06-18T22:28:28Z".parse().expect("a time"),
        version: 1,
        tags: Vec::new(),
    }
}

fn holds(expression: &str) -> bool {
    let expression: Expression = expression
        .parse()
        .unwrap_or_else(|error| panic!("{expression}: {error}"));
    expression.holds(&Facts {
        host: &host(),
        container_instance: &instance(),
        running: 1,
        pending: 2,
        groups: &BTreeSet::from(["service:production".to_owned(), "family:web".to_owned()]),
    })
}

#[test]
fn amazons_documented_examples_hold_where_they_should() {
    for (expression, expected) in [
        ("attribute:ecs.instance-type == t2.small", false),
        ("attribute:ecs.instance-type == g2.2xlarge", true),
        (
            "attribute:ecs.availability-zone in [us-east-1a, us-east-1b]",
            true,
        ),
        ("attribute:ecs.availability-zone not_in [us-east-1e]", true),
        (
            "attribute:ecs.instance-type =~ g2.* and attribute:ecs.availability-zone != us-east-1d",
            true,
        ),
        ("task:group == service:production", true),
        ("not(task:group == database)", true),
        ("not(task:group == service:production)", false),
        ("runningTasksCount == 1", true),
        ("agentVersion < 1.9.0", false),
        ("registeredAt < 2018-02-13", false),
        ("registeredAt > 2018-02-13", true),
        ("ec2InstanceId in ['i-abcd1234', 'i-wxyx7890']", true),
        ("agentConnected==true", true),
        ("agentConnected equals false", false),
        ("attribute:ecs.instance-type =~ t2.*", false),
    ] {
        assert_eq!(holds(expression), expected, "{expression}");
    }
}

#[test]
fn every_operator_compares_by_the_kind_of_its_subject() {
    for (expression, expected) in [
        // As texts, or as numbers if both are.
        ("attribute:cores > 9", true),
        ("attribute:cores greater_than_equal 16", true),
        ("attribute:cores less_than nine", true),
        ("attribute:stack == 'prod uction'", true),
        ("attribute:stack equals \"prod uction\"", true),
        ("attribute:stack == prod", false),
        // A pattern is matched as a whole.
        ("attribute:stack matches 'prod.*'", true),
        ("attribute:stack =~ prod", false),
        ("attribute:stack !~ prod", true),
        ("attribute:stack not_matches 'p.*'", false),
        ("(attribute:ecs.instance-type =~ (g|t)[2(].(2xlarge|small))", true),
        ("attribute:cores =~ \\d{2}&&attribute:cores=~1.", true),
        // What is missing: only denials hold.
        ("attribute:gpu", false),
        ("attribute:gpu exists", false),
        ("attribute:gpu !exists", true),
        ("attribute:gpu not_exists", true),
        ("attribute:gpu == 1", false),
        ("attribute:gpu != 1", true),
        ("attribute:gpu > 1", false),
        ("attribute:gpu in [1]", false),
        ("attribute:gpu !in [1]", true),
        ("attribute:gpu =~ .*", false),
        ("attribute:gpu !~ .*", true),
        // There, but without a value.
        ("attribute:ecs.capability.task-eni", true),
        ("!attribute:ecs.capability.task-eni", false),
        ("attribute:ecs.capability.task-eni == ''", true),
        // Versions by their numbers.
        ("agentVersion > 1.9", true),
        ("agentVersion == 1.17", true),
        ("agentVersion >= 1.17.0-dev", true),
        ("agentVersion <= 1.16.9", false),
        ("agentVersion not_equals 1.17.1", true),
        // Times in all documented formats.
        ("registeredAt == 2018-06-18T22:28:28+00:00", true),
        ("registeredAt == 2018-06-19T00:28:28+02:00", true),
        ("registeredAt == 2018-06-18T22:28:28Z", true),
        ("registeredAt less_than_equal 2018-06-18T22:28:28", true),
        ("registeredAt >= 2018-06-19", false),
        // Counts and groups.
        ("pendingTasksCount > 1", true),
        ("runningTasksCount != 1", false),
        ("task:group exists", true),
        ("task:group in [database, 'family:web']", true),
        ("task:group =~ service:.*", true),
        ("task:group != family:web", false),
        ("ec2InstanceId =~ i-[a-d0-9]+", true),
    ] {
        assert_eq!(holds(expression), expected, "{expression}");
    }
}

#[test]
fn and_binds_before_or_and_not_before_both() {
    let (yes, no) = ("agentConnected == true", "agentConnected == false");
    for (expression, expected) in [
        (format!("{yes} or {yes} and {no}"), true),
        (format!("({yes} || {yes}) && {no}"), false),
        (format!("not {no} and {yes}"), true),
        (format!("!{yes} or {yes}"), true),
        (format!("not ({yes} or {yes})"), false),
        (format!("!!{yes}"), true),
        (format!("not not not {no}"), true),
    ] {
        assert_eq!(holds(&expression), expected, "{expression}");
    }
}

#[test]
fn errors_say_where_and_why() {
    let taken = |subject: &str, operator| Problem::OperatorNotTaken {
        subject: subject.to_owned(),
        operator,
    };
    for (expression, position, problem) in [
        ("", 1, Problem::ExpectedSubject),
        ("   ", 4, Problem::ExpectedSubject),
        ("== 1", 1, Problem::ExpectedSubject),
        ("zone == a", 1, Problem::UnknownSubject),
        ("notattribute:a", 1, Problem::UnknownSubject),
        ("task:family == a", 1, Problem::UnknownSubject),
        ("attribute == a", 1, Problem::UnknownSubject),
        ("attribute: == a", 11, Problem::ExpectedAttributeName),
        ("attribute:a = b", 13, Problem::ExpectedOperator),
        ("attribute:a b", 13, Problem::ExpectedOperator),
        ("agentConnected", 15, Problem::ExpectedOperator),
        ("agentConnected > a", 16, taken("agentConnected", ">")),
        ("agentVersion =~ 1.*", 14, taken("agentVersion", "=~")),
        ("ec2InstanceId exists", 15, taken("ec2InstanceId", "exists")),
        ("registeredAt not_in [a]", 14, taken("registeredAt", "!in")),
        ("attribute:a ==", 15, Problem::ExpectedArgument),
        ("attribute:a == )", 16, Problem::ExpectedArgument),
        ("attribute:a =~ ''", 16, Problem::ExpectedArgument),
        ("attribute:a in b", 16, Problem::ExpectedList),
        ("attribute:a in []", 17, Problem::ExpectedArgument),
        ("attribute:a in [b c]", 19, Problem::ExpectedListEnd),
        ("attribute:a == 'b", 16, Problem::OpenQuote),
        ("(attribute:a == b", 18, Problem::ExpectedParenthesis),
        ("attribute:a == b)", 17, Problem::ExpectedEnd),
        ("attribute:a == b c", 18, Problem::ExpectedEnd),
        ("attribute:a == 'ö' ö", 20, Problem::ExpectedEnd),
        ("runningTasksCount > -1", 21, Problem::ExpectedCount),
        ("agentVersion > new", 16, Problem::ExpectedVersion),
        ("agentVersion > 1..2", 16, Problem::ExpectedVersion),
        ("registeredAt > 2018-02-30", 16, Problem::ExpectedTime),
        ("registeredAt > yesterday!", 16, Problem::ExpectedTime),
        ("attribute:a =~ (?=b)", 16, Problem::InvalidPattern),
        ("attribute:a =~ 'b)|(c'", 16, Problem::InvalidPattern),
        (r"attribute:a =~ [a-z]{9999}", 16, Problem::InvalidPattern),
    ] {
        let expected = QueryError { position, problem };
        assert_eq!(expression.parse::<Expression>(), Err(expected), "{expression}");
    }
    let error = "attribute:a = b".parse::<Expression>().expect_err("no operator");
    assert_eq!(
        error.to_string(),
        "At character 13: expected an operator, such as ==, in or exists."
    );
}

#[test]
fn length_and_depth_are_bounded() {
    let long = |length: usize| format!("attribute:a == {}", "b".repeat(length - 15));
    assert!(long(EXPRESSION_LENGTH_MAX).parse::<Expression>().is_ok());
    let error = long(EXPRESSION_LENGTH_MAX + 1).parse::<Expression>();
    assert_eq!(
        error.map_err(|it| (it.position, it.problem)),
        Err((2001, Problem::TooLong))
    );
    let deep = |depth: usize| format!("{}attribute:a{}", "(".repeat(depth), ")".repeat(depth));
    assert!(deep(DEPTH_MAX).parse::<Expression>().is_ok());
    let expected = QueryError {
        position: DEPTH_MAX + 1,
        problem: Problem::TooDeep,
    };
    assert_eq!(deep(DEPTH_MAX + 1).parse::<Expression>(), Err(expected.clone()));
    assert_eq!("!".repeat(1999).parse::<Expression>(), Err(expected));
}

#[test]
fn only_expressions_about_groups_ask_for_them() {
    for (expression, expected) in [
        ("attribute:a", false),
        ("not (attribute:a or task:group == x)", true),
        ("attribute:a == task:group", false),
    ] {
        let parsed: Expression = expression.parse().expect("an expression");
        assert_eq!(parsed.asks_for_groups(), expected, "{expression}");
    }
}

/// An argument as it may be written, with or without quotation marks.
fn argument() -> impl Strategy<Value = String> {
    prop_oneof!["[a-z0-9.:/_-]{1,8}", "'[ -&(-~]{0,8}'", "\"[ !#-~]{0,8}\""]
}

fn comparison() -> impl Strategy<Value = String> {
    let relation = || prop::sample::select(vec!["==", "!=", ">", ">=", "<", "<=", "equals", "less_than"]);
    let subject = || prop::sample::select(vec!["attribute:ecs.os-type", "attribute:a\\b/c"]);
    prop_oneof![
        (subject(), relation(), argument()).prop_map(|(it, how, what)| format!("{it} {how} {what}")),
        (subject(), prop::collection::vec(argument(), 1..4))
            .prop_map(|(it, all)| format!("{it} !in [{}]", all.join(","))),
        subject().prop_map(str::to_owned),
        subject().prop_map(|it| format!("{it} not_exists")),
        (relation(), 0_u64..99).prop_map(|(how, count)| format!(
            "runningTasksCount {how}{}{count}",
            if how.ends_with(char::is_alphabetic) {
                " "
            } else {
                ""
            }
        )),
        "[a-z.]{1,5}".prop_map(|it| format!("task:group =~ ({it}|x){{1,2}}")),
        "[0-9]\\.[0-9]{1,3}".prop_map(|it| format!("agentVersion > {it}")),
        Just("registeredAt<=2018-06-18T22:28:28+00:00".to_owned()),
    ]
}

fn expression() -> impl Strategy<Value = String> {
    comparison().prop_recursive(4, 16, 3, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 2..4).prop_map(|all| format!("({})", all.join(" and "))),
            prop::collection::vec(inner.clone(), 2..4).prop_map(|all| format!("({})", all.join(" || "))),
            prop::collection::vec(inner.clone(), 2..4).prop_map(|all| all.join(" or ")),
            inner.prop_map(|it| format!("not ({it})")),
        ]
    })
}

/// Pieces of the language in any order: what random letters never become.
fn soup() -> impl Strategy<Value = String> {
    let pieces = vec![
        "attribute:",
        "task:group",
        "agentVersion",
        "registeredAt",
        "not",
        "!",
        "and",
        "&&",
        "or",
        "||",
        "(",
        ")",
        "[",
        "]",
        ",",
        "==",
        "=~",
        "!~",
        "!in",
        "in",
        "exists",
        "'",
        "\"",
        " ",
        "\u{a0}",
        "ö",
        "\\",
        "1.2",
        "2018-06-18",
        "(?x)#",
        "{9}",
        "*",
        "\0",
    ];
    prop::collection::vec(prop::sample::select(pieces), 0..40).prop_map(|all| all.concat())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(10_000))]

    #[test]
    fn no_text_makes_the_parser_panic(text in any::<String>()) {
        if let Err(error) = text.parse::<Expression>() {
            prop_assert!((1..=text.chars().count() + 1).contains(&error.position));
        }
    }

    #[test]
    fn no_soup_of_the_language_makes_it_panic(text in soup()) {
        match text.parse::<Expression>() {
            Ok(it) => { holds(&it.to_string()); }
            Err(error) => prop_assert!((1..=text.chars().count() + 1).contains(&error.position)),
        }
    }
}

proptest! {
    #[test]
    fn what_is_shown_parses_to_the_same(text in expression()) {
        // A chain of pieces can be too long.
        let parsed = match text.parse::<Expression>() {
            Ok(it) => it,
            Err(error) => {
                prop_assert_eq!(error.problem, Problem::TooLong, "{}", text);
                return Ok(());
            }
        };
        let shown = parsed.to_string();
        prop_assert_eq!(shown.parse::<Expression>(), Ok(parsed.clone()), "{}", shown);
        prop_assert_eq!(holds(&shown), holds(&text));
    }

    #[test]
    fn a_denial_is_the_opposite(operator in prop::sample::select(vec![("==", "!="), ("=~", "!~"), ("in", "!in")]), name in "[a-c]|stack", value in "[a-z]{1,3}") {
        let value = if operator.0 == "in" { format!("[{value}]") } else { value };
        let says = |operator| holds(&format!("attribute:{name} {operator} {value}"));
        prop_assert_ne!(says(operator.0), says(operator.1));
    }
}
