//! Deployments.

use std::time::Duration;

use domain::code_deploy::deployment::CodeDeployDeployment;
use orchestrator::controllers::code_deploy_deployments::CodeDeployDeployments;
use orchestrator::controllers::{Controller, Next};
use orchestrator::transitions::WebhookAnswer;
use sha2::{Digest, Sha256};

use super::*;

const DEADLINE: Duration = Duration::from_secs(10);

pub(super) fn spec() -> String {
    json!({
        "version": 0.0,
        "Resources": [{ "TargetService": { "Type": "AWS::ECS::Service", "Properties": {
            "TaskDefinition": "web:1",
            "LoadBalancerInfo": { "ContainerName": "web", "ContainerPort": 80 },
        } } }],
    })
    .to_string()
}

fn deploy(content: &str) -> Value {
    let revision = json!({ "revisionType": "AppSpecContent", "appSpecContent": { "content": content } });
    with(group("web"), "revision", revision)
}

pub(super) async fn world() -> World {
    let it = World::new().await;
    it.ask("CreateDeploymentGroup", it.wish("web")).await;
    it
}

#[tokio::test]
async fn a_deployment_reads_back_and_is_listed() {
    let it = world().await;
    let made = it.ask("CreateDeployment", deploy(&spec())).await;
    let id = text(&made["deploymentId"]);
    let shown = it.ask("GetDeployment", json!({ "deploymentId": id })).await["deploymentInfo"].clone();
    let sha256 = hex::encode(Sha256::digest(spec()));
    let expected = json!({
        "applicationName": "shop", "deploymentGroupName": "web", "deploymentId": id, "status": "Created",
        "creator": "user", "computePlatform": "ECS",
        "deploymentConfigName": "CodeDeployDefault.ECSAllAtOnce",
        "revision": { "revisionType": "AppSpecContent", "appSpecContent": { "sha256": sha256 } },
    });
    for (member, value) in expected.as_object().expect("an object") {
        assert_eq!(shown[member], *value, "{member}");
    }
    let (code, message) = it.refused("CreateDeployment", deploy(&spec())).await;
    assert_eq!(code, "DeploymentLimitExceededException");
    assert_eq!(
        message,
        format!("The Deployment Group 'web' already has an active Deployment '{id}'")
    );
    let listed = |filter: Value| it.ask("ListDeployments", filter);
    assert_eq!(listed(group("web")).await["deployments"], json!([id]));
    let created = json!({ "includeOnlyStatuses": ["Created", "Failed"] });
    assert_eq!(listed(created).await["deployments"], json!([id]));
    let failed = json!({ "includeOnlyStatuses": ["Failed"] });
    assert_eq!(listed(failed).await["deployments"], json!([]));
    let (code, _) = it
        .refused("ListDeployments", json!({ "deploymentGroupName": "web" }))
        .await;
    assert_eq!(code, "ApplicationNameRequiredException");
    let (code, _) = it
        .refused("ListDeployments", json!({ "applicationName": "app" }))
        .await;
    assert_eq!(code, "DeploymentGroupNameRequiredException");
    let stopped = it.ask("StopDeployment", json!({ "deploymentId": id })).await;
    assert_eq!(stopped["status"], "Succeeded");
    let (code, _) = it.refused("StopDeployment", json!({ "deploymentId": id })).await;
    assert_eq!(code, "DeploymentAlreadyCompletedException");
    let group = it.ask("GetDeploymentGroup", group("web")).await;
    let last = &group["deploymentGroupInfo"]["lastAttemptedDeployment"];
    assert_eq!(
        (&last["deploymentId"], &last["status"]),
        (&json!(id), &json!("Stopped"))
    );
}

