//! A client token starts tasks once.

use std::time::Duration;

use domain::client_request::ClientRequest;
use domain::task::TaskStatus;

use super::super::*;
use super::world::World;

fn request(token: &str, fingerprint: &str) -> Option<ClientRequest> {
    Some(ClientRequest {
        token: token.into(),
        fingerprint: fingerprint.into(),
    })
}

#[test]
fn a_repeated_call_gives_the_tasks_of_the_first() {
    let world = World::new();
    world.join(10);
    let definition = world.definition();
    let wanted = RunTasks {
        client_request: request("a", "x"),
        ..world.wanted(&definition, 2)
    };
    let first = world.run(wanted.clone()).expect("placed");
    assert_eq!(first.tasks.len(), 2);
    // Even if they have moved on meanwhile.
    world.report(&first.tasks[0].arn, TaskStatus::Stopped);
    let again = world.run(wanted.clone()).expect("the same");
    let arns = |it: &RunTasksOutcome| it.tasks.iter().map(|it| it.arn.clone()).collect::<Vec<_>>();
    let mut expected = arns(&first);
    expected.sort();
    assert_eq!(arns(&again), expected);
    let other = RunTasks {
        client_request: request("b", "x"),
        ..wanted
    };
    assert!(!arns(&world.run(other).expect("placed")).contains(&expected[0]));
}

#[test]
fn another_call_with_the_token_is_refused_for_a_day() {
    let world = World::new();
    world.join(10);
    let definition = world.definition();
    let wanted = |fingerprint| RunTasks {
        client_request: request("a", fingerprint),
        ..world.wanted(&definition, 1)
    };
    let first = world.run(wanted("x")).expect("placed");
    let taken = RunTasksOnceRefusal::ClientTokenTaken(vec![first.tasks[0].arn.clone()]);
    assert_eq!(world.run(wanted("y")), Err(taken));
    world.clock.advance(Duration::from_secs(24 * 60 * 60));
    assert_eq!(world.run(wanted("y")).expect("placed").tasks.len(), 1);
}

#[test]
fn a_call_that_started_nothing_is_tried_anew() {
    let world = World::new();
    let definition = world.definition();
    let wanted = RunTasks {
        client_request: request("a", "x"),
        ..world.wanted(&definition, 1)
    };
    assert_eq!(
        world.run(wanted.clone()),
        Err(RunTasksOnceRefusal::Nowhere(
            RunTasksRefusal::NoContainerInstances
        ))
    );
    world.join(1);
    assert_eq!(world.run(wanted).expect("placed").tasks.len(), 1);
}
