//! Starting containers, for the first time and again.

use std::io;
use std::os::fd::{AsRawFd, OwnedFd, RawFd};
use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};

use shim::{FailedStep, Input, Reply, Sharing, StartContainer, files};

use super::Supervisor;
use crate::clients::ClientId;
use crate::containers::{Container, Starting, State};
use crate::output::Output;
use crate::sharing::Holder;
use crate::{create, system};

/// Longest time that making a container may take.
const START_DEADLINE: Duration = Duration::from_secs(45);

impl Supervisor {
    /// Starts a container, or answers that it was.
    pub(super) fn start(&mut self, client: ClientId, request: StartContainer, root: Option<OwnedFd>) {
        if let Some(known) = self.containers.iter_mut().find(|it| it.name == request.container) {
            match &mut known.state {
                State::Starting(starting) => starting.waiting.push(client),
                State::Running(started) | State::Ended(started, _) => {
                    let started = *started;
                    self.clients.answer(client, Reply::Started(started));
                }
            }
            return;
        }
        let begun = match root {
            _ if self.ending.is_some() => Err(io::Error::other("the task ends")),
            None => Err(io::Error::other("the container's root is missing")),
            Some(root) => begin(client, &request, root, self.holder.as_ref()),
        };
        match begun {
            Ok((output, starting)) => self
                .containers
                .push(Container::starting(request, output, starting)),
            Err(error) => self.clients.answer(client, failed(&error.to_string())),
        }
    }

    /// Starts a container again that has ended.
    pub(super) fn restart(&mut self, client: ClientId, name: &str, root: Option<OwnedFd>) {
        let Some(known) = self.containers.iter_mut().find(|it| it.name == name) else {
            return self
                .clients
                .answer(client, failed("the container was never started"));
        };
        let before = match &mut known.state {
            State::Starting(starting) => return starting.waiting.push(client),
            State::Running(started) => {
                let started = *started;
                return self.clients.answer(client, Reply::Started(started));
            }
            State::Ended(started, exit) => (*started, *exit),
        };
        let begun = match root {
            _ if self.ending.is_some() => Err(io::Error::other("the task ends")),
            None => Err(io::Error::other("the container's root is missing")),
            Some(root) => begin(client, &known.request, root, self.holder.as_ref()),
        };
        match begun {
            Ok((output, mut starting)) => {
                starting.before = Some(before);
                known.restart(output, starting);
            }
            Err(error) => self.clients.answer(client, failed(&error.to_string())),
        }
    }

    /// Makes what the containers share.
    pub(super) fn share(&mut self, sharing: Sharing) -> Reply {
        if self.holder.is_some() {
            return Reply::Done;
        }
        match Holder::start(sharing) {
            Ok(holder) => {
                self.holder = Some(holder);
                Reply::Done
            }
            Err(error) => Reply::Refused {
                message: format!("what the containers share cannot be made: {error}"),
            },
        }
    }

    /// Hears from who makes a container.
    pub(super) fn read_start(&mut self, descriptor: RawFd) {
        let found = self.containers.iter_mut().position(
            |it| matches!(&it.state, State::Starting(starting) if starting.result.as_raw_fd() == descriptor),
        );
        let Some(at) = found else { return };
        let State::Starting(starting) = &mut self.containers[at].state else {
            return;
        };
        let reply = match system::receive(&starting.result, &mut self.buffer) {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return,
            Ok((count, terminal)) if count > 0 => {
                starting.terminal = terminal.or(starting.terminal.take());
                starting.said.extend_from_slice(&self.buffer[..count]);
                if starting.said.last() != Some(&b'\n') {
                    return;
                }
                serde_json::from_slice(&starting.said).ok()
            }
            _ => None,
        };
        self.finish_start(
            at,
            reply.unwrap_or_else(|| failed("the process that made the container died")),
        );
    }

    fn finish_start(&mut self, at: usize, reply: Reply) {
        let container = &mut self.containers[at];
        let State::Starting(starting) = &mut container.state else {
            return;
        };
        let waiting = std::mem::take(&mut starting.waiting);
        let before = starting.before;
        match reply {
            Reply::Started(started) => {
                if let Some(terminal) = starting.terminal.take() {
                    // It can only fail for a descriptor that is none.
                    drop(system::set_nonblocking(&terminal));
                    container.output.read_terminal(terminal);
                }
                container.state = State::Running(started);
                container.forget_exit();
                if let Err(error) = container.write_record(files::STARTED, &started) {
                    eprintln!(
                        "gantry-shim: cannot record the start of {}: {error}",
                        container.name
                    );
                }
                if self.ending.is_some() {
                    drop(system::kill(started.pid, libc::SIGKILL));
                }
                let ended = self.strangers.iter().find(|it| it.pid == started.pid).copied();
                for client in waiting {
                    self.clients.answer(client, Reply::Started(started));
                }
                if let Some(ended) = ended {
                    self.finish(at, started, ended.code);
                }
            }
            reply => {
                match before {
                    Some((started, exit)) => container.state = State::Ended(started, exit),
                    None => drop(self.containers.remove(at)),
                }
                for client in waiting {
                    self.clients.answer(client, reply.clone());
                }
            }
        }
        if !self.awaits_process() {
            self.strangers.clear();
        }
    }

    /// Ends what takes too long.
    pub(super) fn give_up_late_starts(&mut self) {
        let now = Instant::now();
        let late = self
            .containers
            .iter()
            .position(|it| matches!(&it.state, State::Starting(starting) if starting.deadline <= now));
        let Some(at) = late else { return };
        if let State::Starting(starting) = &self.containers[at].state {
            drop(system::kill(starting.child, libc::SIGKILL));
        }
        self.finish_start(at, failed("making the container took too long"));
    }
}

fn failed(message: &str) -> Reply {
    Reply::StartFailed {
        step: FailedStep::Create,
        message: message.to_owned(),
    }
}

fn begin(
    client: ClientId,
    request: &StartContainer,
    root: OwnedFd,
    holder: Option<&Holder>,
) -> io::Result<(Output, Starting)> {
    let (output_end, output) = system::pipe()?;
    let (error_end, error) = system::pipe()?;
    let (result, result_end) = UnixStream::pair()?;
    for end in [&output_end, &error_end] {
        system::set_nonblocking(end)?;
    }
    result.set_nonblocking(true)?;
    for pipe in [&output, &error] {
        system::change_owner(pipe, request.stdio_owner)?;
    }
    let (input, input_end) = match request.input {
        Input::Empty => (None, None),
        Input::Open => system::pipe().map(|(read, write)| (Some(read), Some(write)))?,
    };
    if let Some(input) = &input {
        system::change_owner(input, request.stdio_owner)?;
    }
    let child = system::fork(|| {
        let memory = holder.map(Holder::memory).unwrap_or_else(|| Ok(Vec::new()));
        match memory {
            Ok(memory) => {
                let parts = create::Parts {
                    root,
                    memory,
                    input,
                    output,
                    error,
                };
                create::run(request, parts, result_end);
            }
            Err(error) => eprintln!("gantry-shim: what the containers share is not there: {error}"),
        }
    })?;
    let log = Container::directory(&request.container).join(files::LOG);
    let starting = Starting {
        child,
        result,
        terminal: None,
        input: input_end,
        said: Vec::new(),
        before: None,
        waiting: vec![client],
        deadline: Instant::now() + START_DEADLINE,
    };
    let output = Output::new(log, request.log_limits, output_end, error_end);
    Ok((output, starting))
}
