//! Users: what they ask for next. They know no rule, and many of their calls are refused.

mod services;
mod strategies;
mod task_sets;
mod tasks;

use std::collections::BTreeMap;

use serde_json::Value;

use crate::behaviour::Behaviour;
use crate::dice::Dice;
use crate::oracle::Replica;
use crate::registry::registry;
use crate::scenario::{Kind, Network, SERVICES, Scenario};

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
    /// `loadBalancers` for services.
    pub load_balancers: &'a BTreeMap<&'static str, Value>,
    /// Makes tokens differ.
    pub number: u64,
}

impl Users<'_> {
    /// The next call; `None` if what it would name is not there.
    pub fn next(mut self) -> Option<Call> {
        match self.dice.weighted(&[10, 8, 8, 4, 4, 3, 6, 7, 5, 4, 3, 7, 2]) {
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
            10 => self.stop_deployment(),
            11 => self.change_task_sets(),
            _ => self.continue_deployment(),
        }
    }

    fn service(&mut self) -> (&'static str, Kind) {
        let index = self.dice.between(0, 3) as usize;
        (SERVICES[index], self.scenario.kinds[index])
    }

    fn image(&mut self) -> Behaviour {
        // Most images are good ones, else nothing would ever settle before the next call.
        let weights = [12, 3, 3, 2, 1, 1, 5, 1, 2, 0];
        Behaviour::ALL[self.dice.weighted(&weights)]
    }

    fn with_network(&self, mut input: Value, image: Behaviour) -> Value {
        if self.scenario.network(image) == Network::Awsvpc {
            input["networkConfiguration"] = self.network();
        }
        input
    }

    /// Puts a service behind a load balancer, if it is to be and its tasks have addresses.
    fn balanced(&mut self, mut input: Value, name: &str) -> Value {
        let load_balancers = self.load_balancers.get(name);
        if let Some(it) = load_balancers.filter(|_| self.scenario.balanced.contains(&name))
            && !input["networkConfiguration"].is_null()
        {
            input["loadBalancers"] = it.clone();
            input["serviceRegistries"] = serde_json::json!([{ "registryArn": registry().arn() }]);
            input["healthCheckGracePeriodSeconds"] = serde_json::json!(self.number % 3 * 10);
        }
        input
    }

    fn network(&self) -> Value {
        serde_json::json!({ "awsvpcConfiguration": { "subnets": self.subnets } })
    }
}
