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
    assert_eq!(reset["launchType"], "FARGATE", "{reset}");
    assert!(reset.get("capacityProviderStrategy").is_none(), "{reset}");
    assert_eq!(reset["platformVersion"], "LATEST");
    assert_eq!(reset["deployments"].as_array().map(Vec::len), Some(3));
    // There is nothing left to take away.
    let same = fixture.ask("UpdateService", update(&empty, false)).await["service"].clone();
    assert_eq!(same["launchType"], "FARGATE", "{same}");
    assert_eq!(same["deployments"].as_array().map(Vec::len), Some(3));
}

#[tokio::test]
async fn a_service_that_began_with_a_strategy_gives_it_up_for_the_default_or_its_launch_type() {
    let fixture = Fixture::new().await;
    let network = fargate(&fixture).await;
    let providers = json!(["FARGATE", "FARGATE_SPOT"]);
    put(&fixture, providers.clone(), json!([item("FARGATE", 0, 1)])).await;
    for (name, strategy) in [
        ("named", json!([item("FARGATE_SPOT", 0, 1)])),
        ("of-cluster", json!([])),
    ] {
        let create = json!({
            "serviceName": name, "taskDefinition": "web", "desiredCount": 1, "networkConfiguration": network,
            "capacityProviderStrategy": strategy,
        });
        fixture.ask("CreateService", create).await;
    }
    let give_up = |name: &str, force: bool| json!({ "service": name, "capacityProviderStrategy": [], "forceNewDeployment": force });
    let default = json!([item("FARGATE", 0, 1)]);
    // It runs on the cluster's default already.
    let same = fixture.ask("UpdateService", give_up("of-cluster", false)).await["service"].clone();
    assert_eq!(same["capacityProviderStrategy"], default);
    assert_eq!(same["deployments"].as_array().map(Vec::len), Some(1));
    let refused = fixture.refused("UpdateService", give_up("named", false)).await;
    assert_eq!(code(refused), "InvalidParameterException");
    let named = fixture.ask("UpdateService", give_up("named", true)).await["service"].clone();
    assert_eq!(named["capacityProviderStrategy"], default, "{named}");
    put(&fixture, providers, json!([])).await;
    for name in ["named", "of-cluster"] {
        let service = fixture.ask("UpdateService", give_up(name, true)).await["service"].clone();
        assert_eq!(service["launchType"], "FARGATE", "{service}");
        assert!(service.get("capacityProviderStrategy").is_none(), "{service}");
    }
}

#[tokio::test]
async fn older_deployments_show_the_capacity_that_they_were_made_with() {
    let fixture = Fixture::new().await;
    let network = fargate(&fixture).await;
    machines(&fixture).await;
    put(&fixture, json!(["FARGATE_SPOT", "machines"]), json!([])).await;
    let create = json!({
        "serviceName": "web", "taskDefinition": "web", "desiredCount": 1, "networkConfiguration": network,
        "launchType": "FARGATE",
    });
    fixture.ask("CreateService", create).await;
    let spot = json!([item("FARGATE_SPOT", 0, 1)]);
    let group = json!([item("machines", 0, 1)]);
    for strategy in [&spot, &group] {
        let update =
            json!({ "service": "web", "capacityProviderStrategy": strategy, "forceNewDeployment": true });
        fixture.ask("UpdateService", update).await;
    }
    let described = fixture
        .ask("DescribeServices", json!({ "services": ["web"] }))
        .await;
    let members = |index: usize| {
        let it = &described["services"][0]["deployments"][index];
        let names = [
            "launchType",
            "capacityProviderStrategy",
            "platformVersion",
            "platformFamily",
        ];
        names.map(|name| it[name].clone())
    };
    let (version, family, none) = (json!("1.4.0"), json!("Linux"), Value::Null);
    assert_eq!(members(0), [none.clone(), group, none.clone(), none.clone()]);
    assert_eq!(members(1), [none.clone(), spot, version.clone(), family.clone()]);
    assert_eq!(members(2), [json!("FARGATE"), none, version, family]);
}

#[tokio::test]
async fn fargate_without_room_fails_task_by_task_and_names_no_host() {
    let fixture = Fixture::new().await;
    let network = fargate(&fixture).await;
    let container = json!({ "name": "web", "image": "web" });
    let large = json!({
        "family": "large", "containerDefinitions": [container], "networkMode": "awsvpc",
        "requiresCompatibilities": ["FARGATE"], "cpu": "2048", "memory": "4096",
    });
    fixture.ask("RegisterTaskDefinition", large).await;
    let run = json!({
        "taskDefinition": "large", "launchType": "FARGATE", "count": 4, "networkConfiguration": network,
    });
    let ran = fixture.ask("RunTask", run.clone()).await;
    assert_eq!(ran["tasks"].as_array().map(Vec::len), Some(2));
    let failure = |detail: &str| {
        json!({
            "reason": "Capacity is unavailable at this time. Please try again later or in a different availability zone",
            "detail": detail,
        })
    };
    let full = failure(
        "1 host: 1 lacks CPU units (2048 needed, free 0), 1 lacks memory (4096 MiB needed, free 0 MiB).",
    );
    assert_eq!(ran["failures"], json!([full, full]));
    let instances = fixture.ask("ListContainerInstances", json!({})).await;
    let drain = json!({ "containerInstances": instances["containerInstanceArns"], "status": "DRAINING" });
    fixture.ask("UpdateContainerInstancesState", drain).await;
    let none = failure("No host takes FARGATE tasks there.");
    let ran = fixture.ask("RunTask", run).await;
    assert_eq!(ran["failures"], json!([none, none, none, none]));
}
