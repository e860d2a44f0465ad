use std::collections::{BTreeSet, VecDeque};

use domain::container_instance::ContainerInstance;
use domain::service::{DeploymentConfiguration, PropagateTags};
use domain::service_scheduling::{AvailabilityZoneRebalancing, Balance, SchedulingStrategy};
use domain::{ClusterArn, Scope, TaskDefinitionArn, Timestamp};
use proptest::prelude::*;
use store::Tally;

use super::*;
use crate::fixture::World;
use crate::transitions::{
    Availability, Protection, ServiceChange, delete_service, update_container_instances_state,
    update_service, update_task_protection,
};

mod balance;
mod capacity;
mod circuit_breaker;
mod daemon;
mod health;
mod placement;
mod properties;
mod scale;
mod stages;

fn service(desired_count: u32, minimum: u32, maximum: u32) -> Service {
    let scope = Scope::new("123456789012", "us-east-1");
    let cluster = ClusterArn::of(&scope, "lab");
    Service {
        arn: cluster.member("web"),
        cluster,
        status: ServiceStatus::Active,
        desired_count,
        scheduling_strategy: SchedulingStrategy::Replica,
        deployment_controller: DeploymentController::Ecs,
        launch_type: domain::task_definition::LaunchType::Ec2,
        capacity_provider_strategy: Vec::new(),
        launch_type_before_strategy: None,
        platform_version: None,
        task_definition: Some(TaskDefinitionArn::of(&scope, "web", 2)),
        deployment_configuration: DeploymentConfiguration {
            maximum_percent: maximum,
            minimum_healthy_percent: minimum,
            ..DeploymentConfiguration::default()
        },
        lifecycle_hooks: Vec::new(),
        deployment_alarms: Default::default(),
        lifecycle: None,
        deployments: Vec::new(),
        task_sets: Vec::new(),
        network_configuration: None,
        load_balancers: Vec::new(),
        role: None,
        service_registries: Vec::new(),
        service_connect: None,
        health_check_grace_period_seconds: None,
        placement_constraints: Vec::new(),
        placement_strategy: Vec::new(),
        availability_zone_rebalancing: AvailabilityZoneRebalancing::Disabled,
        balance: Balance::default(),
        created_at: Timestamp::UNIX_EPOCH,
        created_by: String::new(),
        propagate_tags: PropagateTags::None,
        enable_ecs_managed_tags: false,
        enable_execute_command: false,
        client_token: None,
        failed_starts: 0,
        throttled_until: None,
        steady_since: None,
        event_count: 0,
        announced_refusal: None,
        announced_protection: BTreeSet::new(),
        tags: Vec::new(),
    }
}

fn tally(pending: u32, running: u32, stopping: u32) -> Tally {
    Tally {
        pending,
        running,
        stopping,
    }
}

#[test]
fn plans_follow_amazons_arithmetic() {
    // desired, minimum, maximum, primary, old: start, stop primary, stop old pending, stop old running
    let cases = [
        ((3, 100, 200), tally(0, 0, 0), tally(0, 0, 0), (3, 0, 0, 0)),
        ((3, 100, 200), tally(1, 2, 0), tally(0, 0, 0), (0, 0, 0, 0)),
        ((1, 100, 200), tally(1, 2, 0), tally(0, 0, 0), (0, 2, 0, 0)),
        ((4, 50, 100), tally(0, 0, 0), tally(0, 4, 0), (0, 0, 0, 2)),
        ((4, 50, 100), tally(0, 0, 0), tally(0, 2, 2), (2, 0, 0, 0)),
        ((4, 100, 200), tally(0, 0, 0), tally(0, 4, 0), (4, 0, 0, 0)),
        ((4, 100, 200), tally(2, 2, 0), tally(0, 4, 0), (0, 0, 0, 2)),
        ((1, 100, 150), tally(0, 0, 0), tally(0, 1, 0), (0, 0, 0, 0)),
        ((1, 0, 100), tally(0, 0, 0), tally(0, 1, 0), (0, 0, 0, 1)),
        ((4, 100, 200), tally(0, 0, 0), tally(2, 2, 0), (4, 0, 2, 0)),
        ((0, 100, 200), tally(0, 2, 0), tally(0, 2, 0), (0, 2, 0, 2)),
    ];
    for ((desired, minimum, maximum), primary, old, expected) in cases {
        let bounds = service(desired, minimum, maximum).deployment_configuration;
        let counts = Counts {
            primary,
            old,
            ..Counts::default()
        };
        let it = plan(desired, bounds, &counts, STEP_MAX);
        let found = (
            it.start,
            it.stop_primary,
            it.stop_old_pending,
            it.stop_old_running,
        );
        assert_eq!(
            found, expected,
            "{desired} {minimum} {maximum} {primary:?} {old:?}"
        );
    }
}

