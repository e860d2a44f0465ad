//! What a seed makes of the beginning: fleet, images, and how bad the weather is.

use std::collections::BTreeSet;
use std::time::Duration;

use domain::container_instance::FARGATE_CAPACITY_ATTRIBUTE;
use domain::host::Resources;
use serde_json::{Value, json};

use crate::behaviour::Behaviour;
use crate::dice::Dice;
use crate::machine::Machine;

/// The cluster of everything.
pub const CLUSTER: &str = "lab";
/// Names that services may have.
pub const SERVICES: [&str; 4] = ["web", "api", "queue", "cron"];
/// What agents say that they can do.
const CAPABILITIES: [&str; 7] = [
    "com.amazonaws.ecs.capability.docker-remote-api.1.18",
    "com.amazonaws.ecs.capability.docker-remote-api.1.21",
    "com.amazonaws.ecs.capability.docker-remote-api.1.24",
    "com.amazonaws.ecs.capability.docker-remote-api.1.25",
    "ecs.capability.container-health-check",
    "ecs.capability.task-eni",
    "ecs.capability.task-cpu-mem-limit",
];

/// The family of tasks for FARGATE.
pub const ON_FARGATE: &str = "on-fargate";

/// How much goes wrong.
#[derive(Clone, Debug)]
pub struct Scenario {
    /// How long things go wrong.
    pub storm: Duration,
    /// Longest pause between two calls of users, in milliseconds.
    pub call_pause: u64,
    /// Longest pause between two faults, in milliseconds.
    pub fault_pause: u64,
    /// In how many of a hundred cases an answer gets lost.
    pub lost_answers: u32,
    /// In how many of a hundred cases a report comes again later.
    pub stray_reports: u32,
    /// How the tasks of each image are connected.
    pub networks: Vec<(Behaviour, Network)>,
    /// What each of [`SERVICES`] is.
    pub kinds: [Kind; 4],
    /// Those of them that get load balancers.
    pub balanced: Vec<&'static str>,
    /// Tasks move from crowded container instances to empty ones.
    pub rebalances_instances: bool,
    /// Container instances that are DRAINING when the calm begins stay so.
    pub stays_draining: bool,
}

/// What a service is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// As many tasks as are wanted, by rolling deployments or in stages.
    Replica,
    /// One on each container instance.
    Daemon,
    /// Task sets, by the EXTERNAL deployment controller.
    External,
    /// On FARGATE.
    Fargate,
}

/// How the tasks of a task definition are connected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Network {
    /// Ports as they come.
    Bridge,
    /// A fixed port of the host: one task on each.
    HostPort,
    /// An address of their own.
    Awsvpc,
}

impl Scenario {
    /// That of a seed.
    pub fn new(dice: &mut Dice) -> Self {
        let networks = Behaviour::ALL.into_iter().map(|it| {
            let network = match dice.weighted(&[5, 1, 4]) {
                // A hook is asked whatever network its service has.
                _ if it == Behaviour::Finishes => Network::Bridge,
                0 => Network::Bridge,
                1 => Network::HostPort,
                _ => Network::Awsvpc,
            };
            (it, network)
        });
        Self {
            networks: networks.collect(),
            kinds: [(); 4].map(|()| match dice.weighted(&[6, 2, 2, 1]) {
                0 => Kind::Replica,
                1 => Kind::Daemon,
                2 => Kind::External,
                _ => Kind::Fargate,
            }),
            rebalances_instances: dice.percent(30),
            stays_draining: dice.percent(30),
            balanced: SERVICES.into_iter().filter(|_| dice.percent(80)).collect(),
            storm: dice.millis(60_000, 300_000),
            call_pause: u64::from(dice.between(1_000, 12_000)),
            fault_pause: u64::from(dice.between(4_000, 60_000)),
            lost_answers: dice.between(0, 10),
            stray_reports: dice.between(0, 20),
        }
    }

