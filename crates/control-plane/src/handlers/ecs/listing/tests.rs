use serde_json::json;

use crate::fixture::{Fixture, code};

#[tokio::test]
async fn words_that_the_model_does_not_know_are_refused() {
    let fixture = Fixture::new().await;
    for (operation, member) in [
        ("ListTasks", "desiredStatus"),
        ("ListTasks", "launchType"),
        ("ListServices", "launchType"),
        ("ListServices", "schedulingStrategy"),
        ("ListServices", "resourceManagementType"),
        ("ListContainerInstances", "status"),
    ] {
        let refused = fixture.refused(operation, json!({ member: "NEVER" })).await;
        assert_eq!(code(refused), "InvalidParameterException", "{operation} {member}");
    }
    for (operation, member, word) in [
        ("ListTasks", "desiredStatus", "PENDING"),
        ("ListTasks", "launchType", "EXTERNAL"),
        ("ListServices", "schedulingStrategy", "DAEMON"),
        ("ListContainerInstances", "status", "REGISTERING"),
    ] {
        fixture.ask(operation, json!({ member: word })).await;
    }
}

#[tokio::test]
async fn tokens_are_good_for_their_own_listing_only() {
    let fixture = Fixture::new().await;
    fixture
        .ask("CreateCluster", json!({ "clusterName": "lab" }))
        .await;
    let page = fixture.ask("ListClusters", json!({ "maxResults": 1 })).await;
    let token = page["nextToken"].clone();
    let next = fixture.ask("ListClusters", json!({ "nextToken": token })).await;
    assert_eq!(next["clusterArns"].as_array().map(Vec::len), Some(1));
    for operation in [
        "ListTasks",
        "ListServices",
        "ListContainerInstances",
        "ListTaskDefinitions",
    ] {
        let refused = fixture.refused(operation, json!({ "nextToken": token })).await;
        assert_eq!(
            refused,
            (
                "InvalidParameterException".to_owned(),
                "Invalid token.".to_owned()
            )
        );
    }
    for size in [0, -1, 101] {
        let refused = fixture
            .refused("ListClusters", json!({ "maxResults": size }))
            .await;
        assert_eq!(code(refused), "InvalidParameterException");
    }
}
