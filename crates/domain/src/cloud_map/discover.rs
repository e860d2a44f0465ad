//! Which instances of a service DiscoverInstances finds.
//! <https://docs.aws.amazon.com/cloud-map/latest/api/API_DiscoverInstances.html>

use std::collections::BTreeMap;

use super::{DiscoveryInstance, DiscoveryService, InstanceHealth};

/// What a caller asks for.
#[derive(Clone, Debug, Default)]
pub struct Wanted {
    /// Attributes that all have.
    pub query: BTreeMap<String, String>,
    /// Attributes that all have too, if there are any such.
    pub optional: BTreeMap<String, String>,
    /// Their health.
    pub health: HealthFilter,
}

/// Which health instances have to have.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum HealthFilter {
    /// Any.
    All,
    /// Not unhealthy: one of which nobody says it is taken as healthy.
    Healthy,
    /// Unhealthy.
    Unhealthy,
    /// As the second; if there is none, any.
    #[default]
    HealthyOrElseAll,
}

/// The instances that a caller gets, in their order.
pub fn discovered<'a>(
    service: &DiscoveryService,
    instances: impl Iterator<Item = &'a DiscoveryInstance>,
    wanted: &Wanted,
) -> Vec<&'a DiscoveryInstance> {
    let asked: Vec<_> = instances.filter(|it| has(it, &wanted.query)).collect();
    let preferred: Vec<_> = asked
        .iter()
        .filter(|it| has(it, &wanted.optional))
        .copied()
        .collect();
    let found = if preferred.is_empty() { asked } else { preferred };
    // Without a health check, how healthy they are to be is ignored.
    if service.health_check.is_none() {
        return found;
    }
    let is_unhealthy = |it: &DiscoveryInstance| it.health(service) == InstanceHealth::Unhealthy;
    let (unhealthy, well): (Vec<_>, Vec<_>) = found.iter().partition(|it| is_unhealthy(it));
    match wanted.health {
        HealthFilter::All => found,
        HealthFilter::Healthy => well,
        HealthFilter::Unhealthy => unhealthy,
        HealthFilter::HealthyOrElseAll if well.is_empty() => found,
        HealthFilter::HealthyOrElseAll => well,
    }
}

fn has(instance: &DiscoveryInstance, attributes: &BTreeMap<String, String>) -> bool {
    let mut attributes = attributes.iter();
    attributes.all(|(name, value)| instance.attributes.get(name) == Some(value))
}
