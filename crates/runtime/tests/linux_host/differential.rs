//! The same container through others and through this runtime: what is seen from inside must be the same. Without the
//! others on this machine there is nothing to compare with.

mod docker;
mod runc;

use std::collections::BTreeMap;

/// Prints everything that is compared, a line of its own before each part.
const FACTS: &str = "\
    echo == identity; id; umask; hostname; pwd; cat /proc/1/comm; tty > /dev/null && echo a terminal; \
    echo == environment; env; \
    echo == status; grep -E '^(Uid|Gid|Groups|Cap|NoNewPrivs|Seccomp:|Sig(Blk|Cgt))' /proc/self/status; \
    echo == limits; cat /proc/self/limits; \
    echo == mounts; cat /proc/self/mounts; \
    echo == propagation; cat /proc/self/mountinfo; \
    echo == devices; for it in /dev/*; do stat -c '%n %F %a %u %g %t %T' $it; done; \
    echo == links; for it in /dev/fd /dev/stdin /dev/stdout /dev/stderr /dev/ptmx /dev/core; do readlink $it; done; \
    echo == groups; cd /sys/fs/cgroup; \
    for it in memory/memory.limit_in_bytes memory/memory.soft_limit_in_bytes memory/memory.memsw.limit_in_bytes \
        memory/memory.swappiness cpu/cpu.shares cpu/cpu.cfs_quota_us pids/pids.max memory.max memory.low \
        memory.swap.max cpu.weight cpu.max pids.max; do if [ -r $it ]; then echo $it $(cat $it); fi; done; \
    echo == parameters; cd /proc/sys; for it in kernel/msgmax kernel/shmmax kernel/sem fs/mqueue/msg_max; do \
        echo $it $(cat $it); done; \
    echo == processes; echo /proc/[0-9]*; cat /proc/self/oom_score_adj; \
    echo == names; cat /etc/hosts /etc/resolv.conf /etc/hostname; \
    echo == forbidden; mount -t tmpfs none /mnt 2> /dev/null; touch /proc/sys/kernel/x 2> /dev/null || echo sys; \
    touch /written 2> /dev/null || echo root; \
    mknod /tmp-disk b 254 0 2> /dev/null && (true < /tmp-disk) 2> /dev/null || echo disk; \
    echo == end";

/// The last line of them.
const END: &str = "== end";

/// Words of a difference that is there on purpose, and why it is.
type Intended = (&'static str, &'static str);

/// Lines that only one of both has seen.
fn differences(their_name: &str, ours: &[String], theirs: &[String], intended: &[Intended]) -> Vec<String> {
    let (ours, theirs) = (parts(ours), parts(theirs));
    let mut differences = Vec::new();
    for (name, theirs) in &theirs {
        let ours = ours.get(name).cloned().unwrap_or_default();
        for (who, these, those) in [("ours", &ours, theirs), (their_name, theirs, &ours)] {
            let only = these.iter().filter(|it| !those.contains(it));
            differences.extend(only.map(|it| format!("{name}: only {who} {it:?}")));
        }
    }
    differences.retain(|it| intended.iter().all(|(words, _)| !it.contains(words)));
    differences
}

/// Parts by name, their lines sorted: neither the order of mounts nor of variables has a meaning.
fn parts(lines: &[String]) -> BTreeMap<String, Vec<String>> {
    let mut parts: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let mut name = String::new();
    for line in lines.iter().map(|it| it.trim_end_matches('\r')) {
        match line.strip_prefix("== ") {
            Some(next) => name = next.to_owned(),
            None => parts
                .entry(name.clone())
                .or_default()
                .extend(comparable(&name, line)),
        }
    }
    for (name, lines) in &mut parts {
        if name != "identity" {
            lines.sort();
            lines.dedup();
        }
    }
    parts
}

/// What of a line must be the same.
fn comparable(part: &str, line: &str) -> Option<String> {
    let words: Vec<&str> = line.split_whitespace().collect();
    match (part, words.as_slice()) {
        ("environment", [variable, ..]) if variable.starts_with("SHLVL=") || variable.starts_with("_=") => {
            None
        }
        // Roots differ by nature; whether they can be written does not.
        ("mounts", [_, "/", _, options, ..]) => Some(format!("/ {}", &options[..2])),
        ("mounts", [_, target, kind, options, ..]) => {
            // Which is the name of what, the numbers of inodes and the numbering of groups are nobody's business.
            let mut options: Vec<&str> = options
                .split(',')
                .filter(|it| !it.starts_with("inode64") && !it.starts_with("nr_inodes"))
                .collect();
            options.sort_unstable();
            Some(format!("{target} {kind} {}", options.join(",")))
        }
        // What is mounted in a container may not appear on the host. Whether the host's mounts appear in the container is
        // no matter: nobody mounts anything there.
        ("propagation", words) => {
            let is_shared = words.iter().any(|it| it.starts_with("shared:"));
            is_shared.then(|| (*words.get(4).unwrap_or(&"")).to_owned())
        }
        ("names", [first, ..]) if first.starts_with('#') => None,
        ("names", words) => Some(words.join(" ")),
        // Those of a container can be counted, not those of a host.
        ("processes", words @ [first, ..]) if first.starts_with("/proc") => match words.len() {
            count @ ..10 => Some(count.to_string()),
            _ => Some("the host's".to_owned()),
        },
        _ => Some(line.to_owned()),
    }
}
