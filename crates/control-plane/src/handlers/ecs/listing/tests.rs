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

#[tokio::test]
async fn pages_of_tasks_go_on_where_the_last_one_ended() {
    let fixture = Fixture::new().await;
    fixture.instance().await;
    fixture.definition().await;
    let run = json!({ "taskDefinition": "web", "count": 7 });
    fixture.ask("RunTask", run).await;
    let listed = |page: &serde_json::Value| page["taskArns"].as_array().cloned().unwrap_or_default();
    let all = listed(&fixture.ask("ListTasks", json!({})).await);
    assert_eq!(all.len(), 7);
    let (mut pages, mut token) = (Vec::new(), json!(null));
    loop {
        let wanted = json!({ "maxResults": 3, "nextToken": token });
        let page = fixture.ask("ListTasks", wanted).await;
        pages.extend(listed(&page));
        token = page["nextToken"].clone();
        if token.is_null() {
            break;
        }
    }
    assert_eq!(pages, all);
    let first = fixture.ask("ListTasks", json!({ "maxResults": 3 })).await;
    let last_listed = all[2].clone();
    fixture.ask("StopTask", json!({ "task": last_listed })).await;
    let wanted = json!({ "nextToken": first["nextToken"] });
    let rest = fixture.ask("ListTasks", wanted).await;
    assert_eq!(listed(&rest), all[3..]);
}
