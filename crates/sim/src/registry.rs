//! The service of Cloud Map that this world's services register their tasks with.

use std::collections::BTreeMap;

use domain::cloud_map::DiscoveryService;

use crate::control_plane::scope;

/// The service of Cloud Map that all of them register their tasks with.
pub fn registry() -> DiscoveryService {
    DiscoveryService {
        id: "srv-0123456789abcdef".to_owned(),
        scope: scope(),
        namespace_id: "ns-0123456789abcdef".to_owned(),
        name: "all".to_owned(),
        description: None,
        dns: None,
        dns_at_first: None,
        health_check: Some(domain::cloud_map::HealthCheck::Custom),
        attributes: BTreeMap::new(),
        creator_request_id: None,
        created_at: domain::Timestamp::UNIX_EPOCH,
        instances_revision: 1,
        is_ecs_managed: false,
        offered_by: Vec::new(),
        tags: Vec::new(),
    }
}
