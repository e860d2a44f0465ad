//! Where the output of containers goes: opens streams, and follows each container until its task is over.
//!
//! A driver never holds up its container: the host records the output, and the driver reads it from there.

use std::sync::Arc;

use domain::ids::Ids;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use self::follower::{Sink, Source};
use crate::control_plane::ControlPlane;
use crate::host::Host;
use crate::tasks::record::Records;
use crate::tasks::task::Task;

mod address;
pub mod awslogs;
mod fluentd;
mod follower;
mod options;
mod syslog;
mod tag;

#[cfg(test)]
mod tests;

pub use options::LogDriver;

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
            LogDriver::Fluentd(options) => fluentd::open(options).await,
            LogDriver::Syslog(options) => syslog::open(options).await,
        }
    }

    /// Begins to ship the output of a container, from where it was left; `None` if it is shipped nowhere.
    pub fn follow(&self, task: &Task, index: usize, runtime_id: &str) -> Option<Follower> {
        let ids = self.ids.clone();
        let container = &task.containers[index];
        let sink: Box<dyn Sink> = match &container.log_driver {
            LogDriver::HostOnly => return None,
            LogDriver::AwsLogs(options) => {
                let control_plane = self.control_plane.clone();
                Box::new(awslogs::Stream::new(control_plane, ids, options, runtime_id))
            }
            LogDriver::Fluentd(options) => Box::new(fluentd::Forwarder::new(ids, options, runtime_id)),
            LogDriver::Syslog(options) => Box::new(syslog::Sender::new(ids, options, runtime_id)),
        };
        let finish = CancellationToken::new();
        let source = Source {
            host: self.host.clone(),
            records: self.records.clone(),
            ids: self.ids.clone(),
            task_id: task.id.clone(),
            container: container.spec.name.clone(),
            index,
            finish: finish.clone(),
            shutdown: self.shutdown.clone(),
        };
        Some(Follower {
            finish,
            work: tokio::spawn(source.ship(sink)),
        })
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
