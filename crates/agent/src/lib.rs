//! The host side of Gantry: keeps the tasks of one container instance as the control plane wants them.

pub mod host;
