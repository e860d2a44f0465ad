//! Running a process in a container.

use agent::host::{HostError, ProcessEnd, ProcessSpec};
use shim::{ExecuteProcess, ExecutionEnding};

use super::sandbox::Container;
use super::{Inner, runtime_error};
use crate::shim_client::ShimError;

impl Inner {
    /// Runs a process to its end.
    pub async fn execute(&self, process: &ProcessSpec) -> Result<ProcessEnd, HostError> {
        let sandbox = self.known_sandbox(&process.task_id)?;
        let runtime_id = match sandbox.containers.lock().get(&process.container) {
            Some(Container::Started(started, None)) => started.runtime_id.clone(),
            _ => {
                let text = format!("container {} is not running", process.container);
                return Err(HostError::CannotExecute(text));
            }
        };
        let request = ExecuteProcess {
            container: process.container.clone(),
            arguments: process.arguments.clone(),
            groups: self.cgroups.process_lists(&process.task_id, &runtime_id),
            timeout_milliseconds: u64::try_from(process.timeout.as_millis()).unwrap_or(u64::MAX),
            output_bytes: process.output_bytes,
        };
        match sandbox.shim.execute(request).await {
            Ok((exit_code, output, ending)) => Ok(ProcessEnd {
                exit_code,
                output,
                is_timed_out: ending == ExecutionEnding::TimedOut,
            }),
            Err(ShimError::Execute(message)) => Err(HostError::CannotExecute(format!(
                "OCI runtime exec failed: exec failed: unable to start container process: {message}: unknown"
            ))),
            Err(error) => Err(runtime_error(error)),
        }
    }
}
