//! A service's placement rules, obeyed by its controller.

use std::collections::BTreeMap;

use domain::cluster::{Cluster, ClusterStatus};
use domain::host::Resources;
use domain::placement::{BinpackField, PlacementConstraint, PlacementStrategy};
use domain::service::{Deployment, Starts};
use domain::tags::Pair;
use domain::task_definition::{TaskDefinition, TaskDefinitionStatus};
use store::{Store, memory_store};

use super::*;
use crate::transitions::{Connection, RegisterContainerInstance, connect_host, register_container_instance};

fn definition(it: &Service) -> TaskDefinition {
    TaskDefinition {
        arn: it.task_definition.clone().expect("runs something"),
        family: "web".into(),
        revision: 2,
        status: TaskDefinitionStatus::Active,
        registered_at: Timestamp::UNIX_EPOCH,
        deregistered_at: None,
        delete_requested_at: None,
        registered_by: String::new(),
        network_mode: None,
        requires_compatibilities: None,
        compatibilities: Vec::new(),
        requires_attributes: Vec::new(),
        cpu: Some(100),
        memory: Some(100),
        execution_role_arn: None,
        task_role_arn: None,
        runtime_platform: None,
        containers: Vec::new(),
        volumes: Vec::new(),
        pid_mode: None,
        ipc_mode: None,
        proxy_configuration: None,
        ephemeral_storage_gib: None,
        enable_fault_injection: None,
        placement_constraints: Vec::new(),
        tags: Vec::new(),
    }
}

/// A cluster with a container instance in each of the zones, its memory and the service.
async fn world(zones: &[(&'static str, u32)], it: Service) -> Store {
    let (store, _) = memory_store(Timestamp::UNIX_EPOCH);
    let zones = zones.to_vec();
    let written = store.transact(move |tx| -> Result<(), ()> {
        tx.put(Cluster {
            arn: it.cluster.clone(),
            status: ClusterStatus::Active,
            settings: Vec::new(),
            configuration: domain::cluster::ClusterConfiguration::default(),
            capacity: domain::cluster::ClusterCapacity::default(),
            service_connect_namespace: None,
            tags: Vec::new(),
        });
        tx.put(definition(&it));
        for (zone, memory) in &zones {
            let register = RegisterContainerInstance {
                cluster: it.cluster.clone(),
                existing: None,
                total: Resources {
                    cpu: 10_000,
                    memory: *memory,
                    ..Resources::default()
                },
                attributes: vec![Pair::new("ecs.availability-zone", *zone)],
                versions: crate::transitions::Versions::default(),
                tags: Vec::new(),
            };
            let instance = register_container_instance(tx, register).map_err(|_| ())?;
            connect_host(tx, &instance.arn, Connection::Connected, "", "").map_err(|_| ())?;
        }
        tx.put(it);
        Ok(())
    });
    written.await.expect("commits");
    store
}

fn with_deployment(desired_count: u32) -> Service {
    let it = service(desired_count, 100, 200);
    let deployment = Deployment {
        id: "ecs-svc/1".into(),
        revision: it.arn.part("1"),
        task_definition: it.task_definition.clone().expect("runs something"),
        network_configuration: None,
        failed_tasks: 0,
        first_failed_task: None,
        healthy_tasks: 0,
        created_at: Timestamp::UNIX_EPOCH,
        updated_at: Timestamp::UNIX_EPOCH,
        rollout: Rollout::InProgress,
        rollout_reason: None,
        starts: Starts::default(),
    };
    Service {
        deployments: vec![deployment],
        ..it
    }
}

/// Runs the controller once; gives how many tasks are in each zone, and the newest event.
async fn reconciled(store: &Store, arn: &ServiceArn) -> (BTreeMap<String, u32>, String) {
    let controller = ServiceDeployments {
        placement_retry: Duration::from_secs(1),
        healthy_after: Duration::ZERO,
        rebalance_pause: Duration::from_secs(5),
        public_addresses: crate::controllers::PUBLIC_ADDRESSES,
    };
    let key = arn.clone();
    let run = store.transact(move |tx| -> Result<Next, ()> { Ok(controller.reconcile(tx, &key)) });
    run.await.expect("commits");
    store.read(|state| {
        let mut zones = BTreeMap::new();
        for task in state.tasks_of_service(arn) {
            *zones.entry(task.availability_zone.clone()).or_default() += 1;
        }
        let event = state.service_events(arn).next();
        (zones, event.map_or_else(String::new, |it| it.message.clone()))
    })
}

fn zones<const N: usize>(all: [(&str, u32); N]) -> BTreeMap<String, u32> {
    all.into_iter()
        .map(|(zone, count)| (zone.to_owned(), count))
        .collect()
}

#[tokio::test]
async fn without_a_strategy_tasks_spread_over_zones() {
    let it = with_deployment(4);
    let store = world(&[("x", 4096), ("x", 4096), ("x", 4096), ("y", 4096)], it.clone()).await;
    assert_eq!(reconciled(&store, &it.arn).await.0, zones([("x", 2), ("y", 2)]));
}

#[tokio::test]
async fn with_a_strategy_tasks_are_packed() {
    let it = Service {
        placement_strategy: vec![PlacementStrategy::Binpack(BinpackField::Memory)],
        ..with_deployment(4)
    };
    let store = world(&[("x", 4096), ("y", 300), ("z", 2048)], it.clone()).await;
    assert_eq!(reconciled(&store, &it.arn).await.0, zones([("y", 3), ("z", 1)]));
}

#[tokio::test]
async fn distinct_instance_counts_the_tasks_of_the_service() {
    let it = Service {
        placement_constraints: vec![PlacementConstraint::DistinctInstance],
        ..with_deployment(3)
    };
    let store = world(&[("x", 4096), ("y", 4096)], it.clone()).await;
    for _ in 0..2 {
        let (placed, event) = reconciled(&store, &it.arn).await;
        assert_eq!(placed, zones([("x", 1), ("y", 1)]));
        let reason = "encountered error \"DistinctInstance placement constraint unsatisfied.\". For more";
        assert!(event.contains(reason), "{event}");
    }
}

#[test]
fn subnets_that_a_task_definition_has_no_use_for_are_left_alone() {
    let world = World::new();
    world.instance(Vec::new());
    let service = world.service(1, 100, 200);
    let (arn, network) = (
        service.clone(),
        domain::task::NetworkConfiguration {
            subnets: vec!["subnet-0".to_owned()],
            security_groups: Vec::new(),
            is_public_ip_assigned: false,
        },
    );
    let change = ServiceChange {
        network_configuration: Some(network),
        ..ServiceChange::default()
    };
    world.write(move |tx| update_service(tx, &arn, &change));
    reconcile(&world, &service);
    assert!(world.tasks(&service)[0].eni.is_none());
}
