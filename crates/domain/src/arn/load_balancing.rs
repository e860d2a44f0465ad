//! ARNs of Elastic Load Balancing: each holds the path of what it belongs to.

use super::{Arn, InvalidArn, Resource};
use crate::Scope;

/// `loadbalancer/<app or net>/<name>/<16 hexadecimal digits>`
pub type LoadBalancerArn = Arn<LoadBalancer>;
/// `listener/<app or net>/<name>/<load balancer's digits>/<16 hexadecimal digits>`
pub type ListenerArn = Arn<Listener>;
/// `listener-rule/<app or net>/<name>/<load balancer's digits>/<listener's digits>/<16 hexadecimal digits>`
pub type ListenerRuleArn = Arn<ListenerRule>;
/// `targetgroup/<name>/<16 hexadecimal digits>`
pub type TargetGroupArn = Arn<TargetGroup>;

/// See [`LoadBalancerArn`].
pub enum LoadBalancer {}
/// See [`ListenerArn`].
pub enum Listener {}
/// See [`ListenerRuleArn`].
pub enum ListenerRule {}
/// See [`TargetGroupArn`].
pub enum TargetGroup {}

const SERVICE: &str = "elasticloadbalancing";

impl Resource for LoadBalancer {
    const SERVICE: &'static str = SERVICE;
    const WORD: &'static str = "loadbalancer";
    const PARTS: std::ops::RangeInclusive<usize> = 3..=3;
}
impl Resource for Listener {
    const SERVICE: &'static str = SERVICE;
    const WORD: &'static str = "listener";
    const PARTS: std::ops::RangeInclusive<usize> = 4..=4;
}
impl Resource for ListenerRule {
    const SERVICE: &'static str = SERVICE;
    const WORD: &'static str = "listener-rule";
    const PARTS: std::ops::RangeInclusive<usize> = 5..=5;
}
impl Resource for TargetGroup {
    const SERVICE: &'static str = SERVICE;
    const WORD: &'static str = "targetgroup";
    const PARTS: std::ops::RangeInclusive<usize> = 2..=2;
}

impl LoadBalancerArn {
    /// A listener of this load balancer.
    pub fn listener(&self, id: &str) -> ListenerArn {
        Arn::beside(self, self.path(), id)
    }
}

impl ListenerArn {
    /// A rule of this listener.
    pub fn rule(&self, id: &str) -> ListenerRuleArn {
        Arn::beside(self, self.path(), id)
    }

    /// The load balancer it belongs to.
    ///
    /// # Errors
    /// None for an ARN that was parsed or made: it has all its parts.
    pub fn load_balancer(&self) -> Result<LoadBalancerArn, InvalidArn> {
        above(&self.scope(), self.path(), self.as_str())
    }
}

impl ListenerRuleArn {
    /// The listener it belongs to.
    ///
    /// # Errors
    /// None for an ARN that was parsed or made: it has all its parts.
    pub fn listener(&self) -> Result<ListenerArn, InvalidArn> {
        above(&self.scope(), self.path(), self.as_str())
    }
}

impl TargetGroupArn {
    /// The group of that name.
    pub fn of(scope: &Scope, name: &str, id: &str) -> Self {
        Self::new(scope, &[name, id])
    }

    /// The name of the group, which stands before its digits.
    pub fn group_name(&self) -> &str {
        self.path().split('/').next().unwrap_or_default()
    }
}

/// The path without its last part, as the ARN of what it belongs to.
fn above<R: Resource>(scope: &Scope, path: &str, text: &str) -> Result<Arn<R>, InvalidArn> {
    let (path, _) = path.rsplit_once('/').ok_or_else(|| InvalidArn {
        text: text.to_owned(),
    })?;
    Ok(Arn::new(scope, &[path]))
}
