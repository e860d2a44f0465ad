//! Files of both versions as kernels write them.

use super::*;

fn folder(files: &[(&str, &str)]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, content) in files {
        fs::write(folder.path().join(name), content).unwrap();
    }
    folder
}

fn counter(operation: &str, value: u64) -> DeviceCounter {
    DeviceCounter {
        major: 253,
        minor: 1,
        operation: operation.to_owned(),
        value,
    }
}

#[test]
fn processor_time_is_in_nanoseconds_in_both_versions() {
    let stat =
        "usage_usec 1500\nuser_usec 1000\nsystem_usec 500\nnr_periods 7\nnr_throttled 2\nthrottled_usec 30\n";
    let of_v2 = cpu_of_v2(stat);
    assert_eq!(
        (of_v2.total, of_v2.user, of_v2.kernel),
        (1_500_000, 1_000_000, 500_000)
    );
    assert_eq!(
        (of_v2.periods, of_v2.throttled_periods, of_v2.throttled_time),
        (7, 2, 30_000)
    );

    let cpu = folder(&[("cpu.stat", "nr_periods 7\nnr_throttled 2\nthrottled_time 30000\n")]);
    let accounting = folder(&[
        ("cpuacct.usage", "25000000\n"),
        ("cpuacct.stat", "user 2\nsystem 1\n"),
        ("cpuacct.usage_percpu", "20000000 5000000 \n"),
    ]);
    let of_v1 = cpu_of_v1(cpu.path(), accounting.path());
    assert_eq!(
        (of_v1.total, of_v1.user, of_v1.kernel),
        (25_000_000, 20_000_000, 10_000_000)
    );
    assert_eq!(of_v1.by_processor, [20_000_000, 5_000_000]);
    assert_eq!(
        (of_v1.periods, of_v1.throttled_periods, of_v1.throttled_time),
        (7, 2, 30_000)
    );
}

#[test]
fn memory_is_read_and_no_limit_is_the_largest_number() {
    let group = folder(&[
        ("memory.usage_in_bytes", "4096\n"),
        ("memory.max_usage_in_bytes", "8192\n"),
        ("memory.limit_in_bytes", "33554432\n"),
        ("memory.failcnt", "3\n"),
        ("memory.stat", "cache 100\nrss 200\n"),
    ]);
    let details = BTreeMap::from([("cache".to_owned(), 100), ("rss".to_owned(), 200)]);
    let expected = MemoryUsage {
        usage: 4096,
        peak: Some(8192),
        limit: 33_554_432,
        failures: Some(3),
        details,
    };
    assert_eq!(memory_of_v1(group.path()), expected);
    let group = folder(&[
        ("memory.current", "4096\n"),
        ("memory.max", "max\n"),
        ("memory.stat", "anon 1\n"),
    ]);
    let memory = memory_of_v2(group.path());
    assert_eq!(
        (memory.usage, memory.limit, memory.details["anon"]),
        (4096, u64::MAX, 1)
    );
}

#[test]
fn devices_have_their_numbers_and_the_sum_is_left_out() {
    let file = "253:1 Read 4096\n253:1 Write 0\n253:1 Total 4096\nTotal 4096\n";
    assert_eq!(
        devices_of_v1(file),
        [counter("Read", 4096), counter("Write", 0), counter("Total", 4096)]
    );
    let (bytes, operations) =
        io_of_v2("253:1 rbytes=4096 wbytes=0 rios=1 wios=0 dbytes=0 dios=0\n7:0\nodd\n");
    assert_eq!(bytes, [counter("read", 4096), counter("write", 0)]);
    assert_eq!(operations, [counter("read", 1), counter("write", 0)]);
}

#[test]
fn what_is_missing_counts_nothing() {
    let empty = folder(&[]);
    assert_eq!(cpu_of_v1(empty.path(), empty.path()), CpuUsage::default());
    assert_eq!(memory_of_v1(empty.path()).limit, u64::MAX);
    assert_eq!(io_of_v1(empty.path()), (Vec::new(), Vec::new()));
    assert_eq!(number(empty.path(), "pids.max"), None);
}
