//! Deployments in stages: both revisions run until the hooks have agreed and the bake times are over.

use domain::deployment_lifecycle::LifecycleStage;
use domain::deployment_strategy::DeploymentStrategy;
use domain::lifecycle_hook::{HookAction, HookStatus, HookTarget, HookTimeout, LifecycleHook};
use domain::service_deployment::{ServiceDeployment, ServiceDeploymentStatus};
use domain::task::ContainerStatus;

use super::*;
use crate::fixture::scope;
use crate::transitions::{
    ContainerReport, TaskReport, WebhookAnswer, continue_service_deployment, note_webhook_answer,
    observe_task, register_task_definition, stop_service_deployment,
};

fn hook(target: HookTarget, stages: &[LifecycleStage]) -> LifecycleHook {
    LifecycleHook {
        target,
        role_arn: None,
        stages: stages.to_vec(),
        details: None,
        timeout: None,
    }
}

fn deploy(
    world: &World,
    service: &ServiceArn,
    strategy: DeploymentStrategy,
    bake: u32,
    hooks: Vec<LifecycleHook>,
) {
    let before = world.stored_service(service).deployment_configuration;
    let change = ServiceChange {
        deployment_configuration: Some(DeploymentConfiguration {
            strategy,
            bake_minutes: bake,
            ..before
        }),
        lifecycle_hooks: Some(hooks),
        task_definition: Some(world.definition().arn.clone()),
        ..ServiceChange::default()
    };
    let arn = service.clone();
    world.write(move |tx| update_service(tx, &arn, &change));
}

/// A service of three tasks in its steady state, with a new deployment begun.
fn deploying(strategy: DeploymentStrategy, bake: u32, hooks: Vec<LifecycleHook>) -> (World, ServiceArn) {
    let world = World::new();
    world.instance(Vec::new());
    let service = world.service(3, 100, 200);
    settle_down(&world, &service);
    deploy(&world, &service, strategy, bake, hooks);
    (world, service)
}

fn stage(world: &World, service: &ServiceArn) -> Option<LifecycleStage> {
    world.stored_service(service).lifecycle.map(|it| it.stage)
}

fn production_weight(world: &World, service: &ServiceArn) -> u32 {
    world
        .stored_service(service)
        .lifecycle
        .map_or(0, |it| it.production_weight)
}

/// Tasks that run of each deployment, newest first.
fn running(world: &World, service: &ServiceArn) -> Vec<usize> {
    let tasks = world.tasks(service);
    let deployments = world.stored_service(service).deployments;
    let of = |id: &String| {
        let mine = tasks.iter().filter(|it| it.started_by.as_ref() == Some(id));
        mine.filter(|it| it.last_status == TaskStatus::Running).count()
    };
    deployments.iter().map(|it| of(&it.id)).collect()
}

fn newest(world: &World, service: &ServiceArn) -> ServiceDeployment {
    world
        .store
        .read(|state| (**state.deployments_of_service(service)[0]).clone())
}

#[test]
fn blue_keeps_its_tasks_until_green_has_baked() {
    let (world, service) = deploying(DeploymentStrategy::BlueGreen, 5, Vec::new());
    assert_eq!(stage(&world, &service), Some(LifecycleStage::PreScaleUp));
    settle_down(&world, &service);
    assert_eq!(stage(&world, &service), Some(LifecycleStage::BakeTime));
    assert_eq!(running(&world, &service), [3, 3]);
    assert_eq!(production_weight(&world, &service), 1000);
    assert_eq!(reconcile(&world, &service), Next::After(Duration::from_secs(300)));
    assert_eq!(
        newest(&world, &service).status,
        ServiceDeploymentStatus::InProgress
    );
    world.clock.advance(Duration::from_secs(300));
    settle_down(&world, &service);
    assert_eq!(
        (stage(&world, &service), running(&world, &service)),
        (None, vec![3])
    );
    assert_eq!(
        newest(&world, &service).status,
        ServiceDeploymentStatus::Successful
    );
}

