//! The indexes against what a walk over all records finds, after any changes in any order.

use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv4Addr;
use std::sync::Arc;

use domain::client_request::ClientRequest;
use domain::container_instance::{ContainerInstance, ContainerInstanceStatus};
use domain::elastic_address::{AddressAssociation, AddressHolder, ElasticAddress};
use domain::host::{Host, Resources};
use domain::ids::Ids;
use domain::task::{DesiredStatus, Overrides, Task, TaskEni, TaskStatus, TaskTimes};
use domain::task_definition::{LaunchType, TaskDefinition, TaskDefinitionStatus};
use domain::{ClusterArn, ContainerInstanceArn, Scope, ServiceArn, TaskArn, TaskDefinitionArn, Timestamp};
use proptest::prelude::*;

use super::{OnHost, State, Tally};

mod service_tasks;
use crate::{Record, Tx};

fn scope() -> Scope {
    Scope::new("123456789012", "us-east-1")
}

fn cluster(number: u8) -> ClusterArn {
    // One name begins like another.
    ClusterArn::of(&scope(), ["web", "web-2"][usize::from(number % 2)])
}

fn time(number: u8) -> Timestamp {
    Timestamp::from_second(i64::from(number)).expect("in range")
}

/// A task made of small numbers, so that random ones meet.
fn task(id: u8, traits: [u8; 10]) -> Task {
    use TaskStatus::{Deactivating, Pending, Provisioning, Running, Stopped, Stopping};
    let [
        status,
        desired,
        host,
        service,
        deployment,
        address,
        stopped,
        revision,
        health,
        rare,
    ] = traits;
    let last_status =
        [Provisioning, Pending, Running, Deactivating, Stopping, Stopped][usize::from(status % 6)];
    let is_fargate = host % 2 == 0;
    Task {
        arn: cluster(id).member(&format!("{id:032x}")),
        task_definition: TaskDefinitionArn::of(&scope(), "app", u32::from(revision % 3)),
        launch_type: if is_fargate {
            LaunchType::Fargate
        } else {
            LaunchType::Ec2
        },
        capacity_provider: (rare % 2 > 0).then(|| format!("provider-{}", rare % 3)),
        host_id: format!("host-{}", host % 4),
        container_instance: (!is_fargate).then(|| instance_arn(host % 4)),
        availability_zone: "us-east-1a".into(),
        group: "g".into(),
        started_by: Some(format!("ecs-svc/{}", deployment % 2)),
        service: (service % 3 > 0).then(|| cluster(id).member(&format!("service-{}", service % 3))),
        desired_status: [DesiredStatus::Running, DesiredStatus::Stopped][usize::from(desired % 2)],
        last_status,
        version: 1,
        stop: None,
        times: TaskTimes {
            created_at: time(0),
            connectivity_at: None,
            pull_started_at: None,
            pull_stopped_at: None,
            started_at: (stopped % 5 > 0).then(|| time(stopped % 5)),
            stopping_at: None,
            execution_stopped_at: None,
            stopped_at: (last_status == Stopped).then(|| time(stopped % 8)),
        },
        containers: vec![
            service_tasks::container(health),
            service_tasks::container(health / 4),
        ],
        overrides: Overrides::default(),
        eni: (address % 5 > 0).then(|| Box::new(eni(id.into(), address))),
        promised: Resources::default(),
        platform_version: None,
        enable_execute_command: false,
        service_connect: None,
        targets: service_tasks::targets(health),
        registration: None,
        client_request: (service % 3 == 0).then(|| {
            Box::new(ClientRequest {
                token: format!("token-{}", revision % 2),
                fingerprint: String::new(),
            })
        }),
        protected_until: (rare % 5 == 0).then(|| time(9)),
        queued: (rare % 7 == 0).then(service_tasks::queued),
        tags: Vec::new(),
    }
}

