use std::collections::VecDeque;

use domain::service::DeploymentConfiguration;
use domain::{ClusterArn, Scope, TaskDefinitionArn, Timestamp};
use proptest::prelude::*;
use store::Tally;

use super::*;

mod placement;

fn service(desired_count: u32, minimum: u32, maximum: u32) -> Service {
    let scope = Scope::new("123456789012", "us-east-1");
    let cluster = ClusterArn::of(&scope, "lab");
    Service {
        arn: cluster.member("web"),
        cluster,
        status: ServiceStatus::Active,
        desired_count,
        launch_type: domain::task_definition::LaunchType::Ec2,
        platform_version: None,
        task_definition: TaskDefinitionArn::of(&scope, "web", 2),
        deployment_configuration: DeploymentConfiguration {
            maximum_percent: maximum,
            minimum_healthy_percent: minimum,
        },
        deployments: Vec::new(),
        network_configuration: None,
        placement_constraints: Vec::new(),
        placement_strategy: Vec::new(),
        created_at: Timestamp::UNIX_EPOCH,
        created_by: String::new(),
        propagate_tags: PropagateTags::None,
        enable_ecs_managed_tags: false,
        client_token: None,
        failed_starts: 0,
        throttled_until: None,
        steady_since: None,
        event_count: 0,
        announced_refusal: None,
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
        let it = plan(
            &service(desired, minimum, maximum),
            &Counts { primary, old },
            STEP_MAX,
        );
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
        let it = service(desired, minimum, 100 + extra);
        let bounds = it.deployment_configuration;
        prop_assume!(bounds.upper_bound(desired) > desired || bounds.lower_bound(desired) < desired);
        let mut counts = Counts { primary: tally(0, 0, 0), old: tally(0, old_running, 0) };
        let mut order: VecDeque<bool> = order.into();
        for _ in 0..1000 {
            let step = plan(&it, &counts, STEP_MAX);
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
