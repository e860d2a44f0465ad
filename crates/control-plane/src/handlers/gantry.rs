//! Gantry's own operations: why a task stopped, what its host made of it, which tasks have stopped, what happened,
//! what a service waits for, what proxies have counted, and streams into tasks that run.

mod errors;
mod events;
mod explain;
mod explain_service;
mod find;
mod inspect;
mod list;
mod list_load_balancers;
mod list_service_connect_metrics;
mod open_stream;
mod resolve_name;

pub use events::list_events;
pub use explain::explain_task;
pub use explain_service::explain_service;
pub use inspect::inspect_task;
pub use list::list_stopped_tasks;
pub use list_load_balancers::list_load_balancers;
pub use list_service_connect_metrics::list_service_connect_metrics;
pub use open_stream::open_task_stream;
pub use resolve_name::resolve_name;

#[cfg(test)]
mod tests;
