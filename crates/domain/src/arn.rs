//! Amazon resource names: parsed once at the edge, then trusted.

use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

mod certificate;
mod load_balancing;
mod place;

pub use certificate::CertificateArn;
pub use load_balancing::{ListenerArn, ListenerRuleArn, LoadBalancerArn, TargetGroupArn};
use place::Place;

#[cfg(test)]
mod tests;

/// Account and region: the outermost part of every record's key.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Scope {
    /// Twelve digits.
    pub account: String,
    /// For example `us-east-1`.
    pub region: String,
}

impl Scope {
    /// A scope of the `aws` partition.
    pub fn new(account: impl Into<String>, region: impl Into<String>) -> Self {
        Self {
            account: account.into(),
            region: region.into(),
        }
    }
}

/// A kind of resource, as the type parameter of [`Arn`].
pub trait Resource {
    /// The service that its ARN names.
    const SERVICE: &'static str = "ecs";
    /// Its word in the ARN, before the first slash.
    const WORD: &'static str;
    /// How many parts follow the word.
    const PARTS: std::ops::RangeInclusive<usize>;
}

/// The ARN of one kind of resource, in its long form.
///
/// Ordered as text: the resources of one cluster lie together.
pub struct Arn<R>(Arc<str>, Place, PhantomData<fn() -> R>);

/// Why a text is no ARN of the kind asked for.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("Invalid ARN: {text}")]
pub struct InvalidArn {
    /// What was given.
    pub text: String,
}

impl<R: Resource> Arn<R> {
    /// Puts an ARN together from parts that are already valid.
    pub fn new(scope: &Scope, parts: &[&str]) -> Self {
        let Scope { account, region } = scope;
        Self::of_text(&format!(
            "arn:aws:{}:{region}:{account}:{}/{}",
            R::SERVICE,
            R::WORD,
            parts.join("/")
        ))
    }

    /// Reads the long form.
    ///
    /// # Errors
    /// Anything else, also the ARN of another kind of resource.
    pub fn parse(text: &str) -> Result<Self, InvalidArn> {
        let invalid = || InvalidArn {
            text: text.to_owned(),
        };
        let mut fields = text.splitn(6, ':');
        let head = [(); 3].map(|()| fields.next().unwrap_or_default());
        let region = fields.next().unwrap_or_default();
        let account = fields.next().unwrap_or_default();
        let resource = fields.next().ok_or_else(invalid)?;
        let path = resource
            .strip_prefix(R::WORD)
            .and_then(|it| it.strip_prefix('/'))
            .ok_or_else(invalid)?;
        let are_parts_full = path.split('/').all(|part| !part.is_empty());
        // The first slash ends the word of the resource.
        let is_scope = |it: &str| !it.is_empty() && !it.contains('/');
        if head != ["arn", "aws", R::SERVICE]
            || !is_scope(region)
            || !is_scope(account)
            || !are_parts_full
            || !R::PARTS.contains(&path.split('/').count())
        {
            return Err(invalid());
        }
        Ok(Self::of_text(text))
    }

    /// The whole text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The ARN of another resource of the same scope and service. Asked for a lot, so nothing is taken apart.
    fn beside<Q: Resource>(of: &Arn<Q>, path: &str, name: &str) -> Self {
        Self::of_text(&format!("{}{}/{path}/{name}", of.head(), R::WORD))
    }

    /// `arn:aws:<service>:<region>:<account>:`
    fn head(&self) -> &str {
        let end = self.0.match_indices(':').nth(4).map_or(0, |(at, _)| at + 1);
        &self.0[..end]
    }

    /// Account and region.
    pub fn scope(&self) -> Scope {
        let mut fields = self.0.split(':').skip(3);
        let region = fields.next().unwrap_or_default();
        let account = fields.next().unwrap_or_default();
        Scope::new(account, region)
    }

    /// What follows the word of the resource, e.g. `default/web` for a service.
    pub fn path(&self) -> &str {
        self.0.split_once('/').map_or("", |(_, path)| path)
    }

    /// The last part: a name or an id.
    pub fn name(&self) -> &str {
        self.0.rsplit('/').next().unwrap_or_default()
    }
}

impl<R> Arn<R> {
    /// The text is known to be valid.
    fn of_text(text: &str) -> Self {
        Self(text.into(), Place::of(text), PhantomData)
    }
}

impl<R> Clone for Arn<R> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0), self.1, PhantomData)
    }
}

impl<R> PartialEq for Arn<R> {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0) || (self.1.order(other.1).is_none() && self.0 == other.0)
    }
}

impl<R> Eq for Arn<R> {}

impl<R> std::hash::Hash for Arn<R> {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        self.0.hash(state);
    }
}

impl<R> PartialOrd for Arn<R> {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl<R> Ord for Arn<R> {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        if Arc::ptr_eq(&self.0, &other.0) {
            return std::cmp::Ordering::Equal;
        }
        self.1.order(other.1).unwrap_or_else(|| self.0.cmp(&other.0))
    }
}

impl<R> fmt::Debug for Arn<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl<R> fmt::Display for Arn<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl<R> Serialize for Arn<R> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl<'de, R: Resource> Deserialize<'de> for Arn<R> {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<str>::deserialize(deserializer)?;
        Self::parse(&text).map_err(serde::de::Error::custom)
    }
}