#[test]
fn a_task_that_ends_is_replaced_in_both_revisions_and_both_are_scaled() {
    let (world, service) = deploying(DeploymentStrategy::BlueGreen, 5, Vec::new());
    settle_down(&world, &service);
    for task in world.tasks(&service) {
        world.report(task.arn, TaskStatus::Stopped);
    }
    scale(&world, &service, 4);
    world.clock.advance(Duration::from_secs(60));
    settle_down(&world, &service);
    assert_eq!(running(&world, &service), [4, 4]);
}

#[test]
fn the_first_deployment_of_a_service_has_nothing_beside_it() {
    let (world, service) = deploying(DeploymentStrategy::BlueGreen, 0, Vec::new());
    let arn = service.clone();
    world.write(move |tx| delete_service(tx, &arn, true));
    settle_down(&world, &service);
    let known = world.stored_service(&service);
    assert_eq!((known.status, known.lifecycle), (ServiceStatus::Inactive, None));
    let again = world.service(2, 100, 200);
    deploy(&world, &again, DeploymentStrategy::BlueGreen, 0, Vec::new());
    settle_down(&world, &again);
    assert_eq!((stage(&world, &again), running(&world, &again)), (None, vec![2]));
}

#[test]
fn traffic_shifts_step_by_step_and_each_step_is_watched() {
    let (world, service) = deploying(
        DeploymentStrategy::Linear {
            step: 400,
            bake_minutes: 6,
        },
        0,
        Vec::new(),
    );
    let mut weights = Vec::new();
    while stage(&world, &service).is_some() {
        settle_down(&world, &service);
        weights.push(production_weight(&world, &service));
        world.clock.advance(Duration::from_secs(6 * 60));
    }
    assert_eq!(weights, [400, 800, 0], "and then it is over");
    assert_eq!(running(&world, &service), [3]);
}

fn pause_id(world: &World, service: &ServiceArn) -> String {
    let lifecycle = world.stored_service(service).lifecycle.expect("stages");
    lifecycle.hooks[0].id.clone()
}

fn proceed(world: &World, service: &ServiceArn, action: HookAction) {
    let (arn, id) = (newest(world, service).arn, pause_id(world, service));
    world.write(move |tx| continue_service_deployment(tx, &arn, &id, action));
}

#[test]
fn a_pause_lasts_until_somebody_ends_it() {
    let stages = [LifecycleStage::PostScaleUp, LifecycleStage::PreScaleUp];
    let (world, service) = deploying(
        DeploymentStrategy::BlueGreen,
        0,
        vec![hook(HookTarget::Pause, &stages)],
    );
    settle_down(&world, &service);
    assert_eq!(stage(&world, &service), Some(LifecycleStage::PreScaleUp));
    assert_eq!(running(&world, &service), [0, 3], "nothing has started");
    let first = pause_id(&world, &service);
    proceed(&world, &service, HookAction::Continue);
    settle_down(&world, &service);
    assert_eq!(stage(&world, &service), Some(LifecycleStage::PostScaleUp));
    let arn = newest(&world, &service).arn;
    let again = world.attempt(move |tx| continue_service_deployment(tx, &arn, &first, HookAction::Continue));
    assert!(again.is_err(), "the first pause is over");
    proceed(&world, &service, HookAction::Continue);
    settle_down(&world, &service);
    assert_eq!(
        newest(&world, &service).status,
        ServiceDeploymentStatus::Successful
    );
}

