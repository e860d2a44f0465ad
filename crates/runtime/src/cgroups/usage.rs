//! What the kernel counts of a container, from the files of either version.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use agent::host::{ContainerUsage, CpuUsage, DeviceCounter, MemoryUsage};

use super::Cgroups;
use super::hierarchies::Version;

/// Nanoseconds of a tick, the unit of times in `/proc` and of version 1: 100 a second on every processor.
pub const TICK: u64 = 10_000_000;
/// Nanoseconds of a microsecond, the unit of version 2.
const MICROSECOND: u64 = 1_000;

impl Cgroups {
    /// The counters of a container's groups; what belongs to host and network is left at its default. `None` if there
    /// are no such groups.
    pub fn usage(&self, task_id: &str, runtime_id: &str) -> Option<ContainerUsage> {
        let group = |controller| {
            let hierarchy = self.hierarchy(controller).ok()?;
            let path = self.path(hierarchy, task_id).join(runtime_id);
            Some((hierarchy.version, path))
        };
        let (memory_version, memory) = group("memory")?;
        if !memory.is_dir() {
            return None;
        }
        let pids = group("pids").map(|(_, path)| path).unwrap_or_default();
        let (io_bytes, io_operations) = match group("blkio").or_else(|| group("io")) {
            Some((Version::V1, path)) => io_of_v1(&path),
            Some((Version::V2, path)) => io_of_v2(&text(&path, "io.stat")),
            None => Default::default(),
        };
        let accounting = group("cpuacct").map(|(_, path)| path);
        let cpu = match (group("cpu")?, accounting) {
            ((Version::V2, path), _) => cpu_of_v2(&text(&path, "cpu.stat")),
            ((Version::V1, path), accounting) => cpu_of_v1(&path, &accounting.unwrap_or_default()),
        };
        Some(ContainerUsage {
            cpu,
            memory: match memory_version {
                Version::V1 => memory_of_v1(&memory),
                Version::V2 => memory_of_v2(&memory),
            },
            io_bytes,
            io_operations,
            processes: number(&pids, "pids.current").unwrap_or(0),
            processes_limit: number(&pids, "pids.max"),
            ..ContainerUsage::default()
        })
    }

    /// A process of a container: the first one, as long as it lives.
    pub fn any_process(&self, task_id: &str, runtime_id: &str) -> Option<u32> {
        let mut lists = self.process_lists(task_id, runtime_id).into_iter();
        lists.find_map(|list| fs::read_to_string(list).ok()?.lines().next()?.trim().parse().ok())
    }
}

fn cpu_of_v2(stat: &str) -> CpuUsage {
    let stat = table(stat);
    let get = |name: &str| stat.get(name).copied().unwrap_or(0);
    CpuUsage {
        total: get("usage_usec") * MICROSECOND,
        user: get("user_usec") * MICROSECOND,
        kernel: get("system_usec") * MICROSECOND,
        periods: get("nr_periods"),
        throttled_periods: get("nr_throttled"),
        throttled_time: get("throttled_usec") * MICROSECOND,
        ..CpuUsage::default()
    }
}

fn cpu_of_v1(cpu: &Path, accounting: &Path) -> CpuUsage {
    let (quota, spent) = (
        table(&text(cpu, "cpu.stat")),
        table(&text(accounting, "cpuacct.stat")),
    );
    let get = |name: &str| quota.get(name).copied().unwrap_or(0);
    let ticks = |name: &str| spent.get(name).copied().unwrap_or(0) * TICK;
    let by_processor = text(accounting, "cpuacct.usage_percpu");
    CpuUsage {
        total: number(accounting, "cpuacct.usage").unwrap_or(0),
        user: ticks("user"),
        kernel: ticks("system"),
        by_processor: by_processor
            .split_whitespace()
            .filter_map(|it| it.parse().ok())
            .collect(),
        periods: get("nr_periods"),
        throttled_periods: get("nr_throttled"),
        throttled_time: get("throttled_time"),
        ..CpuUsage::default()
    }
}

fn memory_of_v1(group: &Path) -> MemoryUsage {
    MemoryUsage {
        usage: number(group, "memory.usage_in_bytes").unwrap_or(0),
        peak: number(group, "memory.max_usage_in_bytes"),
        limit: number(group, "memory.limit_in_bytes").unwrap_or(u64::MAX),
        failures: number(group, "memory.failcnt"),
        details: table(&text(group, "memory.stat")),
    }
}

fn memory_of_v2(group: &Path) -> MemoryUsage {
    MemoryUsage {
        usage: number(group, "memory.current").unwrap_or(0),
        peak: None,
        limit: number(group, "memory.max").unwrap_or(u64::MAX),
        failures: None,
        details: table(&text(group, "memory.stat")),
    }
}

fn io_of_v1(group: &Path) -> (Vec<DeviceCounter>, Vec<DeviceCounter>) {
    (
        devices_of_v1(&text(group, "blkio.throttle.io_service_bytes_recursive")),
        devices_of_v1(&text(group, "blkio.throttle.io_serviced_recursive")),
    )
}

/// Lines such as `8:0 Read 4096`; the last one, without a device, is their sum.
fn devices_of_v1(file: &str) -> Vec<DeviceCounter> {
    let line = |line: &str| {
        let mut words = line.split_whitespace();
        let (major, minor) = device(words.next()?)?;
        Some(DeviceCounter {
            major,
            minor,
            operation: words.next()?.to_owned(),
            value: words.next()?.parse().ok()?,
        })
    };
    file.lines().filter_map(line).collect()
}

/// Lines such as `8:0 rbytes=4096 wbytes=0 rios=1 wios=0`.
fn io_of_v2(file: &str) -> (Vec<DeviceCounter>, Vec<DeviceCounter>) {
    let (mut bytes, mut operations) = (Vec::new(), Vec::new());
    for line in file.lines() {
        let mut words = line.split_whitespace();
        let Some((major, minor)) = words.next().and_then(device) else {
            continue;
        };
        for (name, value) in words.filter_map(|it| it.split_once('=')) {
            let (list, operation) = match name {
                "rbytes" => (&mut bytes, "read"),
                "wbytes" => (&mut bytes, "write"),
                "rios" => (&mut operations, "read"),
                "wios" => (&mut operations, "write"),
                _ => continue,
            };
            list.push(DeviceCounter {
                major,
                minor,
                operation: operation.to_owned(),
                value: value.parse().unwrap_or(0),
            });
        }
    }
    (bytes, operations)
}

fn device(text: &str) -> Option<(u64, u64)> {
    let (major, minor) = text.split_once(':')?;
    Some((major.parse().ok()?, minor.parse().ok()?))
}

/// Lines of a name and a number.
fn table(file: &str) -> BTreeMap<String, u64> {
    let pair = |line: &str| {
        let (name, value) = line.split_once(' ')?;
        Some((name.to_owned(), value.trim().parse().ok()?))
    };
    file.lines().filter_map(pair).collect()
}

/// A file of one number; `max` and nothing are none.
fn number(group: &Path, name: &str) -> Option<u64> {
    text(group, name).trim().parse().ok()
}

fn text(group: &Path, name: &str) -> String {
    let path: PathBuf = group.join(name);
    fs::read_to_string(path).unwrap_or_default()
}

#[cfg(test)]
mod tests;
