//! Which exits are news, whatever the clock says.

use std::path::Path;

use agent::host::{IpcSharing, PidSharing, StartedContainer};

use super::*;
use crate::task_directory::{NetworkRecord, RECORD_VERSION, SandboxRecord, TaskDirectory};

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).unwrap_or_default()
}

fn exit(second: i64) -> ContainerExit {
    ContainerExit {
        exit_code: 1,
        is_out_of_memory: false,
        finished_at: at(second),
    }
}

fn started(second: i64) -> Container {
    let started = StartedContainer {
        runtime_id: "r".to_owned(),
        started_at: at(second),
        port_mappings: Vec::new(),
    };
    Container::Started(started, None)
}

fn sandbox(container: Container) -> Arc<Sandbox> {
    let record = SandboxRecord {
        version: RECORD_VERSION,
        boot_id: String::new(),
        network: NetworkRecord::None,
        pid: PidSharing::Container,
        ipc: IpcSharing::default(),
        volumes: Vec::new(),
    };
    let sandbox = Sandbox::new("t", TaskDirectory::new(Path::new("/nowhere"), "t"), record);
    sandbox.containers.lock().insert("app".to_owned(), container);
    sandbox
}

#[test]
fn an_end_counts_also_where_the_clock_was_set_back_before_it() {
    let sandbox = sandbox(started(7200));
    assert_eq!(sandbox.note_exit("app", &exit(3600)), Noted::New);
    assert_eq!(sandbox.note_exit("app", &exit(3600)), Noted::Known);
}

#[test]
fn the_end_of_the_life_before_does_not_end_the_life_after() {
    // The clock was set back by an hour while it was started again.
    let sandbox = sandbox(started(3600));
    sandbox.ends_before.lock().insert("app".to_owned(), exit(7200));
    assert_eq!(sandbox.note_exit("app", &exit(7200)), Noted::Known);
    assert_eq!(sandbox.note_exit("app", &exit(3601)), Noted::New);
}

#[test]
fn an_end_that_comes_before_its_start_waits() {
    let sandbox = sandbox(Container::Starting);
    assert_eq!(sandbox.note_exit("app", &exit(1)), Noted::TooEarly);
    assert_eq!(sandbox.note_exit("other", &exit(1)), Noted::TooEarly);
}
