//! What a deployment controller from outside does with task sets.

use domain::TaskSetArn;
use domain::service::{DeploymentController, ServiceStatus};
use domain::task_set::TaskSetStatus;
use serde_json::{Value, json};

use super::{Call, Users};
use crate::scenario::CLUSTER;

impl Users<'_> {
    /// The next step of some service's controller.
    pub(super) fn change_task_sets(&mut self) -> Option<Call> {
        let services = self.seen.services.values();
        let services = services.filter(|it| {
            it.deployment_controller == DeploymentController::External && it.status == ServiceStatus::Active
        });
        let services: Vec<_> = services.collect();
        let service = *self.dice.pick(&services)?;
        let sets = service
            .task_sets
            .iter()
            .filter(|it| it.status != TaskSetStatus::Draining);
        let sets: Vec<_> = sets.collect();
        let mut input = json!({ "cluster": CLUSTER, "service": service.arn.name() });
        if sets.len() < 2 && self.dice.percent(70) {
            let image = self.image();
            input["taskDefinition"] = json!(image.name());
            input["scale"] = self.share();
            input["clientToken"] = json!(format!("set-{}", self.number));
            return Some(Call::new("CreateTaskSet", self.with_network(input, image)));
        }
        let set = *self.dice.pick(&sets)?;
        let arn: TaskSetArn = service.arn.part(&set.id);
        let operation = match self.dice.weighted(&[5, 3, 3]) {
            0 => {
                input["scale"] = self.share();
                "UpdateTaskSet"
            }
            1 => {
                input["primaryTaskSet"] = json!(arn.to_string());
                return Some(Call::new("UpdateServicePrimaryTaskSet", input));
            }
            _ => {
                input["force"] = json!(self.dice.percent(70));
                "DeleteTaskSet"
            }
        };
        input["taskSet"] = json!(arn.to_string());
        Some(Call::new(operation, input))
    }

    fn share(&mut self) -> Value {
        let percent = *self
            .dice
            .pick(&[0.0, 10.0, 33.3, 50.0, 75.0, 100.0])
            .unwrap_or(&100.0);
        json!({ "unit": "PERCENT", "value": percent })
    }
}
