//! Which session is told, and what.

use std::sync::Arc;

use api::acs;
use domain::task::Task;
use serde_json::json;
use store::CommitId;
use tokio_util::sync::CancellationToken;

use super::super::mailbox::{CAPACITY, News, Order};
use super::super::upgrade::AgentKind;
use super::Sessions;
use crate::fixture::Fixture;

#[test]
fn the_newest_session_of_a_host_stays() {
    let (sessions, shutdown) = (Sessions::default(), CancellationToken::new());
    let first = sessions.open("h", AgentKind::Gantry, &shutdown);
    let second = sessions.open("h", AgentKind::Gantry, &shutdown);
    assert!(first.end.is_cancelled() && !second.end.is_cancelled());
    assert!(!sessions.close("h", &first));
    assert!(sessions.close("h", &second));
}

/// Two tasks, each on a host of its own.
async fn tasks() -> [Arc<Task>; 2] {
    let fixture = Fixture::new().await;
    fixture.instance().await;
    fixture.instance().await;
    fixture.definition().await;
    let run = json!({ "taskDefinition": "web", "count": 2 });
    fixture.ask("RunTask", run).await;
    let tasks: Vec<Arc<Task>> = fixture
        .store()
        .read(|state| state.all::<Task>().cloned().collect());
    tasks.try_into().expect("two tasks")
}

#[tokio::test]
async fn a_session_learns_of_its_own_tasks_in_order() {
    let (sessions, shutdown) = (Sessions::default(), CancellationToken::new());
    let [mine, other] = tasks().await;
    let session = sessions.open(&mine.host_id, AgentKind::Gantry, &shutdown);
    let _other = sessions.open(&other.host_id, AgentKind::Gantry, &shutdown);
    for (id, task) in (1..).zip([&mine, &other, &mine]) {
        sessions.tell(CommitId(id), task);
    }
    let news = [1, 3].map(|id| (CommitId(id), Arc::clone(&mine)));
    assert_eq!(session.mailbox.next().await, News::Tasks(news.to_vec()));
}

#[tokio::test]
async fn a_session_that_falls_far_behind_looks_at_the_state_again() {
    let (sessions, shutdown) = (Sessions::default(), CancellationToken::new());
    let [mine, _] = tasks().await;
    let session = sessions.open(&mine.host_id, AgentKind::Gantry, &shutdown);
    for id in 0..=CAPACITY as u64 {
        sessions.tell(CommitId(id), &mine);
    }
    assert_eq!(session.mailbox.next().await, News::Missed);
    sessions.tell(CommitId(9_999), &mine);
    let news = vec![(CommitId(9_999), Arc::clone(&mine))];
    assert_eq!(session.mailbox.next().await, News::Tasks(news));
    sessions.miss();
    assert_eq!(session.mailbox.next().await, News::Missed);
}

#[tokio::test]
async fn only_gantrys_agents_are_asked_to_run_commands() {
    let (sessions, shutdown) = (Sessions::default(), CancellationToken::new());
    let command = |id: &str| {
        Order::Command(acs::ExecuteCommandMessage {
            session_id: Some(id.to_owned()),
            ..acs::ExecuteCommandMessage::default()
        })
    };
    assert!(!sessions.order("h", command("nobody")));
    let stock = sessions.open("h", AgentKind::Stock, &shutdown);
    assert!(!sessions.runs_commands("h") && !sessions.order("h", command("stock")));
    assert!(sessions.close("h", &stock));
    let place = sessions.open("h", AgentKind::Gantry, &shutdown);
    assert!(sessions.runs_commands("h") && sessions.order("h", command("a")));
    place.mailbox.miss();
    assert!(sessions.order("h", command("b")));
    assert_eq!(
        place.mailbox.next().await,
        News::Orders(vec![command("a"), command("b")])
    );
    assert_eq!(place.mailbox.next().await, News::Missed);
    let accepted = (0..100).filter(|it| sessions.order("h", command(&it.to_string())));
    assert_eq!(accepted.count(), 64, "they are bounded");
}
