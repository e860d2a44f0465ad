//! `ulimits` of a task definition as resource limits of the kernel.

use std::str::FromStr;

use oci_spec::runtime::{PosixRlimit, PosixRlimitBuilder, PosixRlimitType};

use super::PrepareError;
use super::capabilities::Names;

/// Names of the ECS API, with the kernel's names and numbers.
const KNOWN: [(&str, &str, libc::__rlimit_resource_t); 16] = [
    ("as", "RLIMIT_AS", libc::RLIMIT_AS),
    ("core", "RLIMIT_CORE", libc::RLIMIT_CORE),
    ("cpu", "RLIMIT_CPU", libc::RLIMIT_CPU),
    ("data", "RLIMIT_DATA", libc::RLIMIT_DATA),
    ("fsize", "RLIMIT_FSIZE", libc::RLIMIT_FSIZE),
    ("locks", "RLIMIT_LOCKS", libc::RLIMIT_LOCKS),
    ("memlock", "RLIMIT_MEMLOCK", libc::RLIMIT_MEMLOCK),
    ("msgqueue", "RLIMIT_MSGQUEUE", libc::RLIMIT_MSGQUEUE),
    ("nice", "RLIMIT_NICE", libc::RLIMIT_NICE),
    ("nofile", "RLIMIT_NOFILE", libc::RLIMIT_NOFILE),
    ("nproc", "RLIMIT_NPROC", libc::RLIMIT_NPROC),
    ("rss", "RLIMIT_RSS", libc::RLIMIT_RSS),
    ("rtprio", "RLIMIT_RTPRIO", libc::RLIMIT_RTPRIO),
    ("rttime", "RLIMIT_RTTIME", libc::RLIMIT_RTTIME),
    ("sigpending", "RLIMIT_SIGPENDING", libc::RLIMIT_SIGPENDING),
    ("stack", "RLIMIT_STACK", libc::RLIMIT_STACK),
];

/// The limits of a container.
///
/// # Errors
/// An unknown name, a soft limit above the hard one, or a hard limit that this host may not raise.
pub fn specify(ulimits: &[(String, u64, u64)], available: &Names) -> Result<Vec<PosixRlimit>, PrepareError> {
    ulimits
        .iter()
        .map(|(name, soft, hard)| specify_one(name, *soft, *hard, available))
        .collect()
}

fn specify_one(name: &str, soft: u64, hard: u64, available: &Names) -> Result<PosixRlimit, PrepareError> {
    let known = KNOWN.iter().find(|(known, _, _)| *known == name);
    let (_, kernel_name, number) = known.ok_or_else(|| PrepareError::UlimitUnknown(name.to_owned()))?;
    if soft > hard {
        return Err(PrepareError::UlimitOrder {
            name: name.to_owned(),
            soft,
            hard,
        });
    }
    let own = own_hard_limit(*number);
    if hard > own && !available.contains("SYS_RESOURCE") {
        return Err(PrepareError::UlimitTooHigh {
            name: name.to_owned(),
            hard,
            available: own,
        });
    }
    let kind =
        PosixRlimitType::from_str(kernel_name).map_err(|_| PrepareError::UlimitUnknown(name.to_owned()))?;
    Ok(PosixRlimitBuilder::default()
        .typ(kind)
        .soft(soft)
        .hard(hard)
        .build()?)
}

/// What this process, and so the shim and its containers, is bound to.
fn own_hard_limit(number: libc::__rlimit_resource_t) -> u64 {
    let mut limit = libc::rlimit {
        rlim_cur: 0,
        rlim_max: 0,
    };
    // SAFETY: `limit` is a valid place.
    match unsafe { libc::getrlimit(number, &mut limit) } {
        0 => limit.rlim_max,
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(name: &str, soft: u64, hard: u64) -> Option<String> {
        let ulimits = [(name.to_owned(), soft, hard)];
        specify(&ulimits, &Names::new()).err().map(|it| it.to_string())
    }

    #[test]
    fn a_limit_that_cannot_be_had_is_refused_by_name() {
        assert_eq!(refusal("nofile", 16, 16), None);
        assert_eq!(
            refusal("files", 1, 1).as_deref(),
            Some("invalid ulimit type: files")
        );
        assert!(refusal("nofile", 2, 1).is_some_and(|it| it.contains("nofile: 2 > 1")));
        let own = own_hard_limit(libc::RLIMIT_NOFILE);
        let raised = refusal("nofile", 1, own + 1).unwrap_or_default();
        assert!(
            raised.contains("CAP_SYS_RESOURCE") && raised.contains(&own.to_string()),
            "{raised}"
        );
    }

    #[test]
    fn every_limit_has_its_form_in_the_specification() {
        for (name, _, _) in KNOWN {
            assert_eq!(refusal(name, 0, 0), None);
        }
    }
}
