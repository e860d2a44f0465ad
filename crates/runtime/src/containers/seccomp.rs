//! Docker's default seccomp profile, for the capabilities that a container has.
//!
//! A system call that neither table knows (a newer one) answers "not implemented", so that the C library
//! falls back to an older one; a known and denied one answers "not permitted".

mod tables;

use oci_spec::runtime::{
    Arch, LinuxSeccomp, LinuxSeccompAction, LinuxSeccompArg, LinuxSeccompArgBuilder, LinuxSeccompBuilder,
    LinuxSeccompOperator, LinuxSyscall, LinuxSyscallBuilder,
};

use super::PrepareError;
use super::capabilities::Names;

const NOT_PERMITTED: u32 = libc::EPERM as u32;
const NOT_IMPLEMENTED: u32 = libc::ENOSYS as u32;

/// The profile of a container that is not privileged.
///
/// # Errors
/// None in practice: all parts are constants.
pub fn profile(capabilities: &Names) -> Result<LinuxSeccomp, PrepareError> {
    let mut allowed: Vec<&str> = tables::ALLOWED.split_whitespace().collect();
    for extra in &tables::BY_CAPABILITY {
        if capabilities.contains(extra.capability) {
            allowed.extend(extra.system_calls.split_whitespace());
        }
    }
    let denied: Vec<&str> =
        tables::DENIED.split_whitespace().filter(|it| !allowed.contains(it)).collect();
    let mut rules = vec![allow(&allowed, None)?, deny(&denied, None)?];
    for value in tables::PERSONALITIES {
        rules.push(allow(&["personality"], Some(equal(value)?))?);
    }
    for family in 0..=tables::LAST_FAMILY {
        let is_denied = tables::DENIED_FAMILIES.contains(&family);
        let rule = Some(equal(family)?);
        rules.push(match is_denied {
            true => deny(&["socket"], rule)?,
            false => allow(&["socket"], rule)?,
        });
    }
    if !capabilities.contains("SYS_ADMIN") {
        let all = tables::NAMESPACE_FLAGS.iter().fold(0, |all, flag| all | flag);
        rules.push(allow(&["clone"], Some(masked_equal(all, 0)?))?);
        for flag in tables::NAMESPACE_FLAGS {
            rules.push(deny(&["clone"], Some(masked_equal(flag, flag)?))?);
        }
        // `clone3` stays unknown: its flags are in memory, where a filter cannot look, and the C library
        // falls back to `clone`.
    }
    Ok(LinuxSeccompBuilder::default()
        .default_action(LinuxSeccompAction::ScmpActErrno)
        .default_errno_ret(NOT_IMPLEMENTED)
        .architectures(vec![Arch::ScmpArchX86_64, Arch::ScmpArchX86, Arch::ScmpArchX32])
        .syscalls(rules)
        .build()?)
}

fn allow(names: &[&str], argument: Option<LinuxSeccompArg>) -> Result<LinuxSyscall, PrepareError> {
    rule(names, argument, LinuxSeccompAction::ScmpActAllow)
}

fn deny(names: &[&str], argument: Option<LinuxSeccompArg>) -> Result<LinuxSyscall, PrepareError> {
    rule(names, argument, LinuxSeccompAction::ScmpActErrno)
}

fn rule(
    names: &[&str],
    argument: Option<LinuxSeccompArg>,
    action: LinuxSeccompAction,
) -> Result<LinuxSyscall, PrepareError> {
    let mut rule = LinuxSyscallBuilder::default()
        .names(names.iter().map(|it| (*it).to_owned()).collect::<Vec<_>>())
        .action(action);
    if action == LinuxSeccompAction::ScmpActErrno {
        rule = rule.errno_ret(NOT_PERMITTED);
    }
    if let Some(argument) = argument {
        rule = rule.args(vec![argument]);
    }
    Ok(rule.build()?)
}

fn equal(value: u64) -> Result<LinuxSeccompArg, PrepareError> {
    let op = LinuxSeccompOperator::ScmpCmpEq;
    Ok(LinuxSeccompArgBuilder::default().index(0_usize).value(value).op(op).build()?)
}

/// libcontainer takes the mask as the second value, other runtimes as the first.
fn masked_equal(mask: u64, value: u64) -> Result<LinuxSeccompArg, PrepareError> {
    let op = LinuxSeccompOperator::ScmpCmpMaskedEq;
    Ok(LinuxSeccompArgBuilder::default().index(0_usize).value(value).value_two(mask).op(op).build()?)
}