fn eni(task: u32, address: u8) -> TaskEni {
    TaskEni {
        attachment_id: format!("attachment-{task}"),
        network_interface_id: format!("eni-{task}"),
        subnet_id: format!("subnet-{}", address % 2),
        address: Ipv4Addr::new(172, 31, 0, address % 5),
        mac_address: "02:00:00:00:00:00".into(),
        security_groups: Vec::new(),
        is_public: address.is_multiple_of(2),
        // Random ones meet here too, though two tasks never have the same in a state that was kept.
        public_address: (!address.is_multiple_of(3)).then(|| Ipv4Addr::new(203, 0, 113, address % 7)),
        tags: Box::default(),
    }
}

fn instance_arn(number: u8) -> ContainerInstanceArn {
    cluster(number).member(&format!("instance-{number}"))
}

fn instance(number: u8, host: u8) -> ContainerInstance {
    ContainerInstance {
        arn: instance_arn(number),
        host_id: format!("host-{host}"),
        ec2_instance_id: "i-1".into(),
        status: [ContainerInstanceStatus::Active, ContainerInstanceStatus::Draining][usize::from(host % 2)],
        attributes: Vec::new(),
        agent_version: "1".into(),
        agent_hash: String::new(),
        docker_version: "1".into(),
        is_external: false,
        registered_at: time(0),
        version: 1,
        tags: Vec::new(),
    }
}

fn host(number: u8, account: u8) -> Host {
    Host {
        id: format!("host-{number}"),
        account: account.to_string(),
        total: Resources::default(),
        promised: Resources::default(),
        task_count: 0,
        is_fargate_capacity: true,
        is_connected: true,
        availability_zone: format!("us-east-1{}", if number < 2 { 'a' } else { 'b' }),
        number: u16::from(number),
        address: None,
    }
}

fn definition(revision: u32) -> TaskDefinition {
    TaskDefinition {
        arn: TaskDefinitionArn::of(&scope(), "app", revision),
        family: "app".into(),
        revision,
        status: TaskDefinitionStatus::Active,
        registered_at: time(0),
        deregistered_at: None,
        delete_requested_at: None,
        registered_by: "me".into(),
        network_mode: None,
        requires_compatibilities: None,
        compatibilities: Vec::new(),
        requires_attributes: Vec::new(),
        cpu: None,
        memory: None,
        execution_role_arn: None,
        task_role_arn: None,
        runtime_platform: None,
        containers: Vec::new(),
        volumes: Vec::new(),
        placement_constraints: Vec::new(),
        pid_mode: None,
        ipc_mode: None,
        proxy_configuration: None,
        ephemeral_storage_gib: None,
        enable_fault_injection: None,
        tags: Vec::new(),
    }
}

/// Some of the addresses that tasks may have.
fn elastic(number: u8, holder: Option<AddressHolder>) -> ElasticAddress {
    ElasticAddress {
        id: format!("eipalloc-{number}"),
        scope: scope(),
        address: Ipv4Addr::new(203, 0, 113, number),
        association: holder.map(|holder| AddressAssociation {
            id: format!("eipassoc-{number}"),
            holder,
            private_address: Ipv4Addr::new(10, 0, 0, number),
        }),
        tags: Vec::new(),
    }
}

#[derive(Clone, Debug)]
enum Write {
    PutTask(u8, [u8; 10]),
    DeleteTask(u8),
    PutInstance(u8, u8),
    DeleteInstance(u8),
    PutHost(u8, u8),
    DeleteHost(u8),
    PutDefinition(u32),
    DeleteDefinition(u32),
    PutElasticAddress(u8),
    DeleteElasticAddress(u8),
}

