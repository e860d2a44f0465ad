//! A host with its agent, as a state machine without IO: what it holds, and what it has to say.

mod held;

use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv4Addr;
use std::sync::Arc;
use std::time::Duration;

use domain::host::Resources;
use domain::task::{DesiredStatus, Task};
use domain::{ContainerInstanceArn, TaskArn};

pub use held::{CONTAINER, Held, Stage, Step};

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
    /// Tasks whose end the control plane knows.
    finished: BTreeSet<TaskArn>,
}

/// What the control plane says of a task.
#[derive(Clone)]
pub struct Order {
    /// The task, as it was then.
    pub task: Arc<Task>,
    /// What it runs.
    pub behaviour: Behaviour,
}

impl Machine {
    /// A machine that is up and knows nobody.
    pub fn new(name: String, zone: String, total: Resources, lag: Duration) -> Self {
        Self {
            name,
            zone,
            total,
            lag,
            instance: None,
            agent: Agent::Up,
            link: Link::Whole,
            session: None,
            is_connecting: false,
            tasks: BTreeMap::new(),
            finished: BTreeSet::new(),
        }
    }

    /// Follows an order, any number of times. What follows by itself, and when.
    pub fn obey(&mut self, order: &Order, dice: &mut Dice, weather: Weather) -> Vec<(Duration, Step)> {
        let arn = &order.task.arn;
        match (self.tasks.get_mut(arn), order.task.desired_status) {
            (Some(held), DesiredStatus::Stopped) => held.stop(),
            (Some(_), DesiredStatus::Running) => Vec::new(),
            // A late order does not start a finished task again.
            (None, DesiredStatus::Running) if self.finished.contains(arn) => Vec::new(),
            (None, DesiredStatus::Running) => {
                let held = Held::new(order, order.behaviour.life(dice, weather));
                let first = held.life.pull;
                self.tasks.insert(arn.clone(), held);
                vec![(first, Step::Pulled)]
            }
            (None, DesiredStatus::Stopped) => {
                let mut held = Held::new(order, order.behaviour.life(dice, weather));
                let steps = held.stop();
                self.tasks.insert(arn.clone(), held);
                steps
            }
        }
    }

    /// The control plane has taken the oldest report of a task.
    pub fn acknowledged(&mut self, arn: &TaskArn) {
        let Some(held) = self.tasks.get_mut(arn) else {
            return;
        };
        held.reports.pop_front();
        if held.reports.is_empty() && held.stage == Stage::Ended {
            self.tasks.remove(arn);
            self.finished.insert(arn.clone());
        }
    }

    /// The machine loses power: agent and containers are gone, what is on its disk stays.
    pub fn lose_power(&mut self) {
        self.agent = Agent::Down;
        self.session = None;
        for held in self.tasks.values_mut() {
            held.perish();
        }
    }

    /// The agent starts, looks at what there is, and says all of it again.
    pub fn restart_agent(&mut self) {
        self.agent = Agent::Up;
        self.tasks.values_mut().for_each(Held::repeat);
    }

    /// What its containers use in truth.
    pub fn load(&self) -> Resources {
        let mut load = Resources::default();
        for held in self.tasks.values().filter(|it| it.stage != Stage::Ended) {
            load.cpu += held.promised.cpu;
            load.memory += held.promised.memory;
        }
        load
    }

    /// Addresses that its containers have in truth.
    pub fn addresses(&self) -> impl Iterator<Item = (&TaskArn, (&str, Ipv4Addr))> {
        let live = self.tasks.iter().filter(|(_, it)| it.stage != Stage::Ended);
        live.filter_map(|(arn, it)| {
            let (subnet, address) = it.address.as_ref()?;
            Some((arn, (subnet.as_str(), *address)))
        })
    }
}
