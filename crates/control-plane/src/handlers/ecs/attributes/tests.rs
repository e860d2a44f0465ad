use serde_json::{Value, json};

use crate::fixture::{Fixture, code};

fn attribute(name: &str, value: &str, target: &str) -> Value {
    json!({ "name": name, "value": value, "targetId": target })
}

async fn list(fixture: &Fixture, filter: Value) -> Vec<Value> {
    let mut input = json!({ "targetType": "container-instance" });
    for (name, value) in filter.as_object().into_iter().flatten() {
        input[name] = value.clone();
    }
    let answer = fixture.ask("ListAttributes", input).await;
    answer["attributes"].as_array().cloned().unwrap_or_default()
}

#[tokio::test]
async fn attributes_are_put_listed_and_deleted() {
    let fixture = Fixture::new().await;
    let (one, two) = (fixture.instance().await, fixture.instance().await);
    let given = json!([attribute("stack", "live", &one), attribute("stack", "test", &two)]);
    let put = fixture.ask("PutAttributes", json!({ "attributes": given })).await;
    assert_eq!(put["attributes"], given);
    assert_eq!(list(&fixture, json!({})).await.len(), 8, "with the built-in ones");
    let zone = list(&fixture, json!({ "attributeName": "ecs.availability-zone" })).await;
    let values: Vec<&Value> = zone.iter().map(|it| &it["value"]).collect();
    assert_eq!(values, ["us-east-1a", "us-east-1a"]);
    let only = list(
        &fixture,
        json!({ "attributeName": "stack", "attributeValue": "test" }),
    )
    .await;
    assert_eq!(only, [attribute("stack", "test", &two)]);
    let described = fixture
        .ask(
            "DescribeContainerInstances",
            json!({ "containerInstances": [one] }),
        )
        .await;
    let attributes = &described["containerInstances"][0]["attributes"];
    assert_eq!(
        attributes[2],
        json!({ "name": "ecs.availability-zone", "value": "us-east-1a" })
    );
    assert_eq!(attributes[3], json!({ "name": "stack", "value": "live" }));
    // By its short id, with its type.
    let id = one.rsplit('/').next().unwrap_or_default();
    let short = json!({ "name": "stack", "targetType": "container-instance", "targetId": id });
    let deleted = fixture
        .ask("DeleteAttributes", json!({ "attributes": [short] }))
        .await;
    assert_eq!(deleted["attributes"], json!([attribute("stack", "live", &one)]));
    assert_eq!(list(&fixture, json!({ "attributeName": "stack" })).await.len(), 1);
}

#[tokio::test]
async fn the_listing_comes_in_pages() {
    let fixture = Fixture::new().await;
    let instance = fixture.instance().await;
    let given: Vec<Value> = (0..4)
        .map(|it| attribute(&format!("a{it}"), "x", &instance))
        .collect();
    fixture.ask("PutAttributes", json!({ "attributes": given })).await;
    let mut input = json!({ "targetType": "container-instance", "maxResults": 3 });
    let mut names = Vec::new();
    for is_last in [false, false, true] {
        let page = fixture.ask("ListAttributes", input.clone()).await;
        names.extend(
            page["attributes"]
                .as_array()
                .into_iter()
                .flatten()
                .map(|it| it["name"].clone()),
        );
        input["nextToken"] = page["nextToken"].clone();
        assert_eq!(input["nextToken"].is_null(), is_last);
    }
    assert_eq!(
        names,
        [
            "a0",
            "a1",
            "a2",
            "a3",
            "com.amazonaws.ecs.capability.docker-remote-api.1.18",
            "ecs.availability-zone",
            "ecs.os-type"
        ]
    );
}

#[tokio::test]
async fn names_values_and_targets_that_cannot_be_are_refused() {
    let fixture = Fixture::new().await;
    let instance = fixture.instance().await;
    let long = "a".repeat(129);
    let id = instance.rsplit('/').next().unwrap_or_default();
    for bad in [
        attribute("", "x", &instance),
        attribute(&long, "x", &instance),
        attribute("a b", "x", &instance),
        attribute("a:b", "x", &instance),
        attribute("ecs.os-type", "x", &instance),
        attribute("com.amazonaws.ecs.capability.x", "x", &instance),
        attribute("gantry.capability.fargate-capacity", "x", &instance),
        attribute("a", "", &instance),
        attribute("a", &long, &instance),
        attribute("a", " x", &instance),
        attribute("a", "x!", &instance),
        attribute("a", "x", ""),
        attribute("a", "x", id),
        json!({ "name": "a", "targetType": "task", "targetId": instance }),
    ] {
        for operation in ["PutAttributes", "DeleteAttributes"] {
            let refused = fixture.refused(operation, json!({ "attributes": [bad] })).await;
            assert_eq!(code(refused), "InvalidParameterException", "{bad}");
        }
    }
    let fine = attribute("A-b_c/d\\e.f", "a b-_.@/\\:9", &instance);
    fixture
        .ask("PutAttributes", json!({ "attributes": [fine] }))
        .await;
    for count in [0, 11] {
        let many: Vec<Value> = (0..count)
            .map(|it| attribute(&format!("a{it}"), "x", &instance))
            .collect();
        let refused = fixture
            .refused("PutAttributes", json!({ "attributes": many }))
            .await;
        assert_eq!(code(refused), "InvalidParameterException");
    }
}

#[tokio::test]
async fn unknown_targets_and_the_eleventh_attribute_have_exceptions_of_their_own() {
    let fixture = Fixture::new().await;
    let instance = fixture.instance().await;
    let nobody = instance.replace(instance.rsplit('/').next().unwrap_or_default(), "nobody");
    let one = |target: &str| json!({ "attributes": [attribute("eleven", "x", target)] });
    let refused = fixture.refused("PutAttributes", one(&nobody)).await;
    assert_eq!(code(refused), "TargetNotFoundException");
    let ten: Vec<Value> = (0..10)
        .map(|it| attribute(&format!("a{it}"), "x", &instance))
        .collect();
    fixture.ask("PutAttributes", json!({ "attributes": ten })).await;
    let refused = fixture.refused("PutAttributes", one(&instance)).await;
    assert_eq!(code(refused), "AttributeLimitExceededException");
    let input = json!({ "cluster": "nobody", "targetType": "container-instance" });
    let refused = fixture.refused("ListAttributes", input).await;
    assert_eq!(code(refused), "ClusterNotFoundException");
    let input = json!({ "targetType": "container-instance", "attributeValue": "x" });
    let refused = fixture.refused("ListAttributes", input).await;
    assert_eq!(code(refused), "InvalidParameterException");
}
