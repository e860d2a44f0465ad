//! Seccomp filters: compiling a profile, and loading what was compiled.

use std::io::{self, Read};

use libseccomp::error::SeccompError;
use libseccomp::{ScmpAction, ScmpArch, ScmpArgCompare, ScmpCompareOp, ScmpFilterContext, ScmpSyscall};
use shim::FilterProfile;

/// The architectures whose programs this processor runs.
const ARCHITECTURES: [ScmpArch; 3] = [ScmpArch::X8664, ScmpArch::X86, ScmpArch::X32];
/// Longest profile that is read, in bytes.
const MAX_PROFILE_BYTES: u64 = 1024 * 1024;

/// Reads a profile from standard input and writes its filter to standard output.
///
/// # Errors
/// If the profile cannot be read or makes no filter.
pub fn compile_from_input() -> io::Result<()> {
    let mut text = Vec::new();
    io::stdin().take(MAX_PROFILE_BYTES).read_to_end(&mut text)?;
    let profile: FilterProfile = serde_json::from_slice(&text)?;
    let context = compile(&profile).map_err(io::Error::other)?;
    context.export_bpf(io::stdout()).map_err(io::Error::other)
}

fn compile(profile: &FilterProfile) -> Result<ScmpFilterContext, SeccompError> {
    let mut context = ScmpFilterContext::new(ScmpAction::Errno(profile.otherwise))?;
    for architecture in ARCHITECTURES {
        context.add_arch(architecture)?;
    }
    for rule in &profile.rules {
        let action = rule.error.map_or(ScmpAction::Allow, ScmpAction::Errno);
        for name in &rule.system_calls {
            let Ok(system_call) = ScmpSyscall::from_name(name) else {
                continue;
            };
            match rule.first_argument {
                None => context.add_rule(action, system_call)?,
                Some(it) => {
                    let compare = ScmpArgCompare::new(0, ScmpCompareOp::MaskedEqual(it.mask), it.value);
                    context.add_rule_conditional(action, system_call, &[compare])?
                }
            };
        }
    }
    Ok(context)
}

/// A compiled filter, as the kernel takes it.
#[derive(Clone)]
pub struct Filter {
    instructions: Vec<libc::sock_filter>,
}

impl Filter {
    /// Takes what [`compile_from_input`] wrote.
    ///
    /// # Errors
    /// If it is not a whole number of instructions, or none.
    pub fn from_bytes(bytes: &[u8]) -> io::Result<Self> {
        let (instructions, []) = bytes.as_chunks::<8>() else {
            return Err(io::ErrorKind::InvalidData.into());
        };
        if instructions.is_empty() {
            return Err(io::ErrorKind::InvalidData.into());
        }
        let instructions = instructions.iter().map(|it| libc::sock_filter {
            code: u16::from_ne_bytes([it[0], it[1]]),
            jt: it[2],
            jf: it[3],
            k: u32::from_ne_bytes([it[4], it[5], it[6], it[7]]),
        });
        Ok(Self {
            instructions: instructions.collect(),
        })
    }

    /// Filters the system calls of this process from now on. Needs CAP_SYS_ADMIN.
    ///
    /// # Errors
    /// If the kernel refuses; the process must not go on then.
    pub fn load(&self) -> io::Result<()> {
        let length = u16::try_from(self.instructions.len()).map_err(io::Error::other)?;
        let program = libc::sock_fprog {
            len: length,
            filter: self.instructions.as_ptr().cast_mut(),
        };
        // SAFETY: the program points to its stated number of instructions, which the kernel only reads.
        let loaded = unsafe {
            libc::prctl(
                libc::PR_SET_SECCOMP,
                libc::SECCOMP_MODE_FILTER,
                std::ptr::from_ref(&program),
            )
        };
        if loaded == 0 {
            Ok(())
        } else {
            Err(io::Error::last_os_error())
        }
    }
}
