//! Network interfaces: one view over those of tasks, load balancers, mount targets and those that stand for themselves.

use std::net::{IpAddr, Ipv4Addr};

use domain::classic_load_balancer::ClassicLoadBalancer;
use domain::file_system::MountTarget;
use domain::load_balancer::{LoadBalancer, LoadBalancerKind, LoadBalancerZone};
use domain::network_interface::{InterfaceKind, NetworkInterface};
use domain::tags::Pair;
use domain::task::{Task, TaskEni, TaskStatus};
use domain::{Scope, Timestamp};
use sha2::{Digest, Sha256};
use store::State;

mod addresses;
mod attributes;
mod describe;
mod filters;
mod find;
mod render;
#[cfg(test)]
mod tests;
mod write;

pub use addresses::{assign_private_ip_addresses, unassign_private_ip_addresses};
pub use attributes::{
    attach_network_interface, describe_network_interface_attribute, detach_network_interface,
    modify_network_interface_attribute,
};
pub use describe::describe_network_interfaces;
pub use find::{find, has_member, tagged_tasks};
pub use write::{GROUPS_MAX, check_free, create_network_interface, delete_network_interface, parse};

/// What the tags are called that ECS puts on interfaces of tasks, if asked to.
const MANAGED_TAGS: &str = "aws:ecs:";

/// A network interface, whoever holds it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Interface {
    /// `eni-…`
    pub id: String,
    /// Account and region.
    pub scope: Scope,
    /// Its subnet.
    pub subnet_id: String,
    /// Its first address.
    pub address: Ipv4Addr,
    /// Further ones.
    pub secondary_addresses: Vec<Ipv4Addr>,
    /// The public one that its first address has as long as the interface is there.
    pub public_address: Option<Ipv4Addr>,
    /// `02:…`
    pub mac_address: String,
    /// What it is for, in words.
    pub description: String,
    /// Ids of its security groups.
    pub security_groups: Vec<String>,
    /// `interface`, `nat_gateway`, …
    pub interface_type: &'static str,
    /// Whether it drops what is neither from nor to its addresses.
    pub is_source_dest_checked: bool,
    /// Who has it.
    pub holder: Holder,
    /// Its tags.
    pub tags: Vec<Pair>,
}

/// Who has a network interface.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Holder {
    /// A task that is being started, runs or is being stopped.
    Task {
        /// UUID of the attachment.
        attachment_id: String,
        /// When it was made.
        attached_at: Timestamp,
        /// How far the task is.
        status: TaskStatus,
    },
    /// A load balancer of any kind.
    LoadBalancer {
        /// When it was made.
        created_at: Timestamp,
    },
    /// A mount target of EFS.
    MountTarget,
    /// Nobody: it stands for itself.
    Nobody(InterfaceKind),
}

impl Interface {
    /// That of a task, if it has one and is not STOPPED.
    pub fn of_task(task: &Task) -> Option<Self> {
        let eni: &TaskEni = task.eni.as_deref()?;
        if task.last_status == TaskStatus::Stopped {
            return None;
        }
        let scope = task.arn.scope();
        let managed = task.tags.iter().filter(|it| it.name.starts_with(MANAGED_TAGS));
        let Scope { account, region } = &scope;
        Some(Self {
            id: eni.network_interface_id.clone(),
            subnet_id: eni.subnet_id.clone(),
            address: eni.address,
            secondary_addresses: Vec::new(),
            public_address: eni.public_address,
            mac_address: eni.mac_address.clone(),
            description: format!("arn:aws:ecs:{region}:{account}:attachment/{}", eni.attachment_id),
            security_groups: eni.security_groups.clone(),
            interface_type: "interface",
            is_source_dest_checked: true,
            holder: Holder::Task {
                attachment_id: eni.attachment_id.clone(),
                attached_at: task.times.created_at,
                status: task.last_status,
            },
            tags: managed.chain(&eni.tags).cloned().collect(),
            scope,
        })
    }

    /// Those of a load balancer: one for each of its addresses.
    pub fn of_load_balancer(it: &LoadBalancer) -> Vec<Self> {
        let (interface_type, word) = match it.kind {
            LoadBalancerKind::Application => ("interface", "app"),
            LoadBalancerKind::Network => ("network_load_balancer", "net"),
        };
        let text = it.arn.to_string();
        let number = text.rsplit('/').next().unwrap_or_default();
        let served = Served {
            scope: it.arn.scope(),
            key: &text,
            description: format!("ELB {word}/{}/{number}", it.name),
            security_groups: &it.security_groups,
            interface_type,
            created_at: it.created_at,
        };
        served.interfaces(&it.zones)
    }

