//! The program that version 2 asks about each use of a device, composed instruction by instruction.

use std::fs::File;
use std::io;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::path::Path;

use super::{AllowedDevice, DeviceKind};

/// An instruction of the kernel's virtual machine: operation, registers, offset, constant.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct Instruction {
    operation: u8,
    registers: u8,
    offset: i16,
    constant: i32,
}

/// Operations: load of 32 bits, and, shift right, assignment, jumps if unlike and always, end.
const LOAD: u8 = 0x61;
const AND: u8 = 0x54;
const SHIFT_RIGHT: u8 = 0x74;
const ASSIGN: u8 = 0xb4;
const ASSIGN_REGISTER: u8 = 0xbc;
const JUMP_UNLESS_EQUAL: u8 = 0x55;
const END: u8 = 0x95;

/// Registers: the answer, what is asked about, and those that the parts of the question are put in.
const ANSWER: u8 = 0;
const QUESTION: u8 = 1;
const KIND: u8 = 2;
const ACCESS: u8 = 3;
const MAJOR: u8 = 4;
const MINOR: u8 = 5;

/// The kernel's numbers of kinds and accesses.
const BLOCK: i32 = 1;
const CHARACTER: i32 = 2;
const MAKE_NODE: i32 = 1;
const READ: i32 = 2;
const WRITE: i32 = 4;

/// Lets nodes be made and the allowed devices be used.
pub fn compose(allowed: &[AllowedDevice]) -> Vec<Instruction> {
    let mut program = vec![
        step(LOAD, KIND, QUESTION, 0, 0),
        step(ASSIGN_REGISTER, ACCESS, KIND, 0, 0),
        step(AND, KIND, 0, 0, 0xffff),
        step(SHIFT_RIGHT, ACCESS, 0, 0, 16),
        step(LOAD, MAJOR, QUESTION, 4, 0),
        step(LOAD, MINOR, QUESTION, 8, 0),
    ];
    append_rule(&mut program, &[(ACCESS, MAKE_NODE)]);
    for device in allowed {
        let kind = match device.kind {
            DeviceKind::Character => CHARACTER,
            DeviceKind::Block => BLOCK,
        };
        let mut conditions = vec![(KIND, kind), (MAJOR, device.major as i32)];
        conditions.extend(device.minor.map(|it| (MINOR, it as i32)));
        append_rules_by_access(&mut program, device, &conditions);
    }
    program.extend([step(ASSIGN, ANSWER, 0, 0, 0), step(END, 0, 0, 0, 0)]);
    program
}

/// One rule if everything is allowed, else one for each access that is asked for alone.
fn append_rules_by_access(program: &mut Vec<Instruction>, device: &AllowedDevice, conditions: &[(u8, i32)]) {
    let accesses: &[i32] = match (device.access.read, device.access.write) {
        (true, true) => return append_rule(program, conditions),
        (true, false) => &[READ, READ | MAKE_NODE],
        (false, true) => &[WRITE, WRITE | MAKE_NODE],
        (false, false) => &[],
    };
    for access in accesses {
        let with_access = [conditions, &[(ACCESS, *access)]].concat();
        append_rule(program, &with_access);
    }
}

/// If all conditions hold, the answer is yes.
fn append_rule(program: &mut Vec<Instruction>, conditions: &[(u8, i32)]) {
    for (at, (register, value)) in conditions.iter().enumerate() {
        // Over the conditions that follow, and the answer of two steps.
        let rest = (conditions.len() - at - 1 + 2) as i16;
        program.push(step(JUMP_UNLESS_EQUAL, *register, 0, rest, *value));
    }
    program.extend([step(ASSIGN, ANSWER, 0, 0, 1), step(END, 0, 0, 0, 0)]);
}

fn step(operation: u8, target: u8, source: u8, offset: i16, constant: i32) -> Instruction {
    Instruction {
        operation,
        registers: target | source << 4,
        offset,
        constant,
    }
}

/// The kernel's `bpf_attr` for loading a program, as far as it is used.
#[repr(C)]
struct Load {
    kind: u32,
    count: u32,
    instructions: u64,
    license: u64,
    rest: [u64; 13],
}

/// The kernel's `bpf_attr` for attaching one.
#[repr(C)]
struct Attach {
    target: u32,
    program: u32,
    kind: u32,
    flags: u32,
    rest: [u64; 14],
}

const LOAD_COMMAND: libc::c_long = 5;
const ATTACH_COMMAND: libc::c_long = 8;
/// `BPF_PROG_TYPE_CGROUP_DEVICE`, `BPF_CGROUP_DEVICE`, `BPF_F_ALLOW_MULTI`.
const PROGRAM_KIND: u32 = 15;
const ATTACH_KIND: u32 = 6;
const ATTACH_MULTI: u32 = 2;

/// Attaches a program to a group, for as long as the group is there.
///
/// # Errors
/// If the kernel refuses the program, or the group takes none.
pub fn attach(group: &Path, program: &[Instruction]) -> io::Result<()> {
    let group = File::open(group)?;
    let load = Load {
        kind: PROGRAM_KIND,
        count: u32::try_from(program.len()).map_err(io::Error::other)?,
        instructions: program.as_ptr() as u64,
        license: c"Apache-2.0".as_ptr() as u64,
        rest: [0; 13],
    };
    // SAFETY: the attributes have the kernel's layout and point to live memory of the stated size; the
    // descriptor that is answered is new.
    let loaded = unsafe {
        let number = libc::syscall(libc::SYS_bpf, LOAD_COMMAND, &raw const load, size_of::<Load>());
        if number < 0 {
            return Err(io::Error::last_os_error());
        }
        OwnedFd::from_raw_fd(number as libc::c_int)
    };
    let attach = Attach {
        target: group.as_raw_fd() as u32,
        program: loaded.as_raw_fd() as u32,
        kind: ATTACH_KIND,
        flags: ATTACH_MULTI,
        rest: [0; 14],
    };
    // SAFETY: as above; no pointers in it.
    let attached = unsafe {
        libc::syscall(
            libc::SYS_bpf,
            ATTACH_COMMAND,
            &raw const attach,
            size_of::<Attach>(),
        )
    };
    if attached == 0 {
        Ok(())
    } else {
        Err(io::Error::last_os_error())
    }
}