#[test]
fn a_hook_that_says_no_brings_the_old_revision_back_without_a_start() {
    let pause = hook(HookTarget::Pause, &[LifecycleStage::PostProductionTrafficShift]);
    let (world, service) = deploying(DeploymentStrategy::BlueGreen, 0, vec![pause]);
    let blue = world.tasks(&service);
    settle_down(&world, &service);
    proceed(&world, &service, HookAction::Rollback);
    settle_down(&world, &service);
    let left: Vec<TaskArn> = world.tasks(&service).into_iter().map(|it| it.arn).collect();
    assert_eq!(left, blue.iter().map(|it| it.arn.clone()).collect::<Vec<_>>());
    let deployment = newest(&world, &service);
    assert_eq!(deployment.status, ServiceDeploymentStatus::RollbackSuccessful);
    assert!(deployment.status_reason.is_some_and(|it| it.starts_with(
        "Service deployment rolled back because POST_PRODUCTION_TRAFFIC_SHIFT lifecycle hook(s) failed. "
    )));
    let known = world.stored_service(&service);
    assert_eq!(known.task_definition, Some(blue[0].task_definition.clone()));
    assert!(known.steady_since.is_some());
}

#[test]
fn nobody_answers_a_pause() {
    for (action, expected) in [
        (None, ServiceDeploymentStatus::RollbackSuccessful),
        (Some(HookAction::Continue), ServiceDeploymentStatus::Successful),
    ] {
        let mut pause = hook(HookTarget::Pause, &[LifecycleStage::PreScaleUp]);
        pause.timeout = Some(HookTimeout {
            minutes: Some(10),
            action,
        });
        let (world, service) = deploying(DeploymentStrategy::BlueGreen, 0, vec![pause]);
        assert_eq!(reconcile(&world, &service), Next::After(Duration::from_secs(600)));
        world.clock.advance(Duration::from_secs(600));
        settle_down(&world, &service);
        assert_eq!(newest(&world, &service).status, expected);
    }
}

#[test]
fn a_webhook_may_ask_for_patience_before_it_answers() {
    let target = HookTarget::Webhook("http://127.0.0.1:1/".to_owned());
    let hooks = vec![hook(target, &[LifecycleStage::PreScaleUp])];
    let (world, service) = deploying(DeploymentStrategy::BlueGreen, 0, hooks);
    let answer = |given: WebhookAnswer| {
        let (arn, id) = (service.clone(), pause_id(&world, &service));
        world.write(move |tx| {
            note_webhook_answer(tx, &arn, &id, &given);
            Ok::<_, std::convert::Infallible>(())
        });
        settle_down(&world, &service);
    };
    answer(WebhookAnswer::InProgress {
        wait: Duration::from_secs(30),
        details: Some("{}".to_owned()),
    });
    let due = world.stored_service(&service).lifecycle.expect("stages").hooks[0].due_at;
    assert_eq!(due.as_second(), 1_700_000_030);
    answer(WebhookAnswer::Succeeded);
    assert_eq!(
        newest(&world, &service).status,
        ServiceDeploymentStatus::Successful
    );
}

/// The task that is the hook of the current stage.
fn hook_task(world: &World, service: &ServiceArn) -> Task {
    let lifecycle = world.stored_service(service).lifecycle.expect("stages");
    world.get::<Task>(lifecycle.hooks[0].task.as_ref().expect("started"))
}

fn exit(world: &World, task: &Task, code: i32) {
    world.report(task.arn.clone(), TaskStatus::Running);
    let report = TaskReport {
        status: Some(TaskStatus::Stopped),
        containers: vec![ContainerReport {
            name: "web".to_owned(),
            status: Some(ContainerStatus::Stopped),
            exit_code: Some(code),
            ..ContainerReport::default()
        }],
        ..TaskReport::default()
    };
    let arn = task.arn.clone();
    world.write(move |tx| observe_task(tx, &arn, &report));
}

fn migrating() -> (World, ServiceArn) {
    let world = World::new();
    world.instance(Vec::new());
    let service = world.service(1, 100, 200);
    settle_down(&world, &service);
    let migration = world.write(|tx| {
        let now = tx.now();
        register_task_definition(tx, &scope(), "migration", |arn, revision| {
            crate::fixture::definition(arn, revision, now)
        })
    });
    let target = HookTarget::Task(migration.arn.clone());
    let hooks = vec![hook(target, &[LifecycleStage::PreScaleUp])];
    deploy(&world, &service, DeploymentStrategy::BlueGreen, 0, hooks);
    (world, service)
}

