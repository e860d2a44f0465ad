//! What users do with services and their deployments.

use domain::lifecycle_hook::HookStatus;
use serde_json::{Value, json};

use super::{Call, Users};
use crate::scenario::{CLUSTER, Kind, ON_FARGATE};

impl Users<'_> {
    pub(super) fn create_service(&mut self) -> Call {
        let ((name, kind), image) = (self.service(), self.image());
        let mut input = json!({
            "cluster": CLUSTER,
            "serviceName": name,
            "deploymentConfiguration": self.configuration(kind),
        });
        match kind {
            Kind::Daemon => input["schedulingStrategy"] = json!("DAEMON"),
            Kind::Replica | Kind::External | Kind::Fargate => {
                input["desiredCount"] = json!(self.dice.between(0, 8));
            }
        }
        match kind {
            Kind::External => input["deploymentController"] = json!({ "type": "EXTERNAL" }),
            Kind::Fargate => {
                input["launchType"] = json!("FARGATE");
                input["taskDefinition"] = json!(ON_FARGATE);
                input["networkConfiguration"] = self.network();
                input = self.balanced(input, name);
            }
            Kind::Daemon => {
                input["taskDefinition"] = json!(image.name());
                input = self.with_network(input, image);
            }
            Kind::Replica => {
                input["taskDefinition"] = json!(image.name());
                input = self.with_network(input, image);
                input = self.balanced(input, name);
                match self.dice.between(0, 4) {
                    0 => input["placementStrategy"] = json!([{ "type": "binpack", "field": "memory" }]),
                    1 => input["placementStrategy"] = json!([{ "type": "spread", "field": "instanceId" }]),
                    2 => input["placementConstraints"] = json!([{ "type": "distinctInstance" }]),
                    _ => {}
                }
            }
        }
        Call::new("CreateService", input)
    }

    fn update(&mut self, name: &str, more: Value) -> Call {
        let mut input = json!({ "cluster": CLUSTER, "service": name });
        if let (Value::Object(input), Value::Object(more)) = (&mut input, more) {
            input.extend(more);
        }
        Call::new("UpdateService", input)
    }

    pub(super) fn scale(&mut self) -> Call {
        let (name, desired) = (self.service().0, self.dice.between(0, 10));
        self.update(name, json!({ "desiredCount": desired }))
    }

    pub(super) fn deploy(&mut self) -> Call {
        let ((name, kind), image) = (self.service(), self.image());
        let input = match kind {
            Kind::Fargate => json!({ "taskDefinition": ON_FARGATE, "forceNewDeployment": true }),
            _ => self.with_network(json!({ "taskDefinition": image.name() }), image),
        };
        self.update(name, input)
    }

    pub(super) fn force(&mut self) -> Call {
        let name = self.service().0;
        self.update(name, json!({ "forceNewDeployment": true }))
    }

    pub(super) fn configure(&mut self) -> Call {
        let (name, kind) = self.service();
        let configuration = self.configuration(kind);
        self.update(name, json!({ "deploymentConfiguration": configuration }))
    }

    pub(super) fn delete_service(&mut self) -> Call {
        let input = json!({ "cluster": CLUSTER, "service": self.service().0, "force": true });
        Call::new("DeleteService", input)
    }

    pub(super) fn stop_deployment(&mut self) -> Option<Call> {
        let open = self.seen.deployments.values().filter(|it| it.is_under_way());
        let open: Vec<_> = open.map(|it| it.arn.to_string()).collect();
        let arn = self.dice.pick(&open)?;
        let input = json!({ "serviceDeploymentArn": arn, "stopType": "ROLLBACK" });
        Some(Call::new("StopServiceDeployment", input))
    }

    /// Answers a pause.
    pub(super) fn continue_deployment(&mut self) -> Option<Call> {
        let open = self.seen.deployments.values().filter(|it| it.is_under_way());
        let paused = open.filter_map(|it| {
            let lifecycle = self.seen.services.get(&it.service)?.lifecycle.as_ref()?;
            let mut hooks = lifecycle.hooks.iter();
            let hook = hooks.find(|it| it.status == HookStatus::AwaitingAction)?;
            Some((it.arn.to_string(), hook.id.clone()))
        });
        let paused: Vec<_> = paused.collect();
        let action = if self.dice.percent(80) {
            "CONTINUE"
        } else {
            "ROLLBACK"
        };
        let (arn, hook) = self.dice.pick(&paused)?;
        let input = json!({ "serviceDeploymentArn": arn, "hookId": hook, "action": action });
        Some(Call::new("ContinueServiceDeployment", input))
    }
}
