//! Running processes in containers that run.

use std::io;
use std::os::fd::OwnedFd;
use std::time::{Duration, Instant};

use shim::{ExecuteProcess, ExecutionConsole, ExecutionEnding, MAX_OUTPUT_BYTES, Reply};

use super::Supervisor;
use crate::clients::ClientId;
use crate::containers::{Container, State};
use crate::executions::Execution;
use crate::join::{self, Join, Parts, Streams};
use crate::system::{self, Reaped};

/// Processes that may run beside those of the containers at the same time.
const MAX_EXECUTIONS: usize = 32;
/// A killed process that is not gone by then is answered for without its end.
const KILL_GRACE: Duration = Duration::from_secs(5);

impl Supervisor {
    /// Runs a process in a container; the answer follows when it has ended.
    pub(super) fn execute(&mut self, client: ClientId, process: ExecuteProcess, descriptor: Option<OwnedFd>) {
        let container = self.containers.iter().find(|it| it.name == process.container);
        let begun = match container {
            _ if self.ending.is_some() => Err(io::Error::other("the task ends")),
            _ if self.executions.len() >= MAX_EXECUTIONS => Err(io::Error::other(
                "too many processes run beside those of the containers",
            )),
            Some(Container {
                state: State::Running(started),
                request,
                ..
            }) => begin(
                client,
                &process,
                &Join {
                    pid: started.pid,
                    bundle: Container::directory(&process.container),
                    confinement: request.confinement,
                    groups: &process.groups,
                    arguments: &process.arguments,
                    user: process.user,
                    environment: &process.environment,
                },
                descriptor,
            ),
            _ => Err(io::Error::other("the container does not run")),
        };
        match begun {
            Ok(execution) => self.executions.push(execution),
            Err(error) => {
                let message = error.to_string();
                self.clients.answer(client, Reply::NotExecuted { message });
            }
        }
    }

    /// Nobody waits any more for what a client asked for. A terminal without anybody to look on is of no use.
    pub(super) fn abandon_executions(&self, client: ClientId) {
        let abandoned = self
            .executions
            .iter()
            .filter(|it| it.client == client && matches!(it.console, ExecutionConsole::Terminal { .. }));
        abandoned.for_each(Execution::kill);
    }

    /// Notes the end of an execution's process. Answers whether it was one.
    pub(super) fn end_execution(&mut self, reaped: Reaped) -> bool {
        let found = self.executions.iter_mut().find(|it| it.pid == Some(reaped.pid));
        if let Some(execution) = found {
            execution.end(reaped.code);
            return true;
        }
        false
    }

    /// Kills what has taken too long, and answers for what has ended.
    pub(super) fn finish_executions(&mut self) {
        let now = Instant::now();
        for execution in &mut self.executions {
            let ended = self.strangers.iter().find(|it| Some(it.pid) == execution.pid);
            if let Some(ended) = ended {
                execution.end(ended.code);
            }
            if execution.deadline > now {
                continue;
            }
            match execution.ending {
                ExecutionEnding::Exited => {
                    execution.kill();
                    execution.ending = ExecutionEnding::TimedOut;
                    execution.deadline = now + KILL_GRACE;
                }
                // It hangs in the kernel: its end is not waited for.
                ExecutionEnding::TimedOut => execution.give_up(),
            }
        }
        let mut at = 0;
        while let Some(execution) = self.executions.get_mut(at) {
            match execution.outcome(&mut self.buffer) {
                None => at += 1,
                Some(reply) => {
                    let execution = self.executions.swap_remove(at);
                    self.clients.answer(execution.client, reply);
                }
            }
        }
        if !self.awaits_process() {
            self.strangers.clear();
        }
    }
}

fn begin(
    client: ClientId,
    process: &ExecuteProcess,
    join: &Join<'_>,
    descriptor: Option<OwnedFd>,
) -> io::Result<Execution> {
    let (result, result_end) = system::pipe()?;
    system::set_nonblocking(&result)?;
    let (streams, kept) = match (process.console, descriptor) {
        (ExecutionConsole::Kept, _) => {
            let (output_end, output) = system::pipe()?;
            system::set_nonblocking(&output_end)?;
            let input = std::fs::File::open("/dev/null")?.into();
            (
                Streams::Given([input, output.try_clone()?, output]),
                Some(output_end),
            )
        }
        (ExecutionConsole::Terminal { columns, rows }, Some(socket)) => (
            Streams::Terminal {
                socket,
                columns,
                rows,
            },
            None,
        ),
        (ExecutionConsole::Terminal { .. }, None) => {
            return Err(io::Error::other("nobody takes the terminal"));
        }
    };
    let parts = Parts {
        streams,
        result: result_end,
    };
    let joiner = system::fork(|| join::run(join, parts))?;
    let timeout = Duration::from_millis(process.timeout_milliseconds);
    Ok(Execution::new(
        client,
        joiner,
        Instant::now() + timeout,
        process.console,
        result,
        (kept, process.output_bytes.min(MAX_OUTPUT_BYTES)),
    ))
}
