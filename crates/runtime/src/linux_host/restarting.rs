//! Starting a container again that has ended.

use std::sync::Arc;

use agent::host::{ContainerExit, ContainerSpec, HostError, StartedContainer};

use super::sandbox::{Container, Sandbox, timestamp};
use super::starting::start_error;
use super::{Inner, blocking};
use crate::containers;

impl Inner {
    /// Starts a container again, or answers that it runs.
    pub async fn restart_container(
        self: &Arc<Self>,
        spec: &ContainerSpec,
    ) -> Result<StartedContainer, HostError> {
        let sandbox = self.known_sandbox(&spec.task_id)?;
        let (before, exit) = match sandbox.begin_restart(&spec.name)? {
            (started, None) => return Ok(started),
            (started, Some(exit)) => (started, exit),
        };
        let ended = (spec.name.clone(), exit.clone());
        sandbox.ends_before.lock().extend([ended]);
        let restarted = self.restart(&sandbox, spec, &before).await;
        let known = match &restarted {
            Ok(started) => Container::Started(started.clone(), None),
            Err(_) => Container::Started(before, Some(exit)),
        };
        sandbox.containers.lock().insert(spec.name.clone(), known);
        restarted
    }

    async fn restart(
        self: &Arc<Self>,
        sandbox: &Arc<Sandbox>,
        spec: &ContainerSpec,
        before: &StartedContainer,
    ) -> Result<StartedContainer, HostError> {
        let (inner, image_id) = (self.clone(), spec.image_id.clone());
        let directory = sandbox.directory.container(&spec.name);
        let root = blocking(move || {
            let image = inner.images.get(&image_id).map_err(|it| it.to_string())?;
            let root = containers::prepare_again(&image, &directory, &inner.mount_points);
            root.map_err(|it| it.to_string())
        });
        let root = root.await?.map_err(HostError::CannotStartContainer)?;
        let started = sandbox
            .shim
            .restart(&spec.name, root)
            .await
            .map_err(start_error)?;
        Ok(StartedContainer {
            started_at: timestamp(started.started_at_nanoseconds),
            ..before.clone()
        })
    }
}

impl Sandbox {
    /// Takes a container that has ended for being started; one that runs is left as it is.
    fn begin_restart(&self, name: &str) -> Result<(StartedContainer, Option<ContainerExit>), HostError> {
        let mut containers = self.containers.lock();
        let refused = |text: String| Err(HostError::ContainerRuntime(text));
        match containers.get_mut(name) {
            None => refused(format!("container {name} was never started")),
            Some(Container::Starting) => refused(format!("container {name} is being started already")),
            Some(Container::Started(started, None)) => Ok((started.clone(), None)),
            Some(known @ Container::Started(..)) => match std::mem::replace(known, Container::Starting) {
                Container::Started(started, exit) => Ok((started, exit)),
                Container::Starting => refused(format!("container {name} is being started already")),
            },
        }
    }
}