proptest! {
    /// From any mixture of tasks, steps lead to the wish, and none leaves the bounds.
    #[test]
    fn every_rollout_ends_within_its_bounds(
        desired in 0_u32..20, minimum in 0_u32..=100, extra in 0_u32..=100,
        old_running in 0_u32..20, order in proptest::collection::vec(any::<bool>(), 1..40),
    ) {
        // Something must be able to move: room for one more, or leave for one less.
        let bounds = service(desired, minimum, 100 + extra).deployment_configuration;
        prop_assume!(bounds.upper_bound(desired) > desired || bounds.lower_bound(desired) < desired);
        let mut counts = Counts { old: tally(0, old_running, 0), ..Counts::default() };
        let mut order: VecDeque<bool> = order.into();
        for _ in 0..1000 {
            let step = plan(desired, bounds, &counts, STEP_MAX);
            if step.is_steady {
                prop_assert_eq!(counts.primary.running, desired);
                return Ok(());
            }
            let healthy = counts.primary.running + counts.old.running;
            let total = healthy + counts.primary.pending + counts.old.pending;
            counts.primary.pending += step.start;
            counts.old.running -= step.stop_old_running;
            counts.old.pending -= step.stop_old_pending;
            let of_pending = step.stop_primary.min(counts.primary.pending);
            counts.primary.pending -= of_pending;
            counts.primary.running -= step.stop_primary - of_pending;
            let healthy_after = counts.primary.running + counts.old.running;
            let total_after = healthy_after + counts.primary.pending + counts.old.pending;
            prop_assert!(healthy_after >= healthy.min(bounds.lower_bound(desired)), "below the minimum");
            prop_assert!(total_after <= total.max(bounds.upper_bound(desired)), "above the maximum");
            // The world moves: one pending task, or all of them, begin to run.
            let all = order.pop_front().unwrap_or(true);
            let started = if all { counts.primary.pending } else { counts.primary.pending.min(1) };
            counts.primary.pending -= started;
            counts.primary.running += started;
        }
        prop_assert!(false, "never steady: {counts:?}");
    }
}

fn controller() -> ServiceDeployments {
    ServiceDeployments {
        placement_retry: Duration::from_secs(1),
        healthy_after: Duration::ZERO,
        rebalance_pause: Duration::from_secs(5),
        public_addresses: crate::controllers::PUBLIC_ADDRESSES,
    }
}

fn reconcile(world: &World, service: &ServiceArn) -> Next {
    let arn = service.clone();
    world.write(move |tx| Ok::<_, std::convert::Infallible>(controller().reconcile(tx, &arn)))
}

/// Looks and agents take turns, long enough for anything here to come to rest.
fn settle_down(world: &World, service: &ServiceArn) {
    for _ in 0..12 {
        reconcile(world, service);
        world.obey(service);
    }
}

fn drain(world: &World, instance: &domain::ContainerInstanceArn, wish: Availability) {
    let arns = vec![instance.clone()];
    world.write(move |tx| update_container_instances_state(tx, &arns, wish));
}

fn tasks_on(world: &World, service: &ServiceArn, instance: &domain::ContainerInstanceArn) -> usize {
    let tasks = world.tasks(service);
    tasks
        .iter()
        .filter(|it| it.container_instance.as_ref() == Some(instance))
        .count()
}

