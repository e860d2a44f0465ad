//! Users: what they ask for next. They know no rule, and many of their calls are refused.

use domain::container_instance::ContainerInstanceStatus;
use domain::task::{DesiredStatus, Task};
use serde_json::{Value, json};

use crate::behaviour::Behaviour;
use crate::dice::Dice;
use crate::oracle::Replica;
use crate::scenario::{CLUSTER, Network, SERVICES, Scenario};

/// How often a call without an answer is made again.
const TRIES: u32 = 5;

/// A call of ECS.
#[derive(Clone, Debug)]
pub struct Call {
    /// The operation.
    pub operation: &'static str,
    /// Its input.
    pub input: Value,
    /// How often it may still be made if there is no answer.
    pub tries_left: u32,
}

impl Call {
    /// A call that may be repeated: it is the same one then.
    pub fn new(operation: &'static str, input: Value) -> Self {
        Self {
            operation,
            input,
            tries_left: TRIES,
        }
    }
}

/// What makes up the mind of users.
pub struct Users<'a> {
    /// Their whims.
    pub dice: &'a mut Dice,
    /// What there is to name.
    pub seen: &'a Replica,
    /// What the images are.
    pub scenario: &'a Scenario,
    /// Subnets of the default VPC.
    pub subnets: &'a [String],
    /// Makes tokens differ.
    pub number: u64,
}

