//! What users do with tasks and container instances.

use domain::container_instance::ContainerInstanceStatus;
use domain::task::{CONCURRENCY_TAG, DesiredStatus, RETRIES_TAG, Task, WAIT_TAG};
use serde_json::{Value, json};

use super::{Call, Users};
use crate::behaviour::Behaviour;
use crate::scenario::{CLUSTER, Network, ON_FARGATE};

/// What users of jobs call them.
const JOBS: [&str; 2] = ["backup", "report"];

impl Users<'_> {
    fn some_task(&mut self, is_meant: impl Fn(&Task) -> bool) -> Option<String> {
        let tasks = self.seen.tasks.values().filter(|it| is_meant(it));
        let tasks: Vec<_> = tasks.map(|it| it.arn.to_string()).collect();
        self.dice.pick(&tasks).cloned()
    }

    pub(super) fn stop_task(&mut self) -> Option<Call> {
        let task = self.some_task(|it| it.desired_status == DesiredStatus::Running)?;
        let input = json!({ "cluster": CLUSTER, "task": task });
        Some(Call::new("StopTask", input))
    }

    pub(super) fn run_task(&mut self) -> Call {
        let mut input = json!({ "cluster": CLUSTER, "clientToken": format!("token-{}", self.number) });
        match self.dice.weighted(&[5, 5, 1]) {
            0 => {
                let image = self.image();
                input["taskDefinition"] = json!(image.name());
                input["count"] = json!(self.dice.between(1, 3));
                input = self.with_network(input, image);
            }
            1 => self.job(&mut input),
            _ => {
                input["taskDefinition"] = json!(ON_FARGATE);
                input["launchType"] = json!("FARGATE");
                input["networkConfiguration"] = self.network();
            }
        }
        Call::new("RunTask", input)
    }

    /// One that may wait, be tried again, or tolerates no other.
    fn job(&mut self, input: &mut Value) {
        let images = [
            Behaviour::Finishes,
            Behaviour::EndsAtOnce,
            Behaviour::Slow,
            Behaviour::Flaky,
        ];
        let image = images[self.dice.weighted(&[5, 2, 2, 2])];
        let job = JOBS[self.dice.between(0, 1) as usize];
        input["taskDefinition"] = json!(image.name());
        input["startedBy"] = json!(job);
        input["count"] = json!(self.dice.between(1, 2));
        let mut tags = Vec::new();
        if self.dice.percent(60) {
            let wait = ["30s", "2m", "10m"][self.dice.between(0, 2) as usize];
            tags.push(json!({ "key": WAIT_TAG, "value": wait }));
        }
        if self.dice.percent(50) {
            tags.push(json!({ "key": RETRIES_TAG, "value": self.dice.between(0, 4).to_string() }));
        }
        if let Some(concurrency) = ["forbid", "replace"].get(self.dice.weighted(&[4, 2, 3])) {
            tags.push(json!({ "key": CONCURRENCY_TAG, "value": concurrency }));
        }
        if !tags.is_empty() {
            input["tags"] = json!(tags);
        }
        if self.scenario.network(image) == Network::Awsvpc {
            input["networkConfiguration"] = self.network();
        }
    }

    pub(super) fn drain_or_activate(&mut self) -> Option<Call> {
        let known = self.seen.instances.values();
        let known = known.filter(|it| it.status != ContainerInstanceStatus::Inactive);
        let known: Vec<_> = known.map(|it| (it.arn.to_string(), it.status)).collect();
        let (arn, status) = self.dice.pick(&known)?;
        let wish = match status {
            ContainerInstanceStatus::Active => "DRAINING",
            _ => "ACTIVE",
        };
        let input = json!({ "cluster": CLUSTER, "containerInstances": [arn], "status": wish });
        Some(Call::new("UpdateContainerInstancesState", input))
    }

    pub(super) fn protect(&mut self) -> Option<Call> {
        let task =
            self.some_task(|it| it.service.is_some() && it.desired_status == DesiredStatus::Running)?;
        let is_on = self.dice.percent(75);
        let mut input = json!({ "cluster": CLUSTER, "tasks": [task], "protectionEnabled": is_on });
        if is_on {
            input["expiresInMinutes"] = json!(self.dice.between(1, 5));
        }
        Some(Call::new("UpdateTaskProtection", input))
    }
}
