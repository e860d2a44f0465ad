//! Samples of what CodeDeploy keeps.

use domain::code_deploy::CodeDeployApplication;
use domain::code_deploy::application_revision::ApplicationRevision;
use domain::code_deploy::deployment::{
    CodeDeployDeployment, Creator, DeploymentError, DeploymentStatus, ErrorCode, EventStatus, LifecycleEvent,
    Replacement, Revision, RevisionKind, Rollback, Route,
};
use domain::code_deploy::deployment_config::{DeploymentConfig, TrafficRouting};
use domain::code_deploy::deployment_group::{AutoRollback, BlueGreen, DeploymentGroup, TrafficRoutes};
use domain::code_deploy::stage::Stage;
use domain::lifecycle_hook::{HookRun, HookStatus, HookTarget, LifecycleHook};
use domain::tags::Pair;
use domain::task_definition::LaunchType;
use domain::{
    ClusterArn, ListenerArn, LoadBalancerArn, Scope, ServiceArn, TargetGroupArn, TaskDefinitionArn, Timestamp,
};

fn scope() -> Scope {
    Scope::new("123456789012", "us-east-1")
}

fn then() -> Timestamp {
    Timestamp::from_second(1_700_000_000).expect("in range")
}

fn service() -> ServiceArn {
    ClusterArn::of(&scope(), "default").member("web")
}

fn listener(id: &str) -> ListenerArn {
    LoadBalancerArn::new(&scope(), &["app", "web", "50dc6c495c0c9188"]).listener(id)
}

fn routes() -> TrafficRoutes {
    TrafficRoutes {
        target_groups: ["blue".into(), "green".into()],
        production: listener("f2f7dc8efc522ab2"),
        test: Some(listener("a2f7dc8efc522ab2")),
    }
}

const BLUE_GREEN: BlueGreen = BlueGreen {
    ready_minutes: Some(10),
    termination_minutes: Some(60),
};

const AUTO_ROLLBACK: AutoRollback = AutoRollback {
    enabled: true,
    on_failure: true,
    on_alarm: false,
    on_request: true,
};

pub fn application_revision() -> ApplicationRevision {
    ApplicationRevision {
        scope: scope(),
        application_id: application().id,
        revision: Revision {
            kind: RevisionKind::AppSpecContent,
            content: "version: 0.0".into(),
            sha256: "0a".repeat(32),
        },
        description: Some("the first".into()),
        registered_at: then(),
        registered_again_at: Some(then()),
        first_used_at: Some(then()),
        last_used_at: Some(then()),
    }
}

pub fn application() -> CodeDeployApplication {
    CodeDeployApplication {
        scope: scope(),
        name: "shop".into(),
        id: "11111111-1111-1111-1111-111111111111".into(),
        created_at: then(),
        tags: vec![Pair::new("team", "web")],
    }
}

pub fn deployment_group() -> DeploymentGroup {
    DeploymentGroup {
        scope: scope(),
        application: "shop".into(),
        name: "web".into(),
        id: "22222222-2222-2222-2222-222222222222".into(),
        service_role_arn: "arn:aws:iam::123456789012:role/deploy".into(),
        deployment_config_name: "CodeDeployDefault.ECSAllAtOnce".into(),
        service: service(),
        routes: routes(),
        blue_green: BLUE_GREEN,
        auto_rollback: AUTO_ROLLBACK,
        created_at: then(),
        tags: vec![Pair::new("team", "web")],
    }
}

pub fn deployment_config() -> DeploymentConfig {
    DeploymentConfig {
        scope: scope(),
        name: "slow".into(),
        id: "33333333-3333-3333-3333-333333333333".into(),
        routing: TrafficRouting::TimeBasedLinear {
            percentage: 20,
            interval: 5,
        },
        created_at: then(),
    }
}

#[expect(clippy::too_many_lines, reason = "every member of the record")]
pub fn deployment() -> CodeDeployDeployment {
    let group = |name: &str| TargetGroupArn::of(&scope(), name, "73e2d6bc24d8a067");
    let hook = LifecycleHook {
        target: HookTarget::Webhook("http://127.0.0.1:8080/check".into()),
        role_arn: None,
        stages: Vec::new(),
        details: None,
        timeout: None,
    };
    CodeDeployDeployment {
        scope: scope(),
        id: "d-A1B2C3D4E".into(),
        application: "shop".into(),
        group: "web".into(),
        creator: Creator::User,
        description: Some("the new one".into()),
        revision: Revision {
            kind: RevisionKind::AppSpecContent,
            content: "version: 0.0".into(),
            sha256: "0".repeat(64),
        },
        previous_revision: Some(Revision {
            kind: RevisionKind::String,
            content: "version: 0.0".into(),
            sha256: "1".repeat(64),
        }),
        deployment_config_name: "slow".into(),
        routing: deployment_config().routing,
        blue_green: BLUE_GREEN,
        auto_rollback: AUTO_ROLLBACK,
        service: service(),
        routes: routes(),
        route: Route {
            original_group: group("blue"),
            replacement_group: group("green"),
            production: routes().production,
            test: routes().test,
        },
        replacement: Replacement {
            task_definition: TaskDefinitionArn::of(&scope(), "web", 7),
            container_name: "web".into(),
            container_port: 80,
            launch_type: LaunchType::Fargate,
            capacity_provider_strategy: Vec::new(),
            platform_version: Some("LATEST".into()),
            network_configuration: None,
        },
        hooks: [(Stage::BeforeInstall, hook.target.clone())].into(),
        original_task_set: Some("ecs-svc/1234567890123456789".into()),
        replacement_task_set: Some("ecs-svc/2234567890123456789".into()),
        status: DeploymentStatus::Failed,
        stage: Stage::BeforeInstall,
        stage_since: then(),
        is_continued: true,
        production_share: 20,
        test_share: 100,
        events: vec![LifecycleEvent {
            stage: Stage::BeforeInstall,
            status: EventStatus::Failed,
            started_at: Some(then()),
            ended_at: Some(then()),
            hook: Some(HookRun {
                id: "eyJkIn0".into(),
                hook,
                status: HookStatus::Failed,
                expires_at: then(),
                due_at: then(),
                task: None,
                reason: Some("it said no".into()),
            }),
            message: Some("it said no".into()),
        }],
        error: Some(DeploymentError {
            code: ErrorCode::HookExecutionFailure,
            message: "it said no".into(),
        }),
        rollback: Some(Rollback::By("d-F1B2C3D4E".into())),
        created_at: then(),
        started_at: Some(then()),
        completed_at: Some(then()),
        updated_at: then(),
    }
}