#[tokio::test]
async fn its_target_is_the_service() {
    let it = world().await;
    let made = it.ask("CreateDeployment", deploy(&spec())).await;
    let id = made["deploymentId"].clone();
    let (code, _) = it
        .refused("ListDeploymentTargets", json!({ "deploymentId": id }))
        .await;
    assert_eq!(code, "DeploymentNotStartedException");
    it.ask("StopDeployment", json!({ "deploymentId": id })).await;
    let listed = it
        .ask("ListDeploymentTargets", json!({ "deploymentId": id }))
        .await;
    assert_eq!(listed["targetIds"], json!(["default:web"]));
    let input = json!({ "deploymentId": id, "targetId": "default:web" });
    let shown = it.ask("GetDeploymentTarget", input).await["deploymentTarget"].clone();
    assert_eq!(shown["deploymentTargetType"], "ECSTarget");
    let events = shown["ecsTarget"]["lifecycleEvents"]
        .as_array()
        .expect("a list")
        .clone();
    let names: Vec<&str> = events
        .iter()
        .filter_map(|it| it["lifecycleEventName"].as_str())
        .collect();
    let expected = [
        "BeforeInstall",
        "Install",
        "AfterInstall",
        "AllowTestTraffic",
        "AfterAllowTestTraffic",
        "BeforeAllowTraffic",
        "AllowTraffic",
        "AfterAllowTraffic",
    ];
    assert_eq!(names, expected);
    assert!(events.iter().all(|it| it["status"] == "Skipped"), "{events:?}");
    let input = json!({ "deploymentId": id, "targetIds": ["default:web"] });
    let batch = it.ask("BatchGetDeploymentTargets", input).await;
    assert_eq!(batch["deploymentTargets"][0], shown);
    let input = json!({ "deploymentId": id, "targetId": "default:other" });
    let (code, _) = it.refused("GetDeploymentTarget", input).await;
    assert_eq!(code, "DeploymentTargetDoesNotExistException");
}

#[tokio::test]
async fn revisions_are_checked() {
    let it = world().await;
    let revision = |revision: Value| with(group("web"), "revision", revision);
    let hooked = |target: &str| {
        let mut spec: Value = serde_json::from_str(&spec()).expect("JSON");
        spec["Hooks"] = json!([{ "BeforeInstall": target }]);
        deploy(&spec.to_string())
    };
    let invalid = "InvalidRevisionException";
    let cases = [
        (
            group("web"),
            "RevisionRequiredException",
            "RevisionLocation must be specified",
        ),
        (
            revision(json!({ "revisionType": "S3" })),
            invalid,
            "not supported by Gantry",
        ),
        (
            revision(json!({ "revisionType": "String" })),
            invalid,
            "needs the member",
        ),
        (
            revision(json!({ "revisionType": "String", "string": { "content": spec(), "sha256": "00" } })),
            invalid,
            "The sha256 of the revision is 00",
        ),
        (deploy("a: ["), invalid, "not well-formed yaml"),
        (
            deploy(&spec().replace("web:1", "web:9")),
            invalid,
            "TaskDefinition not found.",
        ),
        (
            deploy(&spec().replace("\"web\"", "\"other\"")),
            invalid,
            "The container other does not exist in the task definition.",
        ),
        (
            deploy(&spec().replace("80", "81")),
            invalid,
            "The container web did not have a container port 81 defined.",
        ),
        (
            hooked("CheckFunction"),
            invalid,
            "Gantry runs no Lambda functions",
        ),
    ];
    for (input, code, text) in cases {
        let (found, message) = it.refused("CreateDeployment", input).await;
        assert_eq!(found, code, "{message}");
        assert!(message.contains(text), "{message:?} has no {text:?}");
    }
    it.ask("CreateDeployment", hooked("http://127.0.0.1:9/check"))
        .await;
}

