//! The shim's loop: requests, output, ends of processes.

mod executing;
mod starting;

use std::io;
use std::os::fd::{AsRawFd, OwnedFd, RawFd};
use std::os::unix::net::UnixListener;
use std::time::{Duration, Instant};

use shim::{ContainerStatus, Exit, Exited, PROTOCOL_VERSION, Reply, Request, Started, files};

use crate::clients::{ClientId, Clients, Heard};
use crate::containers::{Container, State};
use crate::executions::Execution;
use crate::sharing::Holder;
use crate::system::{self, Reaped};

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
    executions: Vec<Execution>,
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
    Execution,
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
            executions: Vec::new(),
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
            self.finish_executions();
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
        for descriptor in self.executions.iter().flat_map(Execution::descriptors) {
            sources.push(Source::Execution);
            raw.push(descriptor);
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
        let of_executions = self.executions.iter().filter_map(Execution::wakes_at);
        deadlines
            .chain(of_executions)
            .min()
            .map(|it| it.saturating_duration_since(Instant::now()))
    }

    fn serve(&mut self, source: Source, descriptor: RawFd) {
        match source {
            Source::Signals => self.reap(),
            Source::Listener => self.clients.accept(&self.listener),
            Source::Client(id) => match self.clients.hear(id, &mut self.buffer) {
                Heard::Nothing => {}
                Heard::Gone => {
                    self.clients.drop(id);
                    self.abandon_executions(id);
                }
                Heard::Message(message, _) if message.version == 0 => {
                    let message = format!("this shim speaks version {PROTOCOL_VERSION}");
                    self.clients.answer(id, Reply::Refused { message });
                }
                Heard::Message(message, descriptor) => self.handle(id, message.request, descriptor),
            },
            Source::Start => self.read_start(descriptor),
            Source::Execution => {
                for execution in &mut self.executions {
                    execution.pump(descriptor, &mut self.buffer);
                }
            }
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
            Request::Restart { container } => self.restart(client, &container, descriptor),
            Request::Share(sharing) => {
                let reply = self.share(sharing);
                self.clients.answer(client, reply);
            }
            Request::Execute(process) => self.execute(client, process, descriptor),
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
                self.executions.iter().for_each(Execution::kill);
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
                None if self.end_execution(reaped) => {}
                None if self.awaits_process() && self.strangers.len() < MAX_STRANGERS => {
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

    /// Whether a process may have ended that is not known yet.
    fn awaits_process(&self) -> bool {
        self.is_starting() || self.executions.iter().any(|it| it.pid.is_none())
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