impl Write {
    fn apply(&self, tx: &mut Tx<'_>) {
        match *self {
            Self::PutTask(id, traits) => drop(tx.put(task(id, traits))),
            Self::DeleteTask(id) => tx.delete::<Task>(&task(id, [0; 10]).arn),
            Self::PutInstance(number, host) => drop(tx.put(instance(number, host))),
            Self::DeleteInstance(number) => tx.delete::<ContainerInstance>(&instance_arn(number)),
            Self::PutHost(number, account) => drop(tx.put(host(number, account))),
            Self::DeleteHost(number) => tx.delete::<Host>(&format!("host-{number}")),
            Self::PutDefinition(revision) => drop(tx.put(definition(revision))),
            Self::DeleteDefinition(revision) => tx.delete::<TaskDefinition>(&definition(revision).arn),
            Self::PutElasticAddress(number) => drop(tx.put(elastic(number, None))),
            Self::DeleteElasticAddress(number) => tx.delete::<ElasticAddress>(&elastic(number, None).id),
        }
    }
}

fn writes() -> impl Strategy<Value = Vec<Write>> {
    let write = prop_oneof![
        8 => (0_u8..8, any::<[u8; 10]>()).prop_map(|(id, traits)| Write::PutTask(id, traits)),
        3 => (0_u8..8).prop_map(Write::DeleteTask),
        1 => (0_u8..3, 0_u8..3).prop_map(|(number, host)| Write::PutInstance(number, host)),
        1 => (0_u8..3).prop_map(Write::DeleteInstance),
        1 => (0_u8..3, 0_u8..2).prop_map(|(number, account)| Write::PutHost(number, account)),
        1 => (0_u8..3).prop_map(Write::DeleteHost),
        1 => (0_u32..12).prop_map(Write::PutDefinition),
        1 => (0_u32..12).prop_map(Write::DeleteDefinition),
        1 => (0_u8..7).prop_map(Write::PutElasticAddress),
        1 => (0_u8..7).prop_map(Write::DeleteElasticAddress),
    ];
    prop::collection::vec(write, 0..12)
}

/// The same records, put one by one into an empty state.
fn rebuilt(state: &State) -> State {
    fn copy<R: Record>(from: &State, to: &mut State) {
        for record in from.all::<R>() {
            to.set(&record.key(), Some(Arc::clone(record)));
        }
    }
    let mut copied = State::default();
    copy::<Task>(state, &mut copied);
    copy::<ContainerInstance>(state, &mut copied);
    copy::<Host>(state, &mut copied);
    copy::<TaskDefinition>(state, &mut copied);
    copy::<ElasticAddress>(state, &mut copied);
    copied.committed(state.last_commit());
    copied
}

proptest! {
    #[test]
    fn indexes_follow_any_changes_and_their_undoing(
        transactions in prop::collection::vec((writes(), any::<bool>()), 0..12),
    ) {
        let ids = Ids::seeded([0; 32]);
        let mut tip = State::default();
        let mut view = State::default();
        for (writes, is_kept) in transactions {
            let before = tip.clone();
            let mut tx = Tx::new(&mut tip, &ids, time(0));
            writes.iter().for_each(|it| it.apply(&mut tx));
            if !is_kept {
                tx.undo();
                prop_assert_eq!(&tip, &before);
                continue;
            }
            if let Some(written) = tx.keep().expect("is small") {
                written.commit.changes.iter().for_each(|it| it.any().apply(&mut view));
                view.committed(written.commit.id);
            }
            prop_assert_eq!(&tip, &view);
            prop_assert_eq!(&tip, &rebuilt(&tip));
        }
        compare_with_a_walk(&tip);
    }
}

