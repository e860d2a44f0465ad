//! The mutations. Texts are short and stand on one line, so that they outlive changes round them.

/// One way to break the scheduler.
pub struct Mutation {
    /// In words; also what its switch is called.
    pub name: &'static str,
    /// Where.
    pub file: &'static str,
    /// An expression that stands once in the file.
    pub right: &'static str,
    /// Another one of the same type.
    pub wrong: &'static str,
}

const fn mutation(
    name: &'static str,
    file: &'static str,
    right: &'static str,
    wrong: &'static str,
) -> Mutation {
    Mutation {
        name,
        file,
        right,
        wrong,
    }
}

/// All of them.
pub const MUTATIONS: [Mutation; 36] = [
    // Bounds.
    mutation(
        "the minimum rounds down",
        "crates/domain/src/service.rs",
        "percent.div_ceil(100)",
        "percent / 100",
    ),
    mutation(
        "the maximum rounds up",
        "crates/domain/src/service.rs",
        "u64::from(desired_count) * u64::from(self.maximum_percent) / 100",
        "(u64::from(desired_count) * u64::from(self.maximum_percent)).div_ceil(100)",
    ),
    mutation(
        "new tasks count as healthy at once",
        "crates/orchestrator/src/controllers/service_deployments/health.rs",
        "u32::try_from(unproven.len()).unwrap_or(u32::MAX)",
        "0",
    ),
    mutation(
        "old tasks count as healthy whatever they are",
        "crates/orchestrator/src/controllers/service_deployments/health.rs",
        "counts.old_unproven += 1",
        "counts.old_unproven += 0",
    ),
    mutation(
        "old tasks are forgotten when new ones start",
        "crates/orchestrator/src/controllers/service_deployments/plan.rs",
        "primary_total + old_total",
        "primary_total",
    ),
    mutation(
        "a surplus stays",
        "crates/orchestrator/src/controllers/service_deployments/plan.rs",
        "primary_total.saturating_sub(desired)",
        "0",
    ),
    mutation(
        "healthy tasks make up for protected ones",
        "crates/orchestrator/src/controllers/service_deployments/plan.rs",
        "healthy_before.saturating_sub(least)",
        "healthy_before",
    ),
    mutation(
        "protection is ignored",
        "crates/domain/src/task.rs",
        "*until > now",
        "*until < now",
    ),
    // Deployments.
    mutation(
        "no deployment is ever completed",
        "crates/orchestrator/src/controllers/service_deployments.rs",
        "primary.rollout = Rollout::Completed",
        "primary.rollout = Rollout::InProgress",
    ),
    mutation(
        "the circuit breaker counts nothing",
        "crates/orchestrator/src/transitions/failed_tasks.rs",
        "it.failed_tasks += 1",
        "it.failed_tasks += 0",
    ),
    mutation(
        "unhealthy tasks are not replaced",
        "crates/orchestrator/src/controllers/service_deployments.rs",
        "leaving.extend(health::unhealthy(state, service, now))",
        "()",
    ),
    mutation(
        "tasks stay on DRAINING container instances",
        "crates/orchestrator/src/controllers/service_deployments.rs",
        "tasks_on_draining_instances(state, service)",
        "Leaving::new()",
    ),
    mutation(
        "starts that fail are not throttled",
        "crates/orchestrator/src/transitions/failed_tasks.rs",
        "Some(now + throttle(failed_starts))",
        "None",
    ),
    // Stages and hooks.
    mutation(
        "traffic moves before the new revision is proven",
        "crates/orchestrator/src/controllers/service_deployments/lifecycle.rs",
        "!observed.is_scaled_up",
        "false",
    ),
    mutation(
        "hooks that object are not heard",
        "crates/orchestrator/src/controllers/service_deployments/lifecycle.rs",
        "it.objects()",
        "false",
    ),
    mutation(
        "hooks are not waited for",
        "crates/orchestrator/src/controllers/service_deployments/lifecycle.rs",
        "open.map(|it| it.expires_at).min()",
        "None::<Timestamp>",
    ),
    mutation(
        "a hook task may fail",
        "crates/orchestrator/src/controllers/service_deployments/hook_tasks.rs",
        "it.exit_code == Some(0)",
        "it.exit_code.is_some()",
    ),
    mutation(
        "the old revision does not keep its tasks",
        "crates/orchestrator/src/controllers/service_deployments/stages.rs",
        "part.reach = Reach::Own",
        "part.reach = Reach::All",
    ),
    // DAEMON.
    mutation(
        "a daemon starts beside one that stops",
        "crates/orchestrator/src/controllers/service_deployments/daemon/plan.rs",
        "seat.tasks.is_empty()",
        "seat.wanted().next().is_none()",
    ),
    mutation(
        "daemons are replaced all at once",
        "crates/orchestrator/src/controllers/service_deployments/daemon/plan.rs",
        "healthy.saturating_sub(bounds.lower_bound(desired_count))",
        "healthy",
    ),
    // Task sets.
    mutation(
        "a task set takes all tasks",
        "crates/orchestrator/src/controllers/service_deployments/part.rs",
        "it.computed_desired_count(desired_count(service))",
        "desired_count(service)",
    ),
    // Balance.
    mutation(
        "zones are never even enough",
        "crates/orchestrator/src/controllers/service_deployments/balance/zones.rs",
        "it.tasks >= least + 2",
        "it.tasks >= least + 1",
    ),
    mutation(
        "a task moves before its replacement is healthy",
        "crates/orchestrator/src/controllers/service_deployments/balance/ongoing.rs",
        "!is_healthy || healthy <= lower",
        "false",
    ),
    // Waiting tasks.
    mutation(
        "forbid allows",
        "crates/orchestrator/src/transitions/queued_tasks.rs",
        "!there.is_empty()",
        "there.len() > 100",
    ),
    mutation(
        "a task waits beyond its time",
        "crates/orchestrator/src/controllers/queued_tasks.rs",
        "!left.is_zero()",
        "if left.is_zero() { return Next::AwaitChange } else { true }",
    ),
    mutation(
        "a task is tried again for ever",
        "crates/orchestrator/src/transitions/queued_tasks.rs",
        "queued.retries_left - 1",
        "queued.retries_left",
    ),
    // What is round the planner.
    mutation(
        "resources are not released",
        "crates/orchestrator/src/transitions/observe_task.rs",
        "release_host(tx, &task)",
        "()",
    ),
    mutation(
        "reports move a task backwards",
        "crates/domain/src/task.rs",
        "to <= self.last_status",
        "to == self.last_status",
    ),
    mutation(
        "a client token starts tasks twice",
        "crates/orchestrator/src/transitions/run_tasks/once.rs",
        "tasks.is_empty()",
        "tasks.len() < 100",
    ),
    mutation(
        "tasks go to hosts without an agent",
        "crates/placement/src/place.rs",
        "!candidate.host.is_connected",
        "candidate.host.id.is_empty()",
    ),
    mutation(
        "an address is given twice",
        "crates/orchestrator/src/transitions/run_tasks/address.rs",
        "!used.contains(address)",
        "used.len() < 10_000 || !used.contains(address)",
    ),
    mutation(
        "tasks go to DRAINING container instances",
        "crates/placement/src/place.rs",
        "it.status != ContainerInstanceStatus::Active",
        "it.status == ContainerInstanceStatus::Inactive",
    ),
    mutation(
        "FARGATE tasks go to any host",
        "crates/orchestrator/src/transitions/run_tasks.rs",
        "it.is_fargate_capacity",
        "!it.id.is_empty()",
    ),
    // Load balancers.
    mutation(
        "a task stops while requests are in flight to it",
        "crates/orchestrator/src/transitions/task_targets.rs",
        "!left.is_zero()",
        "left.is_zero() && !left.is_zero()",
    ),
    mutation(
        "a task is not deregistered before it stops",
        "crates/orchestrator/src/transitions/stop_task.rs",
        "task.has_to_drain()",
        "task.has_to_drain() && tx.ids().uuid().is_empty()",
    ),
    mutation(
        "a task counts as healthy whatever its targets are",
        "crates/orchestrator/src/controllers/service_deployments/health.rs",
        "!task.targets.iter().all(TaskTarget::is_healthy)",
        "task.targets.len() > 1_000",
    ),
];
