//! Services with load balancers, as clients ask for them.

use serde_json::{Value, json};

use crate::fixture::text;
use crate::handlers::elbv2::tests::{World, fixed, forward};

/// A load balancer on the ports 80 and 8080, and groups of which only `blue` is used.
struct Behind {
    world: World,
    blue: String,
    green: String,
    production: String,
    test: String,
}

impl Behind {
    async fn new() -> Self {
        let world = World::new().await;
        let (blue, green) = (
            world.target_group("blue", "HTTP").await,
            world.target_group("green", "HTTP").await,
        );
        let web = world.load_balancer("web", "application").await;
        let mut rules = Vec::new();
        for port in [80, 8080] {
            let listener = world.listener(&web, ("HTTP", port), fixed()).await;
            let input = json!({
                "ListenerArn": listener, "Priority": 1, "Actions": [forward(&blue)],
                "Conditions": [{ "Field": "path-pattern", "Values": ["/*"] }],
            });
            let made = world.ask("CreateRule", input).await;
            rules.push(text(&made["Rules"][0]["RuleArn"]));
        }
        for (family, mode) in [("web", "awsvpc"), ("old", "bridge")] {
            let container = json!({
                "name": "web", "image": "web", "memory": 32, "portMappings": [{ "containerPort": 80 }],
            });
            let definition =
                json!({ "family": family, "networkMode": mode, "containerDefinitions": [container] });
            world.fixture.ask("RegisterTaskDefinition", definition).await;
        }
        Self {
            world,
            blue,
            green,
            test: rules.remove(1),
            production: rules.remove(0),
        }
    }

    fn wish(&self, load_balancers: Value) -> Value {
        let network = json!({ "awsvpcConfiguration": { "subnets": [self.world.subnets[0]] } });
        json!({
            "serviceName": "web", "taskDefinition": "web", "desiredCount": 0, "networkConfiguration": network,
            "loadBalancers": load_balancers,
        })
    }

    fn plain(&self, group: &str) -> Value {
        json!({ "targetGroupArn": group, "containerName": "web", "containerPort": 80 })
    }

    fn advanced(&self) -> Value {
        let mut it = self.plain(&self.blue);
        it["advancedConfiguration"] = json!({
            "alternateTargetGroupArn": self.green, "productionListenerRule": self.production,
            "testListenerRule": self.test, "roleArn": "arn:aws:iam::123456789012:role/lb",
        });
        it
    }

    /// Another rule of the listener with the test rule: its ARN.
    async fn rule(&self, priority: u16, action: Value) -> String {
        let (listener, _) = self.test.rsplit_once('/').expect("an ARN");
        let input = json!({
            "ListenerArn": listener.replace(":listener-rule/", ":listener/"), "Priority": priority,
            "Actions": [action], "Conditions": [{ "Field": "path-pattern", "Values": ["/*"] }],
        });
        let made = self.world.ask("CreateRule", input).await;
        text(&made["Rules"][0]["RuleArn"])
    }

    /// The wish with another value of a member of `advancedConfiguration`.
    fn advanced_but(&self, member: &str, value: &str) -> Value {
        let mut it = self.advanced();
        it["advancedConfiguration"][member] = json!(value);
        json!([it])
    }
}

#[tokio::test]
async fn load_balancers_and_the_grace_period_read_back_as_given() {
    let behind = Behind::new().await;
    let fixture = &behind.world.fixture;
    let mut wish = behind.wish(json!([behind.advanced()]));
    let made = fixture.ask("CreateService", wish.clone()).await["service"].clone();
    assert_eq!(made["loadBalancers"], wish["loadBalancers"]);
    assert_eq!(made["healthCheckGracePeriodSeconds"], 0);
    let revision = made["currentServiceRevisions"][0]["arn"].clone();
    let described = fixture
        .ask(
            "DescribeServiceRevisions",
            json!({ "serviceRevisionArns": [revision] }),
        )
        .await;
    let revision = &described["serviceRevisions"][0];
    assert_eq!(revision["loadBalancers"], wish["loadBalancers"]);
    assert_eq!(
        revision["resolvedConfiguration"]["loadBalancers"],
        json!([{ "targetGroupArn": behind.blue, "productionListenerRule": behind.production }])
    );
    let grace = json!({ "service": "web", "healthCheckGracePeriodSeconds": 30 });
    let updated = fixture.ask("UpdateService", grace).await["service"].clone();
    assert_eq!(updated["healthCheckGracePeriodSeconds"], 30);
    assert_eq!(
        updated["deployments"].as_array().map(Vec::len),
        Some(1),
        "no deployment"
    );
    wish["healthCheckGracePeriodSeconds"] = json!(30);
    fixture.ask("CreateService", wish).await;
    let other = json!({ "service": "web", "loadBalancers": [] });
    let updated = fixture.ask("UpdateService", other).await["service"].clone();
    assert_eq!(updated["loadBalancers"], json!([]));
    assert_ne!(
        updated["currentServiceDeployment"],
        made["currentServiceDeployment"]
    );
}