impl Users<'_> {
    /// The next call; `None` if what it would name is not there.
    pub fn next(mut self) -> Option<Call> {
        match self.dice.weighted(&[10, 8, 8, 4, 4, 3, 6, 6, 5, 4, 3]) {
            0 => Some(self.create_service()),
            1 => Some(self.scale()),
            2 => Some(self.deploy()),
            3 => Some(self.force()),
            4 => Some(self.configure()),
            5 => Some(self.delete_service()),
            6 => self.stop_task(),
            7 => Some(self.run_task()),
            8 => self.drain_or_activate(),
            9 => self.protect(),
            _ => self.stop_deployment(),
        }
    }

    fn service(&mut self) -> &'static str {
        self.dice.pick(&SERVICES).copied().unwrap_or("web")
    }

    fn image(&mut self) -> Behaviour {
        // Most images are good ones, else nothing would ever settle before the next call.
        let weights = [12, 3, 3, 2, 1, 1, 5, 1, 2];
        Behaviour::ALL[self.dice.weighted(&weights)]
    }

    fn configuration(&mut self) -> Value {
        let minimum = *self.dice.pick(&[0, 33, 50, 66, 75, 100, 100]).unwrap_or(&100);
        let maximum = match minimum {
            100 => *self.dice.pick(&[125, 133, 150, 200, 200]).unwrap_or(&200),
            _ => *self.dice.pick(&[100, 125, 150, 200, 200]).unwrap_or(&200),
        };
        let (enable, rollback) = (self.dice.percent(60), self.dice.percent(60));
        let mut configuration = json!({
            "minimumHealthyPercent": minimum,
            "maximumPercent": maximum,
            "deploymentCircuitBreaker": { "enable": enable, "rollback": enable && rollback },
        });
        if self.dice.percent(30) {
            configuration["strategy"] = json!("BLUE_GREEN");
            configuration["bakeTimeInMinutes"] = json!(self.dice.between(0, 1));
            configuration["lifecycleHooks"] = self.hooks();
        } else {
            configuration["strategy"] = json!("ROLLING");
        }
        configuration
    }

    /// Pauses that nobody ends, or none.
    fn hooks(&mut self) -> Value {
        let stages = ["PRE_SCALE_UP", "POST_SCALE_UP", "POST_PRODUCTION_TRAFFIC_SHIFT"];
        let (stage, action) = (self.dice.pick(&stages), self.dice.pick(&["CONTINUE", "ROLLBACK"]));
        let (Some(stage), Some(action)) = (stage.copied(), action.copied()) else {
            return json!([]);
        };
        if self.dice.percent(60) {
            return json!([]);
        }
        json!([{
            "targetType": "PAUSE",
            "lifecycleStages": [stage],
            "timeoutConfiguration": { "timeoutInMinutes": 1, "action": action },
        }])
    }

    fn with_network(&self, mut input: Value, image: Behaviour) -> Value {
        if self.scenario.network(image) == Network::Awsvpc {
            input["networkConfiguration"] = json!({ "awsvpcConfiguration": { "subnets": self.subnets } });
        }
        input
    }

    fn create_service(&mut self) -> Call {
        let (name, image) = (self.service(), self.image());
        let mut input = json!({
            "cluster": CLUSTER,
            "serviceName": name,
            "taskDefinition": image.name(),
            "desiredCount": self.dice.between(0, 8),
            "deploymentConfiguration": self.configuration(),
        });
        match self.dice.between(0, 4) {
            0 => input["placementStrategy"] = json!([{ "type": "binpack", "field": "memory" }]),
            1 => input["placementStrategy"] = json!([{ "type": "spread", "field": "instanceId" }]),
            2 => input["placementConstraints"] = json!([{ "type": "distinctInstance" }]),
            _ => {}
        }
        Call::new("CreateService", self.with_network(input, image))
    }

    fn update(&mut self, more: Value) -> Call {
        let mut input = json!({ "cluster": CLUSTER, "service": self.service() });
        if let (Value::Object(input), Value::Object(more)) = (&mut input, more) {
            input.extend(more);
        }
        Call::new("UpdateService", input)
    }

    fn scale(&mut self) -> Call {
        let desired = self.dice.between(0, 10);
        self.update(json!({ "desiredCount": desired }))
    }

    fn deploy(&mut self) -> Call {
        let image = self.image();
        let input = self.with_network(json!({ "taskDefinition": image.name() }), image);
        self.update(input)
    }

    fn force(&mut self) -> Call {
        self.update(json!({ "forceNewDeployment": true }))
    }

    fn configure(&mut self) -> Call {
        let configuration = self.configuration();
        self.update(json!({ "deploymentConfiguration": configuration }))
    }

    fn delete_service(&mut self) -> Call {
        let input = json!({ "cluster": CLUSTER, "service": self.service(), "force": true });
        Call::new("DeleteService", input)
    }

    fn some_task(&mut self, is_meant: impl Fn(&Task) -> bool) -> Option<String> {
        let tasks = self.seen.tasks.values().filter(|it| is_meant(it));
        let tasks: Vec<_> = tasks.map(|it| it.arn.to_string()).collect();
        self.dice.pick(&tasks).cloned()
    }

    fn stop_task(&mut self) -> Option<Call> {
        let task = self.some_task(|it| it.desired_status == DesiredStatus::Running)?;
        let input = json!({ "cluster": CLUSTER, "task": task });
        Some(Call::new("StopTask", input))
    }

    fn run_task(&mut self) -> Call {
        let image = self.image();
        let input = json!({
            "cluster": CLUSTER,
            "taskDefinition": image.name(),
            "count": self.dice.between(1, 3),
            "clientToken": format!("token-{}", self.number),
        });
        Call::new("RunTask", self.with_network(input, image))
    }

    fn drain_or_activate(&mut self) -> Option<Call> {
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

    fn protect(&mut self) -> Option<Call> {
        let task =
            self.some_task(|it| it.service.is_some() && it.desired_status == DesiredStatus::Running)?;
        let is_on = self.dice.percent(75);
        let mut input = json!({ "cluster": CLUSTER, "tasks": [task], "protectionEnabled": is_on });
        if is_on {
            input["expiresInMinutes"] = json!(self.dice.between(1, 5));
        }
        Some(Call::new("UpdateTaskProtection", input))
    }

    fn stop_deployment(&mut self) -> Option<Call> {
        let open = self.seen.deployments.values().filter(|it| it.is_under_way());
        let open: Vec<_> = open.map(|it| it.arn.to_string()).collect();
        let arn = self.dice.pick(&open)?;
        let input = json!({ "serviceDeploymentArn": arn, "stopType": "ROLLBACK" });
        Some(Call::new("StopServiceDeployment", input))
    }
}
