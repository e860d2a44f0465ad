//! What becomes of a registration that did not succeed.

use std::time::Duration;

use api::ecs;
use wire::client::ClientError;

use crate::backoff::Backoff;
use crate::config::AgentConfig;
use crate::control_plane::CallError;

/// Pauses when the control plane refuses, asks to slow down or is at fault.
const REFUSED: Backoff = Backoff {
    first: Duration::from_secs(3),
    longest: Duration::from_secs(192),
    factor: 2.0,
    jitter: 0.2,
};
/// Pauses when nobody answers: it may just be starting.
const UNREACHABLE: Backoff = Backoff {
    first: Duration::from_millis(50),
    longest: Duration::from_secs(5),
    factor: 1.5,
    jitter: 0.2,
};

/// Why an attempt left this host unregistered.
#[derive(Debug)]
pub enum Failure {
    /// The call failed.
    Call(CallError<ecs::Error>),
    /// The answer does not repeat an attribute that was registered.
    AttributeNotTaken {
        /// Its name.
        name: String,
        /// The ARN of the answer: the next attempt is about the same container instance.
        container_instance_arn: Option<String>,
    },
    /// The answer names no container instance.
    Unnamed,
}

/// What may help.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Recovery {
    /// The ARN of before means nothing any more: without it.
    Anew,
    /// The cluster is missing.
    Cluster,
    /// The same, later.
    Later,
}

impl Failure {
    /// What may help; `has_arn` says whether the call named an ARN of before.
    pub fn recovery(&self, has_arn: bool) -> Recovery {
        let Self::Call(CallError::Answer(ClientError::Service(error))) = self else {
            return Recovery::Later;
        };
        match error {
            ecs::Error::ClusterNotFoundException(_) => Recovery::Cluster,
            // Amazon's own service answers so.
            ecs::Error::ClientException(it) if it.message.as_deref() == Some("Cluster not found.") => {
                Recovery::Cluster
            }
            ecs::Error::ClientException(_) | ecs::Error::InvalidParameterException(_) if has_arn => {
                Recovery::Anew
            }
            _ => Recovery::Later,
        }
    }

    /// How long to wait before the next attempt.
    pub fn pause(&self, failures: u32, random: f64) -> Duration {
        match self {
            Self::Call(CallError::Unreachable(_)) => UNREACHABLE.pause(failures, random),
            _ => REFUSED.pause(failures, random),
        }
    }

    /// What it says.
    pub fn text(&self) -> String {
        match self {
            Self::Call(error) => error.text(),
            Self::AttributeNotTaken { name, .. } => {
                format!("the control plane did not take attribute {name}")
            }
            Self::Unnamed => "the answer names no container instance".to_owned(),
        }
    }

    /// What whoever reads the log can do.
    pub fn next_step(&self, config: &AgentConfig) -> String {
        let Self::Call(error) = self else {
            return "see that control plane and agent are of one version".to_owned();
        };
        if self.recovery(false) == Recovery::Cluster {
            return format!("create the cluster {}", config.cluster);
        }
        match error.http_status() {
            None => format!("see that the control plane answers at {}", config.endpoint),
            Some(401 | 403) => "see that the agent's key is the control plane's".to_owned(),
            _ if error.is_transient() => "the control plane is at fault or busy".to_owned(),
            Some(_) => "mend what the error names".to_owned(),
        }
    }
}