#[test]
fn a_task_that_is_a_hook_runs_once_and_has_to_exit_with_0() {
    for (code, expected) in [
        (0, ServiceDeploymentStatus::Successful),
        (3, ServiceDeploymentStatus::RollbackSuccessful),
    ] {
        let (world, service) = migrating();
        settle_down(&world, &service);
        let task = hook_task(&world, &service);
        assert_eq!(task.service, None, "it is none of the service's own");
        assert_eq!(
            hook_tasks::service_of(&task),
            Some(service.clone()),
            "but wakes it"
        );
        settle_down(&world, &service);
        assert_eq!(hook_task(&world, &service).arn, task.arn);
        exit(&world, &task, code);
        settle_down(&world, &service);
        let deployment = newest(&world, &service);
        assert_eq!(deployment.status, expected);
        let reason = deployment.status_reason.unwrap_or_default();
        assert_eq!(reason.contains("exited with code 3"), code == 3, "{reason}");
    }
}

#[test]
fn a_hook_that_is_a_task_stops_with_its_deployment() {
    let (world, service) = migrating();
    settle_down(&world, &service);
    let task = hook_task(&world, &service);
    let arn = newest(&world, &service).arn;
    world.write(move |tx| stop_service_deployment(tx, &arn));
    assert_eq!(
        world.get::<Task>(&task.arn).desired_status,
        DesiredStatus::Stopped
    );
    settle_down(&world, &service);
    assert_eq!(
        newest(&world, &service).status,
        ServiceDeploymentStatus::RollbackSuccessful
    );
}

#[test]
fn a_newer_deployment_first_removes_the_unfinished_one() {
    let pause = hook(HookTarget::Pause, &[LifecycleStage::PostTestTrafficShift]);
    let (world, service) = deploying(DeploymentStrategy::BlueGreen, 0, vec![pause]);
    let blue = world.stored_service(&service).deployments[1].id.clone();
    settle_down(&world, &service);
    assert_eq!(running(&world, &service), [3, 3]);
    deploy(&world, &service, DeploymentStrategy::BlueGreen, 9, Vec::new());
    assert_eq!(stage(&world, &service), Some(LifecycleStage::ReconcileService));
    reconcile(&world, &service);
    world.obey(&service);
    assert_eq!(
        running(&world, &service),
        [0, 0, 3],
        "the one with the traffic is left"
    );
    settle_down(&world, &service);
    assert_eq!(running(&world, &service), [3, 3]);
    assert_eq!(world.stored_service(&service).deployments[1].id, blue);
}

#[test]
fn bounds_that_let_no_stage_begin_are_announced_for_each_deployment() {
    let world = World::new();
    world.instance(Vec::new());
    let service = world.service(1, 100, 150);
    reconcile(&world, &service);
    world.obey(&service);
    world.clock.advance(Duration::from_secs(3600));
    deploy(&world, &service, DeploymentStrategy::Rolling, 0, Vec::new());
    settle_down(&world, &service);
    assert_eq!(times_stuck(&world, &service), 1);
    deploy(&world, &service, DeploymentStrategy::BlueGreen, 0, Vec::new());
    settle_down(&world, &service);
    assert_eq!(stage(&world, &service), Some(LifecycleStage::ReconcileService));
    assert_eq!(times_stuck(&world, &service), 2);
}

#[test]
fn a_first_deployment_that_is_replaced_keeps_its_tasks_beside_the_next() {
    let world = World::new();
    world.instance(Vec::new());
    let service = world.staged_service(1, 100, 125);
    while !world
        .stored_service(&service)
        .lifecycle
        .is_some_and(|it| it.scales_up())
    {
        reconcile(&world, &service);
    }
    reconcile(&world, &service);
    world.obey(&service);
    deploy(&world, &service, DeploymentStrategy::BlueGreen, 0, Vec::new());
    settle_down(&world, &service);
    let deployment = newest(&world, &service);
    assert_eq!(deployment.status, ServiceDeploymentStatus::Successful);
    assert_eq!(running(&world, &service), [1]);
}

