//! Processes that run beside the first one of a container: what the shim knows of each until it has ended.

use std::os::fd::{AsRawFd, OwnedFd, RawFd};
use std::time::Instant;

use shim::{ExecutionConsole, ExecutionEnding, Reply};

use crate::clients::ClientId;
use crate::join::PROCESS;
use crate::system;

/// A process that was asked for.
pub struct Execution {
    /// Who waits for its end.
    pub client: ClientId,
    /// The process that joins the container.
    pub joiner: i32,
    /// The process itself, once it is known.
    pub pid: Option<i32>,
    /// When its time is over.
    pub deadline: Instant,
    /// Whether it has been killed for that.
    pub ending: ExecutionEnding,
    /// What it reads from and writes to.
    pub console: ExecutionConsole,
    /// What the joiner and the process said before the execution, and where they say it until then.
    said: Vec<u8>,
    result: Option<OwnedFd>,
    output: Tail,
    /// Its exit status, if it ended before the end of `result` was seen.
    exit_code: Option<i32>,
}

/// The last bytes of an output.
struct Tail {
    pipe: Option<OwnedFd>,
    kept: Vec<u8>,
    bytes_max: usize,
}

impl Execution {
    /// One that has just been forked; it says on `result` how it goes. Of `output` the last so many bytes are kept.
    pub fn new(
        client: ClientId,
        joiner: i32,
        deadline: Instant,
        console: ExecutionConsole,
        result: OwnedFd,
        (output, output_bytes): (Option<OwnedFd>, usize),
    ) -> Self {
        Self {
            client,
            joiner,
            pid: None,
            deadline,
            ending: ExecutionEnding::Exited,
            console,
            said: Vec::new(),
            result: Some(result),
            output: Tail {
                pipe: output,
                kept: Vec::new(),
                bytes_max: output_bytes,
            },
            exit_code: None,
        }
    }

    /// What is to be watched.
    pub fn descriptors(&self) -> impl Iterator<Item = RawFd> + '_ {
        let both = [self.result.as_ref(), self.output.pipe.as_ref()];
        both.into_iter().flatten().map(AsRawFd::as_raw_fd)
    }

    /// Reads from a descriptor that is ready, if it is one of this execution.
    pub fn pump(&mut self, descriptor: RawFd, buffer: &mut [u8]) {
        if self
            .result
            .as_ref()
            .is_some_and(|it| it.as_raw_fd() == descriptor)
        {
            self.read_result(buffer);
        } else if self
            .output
            .pipe
            .as_ref()
            .is_some_and(|it| it.as_raw_fd() == descriptor)
        {
            self.output.read_once(buffer);
        }
    }

    fn read_result(&mut self, buffer: &mut [u8]) {
        let Some(result) = &self.result else { return };
        match system::read(result, buffer) {
            Ok(None) => return,
            Ok(Some(count)) if count > 0 => self.said.extend_from_slice(&buffer[..count]),
            _ => self.result = None,
        }
        if self.pid.is_none() {
            let said = String::from_utf8_lossy(&self.said);
            let mut lines = said.lines();
            self.pid = lines.find_map(|it| it.strip_prefix(PROCESS)?.trim().parse().ok());
        }
    }

    /// Notes that its process has ended.
    pub fn end(&mut self, exit_code: i32) {
        self.exit_code = Some(exit_code);
    }

    /// Kills what there is of it: its process with its group, or who makes it.
    pub fn kill(&self) {
        match self.pid {
            Some(_) if self.exit_code.is_some() => {}
            Some(pid) => {
                drop(system::kill(-pid, libc::SIGKILL));
                // Before it has a group of its own.
                drop(system::kill(pid, libc::SIGKILL));
            }
            None => drop(system::kill(self.joiner, libc::SIGKILL)),
        }
    }

    /// It counts as ended, killed.
    pub fn give_up(&mut self) {
        self.result = None;
        self.exit_code.get_or_insert(128 + libc::SIGKILL);
    }

    /// When its time is over, unless its end is only to be read.
    pub fn wakes_at(&self) -> Option<Instant> {
        self.exit_code.is_none().then_some(self.deadline)
    }

    /// The answer, once there is one.
    pub fn outcome(&mut self, buffer: &mut [u8]) -> Option<Reply> {
        if self.result.is_some() {
            return None;
        }
        let said = String::from_utf8_lossy(&self.said);
        let failure = said
            .lines()
            .find(|it| !it.starts_with(PROCESS))
            .map(str::to_owned);
        match (failure, self.pid, self.exit_code) {
            (None, Some(_), None) => None,
            (None, Some(_), Some(exit_code)) => {
                while self.output.read_once(buffer) {}
                Some(Reply::Executed {
                    exit_code,
                    output: String::from_utf8_lossy(&self.output.kept).into_owned(),
                    ending: self.ending,
                })
            }
            (Some(message), ..) => Some(Reply::NotExecuted { message }),
            (None, None, _) => Some(Reply::NotExecuted {
                message: "the process that joined the container died".to_owned(),
            }),
        }
    }
}

impl Tail {
    /// Whether there may be more.
    fn read_once(&mut self, buffer: &mut [u8]) -> bool {
        let Some(pipe) = &self.pipe else { return false };
        match system::read(pipe, buffer) {
            Ok(Some(count)) if count > 0 => {
                self.kept.extend_from_slice(&buffer[..count]);
                let surplus = self.kept.len().saturating_sub(self.bytes_max);
                self.kept.drain(..surplus);
                true
            }
            Ok(None) => false,
            _ => {
                self.pipe = None;
                false
            }
        }
    }
}
