//! Readings in the shape of Docker's API, which is what those who collect them expect.
//! <https://docs.docker.com/reference/api/engine/version/v1.45/#tag/Container/operation/ContainerStats>

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::path::Version;
use super::samples::Sample;
use crate::host::{ContainerUsage, CpuUsage, DeviceCounter, InterfaceCounters, MemoryUsage};

/// The time of a reading that there was not.
const NEVER: &str = "0001-01-01T00:00:00Z";

/// A container's readings; `name` is Docker's for it.
pub fn render(sample: &Sample, name: &str, runtime_id: &str, version: Version) -> Value {
    let (now, before) = (&sample.now, sample.before.as_ref());
    let mut stats = json!({
        "read": now.read_at.to_string(),
        "preread": before.map_or_else(|| NEVER.to_owned(), |it| it.read_at.to_string()),
        "pids_stats": pids(now),
        "blkio_stats": block_devices(now),
        "num_procs": 0,
        "storage_stats": {},
        "cpu_stats": cpu(&now.cpu),
        "precpu_stats": before.map_or_else(|| cpu(&CpuUsage::default()), |it| cpu(&it.cpu)),
        "memory_stats": memory(&now.memory),
        "name": format!("/{name}"),
        "id": runtime_id,
    });
    if !now.interfaces.is_empty() {
        let all = now.interfaces.iter();
        let all: BTreeMap<_, _> = all.map(|(name, it)| (name, interface(it))).collect();
        stats["networks"] = json!(all);
    }
    if let (Version::V4, Some(before)) = (version, before) {
        stats["network_rate_stats"] = rates(now, before);
    }
    stats
}

fn pids(usage: &ContainerUsage) -> Value {
    let mut pids = json!({ "current": usage.processes });
    if let Some(limit) = usage.processes_limit {
        pids["limit"] = json!(limit);
    }
    pids
}

fn block_devices(usage: &ContainerUsage) -> Value {
    let list = |counters: &[DeviceCounter]| -> Vec<Value> {
        let entry = |it: &DeviceCounter| json!({ "major": it.major, "minor": it.minor, "op": it.operation, "value": it.value });
        counters.iter().map(entry).collect()
    };
    json!({
        "io_service_bytes_recursive": list(&usage.io_bytes),
        "io_serviced_recursive": list(&usage.io_operations),
        // What kernels with their usual schedulers do not count.
        "io_queue_recursive": [],
        "io_service_time_recursive": [],
        "io_wait_time_recursive": [],
        "io_merged_recursive": [],
        "io_time_recursive": [],
        "sectors_recursive": [],
    })
}

fn cpu(it: &CpuUsage) -> Value {
    let mut usage = json!({
        "total_usage": it.total, "usage_in_kernelmode": it.kernel, "usage_in_usermode": it.user,
    });
    if !it.by_processor.is_empty() {
        usage["percpu_usage"] = json!(it.by_processor);
    }
    let mut all = json!({
        "cpu_usage": usage,
        "throttling_data": {
            "periods": it.periods, "throttled_periods": it.throttled_periods, "throttled_time": it.throttled_time,
        },
    });
    for (name, value) in [
        ("system_cpu_usage", it.of_host),
        ("online_cpus", u64::from(it.processors)),
    ] {
        if value > 0 {
            all[name] = json!(value);
        }
    }
    all
}

fn memory(it: &MemoryUsage) -> Value {
    let mut memory = Map::from_iter([
        ("usage".to_owned(), json!(it.usage)),
        ("limit".to_owned(), json!(it.limit)),
        ("stats".to_owned(), json!(it.details)),
    ]);
    for (name, value) in [("max_usage", it.peak), ("failcnt", it.failures)] {
        if let Some(value) = value.filter(|it| *it > 0) {
            memory.insert(name.to_owned(), json!(value));
        }
    }
    Value::Object(memory)
}

fn interface(it: &InterfaceCounters) -> Value {
    json!({
        "rx_bytes": it.received_bytes, "rx_packets": it.received_packets,
        "rx_errors": it.received_errors, "rx_dropped": it.received_dropped,
        "tx_bytes": it.sent_bytes, "tx_packets": it.sent_packets,
        "tx_errors": it.sent_errors, "tx_dropped": it.sent_dropped,
    })
}

/// Bytes a second of all interfaces.
fn rates(now: &ContainerUsage, before: &ContainerUsage) -> Value {
    let seconds = seconds_between(before.read_at, now.read_at);
    let sum = |usage: &ContainerUsage, count: fn(&InterfaceCounters) -> u64| -> u64 {
        usage.interfaces.values().map(count).sum()
    };
    let rate = |count: fn(&InterfaceCounters) -> u64| {
        sum(now, count).saturating_sub(sum(before, count)) as f64 / seconds
    };
    json!({
        "rx_bytes_per_sec": rate(|it| it.received_bytes), "tx_bytes_per_sec": rate(|it| it.sent_bytes),
    })
}

fn seconds_between(before: Timestamp, now: Timestamp) -> f64 {
    now.duration_since(before).as_secs_f64().max(f64::EPSILON)
}