#[test]
fn elastic_addresses_are_found_by_who_has_them() {
    let ids = Ids::seeded([0; 32]);
    let mut tip = State::default();
    let has = |id: &str| Some(AddressHolder::NetworkInterface(id.to_owned()));
    let nat = Some(AddressHolder::NatGateway("eni-1".to_owned()));
    let of = |state: &State, id: &str| {
        let found = state.elastic_addresses_of(id).map(|it| it.id.clone());
        found.collect::<Vec<_>>()
    };
    let mut tx = Tx::new(&mut tip, &ids, time(0));
    for (number, holder) in [(1, has("eni-1")), (2, has("eni-1")), (3, nat), (4, None)] {
        tx.put(elastic(number, holder));
    }
    assert_eq!(of(tx.state(), "eni-1"), ["eipalloc-1", "eipalloc-2"]);
    tx.put(elastic(1, has("eni-2")));
    tx.put(elastic(4, has("eni-2")));
    tx.delete::<ElasticAddress>(&"eipalloc-2".to_owned());
    assert!(of(tx.state(), "eni-1").is_empty());
    assert_eq!(of(tx.state(), "eni-2"), ["eipalloc-1", "eipalloc-4"]);
    tx.put(elastic(1, None));
    assert_eq!(of(tx.state(), "eni-2"), ["eipalloc-4"]);
    tx.undo();
    assert!(of(&tip, "eni-2").is_empty());
}

/// The questions, answered the slow way.
fn compare_with_a_walk(state: &State) {
    let all: Vec<_> = state.all::<Task>().cloned().collect();
    for number in 0..2 {
        let cluster = cluster(number);
        compare_listings_with_a_walk(state, &cluster, &all);
        let tally = state.cluster_tally(&cluster);
        let running = all
            .iter()
            .filter(|it| it.cluster() == cluster && it.last_status == TaskStatus::Running);
        let pending = all
            .iter()
            .filter(|it| it.cluster() == cluster && it.last_status.is_pending());
        assert_eq!(
            (tally.running as usize, tally.pending as usize),
            (running.count(), pending.count())
        );
        let draining: Vec<_> = state.draining_container_instances(&cluster).collect();
        let expected: Vec<_> = state
            .container_instances_of_cluster(&cluster)
            .filter(|it| it.status == ContainerInstanceStatus::Draining)
            .collect();
        assert_eq!(draining, expected);
        let subnet = format!("subnet-{number}");
        let held = all.iter().filter(|it| live(it)).filter_map(|it| it.eni.as_ref());
        let held = held
            .filter(|eni| eni.subnet_id == subnet)
            .map(|eni| eni.address)
            .collect();
        assert_eq!(*state.addresses_in_use(&subnet), held);
        assert_eq!(
            *state.public_addresses_of_tasks(&subnet),
            public(&all, Some(&subnet))
        );
        for name in ["service-1", "service-2"] {
            let service: ServiceArn = cluster.member(name);
            let mut members = all.iter().filter(|it| it.service.as_ref() == Some(&service));
            assert_eq!(arns(&mut state.tasks_of_service(&service)), arns(&mut members));
            assert_eq!(state.service_tally(&service), tally_by_walk(&all, &service));
            service_tasks::compare_with_a_walk(state, &service, &all);
        }
    }
    let elastic = state.all::<ElasticAddress>().map(|it| it.address);
    let used: BTreeSet<Ipv4Addr> = public(&all, None).into_iter().chain(elastic).collect();
    assert_eq!(*state.public_addresses_in_use(), used);
    compare_hosts_with_a_walk(state, &all);
    compare_sites_with_a_walk(state);
    let queued: Vec<_> = all
        .iter()
        .filter(|it| it.queued.is_some())
        .map(|it| &it.arn)
        .collect();
    assert!(state.queued_tasks().eq(queued));
    for account in ["0", "1"] {
        let mut zones: Vec<&str> = state
            .hosts_of_account(account)
            .map(|it| it.availability_zone.as_str())
            .collect();
        zones.sort_unstable();
        zones.dedup();
        assert_eq!(state.availability_zones(account).collect::<Vec<_>>(), zones);
    }
    let revisions: Vec<_> = state
        .task_definitions_of_family(&scope(), "app")
        .map(|it| it.revision)
        .collect();
    assert!(revisions.is_sorted());
    assert_eq!(revisions.len(), state.all::<TaskDefinition>().count());
}

