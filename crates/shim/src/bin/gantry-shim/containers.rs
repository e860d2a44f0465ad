//! What the shim knows of each container, and the files in which it outlives the shim.

use std::collections::BTreeSet;
use std::fs;
use std::io::{self, Write};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::time::Instant;

use serde::Serialize;
use shim::{Exit, StartContainer, Started, files};

use crate::clients::ClientId;
use crate::output::Output;
use crate::system;

/// Looks at the processes of a container that ends; each finds those made since the last.
const MAX_SURVIVOR_ROUNDS: usize = 1000;

/// A container of the task.
pub struct Container {
    /// Its name.
    pub name: String,
    /// As it was asked for, to be started again and to be joined.
    pub request: StartContainer,
    /// Kills for want of memory that its group had counted when it was started last.
    oom_kills: u64,
    /// The end of its standard input to which nobody writes; it is open as long as this is.
    pub input: Option<OwnedFd>,
    /// Its output, until it has ended.
    pub output: Output,
    /// Where it is in its life.
    pub state: State,
}

/// Where a container is in its life.
pub enum State {
    /// A child makes it.
    Starting(Starting),
    /// Its process runs.
    Running(Started),
    /// It ended.
    Ended(Started, Exit),
}

/// A start under way.
pub struct Starting {
    /// The process that makes it.
    pub child: i32,
    /// Its life before, if it is started again.
    pub before: Option<(Started, Exit)>,
    /// Where that process says how it went.
    pub result: UnixStream,
    /// The terminal that came with it.
    pub terminal: Option<OwnedFd>,
    /// The container's standard input, see [`Container::input`].
    pub input: Option<OwnedFd>,
    /// What it has said so far.
    pub said: Vec<u8>,
    /// Who waits for the result.
    pub waiting: Vec<ClientId>,
    /// When it has taken too long.
    pub deadline: Instant,
}

impl Container {
    /// A container whose start has begun.
    pub fn starting(request: StartContainer, output: Output, mut starting: Starting) -> Self {
        Self {
            name: request.container.clone(),
            oom_kills: count_oom_kills(request.oom_counter.as_deref()),
            request,
            input: starting.input.take(),
            output,
            state: State::Starting(starting),
        }
    }

    /// Its life begins again.
    pub fn restart(&mut self, output: Output, mut starting: Starting) {
        self.input = starting.input.take();
        self.oom_kills = count_oom_kills(self.request.oom_counter.as_deref());
        self.output.go_on(output);
        self.state = State::Starting(starting);
    }

    /// Its directory below the task's.
    pub fn directory(name: &str) -> PathBuf {
        Path::new(files::CONTAINERS).join(name)
    }

    /// Whether the kernel has killed a process of it for want of memory since it was started last.
    pub fn was_out_of_memory(&self) -> bool {
        count_oom_kills(self.request.oom_counter.as_deref()) > self.oom_kills
    }

    /// What was recorded of the end of its life before is not true any more.
    pub fn forget_exit(&self) {
        drop(fs::remove_file(Self::directory(&self.name).join(files::EXIT)));
    }

    /// Kills what is left of it when its first process has ended. Processes that are about to be killed make no
    /// new ones, so it is over when all that are listed have been seen.
    pub fn kill_survivors(&self) {
        let Some(list) = &self.request.survivors else {
            return;
        };
        let mut killed = BTreeSet::new();
        for _ in 0..MAX_SURVIVOR_ROUNDS {
            let listed = fs::read_to_string(list).unwrap_or_default();
            let new: Vec<i32> = listed
                .lines()
                .filter_map(|it| it.parse().ok())
                .filter(|it| killed.insert(*it))
                .collect();
            if new.is_empty() {
                return;
            }
            for pid in new {
                // A failure means that it has just ended.
                drop(system::kill(pid, libc::SIGKILL));
            }
        }
    }

    /// Puts a record beside the container, whole or not at all. It is not synchronised here: after a crash
    /// of the machine no container runs, and the record is only a nicety.
    pub fn write_record(&self, name: &str, record: &impl Serialize) -> io::Result<fs::File> {
        let directory = Self::directory(&self.name);
        let unfinished = directory.join(format!("{name}.new"));
        let mut file = fs::File::create(&unfinished)?;
        file.write_all(&serde_json::to_vec(record)?)?;
        fs::rename(&unfinished, directory.join(name))?;
        Ok(file)
    }
}

fn count_oom_kills(counter: Option<&Path>) -> u64 {
    let text = counter.and_then(|it| fs::read_to_string(it).ok());
    let text = text.unwrap_or_default();
    let count = text.lines().find_map(|line| line.strip_prefix("oom_kill "));
    count.and_then(|it| it.trim().parse().ok()).unwrap_or(0)
}
