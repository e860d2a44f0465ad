//! Tasks.

mod execute_command;
mod overrides;
mod protection;
mod read;
mod write;

pub use execute_command::execute_command;
pub use protection::{get_task_protection, update_task_protection};
pub use read::{describe_tasks, list_tasks};
pub use write::{run_task, start_task, stop_task};