#[tokio::test]
async fn deployments_are_named_by_their_ids() {
    let it = world().await;
    for (id, expected) in [
        ("", "DeploymentIdRequiredException"),
        ("d-1", "InvalidDeploymentIdException"),
        ("d-ABCDEFGHI", "DeploymentDoesNotExistException"),
    ] {
        for operation in ["GetDeployment", "StopDeployment", "ContinueDeployment"] {
            let (code, _) = it.refused(operation, json!({ "deploymentId": id })).await;
            assert_eq!(code, expected, "{operation}");
        }
    }
    let made = it.ask("CreateDeployment", deploy(&spec())).await;
    let id = &made["deploymentId"];
    let (code, _) = it
        .refused("ContinueDeployment", json!({ "deploymentId": id }))
        .await;
    assert_eq!(code, "UnsupportedActionForDeploymentTypeException");
    let waits = json!({ "deploymentId": id, "deploymentWaitType": "TERMINATION_WAIT" });
    let (code, _) = it.refused("ContinueDeployment", waits).await;
    assert_eq!(code, "DeploymentIsNotInReadyStateException");
    let answer = |status: &str| json!({ "deploymentId": id, "lifecycleEventHookExecutionId": "none", "status": status });
    for (status, expected) in [
        ("Succeeded", "InvalidLifecycleEventHookExecutionIdException"),
        ("Unknown", "InvalidLifecycleEventHookExecutionStatusException"),
    ] {
        let (code, _) = it
            .refused("PutLifecycleEventHookExecutionStatus", answer(status))
            .await;
        assert_eq!(code, expected);
    }
}

#[tokio::test]
async fn a_service_leaves_its_deployments_to_codedeploy() {
    let it = World::new().await;
    let described = it
        .fixture
        .ask("DescribeServices", json!({ "services": ["web"] }))
        .await;
    let service = &described["services"][0];
    assert_eq!(service["deploymentController"], json!({ "type": "CODE_DEPLOY" }));
    assert_eq!(service["deployments"], json!([]));
    let set = &service["taskSets"][0];
    assert_eq!(
        (&set["status"], &set["computedDesiredCount"]),
        (&json!("PRIMARY"), &json!(1))
    );
    let instead = "on services with a CODE_DEPLOY deployment controller. Use AWS CodeDeploy to trigger a new deployment.";
    let of_web = |more: Value| {
        let mut input = json!({ "service": "web" });
        for (member, value) in more.as_object().expect("an object") {
            input[member] = value.clone();
        }
        input
    };
    for (more, expected) in [
        (
            json!({ "taskDefinition": "web" }),
            format!("Unable to update task definition {instead}"),
        ),
        (
            json!({ "forceNewDeployment": true }),
            format!("Cannot force a new deployment {instead}"),
        ),
    ] {
        let (code, message) = it.fixture.refused("UpdateService", of_web(more)).await;
        assert_eq!((code.as_str(), message), ("InvalidParameterException", expected));
    }
    let scaled = of_web(json!({ "desiredCount": 2, "deploymentConfiguration": { "maximumPercent": 150 } }));
    let scaled = it.fixture.ask("UpdateService", scaled).await;
    assert_eq!(scaled["service"]["taskSets"][0]["computedDesiredCount"], 2);
    assert_eq!(
        scaled["service"]["deploymentConfiguration"]["maximumPercent"],
        150
    );
    let another = json!({ "cluster": "default", "service": "web", "taskDefinition": "web" });
    let (code, _) = it.fixture.refused("CreateTaskSet", another).await;
    assert_eq!(code, "InvalidParameterException");
    it.fixture
        .ask("UpdateService", of_web(json!({ "desiredCount": 0 })))
        .await;
    it.fixture.ask("DeleteService", of_web(json!({}))).await;
}

/// Answers the first call that its hook succeeded, and tells what it was told.
struct Agreeing(tokio::sync::mpsc::UnboundedSender<Value>);

impl crate::WebhookClient for Agreeing {
    async fn call(&self, _: &str, told: &Value) -> WebhookAnswer {
        let _ = self.0.send(told.clone());
        WebhookAnswer::Succeeded
    }
}

impl World {
    /// The controller looks until it waits for something.
    async fn look(&self, id: &str) {
        let key = (domain::Scope::new("123456789012", "us-east-1"), id.to_owned());
        loop {
            let key = key.clone();
            let controller = CodeDeployDeployments::new(&orchestrator::Settings::default());
            let looked = self
                .fixture
                .store()
                .transact(move |tx| Ok::<_, std::convert::Infallible>(controller.reconcile(tx, &key)));
            if looked.await.expect("is stored") != Next::Again {
                return;
            }
        }
    }

