//! One module for each command.

pub mod down;
pub mod env;
pub mod image;
pub mod task;
pub mod up;
