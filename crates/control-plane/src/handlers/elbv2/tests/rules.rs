//! Rules, their conditions and priorities.

use super::*;

fn path(value: &str) -> Value {
    json!({ "Field": "path-pattern", "Values": [value] })
}

async fn listener(world: &World) -> String {
    let web = world.load_balancer("web", "application").await;
    world.listener(&web, ("HTTP", 80), fixed()).await
}

#[tokio::test]
async fn rules_are_tried_in_the_order_of_their_priorities() {
    let world = World::new().await;
    let arn = listener(&world).await;
    let mut made = Vec::new();
    for priority in [20, 10] {
        let input = json!({
            "ListenerArn": arn, "Priority": priority, "Conditions": [path("/img/*")], "Actions": [fixed()],
        });
        let rule = world.ask("CreateRule", input.clone()).await["Rules"][0].clone();
        assert_eq!(rule["Priority"], priority.to_string());
        assert_eq!(
            rule["Conditions"],
            json!([{
                "Field": "path-pattern", "Values": ["/img/*"], "PathPatternConfig": { "Values": ["/img/*"] },
            }])
        );
        assert_eq!(
            world.refused("CreateRule", input).await,
            (
                "PriorityInUse".to_owned(),
                format!("Priority '{priority}' is currently in use")
            )
        );
        made.push(rule["RuleArn"].clone());
    }
    let order = async || {
        let rules = world.ask("DescribeRules", json!({ "ListenerArn": arn })).await;
        let rules = rules["Rules"].as_array().expect("a list").clone();
        rules.iter().map(|it| text(&it["Priority"])).collect::<Vec<_>>()
    };
    assert_eq!(order().await, ["10", "20", "default"]);
    let swap = json!({ "RulePriorities": [
        { "RuleArn": made[0], "Priority": 10 }, { "RuleArn": made[1], "Priority": 20 },
    ] });
    let swapped = world.ask("SetRulePriorities", swap).await;
    assert_eq!(swapped["Rules"][0]["Priority"], "10");
    let taken = json!({ "RulePriorities": [{ "RuleArn": made[0], "Priority": 20 }] });
    assert_eq!(world.refused("SetRulePriorities", taken).await.0, "PriorityInUse");

    let modify = json!({
        "RuleArn": made[0], "Conditions": [{ "Field": "host-header", "Values": ["*.example.com"] }],
    });
    let modified = world.ask("ModifyRule", modify).await["Rules"][0].clone();
    assert_eq!(modified["Conditions"][0]["Field"], "host-header");
    assert_eq!(modified["Actions"][0]["Type"], "fixed-response");
    world.ask("DeleteRule", json!({ "RuleArn": made[0] })).await;
    assert_eq!(order().await, ["20", "default"]);
    assert_eq!(
        world
            .refused("DescribeRules", json!({ "RuleArns": [made[0]] }))
            .await,
        (
            "RuleNotFound".to_owned(),
            "One or more rules not found".to_owned()
        )
    );
}

#[tokio::test]
async fn the_default_rule_stays_as_it_is() {
    let world = World::new().await;
    let arn = listener(&world).await;
    let rules = world.ask("DescribeRules", json!({ "ListenerArn": arn })).await;
    let default = &rules["Rules"][0]["RuleArn"];
    for (operation, input) in [
        ("DeleteRule", json!({ "RuleArn": default })),
        ("ModifyRule", json!({ "RuleArn": default, "Actions": [fixed()] })),
        (
            "SetRulePriorities",
            json!({ "RulePriorities": [{ "RuleArn": default, "Priority": 1 }] }),
        ),
    ] {
        assert_eq!(
            world.refused(operation, input).await.0,
            "OperationNotPermitted",
            "{operation}"
        );
    }
}

