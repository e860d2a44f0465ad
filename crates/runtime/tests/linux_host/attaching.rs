//! Processes on a terminal in containers that run, as users have them.

use std::fs;
use std::time::Duration;

use agent::host::{
    AttachSpec, AttachedProcess, ContainerSpec, Host, HostError, ProcessInput, SandboxNetwork,
};

use crate::world::{DEADLINE, TASK, World};

fn spec(arguments: &[&str]) -> AttachSpec {
    AttachSpec {
        task_id: TASK.to_owned(),
        container: "app".to_owned(),
        arguments: arguments.iter().map(|it| (*it).to_owned()).collect(),
        environment: vec!["TERM=xterm-256color".to_owned()],
        columns: 100,
        rows: 30,
    }
}

async fn world(change: impl FnOnce(&mut ContainerSpec)) -> World {
    let world = World::new().await;
    world.sandbox(SandboxNetwork::None).await;
    let mut container = world.script("app", "echo ready; sleep 1000");
    change(&mut container);
    world.start(&container).await;
    world.await_line("app", "ready").await;
    world
}

/// A process and what it has said.
struct Talk {
    process: AttachedProcess,
    said: String,
}

impl Talk {
    async fn with(world: &World, arguments: &[&str]) -> Self {
        let process = world.host.attach(&spec(arguments)).await.expect("it is attached");
        Self {
            process,
            said: String::new(),
        }
    }

    async fn type_in(&self, text: &str) {
        let data = ProcessInput::Data(text.as_bytes().to_vec().into());
        self.process.input.send(data).await.expect("it runs");
    }

    /// Waits for a text behind what was awaited before.
    async fn until(&mut self, text: &str) {
        while !self.said.contains(text) {
            let output = tokio::time::timeout(DEADLINE, self.process.output.recv()).await;
            let output = output.unwrap_or_else(|_| panic!("no {text:?} in {:?}", self.said));
            let output = output.unwrap_or_else(|| panic!("it ended without {text:?}: {:?}", self.said));
            self.said.push_str(&String::from_utf8_lossy(&output));
        }
        let end = self.said.find(text).map_or(0, |at| at + text.len());
        self.said.drain(..end);
    }

    /// The rest of its output, and its end.
    async fn end(mut self) -> (String, Result<i32, HostError>) {
        let end = async {
            while let Some(output) = self.process.output.recv().await {
                self.said.push_str(&String::from_utf8_lossy(&output));
            }
            self.process.end.await.expect("it is told")
        };
        let end = tokio::time::timeout(DEADLINE, end)
            .await
            .expect("it ends in time");
        (self.said, end)
    }
}

/// Processes of this machine that were started with these words.
fn running(words: &str) -> usize {
    let processes = fs::read_dir("/proc").expect("it is there").flatten();
    let command = |it: fs::DirEntry| fs::read(it.path().join("cmdline")).unwrap_or_default();
    let commands = processes.map(|it| String::from_utf8_lossy(&command(it)).replace('\0', " "));
    commands.filter(|it| it.trim() == words).count()
}

async fn until_gone(words: &str) {
    let gone = async {
        while running(words) > 0 {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(DEADLINE, gone)
        .await
        .expect("it is gone in time");
}

#[tokio::test(flavor = "multi_thread")]
async fn it_has_a_terminal_of_the_container_and_is_root() {
    let world = world(|it| {
        it.user = Some("web:log".to_owned());
        it.environment.insert("MINE".to_owned(), "a b".to_owned());
    })
    .await;
    let script = "stty size; tty; id -u; echo $TERM/$MINE; ls -1 /dev/pts; exit 3";
    let (output, end) = Talk::with(&world, &["sh", "-c", script]).await.end().await;
    assert_eq!(
        output,
        "30 100\r\n/dev/pts/0\r\n0\r\nxterm-256color/a b\r\n0\r\nptmx\r\n"
    );
    assert_eq!(end, Ok(3));
    let (output, _) = Talk::with(
        &world,
        &["grep", "-E", "^(CapEff|CapBnd|Seccomp):", "/proc/self/status"],
    )
    .await
    .end()
    .await;
    let words: Vec<&str> = output.split_whitespace().collect();
    assert_eq!(
        words[1], words[3],
        "root has what the container may have: {output}"
    );
    assert_eq!(words[5], "2", "filtered: {output}");
    world.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_and_sizes_reach_its_programs() {
    let world = world(|_| {}).await;
    let mut shell = Talk::with(&world, &["sh"]).await;
    shell.type_in("PS1=; stty -echo; echo be''gun\r").await;
    shell.until("begun\r\n").await;
    let (columns, rows) = (120, 40);
    let size = ProcessInput::Size { columns, rows };
    shell.process.input.send(size).await.expect("it runs");
    shell.type_in("stty size\r").await;
    shell.until("40 120\r\n").await;
    // Said by the process that is to be interrupted: the shell itself may be between two commands.
    shell
        .type_in("sh -c 'echo slee\"\"ping; exec sleep 7654'\r")
        .await;
    shell.until("sleeping\r\n").await;
    shell.type_in("\x03").await;
    shell.type_in("echo after $?\r").await;
    shell.until("after 130\r\n").await;
    assert_eq!(running("sleep 7654"), 0);
    shell.type_in("exit 5\r").await;
    assert_eq!(shell.end().await.1, Ok(5));
    world.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn all_its_output_comes_however_late_it_is_taken() {
    let world = world(|_| {}).await;
    let script = "i=0; while [ $i -lt 20000 ]; do echo line $i; i=$((i+1)); done";
    let (output, end) = Talk::with(&world, &["sh", "-c", script]).await.end().await;
    assert_eq!(end, Ok(0));
    assert_eq!(output.lines().count(), 20_000);
    assert!(output.ends_with("line 19999\r\n"));
    world.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn it_goes_when_it_is_let_go_of_and_with_its_container() {
    let mut world = world(|_| {}).await;
    let mut talk = Talk::with(&world, &["sh", "-c", "echo begun; sleep 7655; echo never"]).await;
    talk.until("begun").await;
    drop(talk);
    until_gone("sleep 7655").await;
    let mut talk = Talk::with(&world, &["sh", "-c", "echo begun; sleep 7656"]).await;
    talk.until("begun").await;
    let killed = world.host.signal_container(TASK, "app", libc::SIGKILL).await;
    killed.expect("it is killed");
    world.exit("app").await;
    let (_, end) = talk.end().await;
    assert!(end.is_err() || end == Ok(137), "{end:?}");
    until_gone("sleep 7656").await;
    assert!(
        world.host.attach(&spec(&["sh"])).await.is_err(),
        "the container has ended"
    );
    world.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_program_that_is_not_there_is_told() {
    let world = world(|_| {}).await;
    let end = match world.host.attach(&spec(&["curl"])).await {
        Ok(process) => {
            let talk = Talk {
                process,
                said: String::new(),
            };
            talk.end().await.1
        }
        Err(error) => Err(error),
    };
    let text = end.expect_err("it is not executed").to_string();
    assert!(
        text.contains("exec: \"curl\": executable file not found in $PATH"),
        "{text}"
    );
    world.close().await;
}
