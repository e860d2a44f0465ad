//! Where the output of containers goes: opens streams, and follows each container until its task is over.
//!
//! A driver never holds up its container: the host records the output, and the driver reads it from there.

use std::sync::Arc;

use domain::ids::Ids;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use self::fluentd::FluentdOptions;
use self::follower::{Sink, Source};
use crate::control_plane::ControlPlane;
use crate::firelens;
use crate::host::{Host, HostError};
use crate::secrets::Secrets;
use crate::task_endpoint;
use crate::tasks::record::Records;
use crate::tasks::task::Task;

mod address;
pub mod awslogs;
mod fluentd;
mod follower;
pub mod json_file;
mod options;
mod syslog;
mod tag;

#[cfg(test)]
mod tests;

pub use options::{FIRELENS, LogDriver};

/// All log drivers with what they need.
#[derive(Clone)]
pub struct LogDrivers {
    /// Where log events are sent.
    pub control_plane: Arc<ControlPlane>,
    /// Whose containers are read.
    pub host: Arc<dyn Host>,
    /// Where the positions are kept.
    pub records: Records,
    /// Options that are secret.
    pub secrets: Arc<Secrets>,
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
    pub async fn open(&self, task: &Task, index: usize) -> Result<(), String> {
        match self.resolved(task, index).await? {
            LogDriver::HostOnly
            | LogDriver::JsonFile(_)
            | LogDriver::Firelens(_)
            | LogDriver::Deferred(_) => Ok(()),
            LogDriver::AwsLogs(options) => awslogs::open(&self.control_plane, &self.ids, &options).await,
            LogDriver::Fluentd(options) => fluentd::open(&options).await,
            LogDriver::Syslog(options) => syslog::open(&options).await,
        }
    }

    /// Begins to ship the output of a container, from where it was left; `None` if it is shipped nowhere.
    pub fn follow(&self, task: &Arc<Task>, index: usize, runtime_id: &str) -> Option<Follower> {
        let container = &task.containers[index];
        if container.log_driver == LogDriver::HostOnly {
            return None;
        }
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
        let (drivers, task, runtime_id) = (self.clone(), task.clone(), runtime_id.to_owned());
        let work = async move {
            match drivers.sink(&task, index, &runtime_id).await {
                Ok(Some(sink)) => source.ship(sink).await,
                Ok(None) => {}
                Err(error) => tracing::error!(task = task.arn, error, "output is shipped nowhere"),
            }
        };
        Some(Follower {
            finish,
            work: tokio::spawn(work),
        })
    }

    async fn sink(
        &self,
        task: &Task,
        index: usize,
        runtime_id: &str,
    ) -> Result<Option<Box<dyn Sink>>, String> {
        let ids = self.ids.clone();
        Ok(match self.resolved(task, index).await? {
            LogDriver::HostOnly | LogDriver::Firelens(_) | LogDriver::Deferred(_) => None,
            LogDriver::JsonFile(options) => {
                let container = &task.containers[index];
                let labels = task_endpoint::labels(task, container);
                let environment = &container.spec.environment;
                let attributes = json_file::Writer::attributes(&options, &labels, environment, runtime_id);
                let folder = self.records.json_files();
                Some(Box::new(json_file::Writer::new(
                    &folder, &options, runtime_id, attributes,
                )))
            }
            LogDriver::AwsLogs(options) => {
                let control_plane = self.control_plane.clone();
                Some(Box::new(awslogs::Stream::new(
                    control_plane,
                    ids,
                    &options,
                    runtime_id,
                )))
            }
            LogDriver::Fluentd(options) => Some(Box::new(fluentd::Forwarder::new(ids, &options, runtime_id))),
            LogDriver::Syslog(options) => Some(Box::new(syslog::Sender::new(ids, &options, runtime_id))),
        })
    }

    /// The driver of a container with all its options, those too that are secret.
    async fn resolved(&self, task: &Task, index: usize) -> Result<LogDriver, String> {
        let container = &task.containers[index];
        let config = match &container.log_driver {
            LogDriver::Deferred(config) => config,
            LogDriver::Firelens(_) => {
                let socket = self.records.router_files(&task.id).socket();
                let tag = firelens::tag(&container.spec.name, &task.id);
                let options = FluentdOptions::for_router(socket, tag, &container.spec.name);
                return Ok(LogDriver::Fluentd(options));
            }
            other => return Ok(other.clone()),
        };
        let values = self.secrets.values(task).await;
        let values = values.map_err(|it| HostError::ResourceInitialization(it).to_string())?;
        let mut config = config.clone();
        config
            .options
            .get_or_insert_default()
            .extend(values[index].log_options.clone());
        LogDriver::parse(Some(config), &container.spec).map_err(|it| it.to_string())
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
