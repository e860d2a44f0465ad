//! What a container uses, and what is known here of how it was made.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use agent::host::{ContainerFacts, ContainerUsage, HostError, InterfaceCounters, VolumeFacts};
use jiff::Timestamp;

use super::joining::network_key;
use super::sandbox::Container;
use super::{Inner, runtime_error};
use crate::cgroups::TICK;
use crate::task_directory::NetworkRecord;
use crate::volumes::VolumeSource;

/// Fields of the first line of `/proc/stat` that make up the time of all processors; the rest is part of these.
const PROCESSOR_FIELDS: usize = 7;
/// The loopback device.
const LOOPBACK: &str = "lo";

impl Inner {
    /// The counters of a container that runs. Reads some twenty files of the kernel, and blocks that long.
    #[expect(
        clippy::disallowed_methods,
        reason = "rates need the moment of the reading, not that of the question"
    )]
    pub fn container_usage(&self, task_id: &str, container: &str) -> Result<ContainerUsage, HostError> {
        let sandbox = self.known_sandbox(task_id)?;
        let not_running = || HostError::ContainerRuntime(format!("container {container} is not running"));
        let runtime_id = match sandbox.containers.lock().get(container) {
            Some(Container::Started(started, None)) => started.runtime_id.clone(),
            _ => return Err(not_running()),
        };
        let usage = self.cgroups.usage(task_id, &runtime_id);
        let mut usage = usage.ok_or_else(not_running)?;
        usage.read_at = Timestamp::now();
        let (of_host, processors) = host_time(&read("/proc/stat"));
        (usage.cpu.of_host, usage.cpu.processors) = (of_host, processors);
        usage.memory.limit = usage.memory.limit.min(memory_total(&read("/proc/meminfo")));
        let process = self.cgroups.any_process(task_id, &runtime_id);
        if let (Some(process), false) = (process, sandbox.record.network == NetworkRecord::Host) {
            usage.interfaces = interfaces(&read(format!("/proc/{process}/net/dev")));
        }
        Ok(usage)
    }

    /// When and how a container was made.
    pub async fn container_facts(&self, task_id: &str, container: &str) -> Result<ContainerFacts, HostError> {
        let sandbox = self.known_sandbox(task_id)?;
        let record = sandbox
            .directory
            .read_container(container)
            .ok_or_else(|| HostError::ContainerRuntime(format!("container {container} was never started")))?;
        let address = self
            .network
            .bridge_address(&network_key(task_id, container))
            .await;
        let volumes = record.mounts.into_iter().map(|it| VolumeFacts {
            source: match it.source {
                VolumeSource::HostDirectory(path)
                | VolumeSource::Directory(path)
                | VolumeSource::Shared { target: path, .. } => Some(path),
                VolumeSource::Memory { .. } | VolumeSource::FileSystem { .. } => None,
            },
            destination: it.target,
        });
        Ok(ContainerFacts {
            created_at: sandbox.directory.container_written_at(container),
            bridge_address: address.map_err(runtime_error)?,
            volumes: volumes.collect(),
        })
    }
}

fn read(path: impl AsRef<Path>) -> String {
    fs::read_to_string(path).unwrap_or_default()
}

/// Nanoseconds that all processors have spent, and how many there are.
fn host_time(stat: &str) -> (u64, u32) {
    let all = stat.lines().next().unwrap_or_default();
    let fields = all.split_whitespace().skip(1).take(PROCESSOR_FIELDS);
    let ticks: u64 = fields.filter_map(|it| it.parse::<u64>().ok()).sum();
    let is_processor = |line: &&str| {
        line.strip_prefix("cpu")
            .is_some_and(|it| it.starts_with(|it: char| it.is_ascii_digit()))
    };
    let processors = stat.lines().filter(is_processor).count();
    (
        ticks.saturating_mul(TICK),
        u32::try_from(processors).unwrap_or(u32::MAX),
    )
}

/// Bytes of memory of the machine.
fn memory_total(meminfo: &str) -> u64 {
    let line = meminfo.lines().find_map(|it| it.strip_prefix("MemTotal:"));
    let kib = line.and_then(|it| it.split_whitespace().next()?.parse::<u64>().ok());
    kib.map_or(u64::MAX, |it| it.saturating_mul(1024))
}

/// The lines of `/proc/net/dev`, but for the loopback device.
fn interfaces(table: &str) -> BTreeMap<String, InterfaceCounters> {
    let line = |line: &str| {
        let (name, counters) = line.split_once(':')?;
        let counters: Vec<u64> = counters
            .split_whitespace()
            .filter_map(|it| it.parse().ok())
            .collect();
        let at = |index: usize| counters.get(index).copied();
        let counters = InterfaceCounters {
            received_bytes: at(0)?,
            received_packets: at(1)?,
            received_errors: at(2)?,
            received_dropped: at(3)?,
            sent_bytes: at(8)?,
            sent_packets: at(9)?,
            sent_errors: at(10)?,
            sent_dropped: at(11)?,
        };
        Some((name.trim().to_owned(), counters))
    };
    let all = table.lines().filter_map(line);
    all.filter(|(name, _)| name != LOOPBACK).collect()
}

#[cfg(test)]
mod tests;
