//! Commands that users run in containers.

use std::time::Duration;

use serde_json::json;
use tokio_tungstenite::tungstenite::Message;
use wire::exec_channel::{FromAgent, ToAgent};

use crate::{World, task};

const TASK: &str = "0123456789abcdef0123456789abcdef";

/// A running task in which this command was ordered; the agent has connected for it.
async fn ordered(command: &str) -> World {
    let world = World::started().await;
    let arn = world.run_task(task(TASK)).await;
    let order = json!({
        "sessionId": "ecs-execute-command-1", "token": "secret", "taskArn": arn, "containerName": "web",
        "command": [command], "columns": 100, "rows": 40,
    });
    world.control_plane.send("ExecuteCommandMessage", order).await;
    let query = world
        .control_plane
        .until("a connection for the command", |it| {
            it.command.as_ref()?;
            it.upgrades.last().cloned()
        })
        .await;
    assert_eq!(query["sessionId"], "ecs-execute-command-1");
    assert_eq!(query["token"], "secret");
    assert_eq!(query["containerInstanceArn"], crate::fake_control_plane::INSTANCE);
    world
}

impl World {
    fn tell(&self, message: &ToAgent) {
        let world = self.control_plane.world.lock();
        let command = world.command.as_ref().expect("a connection");
        command
            .send(Message::binary(message.encode()))
            .expect("it is open");
    }

    async fn said(&self, message: FromAgent) {
        let what = format!("{message:?}");
        self.control_plane
            .until(&what, |it| it.said.contains(&message).then_some(()))
            .await;
    }
}

#[tokio::test]
async fn a_command_talks_over_a_websocket_of_its_own_and_its_end_is_told_last() {
    let mut world = ordered("sh").await;
    let output = |text: &str| FromAgent::Output(text.as_bytes().to_vec());
    world
        .said(output("100x40 TERM=xterm-256color LANG=C.UTF-8"))
        .await;
    world.tell(&ToAgent::Input(b"hello".to_vec()));
    world.said(output("hello")).await;
    world.tell(&ToAgent::Size {
        columns: 90,
        rows: 20,
    });
    world.said(output("90x20")).await;
    world.tell(&ToAgent::Input(b"exit".to_vec()));
    world.said(FromAgent::Exited(3)).await;
    assert_eq!(
        world.control_plane.world.lock().said.last(),
        Some(&FromAgent::Exited(3))
    );
    world.stop().await;
}

#[tokio::test]
async fn a_command_that_cannot_run_says_why() {
    let mut world = ordered("no-such-command").await;
    let text = "CannotExecuteError: executable file not found in $PATH";
    world.said(FromAgent::Failed(text.to_owned())).await;
    world.stop().await;
}

#[tokio::test]
async fn a_command_is_let_go_of_when_its_websocket_closes_or_the_agent_ends() {
    for is_agent_ending in [false, true] {
        let mut world = ordered("sh").await;
        world
            .said(FromAgent::Output(
                b"100x40 TERM=xterm-256color LANG=C.UTF-8".to_vec(),
            ))
            .await;
        if is_agent_ending {
            world.stop().await;
        } else {
            let command = world.control_plane.world.lock().command.take();
            let closed = command.map(|it| it.send(Message::Close(None)));
            assert!(closed.is_some_and(|it| it.is_ok()));
        }
        let detached = tokio::time::timeout(Duration::from_secs(20), world.host.detached.notified()).await;
        detached.expect("it is let go of");
    }
}
