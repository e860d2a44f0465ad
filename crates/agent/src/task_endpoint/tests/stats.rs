//! Readings in Docker's shape, and how they are taken.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::host::{ContainerSpec, ContainerUsage, DeviceCounter, Host, InterfaceCounters, SandboxSpec};
use crate::task_endpoint::path::Version;
use crate::task_endpoint::samples::{Sample, Samples};
use crate::task_endpoint::stats::render;
use crate::tasks::tests::fake_host::FakeHost;

fn usage(second: i64, total: u64, received: u64) -> ContainerUsage {
    let mut usage = ContainerUsage {
        read_at: Timestamp::from_second(1_795_234_900 + second).unwrap(),
        processes: 3,
        io_bytes: vec![DeviceCounter {
            major: 253,
            minor: 0,
            operation: "Read".to_owned(),
            value: 4096,
        }],
        ..ContainerUsage::default()
    };
    usage.cpu.total = total;
    usage.cpu.of_host = total * 100;
    usage.cpu.processors = 2;
    usage.memory.usage = 1 << 20;
    usage.memory.limit = 32 << 20;
    usage.memory.peak = Some(2 << 20);
    usage.memory.details = BTreeMap::from([("cache".to_owned(), 7)]);
    let counters = InterfaceCounters {
        received_bytes: received,
        ..InterfaceCounters::default()
    };
    usage.interfaces.insert("eth0".to_owned(), counters);
    usage
}

#[test]
fn readings_have_dockers_shape() {
    let sample = Sample {
        now: usage(2, 2000, 5000),
        before: Some(usage(0, 1000, 1000)),
    };
    let shown = render(&sample, "ecs-demo-1-web-00", "00ff", Version::V4);
    let cpu = |total: u64| {
        json!({
            "cpu_usage": {"total_usage": total, "usage_in_kernelmode": 0, "usage_in_usermode": 0},
            "system_cpu_usage": total * 100, "online_cpus": 2,
            "throttling_data": {"periods": 0, "throttled_periods": 0, "throttled_time": 0},
        })
    };
    let expected = json!({
        "read": sample.now.read_at.to_string(), "preread": usage(0, 0, 0).read_at.to_string(),
        "pids_stats": {"current": 3}, "num_procs": 0, "storage_stats": {},
        "blkio_stats": {
            "io_service_bytes_recursive": [{"major": 253, "minor": 0, "op": "Read", "value": 4096}],
            "io_serviced_recursive": [], "io_queue_recursive": [], "io_service_time_recursive": [],
            "io_wait_time_recursive": [], "io_merged_recursive": [], "io_time_recursive": [],
            "sectors_recursive": [],
        },
        "cpu_stats": cpu(2000), "precpu_stats": cpu(1000),
        "memory_stats": {"usage": 1 << 20, "limit": 32 << 20, "max_usage": 2 << 20, "stats": {"cache": 7}},
        "name": "/ecs-demo-1-web-00", "id": "00ff",
        "networks": {"eth0": {
            "rx_bytes": 5000, "rx_packets": 0, "rx_errors": 0, "rx_dropped": 0,
            "tx_bytes": 0, "tx_packets": 0, "tx_errors": 0, "tx_dropped": 0,
        }},
        "network_rate_stats": {"rx_bytes_per_sec": 2000.0, "tx_bytes_per_sec": 0.0},
    });
    assert_eq!(shown, expected);
    let shown = render(&sample, "", "", Version::V3);
    assert_eq!(shown.get("network_rate_stats"), None, "older versions know none");
}

#[test]
fn without_a_reading_before_there_are_no_rates() {
    let sample = Sample {
        now: usage(2, 2000, 5000),
        before: None,
    };
    let shown = render(&sample, "", "", Version::V4);
    assert_eq!(shown["preread"], "0001-01-01T00:00:00Z");
    assert_eq!(shown["precpu_stats"]["cpu_usage"]["total_usage"], 0);
    assert_eq!(shown["precpu_stats"].get("system_cpu_usage"), None);
    assert_eq!(shown.get("network_rate_stats"), None::<&Value>);
}

/// The numbers of the readings behind a sample.
fn numbers(sample: &Option<Sample>) -> Option<(u64, Option<u64>)> {
    let number = |it: &ContainerUsage| it.memory.usage >> 20;
    let sample = sample.as_ref()?;
    Some((number(&sample.now), sample.before.as_ref().map(number)))
}

#[tokio::test(start_paused = true)]
async fn readings_are_taken_when_asked_for_and_kept_for_a_second() {
    let host = Arc::new(FakeHost::default());
    let sandbox = SandboxSpec {
        task_id: "1".to_owned(),
        ..SandboxSpec::default()
    };
    host.create_sandbox(&sandbox).await.unwrap();
    let web = ContainerSpec {
        task_id: "1".to_owned(),
        name: "web".to_owned(),
        ..ContainerSpec::default()
    };
    host.start_container(&web).await.unwrap();
    let samples = Samples::new(host.clone());
    let ask = async || samples.of("1", &["web", "other"]).await;
    let first = ask().await;
    assert_eq!(
        numbers(&first[0]),
        Some((2, Some(1))),
        "the first waits for a second"
    );
    assert_eq!(first[1], None, "it does not run");
    assert_eq!(numbers(&ask().await[0]), Some((2, Some(1))), "kept");
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert_eq!(numbers(&ask().await[0]), Some((3, Some(2))));
    tokio::time::sleep(Duration::from_secs(300)).await;
    assert_eq!(
        numbers(&ask().await[0]),
        Some((5, Some(4))),
        "what is too old is no measure"
    );
    host.exit("1", "web", 0).await;
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert_eq!(ask().await[0], None);
}
