use serde_json::json;

use crate::fixture::{Fixture, code, text};

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

fn names(arns: &serde_json::Value) -> Vec<String> {
    let arns = arns.as_array().into_iter().flatten();
    let name = |it: &serde_json::Value| text(it).rsplit('/').next().unwrap_or_default().to_owned();
    arns.map(name).collect()
}

async fn register(fixture: &Fixture, family: &str) {
    let container = json!({ "name": "web", "image": "web", "memory": 64 });
    let input = json!({ "family": family, "containerDefinitions": [container] });
    fixture.ask("RegisterTaskDefinition", input).await;
}

#[tokio::test]
async fn task_definitions_come_by_family_then_by_number() {
    let fixture = Fixture::new().await;
    for family in ["ord2", "ord", "ord-a", "ord_b", "ord", "ord-a"] {
        register(&fixture, family).await;
    }
    for _ in 0..9 {
        register(&fixture, "ord").await;
    }
    let mut expected: Vec<String> = (1..=11).map(|it| format!("ord:{it}")).collect();
    expected.extend(["ord-a:1", "ord-a:2", "ord2:1", "ord_b:1"].map(str::to_owned));
    for sort in ["ASC", "DESC"] {
        let (mut all, mut token) = (Vec::new(), serde_json::Value::Null);
        loop {
            let input = json!({ "sort": sort, "maxResults": 2, "nextToken": token });
            let page = fixture.ask("ListTaskDefinitions", input).await;
            all.extend(names(&page["taskDefinitionArns"]));
            token = page["nextToken"].clone();
            if token.is_null() {
                break;
            }
        }
        assert_eq!(all, expected, "{sort}");
        expected.reverse();
    }
}

#[tokio::test]
async fn a_family_without_revisions_is_not_listed_and_counts_on() {
    let fixture = Fixture::new().await;
    let arn = fixture.definition().await;
    fixture
        .ask("DeregisterTaskDefinition", json!({ "taskDefinition": arn }))
        .await;
    let families = async |status: &str| {
        let listed = fixture.ask("ListTaskDefinitionFamilies", json!({ "status": status }));
        names(&listed.await["families"])
    };
    assert_eq!(families("INACTIVE").await, ["web"]);
    let deleted = domain::TaskDefinitionArn::parse(&arn).expect("an ARN");
    let gone = fixture.store().transact(move |tx| {
        tx.delete::<domain::task_definition::TaskDefinition>(&deleted);
        Ok::<_, std::convert::Infallible>(())
    });
    gone.await.expect("cannot fail");
    for status in ["ACTIVE", "INACTIVE", "ALL"] {
        assert!(families(status).await.is_empty(), "{status}");
    }
    assert!(fixture.definition().await.ends_with("/web:2"));
    assert_eq!(families("ACTIVE").await, ["web"]);
}

#[tokio::test]
async fn a_draining_service_is_described_but_not_listed() {
    let fixture = Fixture::new().await;
    fixture.instance().await;
    fixture.definition().await;
    let create = json!({ "serviceName": "web", "taskDefinition": "web", "desiredCount": 1 });
    fixture.ask("CreateService", create).await;
    let listed = fixture.ask("ListServices", json!({})).await;
    assert_eq!(names(&listed["serviceArns"]), ["web"]);
    let delete = json!({ "service": "web", "force": true });
    fixture.ask("DeleteService", delete).await;
    let listed = fixture.ask("ListServices", json!({})).await;
    assert_eq!(listed["serviceArns"], json!([]));
    let described = fixture
        .ask("DescribeServices", json!({ "services": ["web"] }))
        .await;
    assert_eq!(described["services"][0]["status"], "DRAINING");
}