#[test]
fn tasks_of_a_draining_instance_are_replaced_elsewhere_within_the_bounds() {
    let world = World::new();
    let first = world.instance(Vec::new());
    let service = world.service(4, 100, 150);
    settle_down(&world, &service);
    assert_eq!(tasks_on(&world, &service, &first), 4);
    let second = world.instance(Vec::new());
    drain(&world, &first, Availability::Draining);
    for _ in 0..12 {
        reconcile(&world, &service);
        let tasks = world.tasks(&service);
        let running = tasks.iter().filter(|it| it.last_status == TaskStatus::Running);
        assert!(running.count() >= 4, "never below the minimum");
        assert!(tasks.len() <= 6, "never above the maximum");
        world.obey(&service);
    }
    assert_eq!(
        (
            tasks_on(&world, &service, &first),
            tasks_on(&world, &service, &second)
        ),
        (0, 4)
    );
    assert!(world.stored_service(&service).steady_since.is_some());
    assert_eq!(
        world.stored_service(&service).deployments.len(),
        1,
        "draining is no deployment"
    );
}

#[test]
fn bounds_of_a_hundred_percent_block_the_drain_but_not_what_is_pending() {
    let world = World::new();
    let first = world.instance(Vec::new());
    let service = world.service(3, 100, 100);
    settle_down(&world, &service);
    let second = world.instance(Vec::new());
    drain(&world, &first, Availability::Draining);
    settle_down(&world, &service);
    assert_eq!(tasks_on(&world, &service, &first), 3);
    // A pending task is no loss: it is replaced at once.
    drain(&world, &first, Availability::Active);
    drain(&world, &second, Availability::Draining);
    scale(&world, &service, 4);
    reconcile(&world, &service);
    assert_eq!(tasks_on(&world, &service, &first), 4);
    drain(&world, &second, Availability::Active);
    drain(&world, &first, Availability::Draining);
    reconcile(&world, &service);
    assert_eq!(tasks_on(&world, &service, &first), 3);
}

#[test]
fn a_change_of_an_instances_state_wakes_its_services() {
    let world = World::new();
    let instance = world.instance(Vec::new());
    let service = world.service(2, 100, 200);
    settle_down(&world, &service);
    let before = Arc::new(world.get::<ContainerInstance>(&instance));
    drain(&world, &instance, Availability::Draining);
    let after = Arc::new(world.get::<ContainerInstance>(&instance));
    let keys = |before: &Arc<ContainerInstance>, after: &Arc<ContainerInstance>| {
        let change = Change::ContainerInstance(store::Changed {
            before: Some(Arc::clone(before)),
            after: Some(Arc::clone(after)),
        });
        world.store.read(|state| controller().keys(state, &change))
    };
    assert_eq!(keys(&before, &after), [service]);
    assert!(keys(&after, &after).is_empty());
}

fn scale(world: &World, service: &ServiceArn, count: u32) {
    let arn = service.clone();
    let change = ServiceChange {
        desired_count: Some(count),
        ..ServiceChange::default()
    };
    world.write(move |tx| update_service(tx, &arn, &change));
}

fn protect(world: &World, tasks: &[TaskArn]) {
    let tasks = tasks.to_vec();
    let wish = Protection::For(Duration::from_secs(600));
    world.write(move |tx| update_task_protection(tx, &tasks, wish));
}

#[test]
fn tags_of_tasks_change_without_a_new_deployment() {
    let world = World::new();
    world.instance(Vec::new());
    let service = world.service(1, 0, 200);
    settle_down(&world, &service);
    let arn = service.clone();
    let change = ServiceChange {
        enable_ecs_managed_tags: Some(true),
        propagate_tags: Some(PropagateTags::Service),
        ..ServiceChange::default()
    };
    world.write(move |tx| update_service(tx, &arn, &change));
    assert_eq!(world.stored_service(&service).deployments.len(), 1);
    let has_managed_tags = |it: &Task| {
        let mut tags = it.tags.iter();
        tags.any(|it| it.name == "aws:ecs:serviceName")
    };
    let before = world.tasks(&service);
    assert!(!before.iter().any(has_managed_tags));
    scale(&world, &service, 2);
    settle_down(&world, &service);
    let tasks = world.tasks(&service);
    let told: Vec<_> = tasks.iter().filter(|it| has_managed_tags(it)).collect();
    assert_eq!((tasks.len(), told.len()), (2, 1), "only the later one");
    assert_ne!(told[0].arn, before[0].arn);
}