    /// How the tasks of an image are connected.
    pub fn network(&self, of: Behaviour) -> Network {
        let found = self.networks.iter().find(|(it, _)| *it == of);
        found.map_or(Network::Bridge, |(_, network)| *network)
    }

    /// The input of RegisterTaskDefinition for an image.
    pub fn task_definition(&self, of: Behaviour) -> Value {
        let mut container = json!({
            "name": crate::machine::CONTAINER,
            "image": of.name(),
            "cpu": 100,
            "memory": 64,
        });
        let network = self.network(of);
        if network == Network::Awsvpc {
            container["portMappings"] = json!([{ "containerPort": 80 }]);
        }
        if network == Network::HostPort {
            container["portMappings"] = json!([{ "containerPort": 80, "hostPort": 8080 }]);
        }
        if of.is_checked() {
            container["healthCheck"] =
                json!({ "command": ["CMD", "true"], "interval": 5, "retries": 2, "startPeriod": 5 });
        }
        let mode = if network == Network::Awsvpc {
            "awsvpc"
        } else {
            "bridge"
        };
        json!({ "family": of.name(), "networkMode": mode, "containerDefinitions": [container] })
    }

    /// The input of RegisterTaskDefinition for [`ON_FARGATE`].
    pub fn fargate_definition() -> Value {
        let container = json!({ "name": crate::machine::CONTAINER, "image": Behaviour::Steady.name(), "portMappings": [{ "containerPort": 80 }] });
        json!({
            "family": ON_FARGATE,
            "networkMode": "awsvpc",
            "requiresCompatibilities": ["FARGATE"],
            "cpu": "256",
            "memory": "512",
            "containerDefinitions": [container],
        })
    }

    /// The input of CreateCluster.
    pub fn cluster(&self) -> Value {
        let value = if self.rebalances_instances {
            "enabled"
        } else {
            "disabled"
        };
        json!({ "clusterName": CLUSTER, "settings": [{ "name": "instanceRebalancing", "value": value }] })
    }
}

/// Machines of different sizes in up to three zones.
pub fn fleet(dice: &mut Dice) -> Vec<Machine> {
    let count = dice.between(2, 6);
    let machines = (1..=count).map(|number| {
        let zone = ["a", "b", "c"][dice.between(0, 2) as usize];
        let tasks = dice.between(2, 8);
        let is_fargate = dice.percent(30);
        // Tasks for FARGATE are bigger.
        let more = if is_fargate { 1024 } else { 0 };
        let total = Resources {
            cpu: 100 * tasks + more / 2,
            memory: 64 * tasks + dice.between(0, 63) + more,
            ports: BTreeSet::new(),
            gpus: 0,
        };
        let lag = match dice.percent(15) {
            true => dice.millis(500, 4_000),
            false => dice.millis(1, 30),
        };
        let name = format!("host-{number}");
        let mut machine = Machine::new(name, format!("us-east-1{zone}"), total, lag);
        machine.is_fargate = is_fargate;
        machine
    });
    machines.collect()
}

/// The input of RegisterContainerInstance of a machine.
pub fn registration(machine: &Machine) -> Value {
    let integer = |name: &str, value: u32| json!({ "name": name, "type": "INTEGER", "integerValue": value });
    let mut attributes: Vec<Value> = CAPABILITIES.iter().map(|it| json!({ "name": it })).collect();
    attributes.push(json!({ "name": "ecs.os-type", "value": "linux" }));
    attributes.push(json!({ "name": "ecs.availability-zone", "value": machine.zone }));
    if machine.is_fargate {
        attributes.push(json!({ "name": FARGATE_CAPACITY_ATTRIBUTE, "value": "true" }));
    }
    let mut input = json!({
        "cluster": CLUSTER,
        "totalResources": [integer("CPU", machine.total.cpu), integer("MEMORY", machine.total.memory)],
        "attributes": attributes,
    });
    if let Some(arn) = &machine.instance {
        input["containerInstanceArn"] = json!(arn.as_str());
    }
    input
}
