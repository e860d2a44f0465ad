use serde_json::{Value, json};

use super::{fargate, item, machines, put, put_input};
use crate::fixture::{ACCOUNT, Fixture, code, text};

fn providers(answer: &Value) -> Vec<String> {
    let tasks = answer["tasks"].as_array().into_iter().flatten();
    tasks.map(|it| text(&it["capacityProviderName"])).collect()
}

#[tokio::test]
async fn strategies_that_cannot_be_are_refused() {
    let fixture = Fixture::new().await;
    machines(&fixture).await;
    let all = json!(["FARGATE", "FARGATE_SPOT", "machines"]);
    let cases = [
        (json!([item("FARGATE", 0, 1001)]), "between 0 and 1000"),
        (json!([item("FARGATE", 100_001, 1)]), "between 0 and 100000"),
        (json!([item("FARGATE", -1, 1)]), "between 0 and 100000"),
        (
            json!([item("FARGATE", 1, 1), item("FARGATE_SPOT", 1, 1)]),
            "more than one capacity provider with a base",
        ),
        (
            json!([item("FARGATE", 0, 1), item("FARGATE", 0, 1)]),
            "more than once",
        ),
        (
            json!([item("FARGATE", 0, 1), item("machines", 0, 1)]),
            "mix of capacity providers",
        ),
        (json!([item("other", 0, 1)]), "not associated with the cluster."),
        (json!(vec![item("FARGATE", 0, 1); 21]), "more than 20"),
    ];
    for (strategy, words) in cases {
        let input = put_input(all.clone(), strategy.clone());
        let (exception, message) = fixture.refused("PutClusterCapacityProviders", input).await;
        assert_eq!(exception, "InvalidParameterException", "{message}");
        assert!(message.contains(words), "{strategy}: {message}");
    }
}

#[tokio::test]
async fn a_default_strategy_without_weights_fails_only_who_falls_back_to_it() {
    let fixture = Fixture::new().await;
    let network = fargate(&fixture).await;
    let weightless = json!([{ "capacityProvider": "FARGATE" }]);
    let lab = json!({
        "clusterName": "lab", "capacityProviders": ["FARGATE"],
        "defaultCapacityProviderStrategy": weightless,
    });
    fixture.ask("CreateCluster", lab).await;
    let cluster = put(&fixture, json!(["FARGATE"]), weightless.clone()).await;
    assert_eq!(
        cluster["defaultCapacityProviderStrategy"],
        json!([item("FARGATE", 0, 0)])
    );
    let run = json!({ "taskDefinition": "web", "networkConfiguration": network });
    let create = json!({
        "serviceName": "web", "taskDefinition": "web", "desiredCount": 0, "networkConfiguration": network,
    });
    for (operation, input) in [("RunTask", &run), ("CreateService", &create)] {
        for (strategy, words) in [
            (json!([]), "There are no capacity providers with a weight value"),
            (
                weightless.clone(),
                "The specified capacity provider strategy must",
            ),
        ] {
            let mut input = input.clone();
            input["capacityProviderStrategy"] = strategy;
            let (exception, message) = fixture.refused(operation, input).await;
            assert_eq!(exception, "InvalidParameterException", "{message}");
            assert!(message.starts_with(words), "{operation}: {message}");
        }
        let mut input = input.clone();
        input["capacityProviderStrategy"] = json!([item("FARGATE", 0, 1)]);
        fixture.ask(operation, input).await;
    }
}

#[tokio::test]
async fn a_cluster_is_created_with_capacity_providers_once() {
    let fixture = Fixture::new().await;
    let strategy = json!([item("FARGATE_SPOT", 2, 3)]);
    let input = json!({
        "clusterName": "lab", "capacityProviders": ["FARGATE", "FARGATE_SPOT"],
        "defaultCapacityProviderStrategy": strategy,
    });
    let cluster = fixture.ask("CreateCluster", input.clone()).await["cluster"].clone();
    assert_eq!(cluster["capacityProviders"], json!(["FARGATE", "FARGATE_SPOT"]));
    assert_eq!(cluster["defaultCapacityProviderStrategy"], strategy);
    assert!(cluster.get("attachmentsStatus").is_none());
    fixture.ask("CreateCluster", input).await;
    let other = json!({ "clusterName": "lab", "capacityProviders": ["FARGATE"] });
    let (exception, message) = fixture.refused("CreateCluster", other).await;
    assert_eq!(exception, "InvalidParameterException");
    assert!(message.contains("idempotent request"), "{message}");
    let unknown = json!({ "clusterName": "new", "capacityProviders": ["machines"] });
    let (_, message) = fixture.refused("CreateCluster", unknown).await;
    assert!(message.contains("was not found."), "{message}");
}

