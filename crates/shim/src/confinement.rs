//! What a container's process is confined to just before it executes its program.

use serde::{Deserialize, Serialize};

/// Argument with which the shim's program compiles a [`FilterProfile`], read from its input, to a filter
/// for the kernel, written to its output. That takes longer than starting a container, so it is done once.
pub const COMPILE_FILTER: &str = "compile-filter";

/// The last restrictions of a container.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Confinement {
    /// Capabilities that it can ever have: a bit for each, by number.
    pub bounding: u64,
    /// Capabilities that its first process has, effective and permitted.
    pub held: u64,
    /// Its system calls.
    pub system_calls: SystemCalls,
    /// What its executions may give it.
    #[serde(default)]
    pub privileges: Privileges,
}

/// What the execution of a program may give a process.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Privileges {
    /// What the program's file says.
    #[default]
    OfFiles,
    /// Nothing that it did not have.
    NoNew,
}

/// Which system calls a container may make.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SystemCalls {
    /// What the compiled filter in its bundle allows, [`crate::files::FILTER`]. Without it, it does not start.
    Filtered,
    /// Any.
    All,
}

/// A seccomp filter in words.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FilterProfile {
    /// Error of a system call that no rule names.
    pub otherwise: i32,
    /// Rules; those with arguments add up.
    pub rules: Vec<FilterRule>,
}

/// An answer to system calls.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FilterRule {
    /// Names; those that this machine's library does not know are left to [`FilterProfile::otherwise`].
    pub system_calls: Vec<String>,
    /// `None` allows them, else the error that they answer.
    pub error: Option<i32>,
    /// Only if their first argument is like this.
    pub first_argument: Option<Condition>,
}

/// A condition on an argument.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Condition {
    /// Which bits of it are looked at.
    pub mask: u64,
    /// Their value.
    pub value: u64,
}