#[tokio::test]
#[expect(clippy::too_many_lines, reason = "a table of cases")]
async fn what_cannot_get_requests_is_refused() {
    let behind = Behind::new().await;
    let missing = behind.blue.replace("blue", "none");
    let elsewhere = behind.production.replace("app/web", "app/none");
    let other = behind.world.target_group("other", "HTTP").await;
    let nowhere = behind.rule(2, fixed()).await;
    let groups = json!([{ "TargetGroupArn": behind.blue }, { "TargetGroupArn": other }]);
    let both = json!({ "Type": "forward", "ForwardConfig": { "TargetGroups": groups } });
    let third = behind.rule(3, both).await;
    let mut without_port = behind.plain(&behind.blue);
    without_port["containerPort"] = Value::Null;
    let cases = [
        (
            json!([behind.plain(&behind.green)]),
            format!(
                "The target group with targetGroupArn {} does not have an associated load balancer.",
                behind.green
            ),
        ),
        (
            json!([behind.plain(&missing)]),
            format!("The target group with targetGroupArn {missing} does not exist."),
        ),
        (
            json!([behind.plain("web")]),
            "Invalid target group ARN: \"web\".".to_owned(),
        ),
        (
            json!([without_port]),
            "A container port must be specified".to_owned(),
        ),
        (
            json!([behind.plain(&behind.blue), behind.plain(&behind.blue)]),
            format!("The target group {} is specified more than once", behind.blue),
        ),
        (
            json!([behind.advanced(), behind.plain(&behind.blue)]),
            "advancedConfiguration must be specified for all load balancers, or for none of them.".to_owned(),
        ),
        (
            behind.advanced_but("alternateTargetGroupArn", &behind.blue),
            "alternateTargetGroupArn must be another target group than targetGroupArn.".to_owned(),
        ),
        (
            behind.advanced_but("productionListenerRule", &behind.blue),
            "Invalid productionListenerRule:".to_owned(),
        ),
        (
            behind.advanced_but("productionListenerRule", &elsewhere),
            format!("The productionListenerRule {elsewhere} does not exist."),
        ),
        (
            behind.advanced_but("testListenerRule", &behind.production),
            "productionListenerRule and testListenerRule cannot be the same.".to_owned(),
        ),
        (
            behind.advanced_but("testListenerRule", &nowhere),
            format!(
                "testListenerRule {nowhere} must forward to the target group or the alternate target group."
            ),
        ),
        (
            behind.advanced_but("productionListenerRule", &third),
            format!(
                "productionListenerRule {third} must forward to the target group or the alternate target group, and not \
                 to {other} too."
            ),
        ),
    ];
    for (given, expected) in cases {
        let (code, message) = behind
            .world
            .fixture
            .refused("CreateService", behind.wish(given.clone()))
            .await;
        assert_eq!(code, "InvalidParameterException", "{given}: {message}");
        assert!(message.starts_with(&expected), "{given}: {message}");
    }
}

#[tokio::test]
async fn the_kind_of_targets_fits_the_network_mode_and_the_strategy_has_its_rules() {
    let behind = Behind::new().await;
    let mut bridge = behind.wish(json!([behind.plain(&behind.blue)]));
    bridge["taskDefinition"] = json!("old");
    bridge["networkConfiguration"] = Value::Null;
    let mut staged = behind.wish(json!([behind.plain(&behind.blue)]));
    staged["deploymentConfiguration"] = json!({ "strategy": "BLUE_GREEN", "bakeTimeInMinutes": 0 });
    for (input, code, text) in [
        (
            bridge,
            "InvalidParameterException",
            format!(
                "The provided target group {} has target type ip, which is incompatible with the bridge network mode \
                 specified in the task definition.",
                behind.blue
            ),
        ),
        (
            staged,
            "InvalidParameterException",
            "advancedConfiguration is required for the load balancers of a service with the BLUE_GREEN deployment \
             strategy."
                .to_owned(),
        ),
    ] {
        let (found, message) = behind.world.fixture.refused("CreateService", input).await;
        assert_eq!(found, code, "{message}");
        assert!(message.contains(&text), "{message}");
    }
}

#[tokio::test]
async fn a_task_set_names_its_own_load_balancer() {
    let behind = Behind::new().await;
    let fixture = &behind.world.fixture;
    let external = json!({ "serviceName": "web", "deploymentController": { "type": "EXTERNAL" } });
    fixture.ask("CreateService", external).await;
    let wish = behind.wish(json!([behind.plain(&behind.blue)]));
    let input = json!({
        "cluster": "default", "service": "web", "taskDefinition": "web",
        "networkConfiguration": wish["networkConfiguration"], "loadBalancers": wish["loadBalancers"],
    });
    let made = fixture.ask("CreateTaskSet", input).await["taskSet"].clone();
    assert_eq!(made["loadBalancers"], wish["loadBalancers"]);
}

#[tokio::test]
async fn a_service_has_at_most_five_target_groups() {
    let behind = Behind::new().await;
    let fixture = &behind.world.fixture;
    let wish = behind.wish(json!(vec![behind.plain(&behind.blue); 6]));
    let (code, message) = fixture.refused("CreateService", wish).await;
    assert_eq!(
        (code.as_str(), message.as_str()),
        (
            "InvalidParameterException",
            "load balancers can have at most 5 items."
        )
    );
}
