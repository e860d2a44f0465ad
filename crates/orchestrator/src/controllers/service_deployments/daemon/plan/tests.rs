use domain::{ClusterArn, Scope};
use proptest::prelude::*;

use super::*;

const STEP: u32 = 64;

fn cluster() -> ClusterArn {
    ClusterArn::of(&Scope::new("123456789012", "us-east-1"), "lab")
}

fn bounds(minimum_healthy_percent: u32) -> DeploymentConfiguration {
    DeploymentConfiguration {
        maximum_percent: 100,
        minimum_healthy_percent,
        ..DeploymentConfiguration::default()
    }
}

fn seat(number: usize, claim: Claim, tasks: &[(bool, SeatedState)]) -> Seat {
    let task = |(index, (is_new, state)): (usize, &(bool, SeatedState))| SeatedTask {
        arn: cluster().member(&format!("{number}-{index}")),
        is_new: *is_new,
        state: *state,
    };
    Seat {
        instance: cluster().member(&number.to_string()),
        claim,
        tasks: tasks.iter().enumerate().map(task).collect(),
    }
}

/// A claim and its tasks: how many are wanted, whether one is started, which stop, whether it is steady.
type Case<'a> = (Claim, &'a [(bool, SeatedState)], u32, bool, &'a [usize], bool);

#[test]
fn each_container_instance_gets_what_it_is_to_have() {
    use Claim::{Kept, Last, Nothing, One};
    use SeatedState::{Healthy, Pending, Stopping, Unhealthy, Unproven};
    let cases: [Case<'_>; 19] = [
        (One, &[], 1, true, &[], false),
        (One, &[(true, Healthy)], 1, false, &[], true),
        (One, &[(true, Pending)], 1, false, &[], false),
        (One, &[(true, Unproven)], 1, false, &[], false),
        (One, &[(true, Unhealthy)], 1, false, &[0], false),
        (One, &[(true, Stopping)], 1, false, &[], false),
        (One, &[(false, Stopping)], 1, false, &[], false),
        (One, &[(false, Healthy)], 1, false, &[0], false),
        (One, &[(false, Pending)], 1, false, &[0], false),
        (One, &[(true, Pending), (true, Healthy)], 1, false, &[0], false),
        (One, &[(false, Healthy), (true, Pending)], 1, false, &[0], false),
        (Kept, &[], 0, false, &[], true),
        (Kept, &[(true, Healthy)], 1, false, &[], true),
        (Kept, &[(false, Healthy)], 1, false, &[], false),
        (Last, &[(true, Healthy)], 0, false, &[], true),
        (Last, &[], 0, false, &[], true),
        (
            Nothing,
            &[(true, Healthy), (false, Pending)],
            0,
            false,
            &[0, 1],
            false,
        ),
        (Nothing, &[(true, Stopping)], 0, false, &[], false),
        (Nothing, &[], 0, false, &[], true),
    ];
    for (claim, tasks, desired, starts, stops, is_steady) in cases {
        let seat = seat(1, claim, tasks);
        let found = plan(std::slice::from_ref(&seat), bounds(0), STEP);
        let what = format!("{claim:?} {tasks:?}");
        assert_eq!(found.desired_count, desired, "{what}");
        assert_eq!(!found.start.is_empty(), starts, "{what}");
        let expected: Vec<_> = stops.iter().map(|it| seat.tasks[*it].arn.clone()).collect();
        assert_eq!(found.stop, expected, "{what}");
        assert_eq!(found.is_steady, is_steady, "{what}");
    }
}

#[test]
fn a_deployment_stops_as_many_as_the_minimum_leaves() {
    let old = |number| seat(number, Claim::One, &[(false, SeatedState::Healthy)]);
    let seats: Vec<Seat> = (0..5).map(old).collect();
    // Of five, a minimum of 50 % leaves three.
    for (minimum, stops) in [(0, 5), (50, 2), (80, 1), (100, 0)] {
        assert_eq!(plan(&seats, bounds(minimum), STEP).stop.len(), stops, "{minimum}");
    }
    let cut = plan(&seats, bounds(0), 2);
    assert_eq!((cut.stop.len(), cut.is_cut_short), (2, true));
}

fn claim(number: u8) -> Claim {
    [Claim::One, Claim::One, Claim::Kept, Claim::Last, Claim::Nothing][usize::from(number % 5)]
}

fn state(number: u8) -> SeatedState {
    use SeatedState::{Healthy, Pending, Stopping, Unhealthy, Unproven};
    [Healthy, Healthy, Unproven, Pending, Unhealthy, Stopping][usize::from(number % 6)]
}

/// What agents do: what shall stop stops, what starts runs.
fn obey(seats: &mut [Seat], plan: &DaemonPlan, round: usize) {
    for seat in seats {
        seat.tasks.retain(|it| it.state != SeatedState::Stopping);
        for task in &mut seat.tasks {
            task.state = match task.state {
                _ if plan.stop.contains(&task.arn) => SeatedState::Stopping,
                SeatedState::Pending => SeatedState::Unproven,
                SeatedState::Unproven => SeatedState::Healthy,
                state => state,
            };
        }
        if plan.start.contains(&seat.instance) {
            let arn = cluster().member(&format!("{}-new-{round}", seat.instance.name()));
            let state = SeatedState::Pending;
            seat.tasks.push(SeatedTask {
                arn,
                is_new: true,
                state,
            });
        }
    }
}

proptest! {
    /// From any beginning, each container instance ends with what it is to have; no step costs health that the
    /// minimum forbids, or starts a second task beside another.
    #[test]
    fn every_beginning_comes_to_rest(
        given in proptest::collection::vec(
            (any::<u8>(), proptest::collection::vec((any::<bool>(), any::<u8>()), 0..3)), 0..12),
        minimum in 0_u32..100,
    ) {
        let mut seats: Vec<Seat> = given.iter().enumerate().map(|(number, (kind, tasks))| {
            let tasks: Vec<_> = tasks.iter().map(|(is_new, it)| (*is_new, state(*it))).collect();
            seat(number, claim(*kind), &tasks)
        }).collect();
        let is_healthy = |it: &&Seat| it.wanted().any(|task| task.state == SeatedState::Healthy);
        for round in 0..200 {
            let found = plan(&seats, bounds(minimum), STEP);
            let lower = bounds(minimum).lower_bound(found.desired_count) as usize;
            let may_move = found.desired_count as usize > lower;
            let old_stuck = seats.iter().any(|it| it.claim == Claim::Kept && !it.is_settled());
            if found.is_steady {
                prop_assert!(found.start.is_empty() && found.stop.is_empty());
                let full = seats.iter().filter(|it| it.claim == Claim::One);
                prop_assert!(full.clone().all(|it| it.tasks.len() == 1));
                return Ok(());
            }
            let rests = found.start.is_empty() && found.stop.is_empty()
                && seats.iter().flat_map(|it| &it.tasks).all(|it| it.state == SeatedState::Healthy
                    || it.state == SeatedState::Unhealthy);
            if rests {
                prop_assert!(!may_move || old_stuck, "stuck: {seats:?}");
                return Ok(());
            }
            for arn in &found.start {
                let seat = seats.iter().find(|it| it.instance == *arn);
                prop_assert!(seat.is_some_and(|it| it.tasks.is_empty()), "a second task");
            }
            let counted = |seats: &[Seat]| seats.iter().filter(|it| it.counts()).filter(is_healthy).count();
            let before = counted(&seats);
            obey(&mut seats, &found, round);
            prop_assert!(counted(&seats) >= before.min(lower), "below the minimum");
        }
        prop_assert!(false, "never at rest: {seats:?}");
    }
}
