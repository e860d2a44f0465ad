//! Tags as clients give, change and look for them.

use serde_json::{Value, json};

use crate::handlers::ec2::tests::world::World;

/// `key=value` of the VPC, in order.
async fn tags(world: &World) -> Vec<String> {
    let answer = world.ask("DescribeVpcs", json!({ "VpcIds": [world.vpc] })).await;
    let tags = answer["Vpcs"][0]["Tags"].as_array().cloned().unwrap_or_default();
    let text = |it: &Value| {
        let part = |name: &str| it[name].as_str().unwrap_or_default().to_owned();
        format!("{}={}", part("Key"), part("Value"))
    };
    tags.iter().map(text).collect()
}

fn tag(key: &str, value: &str) -> Value {
    json!({ "Key": key, "Value": value })
}

#[tokio::test]
async fn tags_are_put_changed_and_taken() {
    let world = World::new().await;
    let change = |tags: Vec<Value>| json!({ "Resources": [world.vpc], "Tags": tags });
    let given = change(vec![
        tag("Name", "one"),
        tag("team", "web"),
        json!({ "Key": "bare" }),
    ]);
    world.ask("CreateTags", given).await;
    world.ask("CreateTags", change(vec![tag("Name", "two")])).await;
    assert_eq!(tags(&world).await, ["Name=two", "team=web", "bare="]);
    world
        .ask("DeleteTags", change(vec![tag("team", "db"), tag("bare", "")]))
        .await;
    assert_eq!(tags(&world).await, ["Name=two", "team=web"]);
    world
        .ask("DeleteTags", change(vec![json!({ "Key": "team" })]))
        .await;
    assert_eq!(tags(&world).await, ["Name=two"]);
    world.ask("DeleteTags", json!({ "Resources": [world.vpc] })).await;
    assert!(tags(&world).await.is_empty());
}

#[tokio::test]
async fn a_key_is_given_once() {
    let world = World::new().await;
    let twice = json!({ "Resources": [world.vpc], "Tags": [tag("Name", "one"), tag("Name", "two")] });
    assert_eq!(
        world.refused("CreateTags", twice).await,
        (
            "InvalidParameterValue".to_owned(),
            "Duplicate tag key 'Name' specified.".to_owned()
        )
    );
    assert!(tags(&world).await.is_empty());
}

#[tokio::test]
async fn resources_are_found_by_tags() {
    let world = World::new().await;
    let given = json!({ "Resources": [world.vpc], "Tags": [tag("Name", "shop"), tag("team", "web")] });
    world.ask("CreateTags", given).await;
    for (name, value, is_found) in [
        ("tag:Name", "sh*", true),
        ("tag:Name", "web", false),
        ("tag:name", "shop", false),
        ("tag-key", "team", true),
        ("tag-key", "web", false),
        ("tag-value", "web", true),
    ] {
        let filters = json!({ "Filters": [{ "Name": name, "Values": [value] }] });
        let found = world.ask("DescribeVpcs", filters).await;
        let found = found["Vpcs"].as_array().map_or(0, Vec::len);
        assert_eq!(found == 1, is_found, "{name} {value}");
    }
    let filters = json!({ "Filters": [
        { "Name": "resource-type", "Values": ["vpc"] },
        { "Name": "key", "Values": ["team"] },
    ] });
    let found = world.ask("DescribeTags", filters).await;
    let expected = json!([{ "Key": "team", "Value": "web", "ResourceId": world.vpc, "ResourceType": "vpc" }]);
    assert_eq!(found["Tags"], expected);
    let filters = json!({ "Filters": [{ "Name": "tag:a", "Values": ["b"] }] });
    let code = world.code("DescribeRegions", filters).await;
    assert_eq!(code, "InvalidParameterValue");
}

#[tokio::test]
async fn tags_that_may_not_be_are_refused() {
    let world = World::new().await;
    let change = |resource: &str, tags: Vec<Value>| json!({ "Resources": [resource], "Tags": tags });
    let many: Vec<Value> = (0..51).map(|it| tag(&it.to_string(), "")).collect();
    for (input, code) in [
        (change("x-1", vec![tag("a", "b")]), "InvalidID"),
        (change("vpc-0", vec![tag("a", "b")]), "InvalidVpcID.NotFound"),
        (
            change("sgr-0", vec![tag("a", "b")]),
            "InvalidSecurityGroupRuleId.NotFound",
        ),
        (
            change(&world.vpc, vec![tag("aws:a", "b")]),
            "InvalidParameterValue",
        ),
        (change(&world.vpc, vec![tag("", "b")]), "InvalidParameterValue"),
        (
            change(&world.vpc, vec![tag(&"k".repeat(129), "b")]),
            "InvalidParameterValue",
        ),
        (
            change(&world.vpc, vec![tag("a", &"v".repeat(257))]),
            "InvalidParameterValue",
        ),
        (change(&world.vpc, many), "TagLimitExceeded"),
        (change(&world.vpc, vec![]), "MissingParameter"),
        (
            json!({ "Resources": [], "Tags": [tag("a", "b")] }),
            "MissingParameter",
        ),
    ] {
        assert_eq!(
            world.refused("CreateTags", input.clone()).await.0,
            code,
            "{input}"
        );
    }
    let mut dry = change(&world.vpc, vec![tag("a", "b")]);
    dry["DryRun"] = json!(true);
    assert_eq!(world.refused("CreateTags", dry).await.0, "DryRunOperation");
    assert!(tags(&world).await.is_empty());
}
