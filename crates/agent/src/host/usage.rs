//! What a container uses, as the kernel counts it, and what the host alone knows of it.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;
use std::path::PathBuf;

use jiff::Timestamp;

/// Counters of a container at one moment. What a kernel does not count is `None` or empty.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ContainerUsage {
    /// The moment.
    pub read_at: Timestamp,
    /// Processor time.
    pub cpu: CpuUsage,
    /// Memory.
    pub memory: MemoryUsage,
    /// Bytes to and from devices.
    pub io_bytes: Vec<DeviceCounter>,
    /// Operations on devices.
    pub io_operations: Vec<DeviceCounter>,
    /// Processes and threads.
    pub processes: u64,
    /// Most of them that may be. `None`: no limit of its own.
    pub processes_limit: Option<u64>,
    /// Counters of its network interfaces by name, but for the loopback; empty in the host's own network.
    pub interfaces: BTreeMap<String, InterfaceCounters>,
}

/// Processor time in nanoseconds.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct CpuUsage {
    /// All that the container took.
    pub total: u64,
    /// Of it, in its own code.
    pub user: u64,
    /// Of it, in the kernel.
    pub kernel: u64,
    /// Of it, by processor; only version 1 of cgroups counts it.
    pub by_processor: Vec<u64>,
    /// What all processors of the host have spent, idle time included.
    pub of_host: u64,
    /// Processors of the host.
    pub processors: u32,
    /// Periods in which its quota was looked at.
    pub periods: u64,
    /// Of them, those in which it was used up.
    pub throttled_periods: u64,
    /// How long it had to wait for that, nanoseconds.
    pub throttled_time: u64,
}

/// Memory in bytes.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct MemoryUsage {
    /// Now, the page cache included.
    pub usage: u64,
    /// The most ever; only version 1 of cgroups counts it.
    pub peak: Option<u64>,
    /// Its hard limit, or what the host has.
    pub limit: u64,
    /// How often the limit was hit; only version 1 of cgroups counts it.
    pub failures: Option<u64>,
    /// The kernel's `memory.stat`.
    pub details: BTreeMap<String, u64>,
}

/// A counter of a block device.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DeviceCounter {
    /// Major number.
    pub major: u64,
    /// Minor number.
    pub minor: u64,
    /// What was counted, in the kernel's word.
    pub operation: String,
    /// How much.
    pub value: u64,
}

/// Counters of a network interface, from its own side.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct InterfaceCounters {
    /// Bytes received.
    pub received_bytes: u64,
    /// Packets received.
    pub received_packets: u64,
    /// Errors in receiving.
    pub received_errors: u64,
    /// Packets dropped in receiving.
    pub received_dropped: u64,
    /// Bytes sent.
    pub sent_bytes: u64,
    /// Packets sent.
    pub sent_packets: u64,
    /// Errors in sending.
    pub sent_errors: u64,
    /// Packets dropped in sending.
    pub sent_dropped: u64,
}

/// What the host alone knows of a container that was started.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ContainerFacts {
    /// When it was made, before its first start.
    pub created_at: Option<Timestamp>,
    /// Its own address on the bridge.
    pub bridge_address: Option<Ipv4Addr>,
    /// Its volumes.
    pub volumes: Vec<VolumeFacts>,
}

/// A volume at its place in a container.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct VolumeFacts {
    /// On the host; `None` for one that is in memory or mounted by the container itself.
    pub source: Option<PathBuf>,
    /// In the container.
    pub destination: PathBuf,
}
