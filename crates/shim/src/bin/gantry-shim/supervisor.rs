//! The shim's loop: requests, output, ends of processes.

use std::io;
use std::os::fd::{AsRawFd, OwnedFd, RawFd};
use std::os::unix::net::{UnixListener, UnixStream};
use std::time::{Duration, Instant};

use shim::{
    ContainerStatus, Exit, Exited, FailedStep, Input, PROTOCOL_VERSION, Reply, Request, Sharing,
    StartContainer, Started, files,
};

use crate::clients::{ClientId, Clients, Heard};
use crate::containers::{Container, Starting, State};
use crate::create;
use crate::output::Output;
use crate::sharing::Holder;
use crate::system::{self, Reaped};

/// Longest time that making a container may take.
const START_DEADLINE: Duration = Duration::from_secs(45);
/// Read at once from a pipe or a connection.
const BUFFER_BYTES: usize = 16 * 1024;
/// Ended processes remembered while a start is under way, whose process may be among them.
const MAX_STRANGERS: usize = 256;

/// The whole shim.
pub struct Supervisor {
    listener: UnixListener,
    /// Closed by the kernel when the shim ends, however it ends.
    _lock: OwnedFd,
    signals: OwnedFd,
    clients: Clients,
    containers: Vec<Container>,
    /// Ended processes that were no container's when they ended.
    strangers: Vec<Reaped>,
    /// Subscribers that wait until no start is under way.
    subscribing: Vec<ClientId>,
    /// Holds what the containers share, if they share anything.
    holder: Option<Holder>,
    /// Who asked for the end.
    ending: Option<ClientId>,
    buffer: Vec<u8>,
}

/// Why a descriptor is watched.
#[derive(Clone, Copy)]
enum Source {
    Signals,
    Listener,
    Client(ClientId),
    Start,
    Output,
}

impl Supervisor {
    /// A shim that listens and has no containers yet.
    pub fn new(listener: UnixListener, lock: OwnedFd, signals: OwnedFd) -> Self {
        Self {
            listener,
            _lock: lock,
            signals,
            clients: Clients::default(),
            containers: Vec::new(),
            strangers: Vec::new(),
            subscribing: Vec::new(),
            holder: None,
            ending: None,
            buffer: vec![0; BUFFER_BYTES],
        }
    }

    /// Runs until it is asked to end.
    pub fn run(mut self) -> io::Result<()> {
        loop {
            let (sources, mut descriptors) = self.watched();
            system::poll(&mut descriptors, self.patience())?;
            for (source, descriptor) in sources.into_iter().zip(&descriptors) {
                if descriptor.revents != 0 {
                    self.serve(source, descriptor.fd);
                }
            }
            self.give_up_late_starts();
            self.answer_subscribers();
            if self.is_over() {
                return Ok(());
            }
        }
    }

    fn watched(&self) -> (Vec<Source>, Vec<libc::pollfd>) {
        let mut sources = vec![Source::Signals, Source::Listener];
        let mut raw = vec![self.signals.as_raw_fd(), self.listener.as_raw_fd()];
        for (id, descriptor) in self.clients.descriptors() {
            sources.push(Source::Client(id));
            raw.push(descriptor);
        }
        for container in &self.containers {
            if let State::Starting(starting) = &container.state {
                sources.push(Source::Start);
                raw.push(starting.result.as_raw_fd());
            }
            for descriptor in container.output.descriptors() {
                sources.push(Source::Output);
                raw.push(descriptor);
            }
        }
        let watch = |fd| libc::pollfd {
            fd,
            events: libc::POLLIN,
            revents: 0,
        };
        (sources, raw.into_iter().map(watch).collect())
    }

    fn patience(&self) -> Option<Duration> {
        let deadlines = self.containers.iter().filter_map(|it| match &it.state {
            State::Starting(starting) => Some(starting.deadline),
            _ => None,
        });
        deadlines
            .min()
            .map(|it| it.saturating_duration_since(Instant::now()))
    }

    fn serve(&mut self, source: Source, descriptor: RawFd) {
        match source {
            Source::Signals => self.reap(),
            Source::Listener => self.clients.accept(&self.listener),
            Source::Client(id) => match self.clients.hear(id, &mut self.buffer) {
                Heard::Nothing => {}
                Heard::Gone => self.clients.drop(id),
                Heard::Message(message, _) if message.version == 0 => {
                    let message = format!("this shim speaks version {PROTOCOL_VERSION}");
                    self.clients.answer(id, Reply::Refused { message });
                }
                Heard::Message(message, descriptor) => self.handle(id, message.request, descriptor),
            },
            Source::Start => self.read_start(descriptor),
            Source::Output => {
                for container in &mut self.containers {
                    container.output.pump(descriptor, &mut self.buffer);
                }
            }
        }
    }

