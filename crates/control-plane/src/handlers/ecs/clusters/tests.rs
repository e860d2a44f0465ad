use serde_json::{Value, json};

use crate::fixture::{Fixture, code};

async fn described(fixture: &Fixture, include: &[&str]) -> Value {
    let answer = fixture
        .ask("DescribeClusters", json!({ "include": include }))
        .await;
    answer["clusters"][0].clone()
}

#[tokio::test]
async fn what_is_not_included_is_empty_or_absent() {
    let fixture = Fixture::new().await;
    let configuration = json!({ "executeCommandConfiguration": { "logging": "NONE" } });
    let input = json!({ "cluster": "default", "configuration": configuration });
    fixture.ask("UpdateCluster", input).await;
    let arn = described(&fixture, &[]).await["clusterArn"].clone();
    let tag = json!({ "key": "team", "value": "web" });
    fixture
        .ask("TagResource", json!({ "resourceArn": arn, "tags": [tag] }))
        .await;
    let plain = described(&fixture, &[]).await;
    for list in [
        "settings",
        "statistics",
        "tags",
        "attachments",
        "capacityProviders",
    ] {
        assert_eq!(plain[list], json!([]), "{list}");
    }
    assert!(plain.get("configuration").is_none());
    let all = ["SETTINGS", "CONFIGURATIONS", "TAGS", "STATISTICS", "ATTACHMENTS"];
    let full = described(&fixture, &all).await;
    assert_eq!(
        full["settings"],
        json!([{ "name": "containerInsights", "value": "disabled" }])
    );
    assert_eq!(full["configuration"], configuration);
    assert_eq!(full["tags"], json!([tag]));
    assert_eq!(full["attachments"], json!([]));
    assert_eq!(full["statistics"].as_array().map(Vec::len), Some(12));
}

#[tokio::test]
async fn clusters_of_elsewhere_are_missing() {
    let fixture = Fixture::new().await;
    let elsewhere = [
        "arn:aws:ecs:eu-west-1:123456789012:cluster/default",
        "arn:aws:ecs:us-east-1:210987654321:cluster/default",
    ];
    let clusters = ["default", elsewhere[0], "none", elsewhere[1]];
    let answer = fixture
        .ask("DescribeClusters", json!({ "clusters": clusters }))
        .await;
    assert_eq!(answer["clusters"].as_array().map(Vec::len), Some(1));
    let missing = |arn: &str| json!({ "arn": arn, "reason": "MISSING" });
    let expected = [
        missing("arn:aws:ecs:us-east-1:123456789012:cluster/none"),
        missing(elsewhere[0]),
        missing(elsewhere[1]),
    ];
    assert_eq!(answer["failures"], json!(expected));
    let answer = fixture
        .ask("DescribeClusters", json!({ "clusters": [elsewhere[0]] }))
        .await;
    assert_eq!(answer["clusters"], json!([]));
}

#[tokio::test]
async fn statistics_count_tasks_by_launch_type_and_state() {
    let fixture = Fixture::new().await;
    fixture.instance().await;
    let definition = fixture.definition().await;
    let ran = fixture
        .ask("RunTask", json!({ "taskDefinition": definition, "count": 3 }))
        .await;
    let task = crate::fixture::text(&ran["tasks"][0]["taskArn"]);
    fixture.report(&task, domain::task::TaskStatus::Running).await;
    let cluster = described(&fixture, &["STATISTICS"]).await;
    let statistic = |name: &str| {
        let all = cluster["statistics"].as_array().cloned().unwrap_or_default();
        all.iter()
            .find(|it| it["name"] == name)
            .map(|it| it["value"].clone())
    };
    assert_eq!(statistic("runningEC2TasksCount"), Some(json!("1")));
    assert_eq!(statistic("pendingEC2TasksCount"), Some(json!("2")));
    assert_eq!(statistic("runningFargateTasksCount"), Some(json!("0")));
    assert_eq!(statistic("pendingExternalTasksCount"), Some(json!("0")));
    let described = fixture.ask("ListContainerInstances", json!({})).await;
    let arns = described["containerInstanceArns"].clone();
    let instances = fixture
        .ask(
            "DescribeContainerInstances",
            json!({ "containerInstances": arns }),
        )
        .await;
    let instance = &instances["containerInstances"][0];
    assert_eq!(
        (&instance["runningTasksCount"], &instance["pendingTasksCount"]),
        (&json!(1), &json!(2))
    );
}

#[tokio::test]
async fn configurations_read_back_as_given_and_defaults_are_filled() {
    let fixture = Fixture::new().await;
    let full = json!({
        "executeCommandConfiguration": {
            "kmsKeyId": "alias/exec",
            "logging": "OVERRIDE",
            "logConfiguration": {
                "cloudWatchLogGroupName": "exec", "cloudWatchEncryptionEnabled": true, "s3EncryptionEnabled": false,
            },
        },
        "managedStorageConfiguration": { "kmsKeyId": "a", "fargateEphemeralStorageKmsKeyId": "b" },
    });
    let input = json!({ "clusterName": "full", "configuration": full });
    let created = fixture.ask("CreateCluster", input).await;
    assert_eq!(created["cluster"]["configuration"], full);
    let input = json!({ "cluster": "full", "configuration": { "executeCommandConfiguration": {} } });
    let updated = fixture.ask("UpdateCluster", input).await;
    assert_eq!(
        updated["cluster"]["configuration"],
        json!({
            "executeCommandConfiguration": { "logging": "DEFAULT" },
            "managedStorageConfiguration": full["managedStorageConfiguration"],
        })
    );
}

