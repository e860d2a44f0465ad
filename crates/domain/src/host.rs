//! Hosts: the ledger of one machine, whichever clusters its tasks belong to.

use std::collections::BTreeSet;
use std::net::Ipv4Addr;

use serde::{Deserialize, Serialize};

use crate::container_definition::TransportProtocol;

/// A machine with an agent. Its ledger is written in the transaction that places a task and in the one that sees
/// it STOPPED, so that it can never be promised twice.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Host {
    /// 32 hexadecimal digits, those of the container instance it registered as; the record's key.
    pub id: String,
    /// The account whose tasks it runs.
    pub account: String,
    /// What can be promised in all.
    pub total: Resources,
    /// What is promised to tasks that are not STOPPED.
    pub promised: Resources,
    /// Tasks that it holds; bounded by the host's addresses and memory.
    pub task_count: u32,
    /// Serves FARGATE tasks of all clusters of the account.
    pub is_fargate_capacity: bool,
    /// The agent has a session.
    pub is_connected: bool,
    /// Availability zone, for spreading and for subnets.
    pub availability_zone: String,
    /// Tells it from all other hosts in the overlay of VPCs; 0 until it registers with a Gantry that has overlays.
    #[serde(default, skip_serializing_if = "is_unnumbered")]
    pub number: u16,
    /// Where other hosts reach it, if its agent says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub address: Option<Ipv4Addr>,
}

fn is_unnumbered(number: &u16) -> bool {
    *number == 0
}

/// Quantities of a ledger.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Resources {
    /// Units of 1/1024 core.
    pub cpu: u32,
    /// MiB.
    pub memory: u32,
    /// Host ports. In a total: those that nobody may have.
    pub ports: BTreeSet<HostPort>,
    /// GPUs. No agent is told which of them a container may use, so no host has any to give.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub gpus: u32,
}

fn is_zero(number: &u32) -> bool {
    *number == 0
}

/// A port of the host.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct HostPort {
    /// Number.
    pub port: u16,
    /// Transport.
    pub protocol: TransportProtocol,
}

/// What does not fit on a host, in the words of ECS's failure reasons.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Shortage {
    /// `RESOURCE:CPU`
    Cpu,
    /// `RESOURCE:MEMORY`
    Memory,
    /// `RESOURCE:PORTS`
    Ports,
    /// `RESOURCE:GPU`
    Gpu,
}

impl Host {
    /// What of `wanted` is missing, all of it.
    pub fn shortages(&self, wanted: &Resources) -> Vec<Shortage> {
        let mut missing = Vec::new();
        if wanted.cpu > self.total.cpu.saturating_sub(self.promised.cpu) {
            missing.push(Shortage::Cpu);
        }
        if wanted.memory > self.total.memory.saturating_sub(self.promised.memory) {
            missing.push(Shortage::Memory);
        }
        let is_taken = |port| self.promised.ports.contains(port) || self.total.ports.contains(port);
        if wanted.ports.iter().any(is_taken) {
            missing.push(Shortage::Ports);
        }
        if wanted.gpus > self.total.gpus.saturating_sub(self.promised.gpus) {
            missing.push(Shortage::Gpu);
        }
        missing
    }

    /// Promises `wanted` to one more task.
    ///
    /// # Errors
    /// The first thing that does not fit; then nothing is promised.
    pub fn promise(&mut self, wanted: &Resources) -> Result<(), Shortage> {
        if let Some(shortage) = self.shortages(wanted).first() {
            return Err(*shortage);
        }
        self.promised.cpu += wanted.cpu;
        self.promised.memory += wanted.memory;
        self.promised.ports.extend(&wanted.ports);
        self.promised.gpus += wanted.gpus;
        self.task_count += 1;
        Ok(())
    }

    /// Takes back what [`Host::promise`] gave.
    pub fn release(&mut self, given: &Resources) {
        self.promised.cpu = self.promised.cpu.saturating_sub(given.cpu);
        self.promised.memory = self.promised.memory.saturating_sub(given.memory);
        self.promised.ports.retain(|port| !given.ports.contains(port));
        self.promised.gpus = self.promised.gpus.saturating_sub(given.gpus);
        self.task_count = self.task_count.saturating_sub(1);
    }
}

impl Shortage {
    /// The reason in `failures[]`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Cpu => "RESOURCE:CPU",
            Self::Memory => "RESOURCE:MEMORY",
            Self::Ports => "RESOURCE:PORTS",
            Self::Gpu => "RESOURCE:GPU",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn host() -> Host {
        Host {
            id: "h".into(),
            account: "1".into(),
            total: Resources {
                cpu: 1024,
                memory: 512,
                ports: BTreeSet::from([tcp(22)]),
                gpus: 0,
            },
            promised: Resources::default(),
            task_count: 0,
            is_fargate_capacity: true,
            is_connected: true,
            availability_zone: "us-east-1a".into(),
            number: 1,
            address: None,
        }
    }

    fn tcp(port: u16) -> HostPort {
        HostPort {
            port,
            protocol: TransportProtocol::Tcp,
        }
    }

    #[test]
    fn what_is_promised_comes_back() {
        let mut host = host();
        let wanted = Resources {
            cpu: 600,
            memory: 300,
            ports: BTreeSet::from([tcp(80)]),
            gpus: 0,
        };
        host.promise(&wanted).expect("fits");
        assert_eq!(
            host.shortages(&wanted),
            [Shortage::Cpu, Shortage::Memory, Shortage::Ports]
        );
        assert_eq!(host.clone().promise(&wanted), Err(Shortage::Cpu));
        host.release(&wanted);
        assert_eq!(host, self::host());
    }

    #[test]
    fn reserved_ports_are_taken_and_udp_is_another_port() {
        let host = host();
        let wants = |port| Resources {
            ports: BTreeSet::from([port]),
            ..Resources::default()
        };
        assert_eq!(host.shortages(&wants(tcp(22))), [Shortage::Ports]);
        assert!(
            host.shortages(&wants(HostPort {
                port: 22,
                protocol: TransportProtocol::Udp
            }))
            .is_empty()
        );
    }
}