#[test]
fn protected_tasks_outlive_a_scale_in_and_go_when_it_ends() {
    let world = World::new();
    world.instance(Vec::new());
    let service = world.service(4, 100, 200);
    settle_down(&world, &service);
    let mut all: Vec<TaskArn> = world.tasks(&service).into_iter().map(|it| it.arn).collect();
    let protected = all.split_off(2);
    protect(&world, &protected);
    scale(&world, &service, 1);
    reconcile(&world, &service);
    world.obey(&service);
    let left: Vec<TaskArn> = world.tasks(&service).into_iter().map(|it| it.arn).collect();
    assert_eq!(left, protected);
    assert_eq!(reconcile(&world, &service), Next::After(Duration::from_secs(600)));
    let primary = world.stored_service(&service).deployments[0].id.clone();
    assert_eq!(held(&world, &service), [told_held(&primary)], "once");
    assert!(world.stored_service(&service).steady_since.is_none());
    world.clock.advance(Duration::from_secs(600));
    settle_down(&world, &service);
    assert_eq!(world.tasks(&service).len(), 1);
    assert!(world.stored_service(&service).announced_protection.is_empty());
}

/// Events of protection, oldest first.
fn held(world: &World, service: &ServiceArn) -> Vec<String> {
    world.store.read(|state| {
        let all = state.all::<domain::service::ServiceEvent>();
        let mine = all.filter(|it| it.service == *service && it.message.contains("protected"));
        mine.map(|it| it.message.clone()).collect()
    })
}

fn told_held(deployment: &str) -> String {
    format!(
        "(service web) was unable to reach steady state because task set ({deployment}) was unable to scale in. Reason: \
         The number of protected tasks are more than the desired count of tasks."
    )
}

#[test]
fn protected_tasks_hold_up_a_deployment_but_not_the_end_of_the_service() {
    let world = World::new();
    world.instance(Vec::new());
    let service = world.service(2, 100, 200);
    settle_down(&world, &service);
    let old: Vec<TaskArn> = world.tasks(&service).into_iter().map(|it| it.arn).collect();
    protect(&world, &old[..1]);
    let arn = service.clone();
    let change = ServiceChange {
        force_new_deployment: true,
        ..ServiceChange::default()
    };
    world.write(move |tx| update_service(tx, &arn, &change));
    settle_down(&world, &service);
    let tasks = world.tasks(&service);
    assert_eq!(tasks.len(), 3, "two new ones, and the protected one");
    assert!(tasks.iter().any(|it| it.arn == old[0]));
    let deployments = world.stored_service(&service).deployments;
    assert_eq!(deployments.len(), 2);
    assert_eq!(held(&world, &service), [told_held(&deployments[1].id)]);
    let arn = service.clone();
    world.write(move |tx| delete_service(tx, &arn, true));
    settle_down(&world, &service);
    assert!(world.tasks(&service).is_empty());
    reconcile(&world, &service);
    assert_eq!(world.stored_service(&service).status, ServiceStatus::Inactive);
}

#[test]
fn two_deployments_that_protection_holds_are_told_once_each() {
    let world = World::new();
    world.instance(Vec::new());
    let service = world.service(2, 100, 200);
    settle_down(&world, &service);
    let renew = || {
        let arn = service.clone();
        let change = ServiceChange {
            force_new_deployment: true,
            ..ServiceChange::default()
        };
        world.write(move |tx| update_service(tx, &arn, &change));
        settle_down(&world, &service);
    };
    let mut protected = Vec::new();
    let mut told = Vec::new();
    for _ in 0..2 {
        let primary = world.stored_service(&service).deployments[0].id.clone();
        let mut tasks = world.tasks(&service).into_iter();
        let one = tasks.find(|it| it.started_by.as_deref() == Some(&primary));
        let one = one.expect("each has tasks").arn;
        protect(&world, std::slice::from_ref(&one));
        protected.push(one);
        renew();
        told.push(told_held(&primary));
        assert_eq!(held(&world, &service), told);
    }
    assert_eq!(world.stored_service(&service).deployments.len(), 3);
    let before = world.store.last_commit();
    for _ in 0..4 {
        assert_eq!(reconcile(&world, &service), Next::After(Duration::from_secs(600)));
    }
    assert_eq!(world.store.last_commit(), before, "nothing more to say");
    let left: Vec<TaskArn> = world.tasks(&service).into_iter().map(|it| it.arn).collect();
    assert!(
        protected.iter().all(|it| left.contains(it)) && left.len() == 4,
        "{left:?}"
    );

    world.clock.advance(Duration::from_secs(600));
    settle_down(&world, &service);
    assert_eq!(world.tasks(&service).len(), 2);
    let stored = world.stored_service(&service);
    assert_eq!(stored.deployments.len(), 1);
    assert!(stored.announced_protection.is_empty());
}

