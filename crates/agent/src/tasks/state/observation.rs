//! What can happen to a task.

#[cfg(doc)]
use super::super::plan::Action;
use crate::host::{ContainerExit, HostError, ProcessEnd, PulledImage, StartedContainer};

/// Something that happened.
#[derive(Clone, Debug, PartialEq)]
pub enum Observation {
    /// Time passed.
    Tick,
    /// The control plane wants the task stopped.
    StopRequested,
    /// Answer to [`Action::PullImage`].
    ImagePulled(usize, Result<PulledImage, HostError>),
    /// Answer to [`Action::OpenLogStream`].
    LogStreamOpened(usize, Result<(), String>),
    /// Answer to [`Action::CreateSandbox`].
    SandboxCreated(Result<(), HostError>),
    /// Answer to [`Action::StartContainer`].
    ContainerStarted(usize, Result<StartedContainer, HostError>),
    /// Answer to [`Action::RestartContainer`].
    ContainerRestarted(usize, Result<StartedContainer, HostError>),
    /// Answer to [`Action::CheckHealth`].
    HealthChecked(usize, Result<ProcessEnd, HostError>),
    /// A container's process ended.
    ContainerExited(usize, ContainerExit),
    /// Answer to [`Action::SignalContainer`].
    ContainerSignalled(usize, i32, Result<(), HostError>),
    /// Answer to [`Action::Save`], with the revision written.
    Saved(u64),
    /// Answer to [`Action::Release`].
    Released,
    /// Answer to [`Action::Submit`].
    Acknowledged,
}
