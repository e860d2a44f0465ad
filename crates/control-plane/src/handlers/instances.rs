//! EC2 instances, as far as there are any: the hosts that are registered as container instances.

use std::collections::BTreeMap;

use domain::Scope;
use domain::container_instance::{ContainerInstance, ContainerInstanceStatus};
use domain::host::Host;
use store::State;

/// Availability zones of instances, by their ids; `None` where nobody knows the zone.
pub type Instances<'a> = BTreeMap<&'a str, Option<&'a str>>;

/// The instances of an account. One that was deregistered is as one that was terminated.
pub fn instances_of<'a>(state: &'a State, scope: &Scope) -> Instances<'a> {
    let all = state.all::<ContainerInstance>();
    all.filter(|it| it.arn.scope() == *scope && it.status != ContainerInstanceStatus::Inactive)
        .map(|it| {
            let host = state.get::<Host>(&it.host_id);
            let zone = host.map(|it| it.availability_zone.as_str());
            (it.ec2_instance_id.as_str(), zone)
        })
        .collect()
}