    async fn events(&self, id: &str) -> Vec<Value> {
        let input = json!({ "deploymentId": id, "targetId": "default:web" });
        let shown = self.ask("GetDeploymentTarget", input).await;
        let events = &shown["deploymentTarget"]["ecsTarget"]["lifecycleEvents"];
        events.as_array().expect("a list").clone()
    }
}

#[tokio::test]
async fn a_webhook_is_told_what_a_function_would_be_and_answers_for_its_event() {
    let it = world().await;
    let mut spec: Value = serde_json::from_str(&spec()).expect("JSON");
    spec["Hooks"] = json!([{ "BeforeInstall": "http://127.0.0.1:9/check" }]);
    let made = it.ask("CreateDeployment", deploy(&spec.to_string())).await;
    let id = text(&made["deploymentId"]);
    it.look(&id).await;
    assert_eq!(it.events(&id).await[0]["status"], "InProgress");
    let (tell, mut told) = tokio::sync::mpsc::unbounded_channel();
    let shutdown = tokio_util::sync::CancellationToken::new();
    let control_plane = std::sync::Arc::clone(it.fixture.control_plane());
    let calls = tokio::spawn(crate::call_webhooks_by(
        control_plane,
        Agreeing(tell),
        shutdown.clone(),
    ));
    let told = tokio::time::timeout(DEADLINE, told.recv());
    let told = told.await.expect("is called").expect("is told");
    assert_eq!(told["DeploymentId"], json!(id));
    let execution = text(&told["LifecycleEventHookExecutionId"]);
    tokio::time::timeout(DEADLINE, async {
        while it.events(&id).await[0]["status"] != "Succeeded" {
            it.look(&id).await;
            tokio::task::yield_now().await;
        }
    })
    .await
    .expect("goes on");
    assert_eq!(it.events(&id).await[1]["status"], "InProgress");
    let answer = json!({
        "deploymentId": id, "lifecycleEventHookExecutionId": execution, "status": "Failed",
    });
    let (code, _) = it.refused("PutLifecycleEventHookExecutionStatus", answer).await;
    assert_eq!(code, "LifecycleEventAlreadyCompletedException");
    shutdown.cancel();
    calls.await.expect("ends");
}

#[tokio::test]
async fn a_hook_that_is_not_answered_by_its_webhook_is_answered_by_a_call() {
    let it = world().await;
    let mut spec: Value = serde_json::from_str(&spec()).expect("JSON");
    spec["Hooks"] = json!([{ "BeforeInstall": "http://127.0.0.1:9/check" }]);
    let made = it.ask("CreateDeployment", deploy(&spec.to_string())).await;
    let id = text(&made["deploymentId"]);
    it.look(&id).await;
    let execution = it.fixture.store().read(|state| {
        let key = (domain::Scope::new("123456789012", "us-east-1"), id.clone());
        let known = state.get::<CodeDeployDeployment>(&key).expect("is there");
        let hook = known.event().and_then(|it| it.hook.as_ref());
        hook.expect("is asked").id.clone()
    });
    let answer = json!({
        "deploymentId": id, "lifecycleEventHookExecutionId": execution, "status": "Failed",
    });
    it.ask("PutLifecycleEventHookExecutionStatus", answer).await;
    it.look(&id).await;
    let shown = it.ask("GetDeployment", json!({ "deploymentId": id })).await["deploymentInfo"].clone();
    assert_eq!(shown["status"], "Failed");
    assert_eq!(shown["errorInformation"]["code"], "HOOK_EXECUTION_FAILURE");
    let failed = &it.events(&id).await[0];
    assert_eq!(failed["status"], "Failed");
    let message = text(&failed["diagnostics"]["message"]);
    assert!(
        message.contains("BeforeInstall") && message.contains("said Failed"),
        "{message}"
    );
}

