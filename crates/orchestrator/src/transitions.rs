//! Atomic changes over several records. Each runs inside a transaction, and refuses with data, not with texts.

mod clusters;
mod container_instances;
mod default_network;
mod observe_task;
mod reservation;
mod run_tasks;
mod services;
mod stop_task;
mod task_definitions;

pub use clusters::{DeleteClusterRefusal, create_cluster, delete_cluster};
pub use container_instances::{
    Connection, ContainerInstanceRefusal, Deregistration, RegisterContainerInstance, connect_host,
    deregister_container_instance, register_container_instance,
};
pub use default_network::ensure_default_network;
pub use observe_task::{ContainerReport, TaskReport, observe_task};
pub use run_tasks::{
    PlacementFailure, RunTasks, RunTasksOnceRefusal, RunTasksOutcome, RunTasksRefusal, Where, run_tasks,
    run_tasks_once,
};
pub use services::{
    NewService, ServiceChange, ServiceRefusal, create_service, delete_service, record_event, update_service,
};
pub use stop_task::{TaskNotFound, stop_task};
pub use task_definitions::{
    DeletedTaskDefinitions, TaskDefinitionRefusal, delete_task_definitions, deregister_task_definition,
    register_task_definition,
};

#[cfg(test)]
mod tests;