/// `cluster/<name>`
pub type ClusterArn = Arn<kinds::Cluster>;
/// `service/<cluster>/<name>`
pub type ServiceArn = Arn<kinds::Service>;
/// `service-deployment/<cluster>/<service>/<21 characters>`
pub type ServiceDeploymentArn = Arn<kinds::ServiceDeployment>;
/// `service-revision/<cluster>/<service>/<19 digits>`
pub type ServiceRevisionArn = Arn<kinds::ServiceRevision>;
/// `task-set/<cluster>/<service>/ecs-svc/<19 digits>`
pub type TaskSetArn = Arn<kinds::TaskSet>;
/// `task/<cluster>/<32 hexadecimal digits>`
pub type TaskArn = Arn<kinds::Task>;
/// `container-instance/<cluster>/<32 hexadecimal digits>`
pub type ContainerInstanceArn = Arn<kinds::ContainerInstance>;
/// `task-definition/<family>:<revision>`
pub type TaskDefinitionArn = Arn<kinds::TaskDefinition>;
/// `capacity-provider/<name>`
pub type CapacityProviderArn = Arn<kinds::CapacityProvider>;

/// The kinds of resource that have ARNs here.
pub mod kinds {
    use super::Resource;

    /// See [`super::ClusterArn`].
    pub enum Cluster {}
    /// See [`super::ServiceArn`].
    pub enum Service {}
    /// See [`super::ServiceDeploymentArn`].
    pub enum ServiceDeployment {}
    /// See [`super::ServiceRevisionArn`].
    pub enum ServiceRevision {}
    /// See [`super::TaskSetArn`].
    pub enum TaskSet {}
    /// See [`super::TaskArn`].
    pub enum Task {}
    /// See [`super::ContainerInstanceArn`].
    pub enum ContainerInstance {}
    /// See [`super::TaskDefinitionArn`].
    pub enum TaskDefinition {}
    /// See [`super::CapacityProviderArn`].
    pub enum CapacityProvider {}

    impl Resource for Cluster {
        const WORD: &'static str = "cluster";
        const PARTS: std::ops::RangeInclusive<usize> = 1..=1;
    }
    impl Resource for Service {
        const WORD: &'static str = "service";
        const PARTS: std::ops::RangeInclusive<usize> = 2..=2;
    }
    impl Resource for ServiceDeployment {
        const WORD: &'static str = "service-deployment";
        const PARTS: std::ops::RangeInclusive<usize> = 3..=3;
    }
    impl Resource for ServiceRevision {
        const WORD: &'static str = "service-revision";
        const PARTS: std::ops::RangeInclusive<usize> = 3..=3;
    }
    impl Resource for TaskSet {
        const WORD: &'static str = "task-set";
        const PARTS: std::ops::RangeInclusive<usize> = 4..=4;
    }
    impl Resource for Task {
        const WORD: &'static str = "task";
        const PARTS: std::ops::RangeInclusive<usize> = 2..=2;
    }
    impl Resource for ContainerInstance {
        const WORD: &'static str = "container-instance";
        const PARTS: std::ops::RangeInclusive<usize> = 2..=2;
    }
    impl Resource for TaskDefinition {
        const WORD: &'static str = "task-definition";
        const PARTS: std::ops::RangeInclusive<usize> = 1..=1;
    }
    impl Resource for CapacityProvider {
        const WORD: &'static str = "capacity-provider";
        const PARTS: std::ops::RangeInclusive<usize> = 1..=1;
    }
}

impl ClusterArn {
    /// The cluster of that name.
    pub fn of(scope: &Scope, name: &str) -> Self {
        Self::new(scope, &[name])
    }

    /// A resource of this cluster: same scope, the cluster's name before its own.
    pub fn member<R: Resource>(&self, name: &str) -> Arn<R> {
        Arn::beside(self, self.name(), name)
    }
}

/// Resources whose ARN holds the name of their cluster.
pub trait InCluster: Resource {}
impl InCluster for kinds::Service {}
impl InCluster for kinds::ServiceDeployment {}
impl InCluster for kinds::ServiceRevision {}
impl InCluster for kinds::TaskSet {}
impl InCluster for kinds::Task {}
impl InCluster for kinds::ContainerInstance {}

impl<R: InCluster> Arn<R> {
    /// The cluster it belongs to.
    pub fn cluster(&self) -> ClusterArn {
        let name = self.path().split('/').next().unwrap_or_default();
        Arn::of_text(&format!("{}cluster/{name}", self.head()))
    }
}

impl TaskSetArn {
    /// The service it belongs to.
    pub fn service(&self) -> ServiceArn {
        let mut parts = self.path().split('/');
        let (cluster, service) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
        ServiceArn::new(&self.scope(), &[cluster, service])
    }

    /// What follows the service: `ecs-svc/<19 digits>`.
    pub fn id(&self) -> &str {
        self.path().splitn(3, '/').nth(2).unwrap_or_default()
    }
}

impl ServiceArn {
    /// A deployment, a revision or a task set of this service: same scope, its path before the name.
    pub fn part<R: Resource>(&self, name: &str) -> Arn<R> {
        Arn::beside(self, self.path(), name)
    }
}

impl TaskDefinitionArn {
    /// A revision of a family.
    pub fn of(scope: &Scope, family: &str, revision: u32) -> Self {
        Self::new(scope, &[&format!("{family}:{revision}")])
    }

    /// Family and revision; `None` for a text such as `family` that names no revision, or `family:01` that is not
    /// how one is written.
    pub fn family_and_revision(&self) -> Option<(&str, u32)> {
        let (family, revision) = self.path().split_once(':')?;
        let is_written_so = !family.is_empty() && revision.starts_with(|it| matches!(it, '1'..='9'));
        Some((family, revision.parse().ok().filter(|_| is_written_so)?))
    }
}