#[tokio::test]
async fn all_kinds_of_condition_are_read_back() {
    let world = World::new().await;
    let arn = listener(&world).await;
    let conditions = json!([
        { "Field": "http-header", "HttpHeaderConfig": { "HttpHeaderName": "X-A", "Values": ["a*"] } },
        { "Field": "http-request-method", "HttpRequestMethodConfig": { "Values": ["GET"] } },
        { "Field": "query-string", "QueryStringConfig": { "Values": [{ "Key": "v", "Value": "2" }] } },
        { "Field": "source-ip", "SourceIpConfig": { "Values": ["192.0.2.0/24", "2001:db8::/32"] } },
    ]);
    let input = json!({ "ListenerArn": arn, "Priority": 1, "Conditions": conditions, "Actions": [fixed()] });
    let made = world.ask("CreateRule", input).await["Rules"][0].clone();
    assert_eq!(made["Conditions"], conditions);
}

#[tokio::test]
async fn conditions_that_cannot_be_are_refused() {
    let world = World::new().await;
    let arn = listener(&world).await;
    let six: Vec<String> = (0..6).map(|it| format!("/{it}")).collect();
    for (conditions, message) in [
        (json!([]), "At least one condition must be specified"),
        (
            json!([{ "Field": "colour", "Values": ["red"] }]),
            "Condition field 'colour' must be one of '[path-pattern, host-header, http-header, http-request-method, query-string, source-ip]'",
        ),
        (
            json!([path("/a"), path("/b")]),
            "A rule can only have one 'path-pattern' condition",
        ),
        (
            json!([{ "Field": "path-pattern", "Values": six }]),
            "A rule can only have '5' condition values",
        ),
        (
            json!([path("/*/*/*/*/*/*/*")]),
            "A rule can only have '6' condition wildcards",
        ),
        (
            json!([path("/a b")]),
            "Condition value '/a b' contains a character that is not valid",
        ),
        (
            json!([path(&"a".repeat(129))]),
            "The 'path-pattern' value is too long; the limit is '128'",
        ),
        (
            json!([{ "Field": "path-pattern" }]),
            "A condition value must be specified",
        ),
        (
            json!([{ "Field": "http-request-method", "HttpRequestMethodConfig": { "Values": ["get"] } }]),
            "Condition value 'get' contains a character that is not valid",
        ),
        (
            json!([{ "Field": "source-ip", "SourceIpConfig": { "Values": ["192.0.2.0"] } }]),
            "The value '192.0.2.0' of the 'source-ip' condition is not a valid CIDR",
        ),
        (
            json!([{ "Field": "http-header", "HttpHeaderConfig": { "HttpHeaderName": "Host", "Values": ["a"] } }]),
            "The 'http-header' condition cannot be used for the host header: use 'host-header'",
        ),
    ] {
        let input =
            json!({ "ListenerArn": arn, "Priority": 1, "Conditions": conditions, "Actions": [fixed()] });
        let refused = world.refused("CreateRule", input).await;
        assert_eq!(
            refused,
            ("ValidationError".to_owned(), message.to_owned()),
            "{conditions}"
        );
    }
    let regex = json!([{ "Field": "path-pattern", "PathPatternConfig": { "RegexValues": ["^/a$"] } }]);
    let input = json!({ "ListenerArn": arn, "Priority": 1, "Conditions": regex, "Actions": [fixed()] });
    assert_eq!(
        world.refused("CreateRule", input).await.0,
        "InvalidConfigurationRequest"
    );
    let input =
        json!({ "ListenerArn": arn, "Priority": 50001, "Conditions": [path("/a")], "Actions": [fixed()] });
    assert_eq!(world.refused("CreateRule", input).await.0, "ValidationError");
}

#[tokio::test]
async fn a_load_balancer_has_a_hundred_rules_at_most() {
    let world = World::new().await;
    let arn = listener(&world).await;
    let input = |priority: u32| json!({ "ListenerArn": arn, "Priority": priority, "Conditions": [path("/a")], "Actions": [fixed()] });
    for priority in 1..=100 {
        world.ask("CreateRule", input(priority)).await;
    }
    assert_eq!(world.refused("CreateRule", input(101)).await.0, "TooManyRules");
}
