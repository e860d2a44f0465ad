use serde_json::{Value, json};

use crate::fixture::{ACCOUNT, Fixture, code, text};

async fn list(fixture: &Fixture, arn: &str) -> Value {
    let answer = fixture
        .ask("ListTagsForResource", json!({ "resourceArn": arn }))
        .await;
    answer["tags"].clone()
}

#[tokio::test]
async fn tags_are_put_listed_and_taken_away() {
    let fixture = Fixture::new().await;
    let instance = fixture.instance().await;
    let definition = fixture.definition().await;
    let service = json!({ "serviceName": "web", "taskDefinition": definition, "desiredCount": 0 });
    let service = fixture.ask("CreateService", service).await;
    let ran = fixture
        .ask("RunTask", json!({ "taskDefinition": definition }))
        .await;
    for arn in [
        format!("{ACCOUNT}:cluster/default"),
        text(&service["service"]["serviceArn"]),
        text(&ran["tasks"][0]["taskArn"]),
        instance,
        definition,
    ] {
        assert_eq!(list(&fixture, &arn).await, json!([]), "{arn}");
        let given = json!([{ "key": "a", "value": "1" }, { "key": "b", "value": "" }]);
        let answer = fixture
            .ask("TagResource", json!({ "resourceArn": arn, "tags": given }))
            .await;
        assert_eq!(answer, json!({}));
        assert_eq!(list(&fixture, &arn).await, given, "{arn}");
        let keys = json!({ "resourceArn": arn, "tagKeys": ["a", "never"] });
        assert_eq!(fixture.ask("UntagResource", keys).await, json!({}));
        assert_eq!(list(&fixture, &arn).await, json!([given[1]]), "{arn}");
    }
}

#[tokio::test]
async fn arns_that_name_nothing_are_refused_in_amazons_words() {
    let fixture = Fixture::new().await;
    let not_found = |kind: &str| format!("The specified {kind} was not found.");
    let long = "Long arn format must be used for tagging operations".to_owned();
    for (arn, exception, message) in [
        (
            format!("{ACCOUNT}:cluster/x"),
            "ClusterNotFoundException",
            "Cluster not found.".to_owned(),
        ),
        (
            format!("{ACCOUNT}:service/x/y"),
            "ClusterNotFoundException",
            "Cluster not found.".to_owned(),
        ),
        (
            format!("{ACCOUNT}:service/default/y"),
            "ResourceNotFoundException",
            not_found("service"),
        ),
        (
            format!("{ACCOUNT}:task/default/y"),
            "ResourceNotFoundException",
            not_found("task"),
        ),
        (
            format!("{ACCOUNT}:container-instance/default/y"),
            "ResourceNotFoundException",
            not_found("container instance"),
        ),
        (
            format!("{ACCOUNT}:task-definition/x:1"),
            "ResourceNotFoundException",
            not_found("task definition"),
        ),
        (
            "arn:aws:ecs:eu-west-1:123456789012:cluster/default".to_owned(),
            "ClusterNotFoundException",
            "Cluster not found.".to_owned(),
        ),
        (
            format!("{ACCOUNT}:service/web"),
            "InvalidParameterException",
            long.clone(),
        ),
        (
            format!("{ACCOUNT}:task/0a1b"),
            "InvalidParameterException",
            long.clone(),
        ),
        (
            format!("{ACCOUNT}:container-instance/0a1b"),
            "InvalidParameterException",
            long,
        ),
    ] {
        let untag = json!({ "resourceArn": arn, "tagKeys": ["a"] });
        let refused = fixture.refused("UntagResource", untag).await;
        assert_eq!(refused, (exception.to_owned(), message.clone()), "{arn}");
        // It models no ResourceNotFoundException.
        let exception = match exception {
            "ResourceNotFoundException" => "InvalidParameterException",
            other => other,
        };
        let refused = fixture
            .refused("ListTagsForResource", json!({ "resourceArn": arn }))
            .await;
        assert_eq!(refused, (exception.to_owned(), message), "{arn}");
    }
}

#[tokio::test]
async fn texts_that_are_no_such_arn_are_refused() {
    let fixture = Fixture::new().await;
    for arn in [
        "",
        "default",
        "arn:aws:ecs",
        &format!("{ACCOUNT}:task-definition/web"),
        "arn:aws:s3:::x",
    ] {
        let input = json!({ "resourceArn": arn, "tags": [] });
        let refused = fixture.refused("TagResource", input).await;
        assert_eq!(code(refused), "InvalidParameterException", "{arn}");
    }
}

#[tokio::test]
async fn tags_of_what_has_ended_are_gone() {
    let fixture = Fixture::new().await;
    fixture
        .ask("DeleteCluster", json!({ "cluster": "default" }))
        .await;
    let refused = fixture
        .refused(
            "ListTagsForResource",
            json!({ "resourceArn": format!("{ACCOUNT}:cluster/default") }),
        )
        .await;
    assert_eq!(
        refused,
        (
            "InvalidParameterException".to_owned(),
            "The specified cluster is inactive. Specify an active cluster and try again.".to_owned()
        )
    );
}

#[tokio::test]
async fn too_many_tags_are_refused_by_call_and_by_resource() {
    let fixture = Fixture::new().await;
    let arn = format!("{ACCOUNT}:cluster/default");
    let tags = |from: usize, to: usize| -> Vec<Value> {
        (from..to)
            .map(|it| json!({ "key": format!("k{it}"), "value": "v" }))
            .collect()
    };
    let put = |tags: Vec<Value>| json!({ "resourceArn": arn, "tags": tags });
    let refused = fixture.refused("TagResource", put(tags(0, 51))).await;
    assert_eq!(code(refused), "InvalidParameterException");
    fixture.ask("TagResource", put(tags(0, 50))).await;
    let refused = fixture.refused("TagResource", put(tags(50, 51))).await;
    assert_eq!(code(refused), "LimitExceededException");
}
