//! Docker's default seccomp profile, for the capabilities that a container has.
//!
//! A system call that neither table knows (a newer one) answers "not implemented", so that the C library
//! falls back to an older one; a known and denied one answers "not permitted".

mod tables;

use std::collections::HashMap;
use std::io;
use std::sync::Arc;

use parking_lot::Mutex;
use shim::{Condition, FilterProfile, FilterRule};

use super::capabilities::{self, Names};
use crate::shim_process::ShimProgram;

/// Compiled filters kept; task definitions use few sets of capabilities.
const MAX_FILTERS: usize = 64;

/// Compiled filters, by the capabilities that they are for. Compiling one takes longer than starting a
/// container.
pub struct Filters {
    program: Arc<ShimProgram>,
    compiled: Mutex<HashMap<Names, Arc<[u8]>>>,
}

impl Filters {
    /// None yet; `program` compiles them.
    pub fn new(program: Arc<ShimProgram>) -> Self {
        Self {
            program,
            compiled: Mutex::default(),
        }
    }

    /// Compiles the filter that nearly every container has, so that none waits for it. Blocks.
    pub fn prepare_default(&self) -> io::Result<()> {
        let default = capabilities::granted(false, &[], &[], &capabilities::available());
        self.get(&default.map_err(io::Error::other)?).map(drop)
    }

    /// The filter for these capabilities. Blocks.
    pub fn get(&self, capabilities: &Names) -> io::Result<Arc<[u8]>> {
        if let Some(filter) = self.compiled.lock().get(capabilities) {
            return Ok(filter.clone());
        }
        let filter: Arc<[u8]> = self.program.compile_filter(&profile(capabilities))?.into();
        let mut compiled = self.compiled.lock();
        if compiled.len() >= MAX_FILTERS {
            compiled.clear();
        }
        compiled.insert(capabilities.clone(), filter.clone());
        Ok(filter)
    }
}

/// The profile of a container that is not privileged.
fn profile(capabilities: &Names) -> FilterProfile {
    let mut allowed: Vec<&str> = tables::ALLOWED.split_whitespace().collect();
    for extra in &tables::BY_CAPABILITY {
        if capabilities.contains(extra.capability) {
            allowed.extend(extra.system_calls.split_whitespace());
        }
    }
    let denied: Vec<&str> = tables::DENIED
        .split_whitespace()
        .filter(|it| !allowed.contains(it))
        .collect();
    let mut rules = vec![allow(&allowed, None), deny(&denied, None)];
    for value in tables::PERSONALITIES {
        rules.push(allow(&["personality"], Some(equal(value))));
    }
    for family in 0..=tables::LAST_FAMILY {
        let is_denied = tables::DENIED_FAMILIES.contains(&family);
        rules.push(match is_denied {
            true => deny(&["socket"], Some(equal(family))),
            false => allow(&["socket"], Some(equal(family))),
        });
    }
    if !capabilities.contains("SYS_ADMIN") {
        let all = tables::NAMESPACE_FLAGS.iter().fold(0, |all, flag| all | flag);
        rules.push(allow(&["clone"], Some(Condition { mask: all, value: 0 })));
        for flag in tables::NAMESPACE_FLAGS {
            rules.push(deny(
                &["clone"],
                Some(Condition {
                    mask: flag,
                    value: flag,
                }),
            ));
        }
        // `clone3` stays unknown: its flags are in memory, where a filter cannot look, and the C library
        // falls back to `clone`.
    }
    FilterProfile {
        otherwise: libc::ENOSYS,
        rules,
    }
}

fn allow(names: &[&str], first_argument: Option<Condition>) -> FilterRule {
    FilterRule {
        system_calls: names.iter().map(|it| (*it).to_owned()).collect(),
        error: None,
        first_argument,
    }
}

fn deny(names: &[&str], first_argument: Option<Condition>) -> FilterRule {
    FilterRule {
        error: Some(libc::EPERM),
        ..allow(names, first_argument)
    }
}

/// System calls take the lower half only of these arguments.
fn equal(value: u64) -> Condition {
    Condition {
        mask: 0xffff_ffff,
        value,
    }
}