/// Public addresses of tasks that are not STOPPED: of a subnet, or of all.
fn public(all: &[Arc<Task>], subnet: Option<&String>) -> BTreeSet<Ipv4Addr> {
    let held = all.iter().filter(|it| live(it)).filter_map(|it| it.eni.as_ref());
    let held = held.filter(|eni| subnet.is_none_or(|it| eni.subnet_id == *it));
    held.filter_map(|eni| eni.public_address).collect()
}

/// Each container instance beside its host, also from the host.
fn compare_sites_with_a_walk(state: &State) {
    for number in 0..2 {
        let cluster = cluster(number);
        let sites = state.sites_of_cluster(&cluster).iter();
        let sites = sites.map(|it| (&it.container_instance, it.host.as_ref()));
        let walked = state.container_instances_of_cluster(&cluster);
        assert!(sites.eq(walked.map(|it| (it, state.get::<Host>(&it.host_id)))));
    }
    for number in 0..4 {
        let id = format!("host-{number}");
        let walked = state.all::<ContainerInstance>().filter(|it| it.host_id == id);
        assert!(state.container_instances_of_host(&id).eq(walked));
    }
}

fn arns(tasks: &mut dyn Iterator<Item = &Arc<Task>>) -> Vec<TaskArn> {
    tasks.map(|task| task.arn.clone()).collect()
}

fn live(task: &Task) -> bool {
    task.last_status != TaskStatus::Stopped
}

/// Tasks of hosts, container instances and revisions, and those that stopped some time ago.
fn compare_hosts_with_a_walk(state: &State, all: &[Arc<Task>]) {
    for number in 0..4 {
        let id = format!("host-{number}");
        let mut on_host = all.iter().filter(|it| it.host_id == id && live(it));
        assert_eq!(arns(&mut state.tasks_of_host(&id)), arns(&mut on_host));
        let instance = instance_arn(number);
        let mut on_instance = all
            .iter()
            .filter(|it| it.container_instance.as_ref() == Some(&instance));
        assert_eq!(
            arns(&mut state.tasks_of_container_instance(&instance)),
            arns(&mut on_instance)
        );
        let definition = definition(u32::from(number)).arn;
        let using = all
            .iter()
            .filter(|it| it.task_definition == definition && live(it));
        assert_eq!(state.tasks_of_task_definition_count(&definition), using.count());
        let stopped: Vec<_> = state.tasks_stopped_before(time(number)).collect();
        assert!(stopped.is_sorted_by_key(|it| it.times.stopped_at));
        let expected = all
            .iter()
            .filter(|it| it.times.stopped_at.is_some_and(|at| at < time(number)));
        assert_eq!(stopped.len(), expected.count());
    }
}

/// All tasks of a cluster, and what comes after each task, of this cluster or another.
fn compare_listings_with_a_walk(state: &State, cluster: &ClusterArn, all: &[Arc<Task>]) {
    let members: Vec<_> = all.iter().filter(|it| it.cluster() == *cluster).collect();
    assert!(state.tasks_of_cluster(cluster).eq(members.iter().copied()));
    for after in all {
        let rest = state.tasks_of_cluster_after(cluster, Some(&after.arn));
        let expected = members.iter().copied().filter(|it| it.arn > after.arn);
        assert!(rest.eq(expected));
    }
}

fn tally_by_walk(all: &[Arc<Task>], service: &ServiceArn) -> Vec<(String, Tally)> {
    let mut tallies = BTreeMap::<String, Tally>::new();
    for task in all.iter().filter(|it| it.service.as_ref() == Some(service)) {
        let tally = tallies
            .entry(task.started_by.clone().unwrap_or_default())
            .or_default();
        match (task.desired_status, task.last_status) {
            (_, TaskStatus::Stopped) => {}
            (DesiredStatus::Running, TaskStatus::Running) => tally.running += 1,
            (DesiredStatus::Running, status) if status.is_pending() => tally.pending += 1,
            _ => tally.stopping += 1,
        }
    }
    tallies
        .into_iter()
        .filter(|(_, tally)| *tally != Tally::default())
        .collect()
}
