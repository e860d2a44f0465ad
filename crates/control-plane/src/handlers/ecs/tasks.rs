//! Tasks.

mod overrides;
mod read;
mod write;

pub use read::{describe_tasks, list_tasks};
pub use write::{run_task, start_task, stop_task};
