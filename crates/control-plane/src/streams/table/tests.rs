//! Tokens are good once, for a while and for their session; a task has a bounded number of streams.

use super::*;
use crate::tickets::WAITING_MAX;

const NOW: Timestamp = Timestamp::constant(1_795_234_916, 0);

fn after(seconds: i64) -> Timestamp {
    Timestamp::from_second(NOW.as_second() + seconds).expect("in range")
}

fn wanted(task: char) -> Wanted {
    let id = task.to_string().repeat(32);
    let arn = format!("arn:aws:ecs:us-east-1:123456789012:task/default/{id}");
    Wanted {
        task: TaskArn::parse(&arn).expect("an ARN"),
        container: "web".to_owned(),
        host_id: "host".to_owned(),
        target: StreamTarget {
            port: Some(80),
            ..StreamTarget::default()
        },
        caller: "arn:aws:iam::123456789012:root".to_owned(),
    }
}

#[test]
fn a_token_opens_its_own_stream_once_and_for_a_minute() {
    let streams = Arc::<Streams>::default();
    let [first, second] = [(), ()].map(|()| streams.issue(wanted('a'), NOW).expect("a session"));
    let claim = |id: &str, token: &str, now| streams.claim(id, token, now).expect("there is room");
    assert!(
        claim(&first.session_id, &second.token, NOW).is_none(),
        "another's"
    );
    assert!(
        claim("gantry-stream-0", &first.token, NOW).is_none(),
        "no session"
    );
    assert!(
        claim(&first.session_id, &first.token, after(60)).is_none(),
        "late"
    );
    let (claimed, _place) = claim(&first.session_id, &first.token, after(59)).expect("it is good");
    assert_eq!(claimed, wanted('a'));
    assert!(claim(&first.session_id, &first.token, NOW).is_none(), "twice");
}

#[test]
fn a_task_has_so_many_streams_and_places_come_back() {
    let streams = Arc::<Streams>::default();
    let open = |task| {
        let issued = streams.issue(wanted(task), NOW)?;
        let claimed = streams.claim(&issued.session_id, &issued.token, NOW)?;
        Ok::<_, Refusal>(claimed.expect("its token").1)
    };
    let mut places: Vec<Place> = (0..STREAMS_PER_TASK_MAX)
        .map(|_| open('a').expect("there is room"))
        .collect();
    assert_eq!(open('a').err(), Some(Refusal::TooManyOfTask));
    assert!(open('b').is_ok(), "another task");
    places.pop();
    assert!(open('a').is_ok());
    drop(places);
    assert_eq!(streams.0.rooms(), 0);
}

#[test]
fn those_that_wait_are_bounded_and_forgotten() {
    let streams = Arc::<Streams>::default();
    for _ in 0..WAITING_MAX {
        streams.issue(wanted('a'), NOW).expect("there is room");
    }
    assert_eq!(streams.issue(wanted('a'), NOW), Err(Refusal::TooManyWaiting));
    assert!(streams.issue(wanted('a'), after(61)).is_ok());
}
