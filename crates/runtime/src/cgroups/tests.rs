//! Which hierarchy is responsible for what.

use super::hierarchies::{Version, parse};

fn names(table: &str, offered: &str) -> Vec<(String, Version, String)> {
    let found = parse(table, |_| offered.to_owned());
    let row = |it: &super::Hierarchy| {
        let controllers = it.controllers.iter().cloned().collect::<Vec<_>>().join(" ");
        (it.mount.display().to_string(), it.version, controllers)
    };
    found.iter().map(row).collect()
}

#[test]
fn a_mixture_is_taken_apart_by_controller() {
    let table = "\
30 20 0:26 / /sys/fs/cgroup rw shared:4 - tmpfs tmpfs rw,mode=755
31 30 0:27 / /sys/fs/cgroup/cpu,cpuacct rw shared:5 - cgroup cgroup rw,cpu,cpuacct
32 30 0:28 / /sys/fs/cgroup/systemd rw - cgroup cgroup rw,xattr,release_agent=/lib/x,name=systemd
33 30 0:29 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw,nsdelegate";
    assert_eq!(
        names(table, "hugetlb memory\n"),
        [
            (
                "/sys/fs/cgroup/cpu,cpuacct".to_owned(),
                Version::V1,
                "cpu cpuacct".to_owned()
            ),
            (
                "/sys/fs/cgroup/systemd".to_owned(),
                Version::V1,
                "name=systemd".to_owned()
            ),
            (
                "/sys/fs/cgroup/unified".to_owned(),
                Version::V2,
                "devices hugetlb memory".to_owned()
            ),
        ]
    );
}

#[test]
fn a_version_2_tree_counts_even_without_controllers_and_once_only() {
    let table = "\
30 20 0:26 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw
31 20 0:26 / /mnt/again rw - cgroup2 cgroup2 rw";
    assert_eq!(
        names(table, ""),
        [("/sys/fs/cgroup".to_owned(), Version::V2, "devices".to_owned())]
    );
}