    /// Those of a classic load balancer.
    pub fn of_classic_load_balancer(it: &ClassicLoadBalancer) -> Vec<Self> {
        let text = it.arn.to_string();
        let served = Served {
            scope: it.arn.scope(),
            key: &text,
            description: format!("ELB {}", it.name),
            security_groups: &it.security_groups,
            interface_type: "interface",
            created_at: it.created_at,
        };
        served.interfaces(&it.zones)
    }

    /// That of a mount target.
    pub fn of_mount_target(it: &MountTarget) -> Self {
        Self {
            id: it.network_interface_id.clone(),
            scope: it.scope.clone(),
            subnet_id: it.subnet_id.clone(),
            address: it.address,
            secondary_addresses: Vec::new(),
            public_address: None,
            mac_address: derived_mac_address(&it.network_interface_id),
            description: format!("EFS mount target for {} ({})", it.file_system_id, it.id),
            security_groups: it.security_groups.clone(),
            interface_type: "efs",
            is_source_dest_checked: true,
            holder: Holder::MountTarget,
            tags: Vec::new(),
        }
    }

    /// One that stands for itself.
    pub fn of_record(it: &NetworkInterface) -> Self {
        Self {
            id: it.id.clone(),
            scope: it.scope.clone(),
            subnet_id: it.subnet_id.clone(),
            address: it.address,
            secondary_addresses: it.secondary_addresses.clone(),
            public_address: None,
            mac_address: it.mac_address.clone(),
            description: it.description.clone(),
            security_groups: it.security_groups.clone(),
            interface_type: it.kind.as_str(),
            is_source_dest_checked: it.is_source_dest_checked,
            holder: Holder::Nobody(it.kind),
            tags: it.tags.clone(),
        }
    }

    /// Whether something has it, so that nobody else may have it.
    pub fn is_in_use(&self) -> bool {
        self.holder != Holder::Nobody(InterfaceKind::Interface)
    }
}

/// What all interfaces of a load balancer have in common.
struct Served<'a> {
    scope: Scope,
    key: &'a str,
    description: String,
    security_groups: &'a [String],
    interface_type: &'static str,
    created_at: Timestamp,
}

impl Served<'_> {
    fn interfaces(&self, zones: &[LoadBalancerZone]) -> Vec<Interface> {
        let places = zones
            .iter()
            .flat_map(|zone| zone.addresses.iter().map(|it| (&zone.subnet_id, it)));
        let of_place = |(subnet_id, address): (&String, &IpAddr)| {
            let IpAddr::V4(address) = *address else {
                return None;
            };
            let id = derived_id(&format!("{} {subnet_id} {address}", self.key));
            Some(Interface {
                mac_address: derived_mac_address(&id),
                id,
                scope: self.scope.clone(),
                subnet_id: subnet_id.clone(),
                address,
                secondary_addresses: Vec::new(),
                public_address: None,
                description: self.description.clone(),
                security_groups: self.security_groups.to_vec(),
                interface_type: self.interface_type,
                is_source_dest_checked: true,
                holder: Holder::LoadBalancer {
                    created_at: self.created_at,
                },
                tags: Vec::new(),
            })
        };
        places.filter_map(of_place).collect()
    }
}

/// The id of an interface that no record names: the same for the same key, whenever it is asked for.
fn derived_id(key: &str) -> String {
    let text = hex(key);
    format!("eni-{}", &text[..17])
}

fn derived_mac_address(key: &str) -> String {
    let text = hex(key);
    let bytes: Vec<&str> = (0..5).map(|at| &text[2 * at..2 * at + 2]).collect();
    format!("02:{}", bytes.join(":"))
}

fn hex(key: &str) -> String {
    let digest = Sha256::digest(key.as_bytes());
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Whether a network interface is told to the caller.
fn is_of(scope: &Scope, it: &Interface) -> bool {
    it.scope == *scope
}

/// VPC and zone of a subnet: those of its interfaces.
fn place(state: &State, subnet_id: &str) -> (String, String) {
    let subnet = state.get::<domain::vpc::Subnet>(&subnet_id.to_owned());
    subnet
        .map(|it| (it.vpc_id.clone(), it.availability_zone.clone()))
        .unwrap_or_default()
}
