//! Files of `/proc` as kernels write them.

use super::*;

#[test]
fn the_time_of_the_host_is_that_of_all_its_processors() {
    let stat = "cpu  10 1 20 300 4 5 6 7 8 9\ncpu0 5 0 10 150 2 2 3 0 0 0\ncpu1 5 1 10 150 2 3 3 0 0 0\nintr 1 2 3\n";
    assert_eq!(host_time(stat), (346 * 10_000_000, 2));
    assert_eq!(host_time(""), (0, 0));
}

#[test]
fn memory_of_the_machine_is_in_bytes() {
    assert_eq!(memory_total("MemTotal:        2048 kB\nMemFree: 1 kB\n"), 2 << 20);
    assert_eq!(memory_total(""), u64::MAX);
}

#[test]
fn interfaces_are_read_without_the_loopback() {
    let table = "Inter-|   Receive                                                |  Transmit\n \
                 face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs drop fifo colls carrier compressed\n    \
                 lo:     100       1    0    0    0     0          0         0      100       1    0    0    0     0       0          0\n  \
                 eth0:    2000      20    1    2    0     0          0         0     3000      30    3    4    0     0       0          0\n";
    let counters = InterfaceCounters {
        received_bytes: 2000,
        received_packets: 20,
        received_errors: 1,
        received_dropped: 2,
        sent_bytes: 3000,
        sent_packets: 30,
        sent_errors: 3,
        sent_dropped: 4,
    };
    assert_eq!(interfaces(table), BTreeMap::from([("eth0".to_owned(), counters)]));
}