    fn handle(&mut self, client: ClientId, request: Request, descriptor: Option<OwnedFd>) {
        match request {
            Request::Start(request) => self.start(client, request, descriptor),
            Request::Share(sharing) => {
                let reply = self.share(sharing);
                self.clients.answer(client, reply);
            }
            Request::Signal { container, signal } => {
                let running = self.containers.iter().find(|it| it.name == container);
                if let Some(Container {
                    state: State::Running(started),
                    ..
                }) = running
                {
                    // It can only fail for a number that is no signal, which ends nothing.
                    drop(system::kill(started.pid, signal));
                }
                self.clients.answer(client, Reply::Done);
            }
            Request::Subscribe => self.subscribing.push(client),
            Request::Shutdown => {
                self.ending = Some(client);
                for container in &self.containers {
                    match &container.state {
                        State::Starting(starting) => drop(system::kill(starting.child, libc::SIGKILL)),
                        State::Running(started) => drop(system::kill(started.pid, libc::SIGKILL)),
                        State::Ended(..) => {}
                    }
                }
            }
        }
    }

    fn start(&mut self, client: ClientId, request: StartContainer, root: Option<OwnedFd>) {
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
            Err(error) => {
                let reply = Reply::StartFailed {
                    step: FailedStep::Create,
                    message: error.to_string(),
                };
                self.clients.answer(client, reply);
            }
        }
    }

    fn share(&mut self, sharing: Sharing) -> Reply {
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

    fn read_start(&mut self, descriptor: RawFd) {
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
        match reply {
            Reply::Started(started) => {
                if let Some(terminal) = starting.terminal.take() {
                    // It can only fail for a descriptor that is none.
                    drop(system::set_nonblocking(&terminal));
                    container.output.read_terminal(terminal);
                }
                container.state = State::Running(started);
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
                // The process may have got far enough to have written: whoever asks should see it.
                self.containers.remove(at);
                for client in waiting {
                    self.clients.answer(client, reply.clone());
                }
            }
        }
        if !self.is_starting() {
            self.strangers.clear();
        }
    }

    fn give_up_late_starts(&mut self) {
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

    fn reap(&mut self) {
        while let Ok(Some(count)) = system::read(&self.signals, &mut self.buffer) {
            if count == 0 {
                break;
            }
        }
        while let Some(reaped) = system::reap() {
            let running = self
                .containers
                .iter()
                .enumerate()
                .find_map(|(at, it)| match it.state {
                    State::Running(started) if started.pid == reaped.pid => Some((at, started)),
                    _ => None,
                });
            match running {
                Some((at, started)) => self.finish(at, started, reaped.code),
                None if self.is_starting() && self.strangers.len() < MAX_STRANGERS => {
                    self.strangers.push(reaped);
                }
                None => {}
            }
        }
    }

    fn finish(&mut self, at: usize, started: Started, exit_code: i32) {
        let container = &mut self.containers[at];
        let finished_at_nanoseconds = system::now();
        container.kill_survivors();
        container.input = None;
        container.output.finish(&mut self.buffer);
        let is_out_of_memory = exit_code != 0 && container.was_out_of_memory();
        let exit = Exit {
            exit_code,
            is_out_of_memory,
            finished_at_nanoseconds,
        };
        container.state = State::Ended(started, exit);
        let recorded = container.write_record(files::EXIT, &exit);
        let news = Exited {
            container: container.name.clone(),
            exit,
        };
        self.clients.publish(&news);
        match recorded {
            // Only now: whoever waits for the exit should not wait for the disk.
            Ok(file) if self.ending.is_none() => drop(file.sync_data()),
            Ok(_) => {}
            Err(error) => eprintln!(
                "gantry-shim: cannot record the exit of {}: {error}",
                news.container
            ),
        }
    }

    /// A subscriber learns of every container either by the answer or as news, never by neither.
    fn answer_subscribers(&mut self) {
        if self.is_starting() {
            return;
        }
        for client in std::mem::take(&mut self.subscribing) {
            let statuses = self.containers.iter().filter_map(status).collect();
            self.clients.answer(client, Reply::Containers(statuses));
            self.clients.subscribe(client);
        }
    }

    fn is_starting(&self) -> bool {
        self.containers
            .iter()
            .any(|it| matches!(it.state, State::Starting(_)))
    }

    fn is_over(&mut self) -> bool {
        let Some(client) = self.ending else { return false };
        if !self
            .containers
            .iter()
            .all(|it| matches!(it.state, State::Ended(..)))
        {
            return false;
        }
        self.clients.answer(client, Reply::Done);
        true
    }
}

fn failed(message: &str) -> Reply {
    Reply::StartFailed {
        step: FailedStep::Create,
        message: message.to_owned(),
    }
}

fn status(container: &Container) -> Option<ContainerStatus> {
    let (started, exit) = match container.state {
        State::Starting(_) => return None,
        State::Running(started) => (started, None),
        State::Ended(started, exit) => (started, Some(exit)),
    };
    Some(ContainerStatus {
        container: container.name.clone(),
        started,
        exit,
    })
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
        waiting: vec![client],
        deadline: Instant::now() + START_DEADLINE,
    };
    Ok((Output::new(log, output_end, error_end), starting))
}
