//! What holds for any plan and any choice, whatever tasks there are and however they are.

use domain::clock::Clock;

use super::*;

fn any_tally() -> impl Strategy<Value = Tally> {
    (0_u32..12, 0_u32..12, 0_u32..4)
        .prop_map(|(pending, running, stopping)| tally(pending, running, stopping))
}

/// Tasks of both kinds, of which some that run are not known to be healthy, or known to be UNHEALTHY.
fn any_counts() -> impl Strategy<Value = Counts> {
    (any_tally(), any_tally(), 0_u32..12, 0_u32..12, 0_u32..12).prop_map(
        |(primary, old, unproven, old_unproven, unhealthy)| {
            let old_unproven = old_unproven.min(old.running);
            Counts {
                primary,
                old,
                unproven: unproven.min(primary.running),
                old_unproven,
                old_unserving: 0,
                unhealthy: unhealthy.min(old_unproven),
            }
        },
    )
}

/// Tasks that run and are known to be healthy.
fn healthy(counts: &Counts) -> u32 {
    counts.primary.running - counts.unproven + counts.old.running - counts.old_unproven
}

fn wanted(counts: &Counts) -> u32 {
    let Counts { primary, old, .. } = counts;
    primary.pending + primary.running + old.pending + old.running
}

/// What is left once a plan has been carried out: of each kind, what costs no health goes first, and no more healthy
/// tasks go than the plan spares.
fn carried_out(counts: &Counts, plan: &Plan) -> Counts {
    let (mut after, mut spare) = (*counts, plan.spare);
    let mut stop = |running: &mut u32, unproven: &mut u32, count: u32| {
        let cheap = count.min(*unproven);
        let dear = (count - cheap).min(spare).min(*running - *unproven);
        spare -= dear;
        *unproven -= cheap;
        *running -= cheap + dear;
        cheap + dear
    };
    after.old.pending -= plan.stop_old_pending;
    let old = stop(
        &mut after.old.running,
        &mut after.old_unproven,
        plan.stop_old_running,
    );
    let of_pending = plan.stop_primary.min(after.primary.pending);
    after.primary.pending -= of_pending;
    let surplus = plan.stop_primary - of_pending;
    let primary = stop(&mut after.primary.running, &mut after.unproven, surplus);
    after.old.stopping += plan.stop_old_pending + old;
    after.primary.stopping += of_pending + primary;
    after.primary.pending += plan.start;
    after.unhealthy = after.unhealthy.min(after.old_unproven);
    after
}

proptest! {
    /// A plan keeps the bounds from wherever it begins.
    #[test]
    fn a_plan_keeps_the_bounds(
        desired in 0_u32..12, minimum in 0_u32..=100, maximum in 100_u32..=200, counts in any_counts(),
    ) {
        let bounds = service(desired, minimum, maximum).deployment_configuration;
        let step = plan(desired, bounds, &counts, STEP_MAX);
        prop_assert_eq!(step, plan(desired, bounds, &counts, STEP_MAX));
        let after = carried_out(&counts, &step);
        let (lower, upper) = (bounds.lower_bound(desired), bounds.upper_bound(desired));
        prop_assert!(healthy(&after) >= healthy(&counts).min(lower), "below the minimum: {:?}", step);
        if step.start > 0 {
            prop_assert!(wanted(&counts) + step.start <= upper.max(desired), "above the maximum: {:?}", step);
            prop_assert_eq!(step.stop_primary, 0, "what is wanted is not stopped");
        }
        if step.is_steady {
            prop_assert_eq!((after, healthy(&after), wanted(&after)), (counts, desired, desired));
        }
    }

    /// Planned again and again, before anything has moved: what one plan starts no other stops, all of them together
    /// keep the bounds, and soon there is nothing left to do. However little each of them may do.
    #[test]
    fn plans_are_idempotent_in_the_end(
        desired in 0_u32..12, minimum in 0_u32..=100, maximum in 100_u32..=200, counts in any_counts(),
        most in prop_oneof![1_u32..5, Just(STEP_MAX)],
    ) {
        let bounds = service(desired, minimum, maximum).deployment_configuration;
        let (mut now, mut has_started) = (counts, false);
        for _ in 0..100 {
            let step = plan(desired, bounds, &now, most);
            prop_assert!(step.start <= most);
            prop_assert!(step.stop_primary + step.stop_old_pending + step.stop_old_running <= most);
            prop_assert!(!has_started || step.stop_primary == 0, "it stops what it has started");
            has_started |= step.start > 0;
            let next = carried_out(&now, &step);
            prop_assert!(healthy(&next) >= healthy(&counts).min(bounds.lower_bound(desired)));
            prop_assert!(wanted(&next) <= wanted(&counts).max(bounds.upper_bound(desired)).max(desired));
            if next == now {
                return Ok(());
            }
            now = next;
        }
        prop_assert!(false, "it never ends: {now:?}");
    }

    /// A task set leaves others alone: it starts what it lacks and stops what it has too many, whatever there is beside it.
    #[test]
    fn a_task_set_minds_its_own_tasks(mine in any_tally(), others in any_tally(), desired in 0_u32..12) {
        let tallies = [("mine".to_owned(), mine), ("other".to_owned(), others)];
        let counts = Counts::of_task_set("mine", &tallies);
        let bounds = service(desired, 100, 200).deployment_configuration;
        let step = plan(desired, bounds, &counts, STEP_MAX);
        let has = mine.pending + mine.running;
        prop_assert_eq!((step.start, step.stop_primary), (desired.saturating_sub(has), has.saturating_sub(desired)));
        prop_assert_eq!((step.stop_old_pending, step.stop_old_running), (0, 0));
        prop_assert_eq!(step.is_steady, mine == tally(0, desired, 0));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]
    /// A scale-in stops as many as are too many, or all that are not protected, and the same ones each time.
    #[test]
    fn a_scale_in_never_picks_protected_tasks(
        protected in proptest::collection::vec(any::<bool>(), 8), left in 0_u32..8, hosts in 1_usize..4,
    ) {
        let world = World::new();
        for _ in 0..hosts {
            world.instance(Vec::new());
        }
        let service = world.service(8, 100, 200);
        settle_down(&world, &service);
        let tasks: Vec<TaskArn> = world.tasks(&service).into_iter().map(|it| it.arn).collect();
        let kept: Vec<TaskArn> = tasks.iter().zip(&protected).filter(|(_, it)| **it).map(|(it, _)| it.clone()).collect();
        protect(&world, &kept);
        scale(&world, &service, left);
        let chosen = || world.store.read(|state| {
            let service = state.get::<Service>(&service).expect("is there");
            let part = Part::primary_deployment(service).expect("has one");
            let counts = Counts::of(&part.id, &state.service_tally(&service.arn));
            let plan = plan(left, service.deployment_configuration, &counts, STEP_MAX);
            let choosing = scale_in::Choosing {
                now: world.clock.now(),
                healthy_after: Duration::ZERO,
                leaving: &Leaving::new(),
            };
            let chosen = scale_in::choose(state, &choosing, service, &part, &plan);
            chosen.candidates.into_iter().map(|it| it.task.arn.clone()).collect::<Vec<_>>()
        });
        let first = chosen();
        prop_assert_eq!(&first, &chosen(), "the same ones");
        prop_assert!(first.iter().all(|it| !kept.contains(it)), "a protected one");
        let surplus = 8 - left as usize;
        prop_assert_eq!(first.len(), surplus.min(8 - kept.len()));
    }
}
