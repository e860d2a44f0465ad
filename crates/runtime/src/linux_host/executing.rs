//! Running a process in a container.

use agent::host::{HostError, ProcessEnd, ProcessSpec};
use shim::{ExecuteProcess, ExecutionConsole, ExecutionEnding, ExecutionUser};

use super::sandbox::{Container, Sandbox};
use super::{Inner, runtime_error};
use crate::shim_client::ShimError;

impl Inner {
    /// Runs a process to its end.
    pub async fn execute(&self, process: &ProcessSpec) -> Result<ProcessEnd, HostError> {
        let sandbox = self.known_sandbox(&process.task_id)?;
        let runtime_id = running(&sandbox, &process.container)?;
        let request = ExecuteProcess {
            container: process.container.clone(),
            arguments: process.arguments.clone(),
            groups: self.cgroups.process_lists(&process.task_id, &runtime_id),
            timeout_milliseconds: u64::try_from(process.timeout.as_millis()).unwrap_or(u64::MAX),
            output_bytes: process.output_bytes,
            console: ExecutionConsole::Kept,
            user: ExecutionUser::Container,
            environment: Vec::new(),
        };
        match sandbox.shim.execute(request).await {
            Ok((exit_code, output, ending)) => Ok(ProcessEnd {
                exit_code,
                output,
                is_timed_out: ending == ExecutionEnding::TimedOut,
            }),
            Err(error) => Err(not_executed(error)),
        }
    }
}

/// The runtime id of a container that runs.
pub fn running(sandbox: &Sandbox, container: &str) -> Result<String, HostError> {
    match sandbox.containers.lock().get(container) {
        Some(Container::Started(started, None)) => Ok(started.runtime_id.clone()),
        _ => Err(HostError::CannotExecute(format!(
            "container {container} is not running"
        ))),
    }
}

/// In Docker's words.
pub fn not_executed(error: ShimError) -> HostError {
    match error {
        ShimError::Execute(message) => HostError::CannotExecute(format!(
            "OCI runtime exec failed: exec failed: unable to start container process: {message}: unknown"
        )),
        error => runtime_error(error),
    }
}