/// What a drain may do at each step hangs on the percentages: desired, minimum, maximum, then the fewest that run and the
/// most that there are on the way.
#[test]
fn a_drain_keeps_to_the_percentages() {
    for (desired, minimum, maximum, least, most) in [
        (4, 100, 200, 4, 8),
        (4, 100, 125, 4, 5),
        (4, 50, 100, 2, 4),
        (4, 0, 100, 0, 4),
        (3, 50, 150, 2, 3),
    ] {
        let world = World::new();
        let first = world.instance(Vec::new());
        let service = world.service(desired, minimum, maximum);
        settle_down(&world, &service);
        world.instance(Vec::new());
        drain(&world, &first, Availability::Draining);
        let (mut fewest, mut highest) = (usize::MAX, 0);
        for _ in 0..12 {
            reconcile(&world, &service);
            let tasks = world.tasks(&service);
            let running = tasks.iter().filter(|it| it.last_status == TaskStatus::Running);
            (fewest, highest) = (fewest.min(running.count()), highest.max(tasks.len()));
            world.obey(&service);
        }
        let what = format!("{desired} {minimum} {maximum}");
        assert_eq!(tasks_on(&world, &service, &first), 0, "{what}");
        assert_eq!((fewest, highest), (least, most), "{what}");
    }
}

#[test]
fn bounds_that_leave_nothing_to_do_are_told_once() {
    let world = World::new();
    world.instance(Vec::new());
    let service = world.service(1, 100, 150);
    settle_down(&world, &service);
    let arn = service.clone();
    let change = ServiceChange {
        force_new_deployment: true,
        ..ServiceChange::default()
    };
    world.write(move |tx| update_service(tx, &arn, &change));
    settle_down(&world, &service);
    let text = "(service web) was unable to stop or start tasks during a deployment because of the service";
    let told = world.store.read(|state| {
        let events = state.service_events(&service);
        events.filter(|it| it.message.starts_with(text)).count()
    });
    assert_eq!((told, world.stored_service(&service).deployments.len()), (1, 2));
}

#[test]
fn a_step_that_is_cut_short_and_finds_no_room_waits() {
    let world = World::new();
    world.instance(Vec::new());
    let service = world.service(STEP_MAX * 2, 100, 200);
    assert_eq!(
        reconcile(&world, &service),
        Next::After(controller().placement_retry)
    );
    assert_eq!(
        reconcile(&world, &service),
        Next::After(controller().placement_retry),
        "and does not run hot"
    );
}

#[test]
fn bounds_that_let_nothing_move_are_announced_once() {
    let world = World::new();
    world.instance(Vec::new());
    let service = world.service(1, 100, 150);
    settle_down(&world, &service);
    let arn = service.clone();
    let change = ServiceChange {
        force_new_deployment: true,
        ..ServiceChange::default()
    };
    world.write(move |tx| update_service(tx, &arn, &change));
    settle_down(&world, &service);
    assert_eq!(times_stuck(&world, &service), 1);
}

fn times_stuck(world: &World, service: &ServiceArn) -> usize {
    world.store.read(|state| {
        let events = state.service_events(service).map(|it| it.message.clone());
        events.filter(|it| it.ends_with(STUCK)).count()
    })
}