#[tokio::test]
async fn old_deployments_go_but_for_the_last_of_a_user_that_succeeded() {
    let it = world().await;
    let made = it.ask("CreateDeployment", deploy(&spec())).await;
    let id = text(&made["deploymentId"]);
    it.ask("StopDeployment", json!({ "deploymentId": id })).await;
    let filled = it
        .fixture
        .store()
        .transact(move |tx| -> Result<_, std::convert::Infallible> {
            let scope = domain::Scope::new("123456789012", "us-east-1");
            let known = tx.get::<CodeDeployDeployment>(&(scope, id)).expect("is there");
            let put = |tx: &mut store::Tx<'_>, id: String, age: i64, creator, status| {
                tx.put(CodeDeployDeployment {
                    id,
                    creator,
                    status,
                    created_at: domain::Timestamp::from_second(known.created_at.as_second() - age)
                        .expect("in range"),
                    ..CodeDeployDeployment::clone(&known)
                });
            };
            use domain::code_deploy::deployment::{Creator, DeploymentStatus as Status};
            put(
                tx,
                "d-SUCCEEDED".to_owned(),
                1002,
                Creator::User,
                Status::Succeeded,
            );
            put(tx, "d-FAILED000".to_owned(), 1001, Creator::User, Status::Failed);
            put(
                tx,
                "d-ROLLBACK0".to_owned(),
                1000,
                Creator::Rollback,
                Status::Succeeded,
            );
            for age in 0..110 {
                put(tx, format!("d-{age:09}"), age, Creator::User, Status::Stopped);
            }
            Ok(())
        });
    filled.await.expect("is stored");
    it.ask("CreateDeployment", deploy(&spec())).await;
    let of = |id: &str| json!({ "deploymentId": id });
    it.ask("GetDeployment", of("d-SUCCEEDED")).await;
    for gone in ["d-FAILED000", "d-ROLLBACK0"] {
        let (code, _) = it.refused("GetDeployment", of(gone)).await;
        assert_eq!(code, "DeploymentDoesNotExistException", "{gone}");
    }
    let shown = it.ask("GetDeploymentGroup", group("web")).await;
    assert!(
        shown["deploymentGroupInfo"]["targetRevision"].is_object(),
        "{shown}"
    );

    // With the group go those that have ended.
    it.ask("DeleteDeploymentGroup", group("web")).await;
    let left = it.ask("ListDeployments", json!({})).await["deployments"].clone();
    assert_eq!(left.as_array().map(Vec::len), Some(1), "{left}");
}

#[tokio::test]
async fn what_is_missing_or_meant_for_instances_is_named_by_its_exception() {
    let it = world().await;
    let instances = json!({ "autoScalingGroups": ["a"] });
    for (operation, input, expected) in [
        ("CreateDeployment", json!({}), "ApplicationNameRequiredException"),
        ("GetDeployment", json!({}), "DeploymentIdRequiredException"),
        (
            "GetDeploymentConfig",
            json!({}),
            "DeploymentConfigNameRequiredException",
        ),
        (
            "DeleteDeploymentGroup",
            json!({ "applicationName": "shop" }),
            "DeploymentGroupNameRequiredException",
        ),
        (
            "TagResource",
            json!({ "Tags": [] }),
            "ResourceArnRequiredException",
        ),
        (
            "UntagResource",
            json!({ "ResourceArn": "x" }),
            "TagRequiredException",
        ),
        (
            "CreateDeployment",
            with(deploy(&spec()), "updateOutdatedInstancesOnly", json!(true)),
            "InvalidUpdateOutdatedInstancesOnlyValueException",
        ),
        (
            "CreateDeployment",
            with(deploy(&spec()), "targetInstances", instances),
            "InvalidTargetInstancesException",
        ),
    ] {
        let (code, message) = it.refused(operation, input).await;
        assert_eq!(code, expected, "{operation} {message}");
    }
    let none = json!({ "deploymentConfigName": "none" });
    assert_eq!(
        it.ask("DeleteDeploymentConfig", none).await,
        json!({}),
        "as for what is deleted twice"
    );
}
