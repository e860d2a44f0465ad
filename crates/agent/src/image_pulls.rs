//! Where images come from: those of the account's own registry with a token of its API, as Amazon's agent gets it.

use std::fmt;
use std::sync::Arc;

use api::ecr;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use domain::Timestamp;
use domain::clock::Clock;
use jiff::SignedDuration;
use tokio::sync::Mutex;

use crate::control_plane::ControlPlane;

#[cfg(test)]
mod tests;

/// A token is asked for anew when it has less than this before it.
const RENEWAL: SignedDuration = SignedDuration::from_hours(1);

/// `ECS_IMAGE_PULL_BEHAVIOR`: when an image is asked for although it is here.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum PullBehavior {
    /// Always; if that fails, the one that is here is used. One loaded from a file, or named by digest, is not asked for.
    #[default]
    Default,
    /// Always; if that fails, the task does.
    Always,
    /// If it was never pulled, or was removed since.
    Once,
    /// If it is not here. It is not removed for want of use either.
    PreferCached,
}

/// An image that a task needs, and how it may be had.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ImagePull {
    /// As the task definition names it.
    pub reference: String,
    /// `host:port` of the registry that has it, if that is not the one in the reference.
    pub registry: Option<String>,
    /// For the registry.
    pub credentials: Option<ImageCredentials>,
    /// If it is here already.
    pub behavior: PullBehavior,
}

/// A user of a registry.
#[derive(Clone, PartialEq, Eq)]
pub struct ImageCredentials {
    /// The name.
    pub username: String,
    /// The password, or a token that stands for it.
    pub password: String,
}

impl fmt::Debug for ImageCredentials {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The password must not reach a log.
        formatter
            .debug_struct("ImageCredentials")
            .field("username", &self.username)
            .finish_non_exhaustive()
    }
}

/// Knows how images are to be pulled.
pub struct ImagePulls {
    control_plane: Arc<ControlPlane>,
    clock: Arc<dyn Clock>,
    behavior: PullBehavior,
    authorization: Mutex<Option<Authorization>>,
}

#[derive(Clone)]
struct Authorization {
    credentials: ImageCredentials,
    /// `host:port`
    registry: String,
    expires_at: Timestamp,
}

/// Whose registry an image is in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Owner {
    /// The account's own, under Amazon's name of it.
    OwnByAmazonsName,
    /// The account's own, under the address at which it is served.
    Own,
    /// Another one.
    Other,
}

impl ImagePulls {
    /// For an agent of that control plane.
    pub fn new(control_plane: Arc<ControlPlane>, clock: Arc<dyn Clock>, behavior: PullBehavior) -> Self {
        Self {
            control_plane,
            clock,
            behavior,
            authorization: Mutex::default(),
        }
    }

    /// How the image of a task's container is to be had.
    pub async fn of(&self, image: &str, task_arn: &str) -> ImagePull {
        let pull = ImagePull {
            reference: image.to_owned(),
            behavior: self.behavior,
            ..ImagePull::default()
        };
        let owner = owner(image, task_arn, self.control_plane.authority());
        if owner == Owner::Other {
            return pull;
        }
        // Without a token the registry says what is wrong, unless the image is here.
        let Some(authorization) = self.authorization().await else {
            let registry =
                (owner == Owner::OwnByAmazonsName).then(|| self.control_plane.authority().to_owned());
            return ImagePull { registry, ..pull };
        };
        ImagePull {
            registry: (owner == Owner::OwnByAmazonsName).then_some(authorization.registry),
            credentials: Some(authorization.credentials),
            ..pull
        }
    }

    async fn authorization(&self) -> Option<Authorization> {
        // Whoever comes meanwhile waits for the same answer.
        let mut known = self.authorization.lock().await;
        let now = self.clock.now();
        if let Some(it) = known.as_ref().filter(|it| now + RENEWAL < it.expires_at) {
            return Some(it.clone());
        }
        let input = ecr::GetAuthorizationTokenInput::default();
        match self
            .control_plane
            .call::<ecr::GetAuthorizationToken>(&input)
            .await
        {
            Ok(answer) => {
                let data = answer.authorization_data.unwrap_or_default();
                *known = data.first().and_then(parse);
                known.clone()
            }
            Err(error) => {
                tracing::warn!(error = error.text(), "no authorization token for the registry");
                None
            }
        }
    }
}

fn parse(data: &ecr::AuthorizationData) -> Option<Authorization> {
    let token = STANDARD.decode(data.authorization_token.as_ref()?).ok()?;
    let (username, password) = std::str::from_utf8(&token).ok()?.split_once(':')?;
    let endpoint = data.proxy_endpoint.as_ref()?;
    let (_, registry) = endpoint.split_once("://")?;
    Some(Authorization {
        credentials: ImageCredentials {
            username: username.to_owned(),
            password: password.to_owned(),
        },
        registry: registry.to_owned(),
        expires_at: data.expires_at?,
    })
}

/// Whose registry an image is in: that of a task's account and region is served by the control plane.
fn owner(image: &str, task_arn: &str, authority: &str) -> Owner {
    let host = image.split_once('/').map_or("", |(host, _)| host);
    let mut fields = task_arn.split(':').skip(3);
    let (region, account) = (
        fields.next().unwrap_or_default(),
        fields.next().unwrap_or_default(),
    );
    if !host.is_empty() && host == authority {
        return Owner::Own;
    }
    match host == format!("{account}.dkr.ecr.{region}.amazonaws.com") {
        true => Owner::OwnByAmazonsName,
        false => Owner::Other,
    }
}