#[tokio::test]
async fn logging_that_does_not_fit_is_refused() {
    let fixture = Fixture::new().await;
    let log = json!({ "cloudWatchLogGroupName": "exec" });
    for exec in [
        json!({ "logging": "OVERRIDE" }),
        json!({ "logging": "OVERRIDE", "logConfiguration": {} }),
        json!({ "logging": "DEFAULT", "logConfiguration": log }),
        json!({ "logging": "NONE", "logConfiguration": log }),
        json!({ "logConfiguration": log }),
        json!({ "logging": "SOMETIMES" }),
    ] {
        let configuration = json!({ "executeCommandConfiguration": exec });
        for (operation, name) in [("CreateCluster", "clusterName"), ("UpdateCluster", "cluster")] {
            let input = json!({ name: "default", "configuration": configuration });
            let refused = fixture.refused(operation, input).await;
            assert_eq!(code(refused), "InvalidParameterException", "{exec}");
        }
    }
}

#[tokio::test]
async fn a_bucket_for_sessions_is_refused_by_name() {
    let fixture = Fixture::new().await;
    let log = json!({ "cloudWatchLogGroupName": "exec", "s3BucketName": "sessions" });
    let exec = json!({ "logging": "OVERRIDE", "logConfiguration": log });
    let input = json!({ "cluster": "default", "configuration": { "executeCommandConfiguration": exec } });
    let (code, message) = fixture.refused("UpdateCluster", input).await;
    assert_eq!(code, "ClientException");
    assert!(message.contains("s3BucketName"), "{message}");
}

#[tokio::test]
async fn settings_are_updated_in_both_ways() {
    let fixture = Fixture::new().await;
    for (operation, value) in [
        ("UpdateClusterSettings", "enabled"),
        ("UpdateCluster", "enhanced"),
    ] {
        let settings = json!([{ "name": "containerInsights", "value": value }]);
        let input = json!({ "cluster": "default", "settings": settings });
        let updated = fixture.ask(operation, input).await;
        assert_eq!(updated["cluster"]["settings"], settings);
    }
    let own = json!([{ "name": "instanceRebalancing", "value": "enabled" }]);
    let input = json!({ "cluster": "default", "settings": own });
    let updated = fixture.ask("UpdateClusterSettings", input).await;
    let both = json!([{ "name": "containerInsights", "value": "enhanced" }, own[0]]);
    assert_eq!(updated["cluster"]["settings"], both);
    let new = json!({ "clusterName": "new", "settings": own });
    let created = fixture.ask("CreateCluster", new).await;
    let both = json!([{ "name": "containerInsights", "value": "disabled" }, own[0]]);
    assert_eq!(created["cluster"]["settings"], both);
    for settings in [
        json!([]),
        json!([{ "name": "instanceRebalancing", "value": "on" }]),
        json!([{ "name": "containerInsights", "value": "on" }]),
        json!([{ "name": "other", "value": "enabled" }]),
    ] {
        let input = json!({ "cluster": "default", "settings": settings });
        let refused = fixture.refused("UpdateClusterSettings", input).await;
        assert_eq!(code(refused), "InvalidParameterException", "{settings}");
    }
}

#[tokio::test]
async fn clusters_that_are_not_there_are_not_updated() {
    let fixture = Fixture::new().await;
    let other = "arn:aws:ecs:us-east-1:210987654321:cluster/default";
    for name in ["nobody", other] {
        let refused = fixture.refused("UpdateCluster", json!({ "cluster": name })).await;
        assert_eq!(
            refused,
            (
                "ClusterNotFoundException".to_owned(),
                "Cluster not found.".to_owned()
            )
        );
    }
}

#[tokio::test]
async fn creating_again_changes_nothing_until_the_cluster_is_deleted() {
    let fixture = Fixture::new().await;
    let settings = json!([{ "name": "containerInsights", "value": "enabled" }]);
    let again = json!({ "clusterName": "default", "settings": settings });
    let same = fixture.ask("CreateCluster", again.clone()).await;
    assert_eq!(same["cluster"]["settings"][0]["value"], "disabled");
    fixture
        .ask("DeleteCluster", json!({ "cluster": "default" }))
        .await;
    assert_eq!(described(&fixture, &[]).await["status"], "INACTIVE");
    let definition = fixture.definition().await;
    for (operation, more) in [
        ("RunTask", json!({})),
        (
            "CreateService",
            json!({ "serviceName": "web", "desiredCount": 1 }),
        ),
        ("UpdateService", json!({ "service": "web" })),
    ] {
        let mut input = json!({ "taskDefinition": definition });
        input
            .as_object_mut()
            .expect("members")
            .extend(more.as_object().expect("members").clone());
        let refused = fixture.refused(operation, input).await;
        let inactive = "The referenced cluster was inactive.".to_owned();
        assert_eq!(
            refused,
            ("ClusterNotFoundException".to_owned(), inactive),
            "{operation}"
        );
    }
    let anew = fixture.ask("CreateCluster", again).await;
    assert_eq!(anew["cluster"]["status"], "ACTIVE");
    assert_eq!(anew["cluster"]["settings"], settings);
}
