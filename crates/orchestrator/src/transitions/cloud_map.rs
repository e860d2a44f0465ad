//! What Cloud Map keeps, as it changes: instances with their service's revision, and operations.

use std::sync::Arc;

use domain::Scope;
use domain::cloud_map::{
    CustomHealth, DiscoveryInstance, DiscoveryService, InstanceKey, Operation, OperationKind, OperationTarget,
};
use store::{State, Tx};

#[cfg(test)]
mod tests;

/// Most operations of a scope that are remembered; the oldest go first.
const OPERATIONS_KEPT: usize = 1000;

/// Remembers an operation that has just succeeded. Answers its id.
pub fn record_operation(
    tx: &mut Tx<'_>,
    scope: &Scope,
    kind: OperationKind,
    target: OperationTarget,
) -> String {
    if tx.state().cloud_map_operation_count(scope) >= OPERATIONS_KEPT {
        let oldest = tx.state().cloud_map_operations(scope).next();
        if let Some(id) = oldest.map(|it| it.id.clone()) {
            tx.delete::<Operation>(&id);
        }
    }
    let operation = Operation {
        id: tx.ids().cloud_map_operation(),
        scope: scope.clone(),
        kind,
        target,
        created_at: tx.now(),
    };
    tx.put(operation).id.clone()
}

/// Registers an instance of a service that is there, or puts it in the place of that of the same id.
pub fn put_instance(tx: &mut Tx<'_>, instance: DiscoveryInstance) {
    let service_id = instance.service_id.clone();
    tx.put(instance);
    note_change(tx, &service_id);
}

/// Takes an instance away. Answers whether it was there.
pub fn deregister_instance(tx: &mut Tx<'_>, key: &InstanceKey) -> bool {
    if tx.get::<DiscoveryInstance>(key).is_none() {
        return false;
    }
    tx.delete::<DiscoveryInstance>(key);
    note_change(tx, &key.0);
    true
}

/// Notes what is said of an instance's health. Answers whether it is there.
pub fn set_custom_health(tx: &mut Tx<'_>, key: &InstanceKey, health: CustomHealth) -> bool {
    let Some(known) = tx.get::<DiscoveryInstance>(key) else {
        return false;
    };
    if known.custom_health != health {
        tx.put(DiscoveryInstance {
            custom_health: health,
            ..DiscoveryInstance::clone(&known)
        });
        note_change(tx, &key.0);
    }
    true
}

/// The service of Cloud Map that an ARN names, of any scope.
pub fn discovery_service_of_arn<'a>(state: &'a State, arn: &str) -> Option<&'a Arc<DiscoveryService>> {
    let id = arn.rsplit('/').next()?.to_owned();
    state.get::<DiscoveryService>(&id).filter(|it| it.arn() == arn)
}

fn note_change(tx: &mut Tx<'_>, service_id: &String) {
    if let Some(known) = tx.get::<DiscoveryService>(service_id) {
        tx.put(DiscoveryService {
            instances_revision: known.instances_revision + 1,
            ..DiscoveryService::clone(&known)
        });
    }
}
