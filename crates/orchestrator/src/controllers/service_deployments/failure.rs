//! What is said of a task that is replaced because health checks fail.

use domain::Scope;
use domain::classic_load_balancer::InstanceState;
use domain::container_instance::ContainerInstance;
use domain::service_load_balancer::{Behind, TaskTarget, TaskTargetState};
use domain::target::Target;
use domain::task::Task;
use store::{State, Tx};

use super::health;

/// In Amazon's words.
pub struct Failure {
    /// Why the task stops.
    pub stop_reason: String,
    /// What its service says, behind its name.
    pub event: String,
}

impl Failure {
    /// Of a task that is unhealthy; `None` of others.
    pub fn of(tx: &Tx<'_>, task: &Task) -> Option<Self> {
        if !health::is_unhealthy(tx.state(), task, tx.now()) {
            return None;
        }
        let mut targets = task.targets.iter();
        let Some(target) = targets.find(|it| it.is_unhealthy()) else {
            return Some(Self {
                stop_reason: "Task failed container health checks".to_owned(),
                event: format!("(task {}) failed container health checks.", task.arn.name()),
            });
        };
        let behind = &target.behind;
        Some(Self {
            stop_reason: format!("Task failed ELB health checks in {behind}"),
            event: match (&target.state, behind) {
                (TaskTargetState::Registered { port, .. }, Behind::TargetGroup(_)) => format!(
                    "{} (port {port}) is unhealthy in {behind} due to (reason {})",
                    subject(tx.state(), task),
                    reason(tx.state(), target)
                ),
                // https://docs.aws.amazon.com/AmazonECS/latest/developerguide/service-event-messages-list.html
                (TaskTargetState::Registered { id, .. }, Behind::Classic(name)) => format!(
                    "(task {}) (instance {id}) is unhealthy in {behind} due to (reason {})",
                    task.arn.name(),
                    instance_reason(tx.state(), &task.arn.scope(), name, id)
                ),
                _ => format!("{} is not registered in {behind}.", subject(tx.state(), task)),
            },
        })
    }
}

fn subject(state: &State, task: &Task) -> String {
    let instance = task.container_instance.as_ref().filter(|_| task.eni.is_none());
    let instance = instance.and_then(|it| state.get::<ContainerInstance>(it));
    match instance {
        Some(it) => format!("(instance {})", it.ec2_instance_id),
        None => format!("(task {})", task.arn.name()),
    }
}

fn reason(state: &State, target: &TaskTarget) -> String {
    let record = target.key().and_then(|it| state.get::<Target>(&it));
    let description = record.and_then(|it| it.health.description.clone());
    description.unwrap_or_else(|| "Health checks failed".to_owned())
}

fn instance_reason(state: &State, scope: &Scope, name: &str, id: &str) -> &'static str {
    let it = state.classic_load_balancer_of_name(scope, name);
    let known = it.and_then(|it| it.instance(id).map(|instance| it.state_of(instance)));
    known.unwrap_or(InstanceState::NOT_REGISTERED).description
}
