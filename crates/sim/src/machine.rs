//! A host with its agent: what it holds, and what it has to say. The agent's decisions are those of the real one.

mod held;

use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv4Addr;
use std::sync::Arc;
use std::time::Duration;

use agent::stepped::Observation;
use domain::host::Resources;
use domain::task::{DesiredStatus, Task, TaskStatus};
use domain::{ContainerInstanceArn, TaskArn, Timestamp};
use serde_json::Value;

pub use held::{CONTAINER, Held, Step};

use crate::behaviour::{Behaviour, Weather};
use crate::dice::Dice;

/// Whether the agent runs. Containers do without it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Agent {
    /// It works.
    Up,
    /// It is dead until somebody starts it.
    Down,
}

/// Whether machine and control plane reach one another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Link {
    /// They do.
    Whole,
    /// Nothing gets through.
    Cut,
}

/// A host of the fleet.
pub struct Machine {
    /// In logs.
    pub name: String,
    /// Availability zone.
    pub zone: String,
    /// What it has.
    pub total: Resources,
    /// Takes tasks of FARGATE.
    pub is_fargate: bool,
    /// How long a message takes to it; slow hosts have more of it.
    pub lag: Duration,
    /// What the control plane calls it.
    pub instance: Option<ContainerInstanceArn>,
    /// Its agent.
    pub agent: Agent,
    /// Its way to the control plane.
    pub link: Link,
    /// Number of its session with the control plane.
    pub session: Option<u64>,
    /// An attempt to connect is under way.
    pub is_connecting: bool,
    /// Tasks that it has not been told to forget.
    pub tasks: BTreeMap<TaskArn, Held>,
    /// Which life of the agent it is.
    life: u64,
    /// Tasks whose end the control plane knows, as far as this life of the agent does.
    finished: BTreeSet<TaskArn>,
}

/// What the control plane says of a task.
#[derive(Clone)]
pub struct Order {
    /// The task, as it was then.
    pub task: Arc<Task>,
    /// The same, as its agent gets it.
    pub payload: Value,
    /// What it runs.
    pub behaviour: Behaviour,
}

/// What follows for a task, and when.
pub type Following = (Duration, TaskArn, Step);

impl Machine {
    /// A machine that is up and knows nobody.
    pub fn new(name: String, zone: String, total: Resources, lag: Duration) -> Self {
        Self {
            name,
            zone,
            total,
            is_fargate: false,
            lag,
            instance: None,
            agent: Agent::Up,
            link: Link::Whole,
            session: None,
            is_connecting: false,
            tasks: BTreeMap::new(),
            life: 0,
            finished: BTreeSet::new(),
        }
    }

    /// Follows an order, any number of times.
    pub fn obey(
        &mut self,
        order: &Order,
        dice: &mut Dice,
        weather: Weather,
        wall: Timestamp,
    ) -> Vec<Following> {
        let arn = &order.task.arn;
        let wish = order.task.wish();
        let observation = match (self.tasks.contains_key(arn), wish) {
            (true, DesiredStatus::Stopped) => Observation::StopRequested,
            (true, DesiredStatus::Running) => return Vec::new(),
            // A late order does not start a finished task again, and what runs is not sent as new.
            (false, DesiredStatus::Running)
                if self.finished.contains(arn) || order.task.last_status >= TaskStatus::Running =>
            {
                return Vec::new();
            }
            (false, _) => {
                let life = order.behaviour.life(dice, weather);
                let Some(held) = Held::new(order, life) else {
                    return Vec::new();
                };
                self.tasks.insert(arn.clone(), held);
                Observation::Tick
            }
        };
        let life = self.life;
        self.with(arn, |held| held.hear(observation, life, wall))
    }

    /// Something happens to a task.
    pub fn step(&mut self, arn: &TaskArn, step: Step, wall: Timestamp) -> Vec<Following> {
        let life = self.life;
        self.with(arn, |held| held.step(step, life, wall))
    }

    /// The control plane has taken the report of a task.
    pub fn acknowledged(&mut self, arn: &TaskArn, wall: Timestamp) -> Vec<Following> {
        let life = self.life;
        self.with(arn, |held| held.acknowledged(life, wall))
    }

    fn with(
        &mut self,
        arn: &TaskArn,
        act: impl FnOnce(&mut Held) -> Vec<(Duration, Step)>,
    ) -> Vec<Following> {
        let Some(held) = self.tasks.get_mut(arn) else {
            return Vec::new();
        };
        let steps = act(held);
        if held.is_over {
            self.tasks.remove(arn);
            self.finished.insert(arn.clone());
        }
        let following = steps.into_iter().map(|(after, step)| (after, arn.clone(), step));
        following.collect()
    }

    /// The agent dies; containers go on.
    pub fn kill_agent(&mut self) {
        self.agent = Agent::Down;
        self.life += 1;
        self.finished.clear();
        self.tasks.values_mut().for_each(Held::orphan);
    }

    /// The machine loses power: agent and containers are gone, what is on its disk stays.
    pub fn lose_power(&mut self) {
        self.kill_agent();
        self.tasks.values_mut().for_each(Held::vanish);
    }

    /// A new agent starts and looks at what there is.
    pub fn restart_agent(&mut self, wall: Timestamp) -> Vec<Following> {
        self.agent = Agent::Up;
        let (life, all) = (self.life, self.tasks.keys().cloned().collect::<Vec<_>>());
        let found = all.iter().map(|arn| self.with(arn, |held| held.find(life, wall)));
        found.flatten().collect()
    }

    /// What its containers use in truth.
    pub fn load(&self) -> Resources {
        let mut load = Resources::default();
        for held in self.tasks.values().filter(|it| it.is_live()) {
            load.cpu += held.promised.cpu;
            load.memory += held.promised.memory;
        }
        load
    }

    /// Addresses that its containers have in truth.
    pub fn addresses(&self) -> impl Iterator<Item = (&TaskArn, (&str, Ipv4Addr))> {
        let live = self.tasks.iter().filter(|(_, it)| it.is_live());
        live.filter_map(|(arn, it)| {
            let (subnet, address) = it.address.as_ref()?;
            Some((arn, (subnet.as_str(), *address)))
        })
    }
}
