//! The life of a world: a beginning, a storm, calm, and the end of everything.

use std::time::Duration;

use domain::access_key::Principal;
use domain::clock::Clock;
use domain::container_instance::ContainerInstanceStatus;
use domain::service::ServiceStatus;
use domain::task::{DesiredStatus, TaskStatus};
use domain::vpc::Cidr;
use orchestrator::transitions;
use serde_json::json;

use super::{Event, World};
use crate::behaviour::{Behaviour, Weather};
use crate::control_plane::scope;
use crate::scenario::{CLUSTER, SERVICES, Scenario};
use crate::settled;
use crate::users::Call;

/// Services have so long to get where they shall be, once nothing goes wrong any more: throttled starts wait for up to
/// a quarter of an hour, protection lasts for minutes.
const SETTLE_WITHIN: Duration = Duration::from_secs(45 * 60);
/// And so long to be gone once they are deleted.
const VANISH_WITHIN: Duration = Duration::from_secs(5 * 60);
/// Pause between two looks.
const LOOK_EVERY: Duration = Duration::from_secs(10);
/// Range of the VPC: so few addresses that they run out.
const VPC: &str = "10.0.0.0/24";

impl World {
    pub(super) async fn phases(&mut self) -> Result<(), String> {
        self.begin().await?;
        self.note("--- the storm begins");
        self.pass(self.scenario.storm).await?;
        self.note("--- the storm is over");
        self.calm_down();
        self.settle().await?;
        self.note("--- all is settled; now everything goes");
        self.end().await
    }

    async fn begin(&mut self) -> Result<(), String> {
        self.boot()?;
        self.ask(Call::new("CreateCluster", self.scenario.cluster()))
            .await;
        for behaviour in Behaviour::ALL {
            let input = self.scenario.task_definition(behaviour);
            self.ask(Call::new("RegisterTaskDefinition", input)).await;
        }
        let on_fargate = Scenario::fargate_definition();
        self.ask(Call::new("RegisterTaskDefinition", on_fargate)).await;
        let cidr: Cidr = VPC.parse().map_err(|error| format!("{error}"))?;
        if let Some(process) = &self.process {
            let made = process.store.transact(move |tx| {
                let (_, subnets) = transitions::ensure_default_network(tx, &scope(), cidr);
                Ok::<_, ()>(subnets)
            });
            let subnets = made.await.map_err(|_| "there is no network".to_owned())?;
            self.subnets = subnets.iter().map(|it| it.id.clone()).collect();
        }
        self.begin_balancing().await?;
        for machine in 0..self.machines.len() {
            self.expect_connection(machine);
        }
        self.pass(Duration::from_secs(15)).await?;
        self.agenda.put(Duration::ZERO, Event::User);
        self.agenda.put(Duration::ZERO, Event::Fault);
        Ok(())
    }

    /// Mends what is broken; from now on only what cannot go well fails.
    fn calm_down(&mut self) {
        self.weather = Weather::Calm;
        for machine in 0..self.machines.len() {
            self.agenda.put(Duration::ZERO, Event::LinkUp(machine));
            self.agenda.put(Duration::ZERO, Event::AgentUp(machine));
        }
    }

    async fn settle(&mut self) -> Result<(), String> {
        // What is still on its way arrives first.
        self.pass(Duration::from_secs(60)).await?;
        if !self.scenario.stays_draining {
            self.activate_all().await;
        }
        self.wait_until_empty(SETTLE_WITHIN, |it| {
            settled::unsettled(&it.oracle.replica, it.clock.now())
        })
        .await?;
        self.describe().await
    }

    async fn activate_all(&mut self) {
        let draining = self.oracle.replica.instances.values();
        let draining = draining.filter(|it| it.status == ContainerInstanceStatus::Draining);
        let draining: Vec<_> = draining.map(|it| it.arn.to_string()).collect();
        for arn in draining {
            let input = json!({ "cluster": CLUSTER, "containerInstances": [arn], "status": "ACTIVE" });
            self.ask(Call::new("UpdateContainerInstancesState", input)).await;
        }
    }

    /// What DescribeServices says of all services is what their tasks are.
    async fn describe(&mut self) -> Result<(), String> {
        let Some(process) = &self.process else {
            return Err("there is no control plane in the calm".to_owned());
        };
        let seen = &self.oracle.replica;
        for service in seen
            .services
            .values()
            .filter(|it| it.status == ServiceStatus::Active)
        {
            let input = json!({ "cluster": CLUSTER, "services": [service.arn.name()] });
            let answer = process.ask(Principal::Root, "DescribeServices", &input).await;
            let answer = answer.map_err(|failure| format!("DescribeServices: {failure:?}"))?;
            let said = &answer["services"][0];
            let wanted = seen
                .tasks_of(&service.arn)
                .filter(|it| it.desired_status == DesiredStatus::Running);
            let running = wanted.filter(|it| it.last_status == TaskStatus::Running).count();
            if said["runningCount"] != running || said["desiredCount"] != service.desired_count {
                let name = service.arn.name();
                return Err(format!(
                    "DescribeServices says of {name}: {said}, and {running} tasks run"
                ));
            }
        }
        Ok(())
    }

    async fn end(&mut self) -> Result<(), String> {
        for service in SERVICES {
            let input = json!({ "cluster": CLUSTER, "service": service, "force": true });
            self.ask(Call::new("DeleteService", input)).await;
        }
        let tasks = self.oracle.replica.tasks.values();
        let alone = tasks.filter(|it| {
            it.service.is_none()
                && it.desired_status == DesiredStatus::Running
                && it.last_status != TaskStatus::Stopped
        });
        let alone: Vec<_> = alone.map(|it| it.arn.to_string()).collect();
        for task in alone {
            self.ask(Call::new("StopTask", json!({ "cluster": CLUSTER, "task": task })))
                .await;
        }
        self.wait_until_empty(VANISH_WITHIN, |it| {
            settled::leaks(&it.oracle.replica, &it.machines)
        })
        .await
    }

    async fn wait_until_empty(
        &mut self,
        within: Duration,
        look: impl Fn(&Self) -> Vec<String>,
    ) -> Result<(), String> {
        let deadline = self.clock.elapsed() + within;
        loop {
            self.pass(LOOK_EVERY).await?;
            let left = look(self);
            if left.is_empty() {
                return Ok(());
            }
            if self.clock.elapsed() > deadline {
                let minutes = within.as_secs() / 60;
                return Err(format!("after {minutes} calm minutes: {}", left.join("; ")));
            }
        }
    }
}
