//! Gantry's own operations: why a task stopped, what its host made of it, which tasks have stopped.

mod errors;
mod explain;
mod find;
mod inspect;
mod list;

pub use explain::explain_task;
pub use inspect::inspect_task;
pub use list::list_stopped_tasks;

#[cfg(test)]
mod tests;