#[tokio::test]
async fn run_task_follows_the_strategy_that_is_given_or_the_clusters() {
    let fixture = Fixture::new().await;
    let network = fargate(&fixture).await;
    let run = |more: Value| {
        let mut input = json!({ "taskDefinition": "web", "networkConfiguration": network, "count": 4 });
        if let (Some(input), Value::Object(more)) = (input.as_object_mut(), more) {
            input.extend(more);
        }
        input
    };
    let strategy = json!([item("FARGATE", 1, 0), item("FARGATE_SPOT", 0, 1)]);
    let (_, message) = fixture
        .refused("RunTask", run(json!({ "capacityProviderStrategy": strategy })))
        .await;
    assert!(message.contains("not associated with the cluster."), "{message}");
    let default = json!([item("FARGATE_SPOT", 0, 1)]);
    put(&fixture, json!(["FARGATE", "FARGATE_SPOT"]), default).await;
    let both = json!({ "capacityProviderStrategy": strategy, "launchType": "FARGATE" });
    let (exception, message) = fixture.refused("RunTask", run(both)).await;
    assert_eq!(exception, "InvalidParameterException");
    assert_eq!(
        message,
        "Specifying both a launch type and capacity provider strategy is not supported. Remove one and try again."
    );
    let given = fixture
        .ask("RunTask", run(json!({ "capacityProviderStrategy": strategy })))
        .await;
    assert_eq!(
        providers(&given),
        ["FARGATE", "FARGATE_SPOT", "FARGATE_SPOT", "FARGATE_SPOT"],
        "{given}"
    );
    assert_eq!(given["tasks"][1]["launchType"], "FARGATE");
    assert_eq!(given["tasks"][1]["lastStatus"], "PROVISIONING");
    let of_cluster = fixture.ask("RunTask", run(json!({ "count": 1 }))).await;
    assert_eq!(providers(&of_cluster), ["FARGATE_SPOT"]);
    let plain = fixture
        .ask("RunTask", run(json!({ "count": 1, "launchType": "FARGATE" })))
        .await;
    assert!(plain["tasks"][0].get("capacityProviderName").is_none(), "{plain}");
}

#[tokio::test]
async fn tasks_of_an_auto_scaling_group_find_it_empty() {
    let fixture = Fixture::new().await;
    fixture.instance().await;
    let definition = fixture.definition().await;
    machines(&fixture).await;
    put(&fixture, json!(["machines"]), json!([])).await;
    let strategy = json!([item("machines", 0, 1)]);
    let input = json!({ "taskDefinition": definition, "capacityProviderStrategy": strategy });
    let answer = fixture.ask("RunTask", input).await;
    assert_eq!(answer["tasks"], json!([]));
    assert_eq!(
        answer["failures"],
        json!([{ "arn": format!("{ACCOUNT}:capacity-provider/machines"), "reason": "EMPTY CAPACITY PROVIDER" }])
    );
}

#[tokio::test]
async fn a_service_shows_its_strategy_and_changes_it_with_a_new_deployment_only() {
    let fixture = Fixture::new().await;
    let network = fargate(&fixture).await;
    put(
        &fixture,
        json!(["FARGATE", "FARGATE_SPOT"]),
        json!([item("FARGATE", 0, 1)]),
    )
    .await;
    let create = json!({
        "serviceName": "web", "taskDefinition": "web", "desiredCount": 1, "networkConfiguration": network,
        "launchType": "FARGATE",
    });
    let service = fixture.ask("CreateService", create).await["service"].clone();
    assert_eq!(service["launchType"], "FARGATE");
    assert!(service.get("capacityProviderStrategy").is_none());
    let spot = json!([item("FARGATE_SPOT", 0, 1)]);
    let update = |strategy: &Value, force: bool| json!({ "service": "web", "capacityProviderStrategy": strategy, "forceNewDeployment": force });
    let (exception, message) = fixture.refused("UpdateService", update(&spot, false)).await;
    assert_eq!(exception, "InvalidParameterException");
    assert!(message.contains("you must force a new deployment."), "{message}");
    let service = fixture.ask("UpdateService", update(&spot, true)).await["service"].clone();
    assert!(service.get("launchType").is_none(), "{service}");
    assert_eq!(service["capacityProviderStrategy"], spot);
    assert_eq!(service["deployments"][0]["capacityProviderStrategy"], spot);
    assert_eq!(service["deployments"].as_array().map(Vec::len), Some(2));
    // The service says what it was told, what it deploys says which version that is.
    assert_eq!(service["platformVersion"], "LATEST");
    assert_eq!(service["deployments"][0]["platformVersion"], "1.4.0");
    let run = json!({ "taskDefinition": "web", "launchType": "FARGATE", "networkConfiguration": network });
    let ran = fixture.ask("RunTask", run).await;
    assert_eq!(ran["tasks"][0]["platformVersion"], "1.4.0");
    // The same again changes nothing, and is no new deployment.
    let same = fixture.ask("UpdateService", update(&spot, false)).await["service"].clone();
    assert_eq!(same["deployments"].as_array().map(Vec::len), Some(2));
    let removed = put_input(json!(["FARGATE"]), json!([]));
    let (exception, message) = fixture.refused("PutClusterCapacityProviders", removed).await;
    assert_eq!(exception, "ResourceInUseException");
    assert!(
        message.starts_with("The specified capacity provider is in use and cannot be removed."),
        "{message}"
    );
    let empty = json!([]);
    assert_eq!(
        code(fixture.refused("UpdateService", update(&empty, false)).await),
        "InvalidParameterException"
    );
    let reset = fixture.ask("UpdateService", update(&empty, true)).await["service"].clone();
    assert_eq!(reset["capacityProviderStrategy"], json!([item("FARGATE", 0, 1)]));
}
