//! AppSpecs, good and bad.

use super::*;

const LEAST: &str = "version: 0.0
Resources:
  - TargetService:
      Type: AWS::ECS::Service
      Properties:
        TaskDefinition: \"arn:aws:ecs:us-east-1:123456789012:task-definition/web:2\"
        LoadBalancerInfo:
          ContainerName: web
          ContainerPort: 80
";

#[test]
fn what_is_not_said_is_left_open() {
    let spec = parse(LEAST).expect("is good");
    let task_definition = "arn:aws:ecs:us-east-1:123456789012:task-definition/web:2".to_owned();
    let expected = AppSpec {
        task_definition,
        container_name: "web".to_owned(),
        container_port: 80,
        platform_version: None,
        network_configuration: None,
        capacity_provider_strategy: None,
        hooks: Vec::new(),
    };
    assert_eq!(spec, expected);
}

#[test]
fn json_says_the_same_as_yaml() {
    let yaml = format!(
        "{LEAST}        PlatformVersion: 1.4.0
        NetworkConfiguration:
          AwsvpcConfiguration:
            Subnets: [subnet-1, subnet-2]
            SecurityGroups: [sg-1]
            AssignPublicIp: ENABLED
        CapacityProviderStrategy:
          - CapacityProvider: FARGATE_SPOT
            Base: 1
            Weight: 2
Hooks:
  - BeforeInstall: https://example.com/before
  - AfterAllowTraffic: http://example.com/after
"
    );
    let json = serde_json::json!({
        "version": 0.0,
        "resources": [{ "TargetService": { "Type": "AWS::ECS::Service", "Properties": {
            "TaskDefinition": "arn:aws:ecs:us-east-1:123456789012:task-definition/web:2",
            "LoadBalancerInfo": { "ContainerName": "web", "ContainerPort": "80" },
            "PlatformVersion": "1.4.0",
            "NetworkConfiguration": { "awsvpcConfiguration": {
                "subnets": ["subnet-1", "subnet-2"], "securityGroups": ["sg-1"], "assignPublicIp": "ENABLED",
            } },
            "CapacityProviderStrategy": [{ "CapacityProvider": "FARGATE_SPOT", "Base": 1, "Weight": 2 }],
        } } }],
        "Hooks": [
            { "BeforeInstall": "https://example.com/before" },
            { "AfterAllowTraffic": "http://example.com/after" },
        ],
    });
    let spec = parse(&yaml).expect("is good");
    assert_eq!(parse(&json.to_string()), Ok(spec.clone()));
    let stages: Vec<Stage> = spec.hooks.iter().map(|(stage, _)| *stage).collect();
    assert_eq!(stages, [Stage::BeforeInstall, Stage::AfterAllowTraffic]);
    assert_eq!(spec.platform_version.as_deref(), Some("1.4.0"));
}

#[test]
fn what_is_wrong_is_told() {
    let hooked = |hooks: &str| format!("{LEAST}Hooks:\n{hooks}");
    let without = |line: &str| LEAST.replace(line, "");
    let cases = [
        (String::new(), "not well-formed"),
        ("- a\n- b".to_owned(), "not well-formed"),
        ("a: [".to_owned(), "not well-formed"),
        (without("version: 0.0"), "has no version"),
        (
            LEAST.replace("0.0", "9"),
            "an invalid version value (9) was entered in the application specification file.",
        ),
        (LEAST.replace("0.0", "hello"), "an invalid version value (hello)"),
        ("version: 0.0".to_owned(), "no list of Resources"),
        ("version: 0.0\nResources: []".to_owned(), "exactly one"),
        (
            LEAST.replace("AWS::ECS::Service", "AWS::Lambda::Function"),
            "it is AWS::Lambda::Function",
        ),
        (
            LEAST.replace("TaskDefinition:", "Other:"),
            "TaskDefinition is missing",
        ),
        (
            LEAST.replace("LoadBalancerInfo:", "Other:"),
            "no LoadBalancerInfo",
        ),
        (LEAST.replace("80", "80000"), "between 1 and 65535"),
        (LEAST.replace("80", "0"), "between 1 and 65535"),
        (
            LEAST.replace("ContainerName: web", "ContainerName: [web]"),
            "must be a text",
        ),
        (hooked("  BeforeInstall: a"), "Hooks must be a list"),
        (hooked("  - Install: a"), "\"Install\" is no lifecycle event"),
        (
            hooked("  - BeforeInstall: a\n  - BeforeInstall: b"),
            "more than once",
        ),
        (hooked("  - BeforeInstall: 1"), "must be a text"),
        ("x".repeat(BYTES_MAX + 1), "more than 131072 bytes"),
    ];
    for (text, expected) in cases {
        let found = parse(&text).expect_err(expected);
        assert!(found.contains(expected), "{found:?} has no {expected:?}");
    }
}

#[test]
fn aliases_cannot_blow_a_spec_up() {
    let mut bomb = String::from("a0: &a0 [x, x, x, x, x, x, x, x, x]\n");
    for level in 1..12 {
        let before = level - 1;
        let list = vec![format!("*a{before}"); 9].join(", ");
        bomb.push_str(&format!("a{level}: &a{level} [{list}]\n"));
    }
    assert!(parse(&bomb).is_err());
}
