//! Capabilities of a container: Docker's default set, changed by the task definition.

use std::collections::BTreeSet;

use super::PrepareError;

/// What Docker gives every container.
const DEFAULT: [&str; 14] = [
    "AUDIT_WRITE",
    "CHOWN",
    "DAC_OVERRIDE",
    "FOWNER",
    "FSETID",
    "KILL",
    "MKNOD",
    "NET_BIND_SERVICE",
    "NET_RAW",
    "SETFCAP",
    "SETGID",
    "SETPCAP",
    "SETUID",
    "SYS_CHROOT",
];

/// By their numbers in the kernel.
const ALL: [&str; 41] = [
    "CHOWN",
    "DAC_OVERRIDE",
    "DAC_READ_SEARCH",
    "FOWNER",
    "FSETID",
    "KILL",
    "SETGID",
    "SETUID",
    "SETPCAP",
    "LINUX_IMMUTABLE",
    "NET_BIND_SERVICE",
    "NET_BROADCAST",
    "NET_ADMIN",
    "NET_RAW",
    "IPC_LOCK",
    "IPC_OWNER",
    "SYS_MODULE",
    "SYS_RAWIO",
    "SYS_CHROOT",
    "SYS_PTRACE",
    "SYS_PACCT",
    "SYS_ADMIN",
    "SYS_BOOT",
    "SYS_NICE",
    "SYS_RESOURCE",
    "SYS_TIME",
    "SYS_TTY_CONFIG",
    "MKNOD",
    "LEASE",
    "AUDIT_WRITE",
    "AUDIT_CONTROL",
    "SETFCAP",
    "MAC_OVERRIDE",
    "MAC_ADMIN",
    "SYSLOG",
    "WAKE_ALARM",
    "BLOCK_SUSPEND",
    "AUDIT_READ",
    "PERFMON",
    "BPF",
    "CHECKPOINT_RESTORE",
];

/// Names of capabilities, without `CAP_`.
pub type Names = BTreeSet<&'static str>;

/// What this process could hand on: its bounding set, which nothing can widen.
pub fn available() -> Names {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("CapBnd:"));
    let mask = mask
        .and_then(|it| u64::from_str_radix(it.trim(), 16).ok())
        .unwrap_or_default();
    of_mask(mask)
}

/// The names of a set as the kernel shows it.
pub fn of_mask(mask: u64) -> Names {
    ALL.iter()
        .enumerate()
        .filter(|(number, _)| mask & (1 << number) != 0)
        .map(|(_, name)| *name)
        .collect()
}

/// The set that a container gets.
///
/// # Errors
/// A name that is none, or a capability that this host does not have to give.
pub fn granted(
    privileged: bool,
    add: &[String],
    drop: &[String],
    available: &Names,
) -> Result<Names, PrepareError> {
    if privileged {
        return Ok(available.clone());
    }
    let (add, drop) = (parse(add)?, parse(drop)?);
    let mut granted = match (add.all, drop.all) {
        (true, _) => available.clone(),
        (false, true) => Names::new(),
        (false, false) => DEFAULT
            .iter()
            .copied()
            .filter(|it| available.contains(it))
            .collect(),
    };
    granted.retain(|it| !drop.names.contains(it));
    for name in add.names {
        if !available.contains(name) {
            return Err(PrepareError::CapabilityUnavailable(name.to_owned()));
        }
        granted.insert(name);
    }
    Ok(granted)
}

struct Wish {
    all: bool,
    names: Names,
}

fn parse(names: &[String]) -> Result<Wish, PrepareError> {
    let mut wish = Wish {
        all: false,
        names: Names::new(),
    };
    for name in names {
        let upper = name.to_ascii_uppercase();
        match upper.strip_prefix("CAP_").unwrap_or(&upper) {
            "ALL" => wish.all = true,
            short => match ALL.iter().find(|it| **it == short) {
                Some(known) => drop(wish.names.insert(known)),
                None => return Err(PrepareError::CapabilityUnknown(name.clone())),
            },
        }
    }
    Ok(wish)
}

/// A bit for each, by its number in the kernel.
pub fn mask(names: &Names) -> u64 {
    ALL.iter()
        .enumerate()
        .filter(|(_, name)| names.contains(*name))
        .map(|(number, _)| 1 << number)
        .sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(granted: Result<Names, PrepareError>) -> String {
        match granted {
            Ok(names) => names.into_iter().collect::<Vec<_>>().join(" "),
            Err(error) => error.to_string(),
        }
    }

    fn strings(names: &str) -> Vec<String> {
        names.split_whitespace().map(str::to_owned).collect()
    }

    #[test]
    fn the_default_set_is_changed_as_in_docker() {
        let host: Names = ALL.iter().copied().filter(|it| *it != "SYS_RESOURCE").collect();
        let granted = |add, drop| list(granted(false, &strings(add), &strings(drop), &host));
        assert_eq!(granted("", ""), DEFAULT.join(" "));
        assert_eq!(granted("net_admin CAP_SYS_TIME", "ALL"), "NET_ADMIN SYS_TIME");
        assert_eq!(granted("", "ALL"), "");
        assert_eq!(granted("SYS_NICE", "all"), "SYS_NICE");
        assert!(!granted("", "NET_RAW").contains("NET_RAW"));
        assert!(granted("ALL", "CHOWN").contains("SYS_ADMIN"));
        assert!(!granted("ALL", "CHOWN").contains("CHOWN "));
        assert!(
            granted("SYS_RESOURCE", "").contains("SYS_RESOURCE"),
            "names what the host lacks"
        );
        assert!(granted("FLY", "").contains("FLY"));
    }

    #[test]
    fn the_default_set_is_dockers_mask() {
        assert_eq!(mask(&DEFAULT.into_iter().collect()), 0xa804_25fb);
    }
}
