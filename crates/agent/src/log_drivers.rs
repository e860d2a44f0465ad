//! Where the output of containers goes: opens streams, and follows each container until its task is over.

use std::sync::Arc;

use domain::ids::Ids;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::control_plane::ControlPlane;
use crate::host::Host;
use crate::tasks::record::Records;
use crate::tasks::task::{AwsLogsOptions, LogDriver, Task};

mod awslogs;

/// All log drivers with what they need.
pub struct LogDrivers {
    /// Where log events are sent.
    pub control_plane: Arc<ControlPlane>,
    /// Whose containers are read.
    pub host: Arc<dyn Host>,
    /// Where the positions are kept.
    pub records: Records,
    /// For pauses.
    pub ids: Arc<Ids>,
    /// The agent ends; what was not shipped is shipped by the next one.
    pub shutdown: CancellationToken,
}

/// Someone who ships the output of one container. Dropped, it stops at once.
pub struct Follower {
    finish: CancellationToken,
    work: JoinHandle<()>,
}

impl LogDrivers {
    /// Prepares the driver of a container before it starts.
    ///
    /// # Errors
    /// The reason for which the task fails.
    pub async fn open(&self, driver: &LogDriver) -> Result<(), String> {
        match driver {
            LogDriver::HostOnly => Ok(()),
            LogDriver::AwsLogs(options) => awslogs::open(&self.control_plane, &self.ids, options).await,
        }
    }

    /// Begins to ship the output of a container, from where it was left.
    pub fn follow(&self, task: &Task, index: usize, options: &AwsLogsOptions, runtime_id: &str) -> Follower {
        let finish = CancellationToken::new();
        let source = awslogs::Source {
            host: self.host.clone(),
            records: self.records.clone(),
            control_plane: self.control_plane.clone(),
            ids: self.ids.clone(),
            task_id: task.id.clone(),
            container: task.containers[index].spec.name.clone(),
            index,
            stream: options.stream.clone().unwrap_or_else(|| runtime_id.to_owned()),
            options: options.clone(),
            finish: finish.clone(),
            shutdown: self.shutdown.clone(),
        };
        Follower {
            finish,
            work: tokio::spawn(source.ship()),
        }
    }
}

impl Follower {
    /// There will be no more output: ship what there is and end.
    pub fn finish(&self) {
        self.finish.cancel();
    }

    /// Waits for the end.
    pub async fn finished(&mut self) {
        if let Err(error) = (&mut self.work).await
            && error.is_panic()
        {
            tracing::error!(%error, "a log driver failed");
        }
    }
}

impl Drop for Follower {
    fn drop(&mut self) {
        self.work.abort();
    }
}
