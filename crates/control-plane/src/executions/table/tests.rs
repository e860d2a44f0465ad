//! Tokens are good once, for a while and for their session; containers have few sessions.

use super::*;
use crate::tickets::WAITING_MAX;

const NOW: Timestamp = Timestamp::constant(1_795_234_916, 0);

fn after(seconds: i64) -> Timestamp {
    Timestamp::from_second(NOW.as_second() + seconds).expect("in range")
}

fn command(container: &str) -> Command {
    Command {
        task: TaskArn::parse(
            "arn:aws:ecs:us-east-1:123456789012:task/default/0123456789abcdef0123456789abcdef",
        )
        .expect("an ARN"),
        container: container.to_owned(),
        host_id: "host".to_owned(),
        arguments: vec!["sh".to_owned()],
        text: "sh".to_owned(),
        caller: "arn:aws:iam::123456789012:root".to_owned(),
        log: None,
    }
}

#[test]
fn a_token_opens_its_own_session_once_and_for_a_minute() {
    let executions = Arc::<Executions>::default();
    let first = executions.issue(command("web"), NOW).expect("a session");
    let second = executions.issue(command("web"), NOW).expect("a session");
    let random = first
        .session_id
        .strip_prefix("ecs-execute-command-")
        .expect("the prefix");
    assert!(random.len() == 17 && random.bytes().all(|it| it.is_ascii_hexdigit()));
    assert_eq!(first.token.len(), 64);
    let claim = |id: &str, token: &str, now| executions.claim(id, token, now).expect("there is room");
    assert!(
        claim(&first.session_id, &second.token, NOW).is_none(),
        "another's token"
    );
    assert!(
        claim("ecs-execute-command-0", &first.token, NOW).is_none(),
        "another session"
    );
    assert!(
        claim(&first.session_id, &first.token, after(60)).is_none(),
        "too late"
    );
    let (claimed, _place) = claim(&first.session_id, &first.token, after(59)).expect("it is good");
    assert_eq!(claimed, command("web"));
    assert!(
        claim(&first.session_id, &first.token, NOW).is_none(),
        "a second time"
    );
}

#[test]
fn a_container_has_two_sessions_at_once_and_places_come_back() {
    let executions = Arc::<Executions>::default();
    let open = |container: &str| {
        let issued = executions.issue(command(container), NOW)?;
        let claimed = executions.claim(&issued.session_id, &issued.token, NOW)?;
        Ok::<_, Refusal>(claimed.expect("its own token").1)
    };
    let spare = executions.issue(command("web"), NOW).expect("a session");
    let first = open("web").expect("the first");
    let _second = open("web").expect("the second");
    assert_eq!(open("web").err(), Some(Refusal::TooManyInContainer));
    let late = executions.claim(&spare.session_id, &spare.token, NOW);
    assert_eq!(late.err(), Some(Refusal::TooManyInContainer));
    open("side").expect("another container");
    drop(first);
    open("web").expect("a place is free");
}

#[test]
fn sessions_that_wait_are_bounded_and_forgotten_in_time() {
    let executions = Executions::default();
    for _ in 0..WAITING_MAX {
        executions.issue(command("web"), NOW).expect("a session");
    }
    assert_eq!(
        executions.issue(command("web"), NOW),
        Err(Refusal::TooManyWaiting)
    );
    executions
        .issue(command("web"), after(61))
        .expect("the others are over");
}

#[tokio::test]
async fn only_the_agent_that_was_asked_brings_a_socket() {
    let executions = Executions::default();
    let (token, arrival) = executions.expect("s", "host").expect("random bytes");
    assert!(executions.arrived("s", "other", &token).is_none());
    assert!(executions.arrived("s", "host", "guess").is_none());
    assert!(executions.arrived("t", "host", &token).is_none());
    assert!(executions.arrived("s", "host", &token).is_some());
    assert!(executions.arrived("s", "host", &token).is_none(), "a second time");
    assert!(arrival.await.is_err(), "the sender was dropped");
    let (token, _arrival) = executions.expect("s", "host").expect("random bytes");
    executions.forget("s");
    assert!(executions.arrived("s", "host", &token).is_none());
}