#[test]
fn a_green_revision_that_never_runs_is_given_up_by_the_circuit_breaker() {
    let (world, service) = deploying(DeploymentStrategy::BlueGreen, 0, Vec::new());
    let arn = service.clone();
    let before = world.stored_service(&service).deployment_configuration;
    let change = ServiceChange {
        deployment_configuration: Some(DeploymentConfiguration {
            circuit_breaker: domain::circuit_breaker::CircuitBreaker {
                enable: true,
                ..Default::default()
            },
            ..before
        }),
        ..ServiceChange::default()
    };
    world.write(move |tx| update_service(tx, &arn, &change));
    for _ in 0..8 {
        reconcile(&world, &service);
        for task in world.tasks(&service) {
            if task.last_status != TaskStatus::Running && task.started_by != blue_id(&world, &service) {
                world.report(task.arn, TaskStatus::Stopped);
            }
        }
        world.clock.advance(Duration::from_secs(3600));
    }
    settle_down(&world, &service);
    let deployment = newest(&world, &service);
    assert_eq!(deployment.status, ServiceDeploymentStatus::RollbackSuccessful);
    assert_eq!(running(&world, &service), [3]);
}

fn blue_id(world: &World, service: &ServiceArn) -> Option<String> {
    world.stored_service(service).lifecycle.and_then(|it| it.blue)
}

#[test]
fn a_status_of_a_hook_is_shown_until_it_is_over() {
    let pause = hook(HookTarget::Pause, &[LifecycleStage::PreScaleUp]);
    let (world, service) = deploying(DeploymentStrategy::BlueGreen, 0, vec![pause]);
    let lifecycle = world.stored_service(&service).lifecycle.expect("stages");
    assert_eq!(lifecycle.hooks[0].status, HookStatus::AwaitingAction);
    assert!(lifecycle.hooks[0].id.starts_with("ecs-pause-"));
}

#[test]
fn what_has_no_traffic_does_not_make_up_for_what_has() {
    let world = World::new();
    let instances = [world.instance(Vec::new()), world.instance(Vec::new())];
    let service = world.service(4, 100, 200);
    settle_down(&world, &service);
    let blue: Vec<_> = world.tasks(&service).into_iter().map(|it| it.arn).collect();
    let pause = || vec![hook(HookTarget::Pause, &[LifecycleStage::PostScaleUp])];
    deploy(&world, &service, DeploymentStrategy::BlueGreen, 0, pause());
    settle_down(&world, &service);
    assert_eq!(running(&world, &service), [4, 4], "both stand beside each other");
    deploy(&world, &service, DeploymentStrategy::BlueGreen, 0, pause());
    assert_eq!(stage(&world, &service), Some(LifecycleStage::ReconcileService));
    drain(&world, &instances[0], Availability::Draining);
    reconcile(&world, &service);
    for arn in blue {
        let task = world.get::<Task>(&arn);
        assert_eq!(
            task.desired_status,
            DesiredStatus::Running,
            "those between go first"
        );
    }
}

#[test]
fn starts_of_the_old_revision_that_fail_do_not_throttle_the_new_one() {
    let world = World::new();
    world.instance(Vec::new());
    let service = world.staged_service(2, 100, 200);
    settle_down(&world, &service);
    deploy(&world, &service, DeploymentStrategy::BlueGreen, 30, Vec::new());
    reconcile(&world, &service);
    let blue = world.stored_service(&service).deployments[1].id.clone();
    for _ in 0..4 {
        let mut tasks = world.tasks(&service).into_iter();
        if let Some(task) = tasks.find(|it| it.started_by.as_ref() == Some(&blue)) {
            world.report(task.arn, TaskStatus::Stopped);
        }
        reconcile(&world, &service);
    }
    let stored = world.stored_service(&service);
    assert_eq!((stored.failed_starts, stored.throttled_until), (0, None));
    assert!(
        stored.deployments[1].starts.failed > 1,
        "{:?}",
        stored.deployments[1]
    );
}
