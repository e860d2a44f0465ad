//! Limits in ECS's units, and the files of the kernel that they go to.

use std::path::Path;

use super::CgroupError;
use super::devices::{self, AllowedDevice};
use super::hierarchies::{Hierarchy, Version, write, write_if_present};

const MIB: u64 = 1024 * 1024;
/// Period in which a CPU quota is handed out, microseconds.
const CPU_PERIOD: u64 = 100_000;
/// Smallest quota that the kernel takes, microseconds.
const CPU_QUOTA_MINIMUM: u64 = 1_000;
/// Processes and threads in a task: ample for any program, far too few to exhaust a host.
const TASK_PROCESSES: u64 = 32_768;
/// Range of version 1 shares and of version 2 weights.
const SHARES: (u64, u64) = (2, 262_144);
const WEIGHTS: (u64, u64) = (1, 10_000);

/// Limits of a task.
#[derive(Clone, Copy, Debug, Default)]
pub struct TaskLimits {
    /// A hard quota in 1/1024 core.
    pub cpu_units: Option<u32>,
    /// A hard limit in MiB.
    pub memory_mib: Option<u64>,
}

/// Limits of a container.
#[derive(Clone, Debug, Default)]
pub struct ContainerLimits {
    /// Relative weight.
    pub cpu_shares: Option<u32>,
    /// A hard limit in MiB.
    pub memory_mib: Option<u64>,
    /// A soft limit in MiB.
    pub memory_reservation_mib: Option<u64>,
    /// Swap beside the hard limit in MiB; none if it is not given.
    pub max_swap_mib: Option<u64>,
    /// Inclination to swap, 0 to 100.
    pub swappiness: Option<u64>,
    /// Which devices it may use.
    pub devices: Devices,
}

/// Which devices a container may use.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Devices {
    /// The harmless ones that every container has, and these.
    DefaultAnd(Vec<AllowedDevice>),
    /// Any.
    All,
}

impl Default for Devices {
    fn default() -> Self {
        Self::DefaultAnd(Vec::new())
    }
}

impl TaskLimits {
    /// Writes what the hierarchy is responsible for.
    pub fn write(&self, hierarchy: &Hierarchy, group: &Path) -> Result<(), CgroupError> {
        if let Some(units) = self.cpu_units.filter(|_| hierarchy.has("cpu")) {
            let quota = (u64::from(units) * CPU_PERIOD / 1024).max(CPU_QUOTA_MINIMUM);
            match hierarchy.version {
                Version::V1 => {
                    write(&group.join("cpu.cfs_period_us"), &CPU_PERIOD.to_string())?;
                    write(&group.join("cpu.cfs_quota_us"), &quota.to_string())?;
                }
                Version::V2 => write(&group.join("cpu.max"), &format!("{quota} {CPU_PERIOD}"))?,
            }
        }
        if let Some(limit) = self.memory_mib {
            write_memory_limit(hierarchy, group, limit, 0)?;
        }
        if hierarchy.has("pids") {
            write(&group.join("pids.max"), &TASK_PROCESSES.to_string())?;
        }
        Ok(())
    }
}

impl ContainerLimits {
    /// Writes what the hierarchy is responsible for.
    pub fn write(&self, hierarchy: &Hierarchy, group: &Path) -> Result<(), CgroupError> {
        if let Some(shares) = self.cpu_shares.filter(|_| hierarchy.has("cpu")) {
            let shares = u64::from(shares).clamp(SHARES.0, SHARES.1);
            match hierarchy.version {
                Version::V1 => write(&group.join("cpu.shares"), &shares.to_string())?,
                Version::V2 => write(&group.join("cpu.weight"), &weight(shares).to_string())?,
            }
        }
        if let Some(limit) = self.memory_mib {
            write_memory_limit(hierarchy, group, limit, self.max_swap_mib.unwrap_or(0))?;
        }
        if let Some(swappiness) = self.swappiness.filter(|_| hierarchy.has("memory")) {
            // Version 2 has no such file.
            write_if_present(&group.join("memory.swappiness"), &swappiness.to_string())?;
        }
        if let Some(reservation) = self.memory_reservation_mib.filter(|_| hierarchy.has("memory")) {
            let bytes = reservation.saturating_mul(MIB).to_string();
            match hierarchy.version {
                Version::V1 => write_if_present(&group.join("memory.soft_limit_in_bytes"), &bytes)?,
                Version::V2 => write(&group.join("memory.low"), &bytes)?,
            }
        }
        match &self.devices {
            Devices::DefaultAnd(more) => devices::restrict(hierarchy, group, more),
            Devices::All => Ok(()),
        }
    }
}

/// The limit, and so much swap, where the kernel counts swap. `u64::MAX` is no limit of swap.
fn write_memory_limit(
    hierarchy: &Hierarchy,
    group: &Path,
    mib: u64,
    swap_mib: u64,
) -> Result<(), CgroupError> {
    if !hierarchy.has("memory") {
        return Ok(());
    }
    let bytes = mib.saturating_mul(MIB).to_string();
    let is_unlimited = swap_mib == u64::MAX;
    match hierarchy.version {
        Version::V1 => {
            write(&group.join("memory.limit_in_bytes"), &bytes)?;
            let both = match is_unlimited {
                true => "-1".to_owned(),
                false => mib.saturating_add(swap_mib).saturating_mul(MIB).to_string(),
            };
            write_if_present(&group.join("memory.memsw.limit_in_bytes"), &both)
        }
        Version::V2 => {
            write(&group.join("memory.max"), &bytes)?;
            let swap = match is_unlimited {
                true => "max".to_owned(),
                false => swap_mib.saturating_mul(MIB).to_string(),
            };
            write_if_present(&group.join("memory.swap.max"), &swap)
        }
    }
}

/// Maps shares to a weight linearly, as every OCI runtime does.
fn weight(shares: u64) -> u64 {
    WEIGHTS.0 + (shares - SHARES.0) * (WEIGHTS.1 - WEIGHTS.0) / (SHARES.1 - SHARES.0)
}
