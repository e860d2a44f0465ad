//! A world: everything in it, and the order in which it happens.

mod agents;
mod balancing;
mod faults;
mod narration;
mod phases;
mod users;

use std::collections::BTreeMap;
use std::time::Duration;

use domain::TaskArn;
use serde_json::Value;
use store::Followed;
use tokio::time::Instant;

use crate::agenda::Agenda;
use crate::balancer::{self, Balancer};
use crate::behaviour::Weather;
use crate::clock::VirtualClock;
use crate::control_plane::{Process, Remains};
use crate::dice::Dice;
use crate::journal::{Journal, Keep};
use crate::machine::{Machine, Order, Step};
use crate::oracle::Oracle;
use crate::scenario::{self, Scenario};
use crate::users::Call;

/// What came of a seed.
pub struct Outcome {
    /// The seed.
    pub seed: u64,
    /// What happened.
    pub journal: Journal,
    /// How many commits were looked at.
    pub commits: u64,
    /// What was broken, if anything was.
    pub violation: Option<String>,
}

/// Something that happens by itself.
enum Event {
    /// A user makes up its mind.
    User,
    /// A call is made again.
    Ask(Call),
    /// Something goes wrong.
    Fault,
    /// Something happens to a task on a machine.
    Step(usize, TaskArn, Step),
    /// A machine sends the oldest report of a task.
    Report(usize, TaskArn),
    /// A report comes once more, whenever it was sent.
    Stray(usize, Value),
    /// An agent tries to connect.
    Connect(usize),
    /// What the control plane said in a session arrives.
    Deliver(usize, u64, Vec<Order>),
    /// The control plane notices that a session has ended.
    Lost(usize, u64),
    /// A dead agent is started.
    AgentUp(usize),
    /// A cut link is mended.
    LinkUp(usize),
    /// A control plane is started.
    Boot,
    /// The balancer gets a session.
    BalancerConnects,
    /// What the control plane said in the balancer's session arrives.
    BalancerHears(u64, Vec<balancer::Change>),
    /// What the balancer said in its session arrives.
    BalancerSays(u64, Vec<balancer::News>),
    /// The balancer checks targets.
    Checks,
    /// A client sends a request.
    Request,
    /// It has been answered.
    Answer(u64),
}

/// Most commits of one moment: more of them are a control plane that never comes to rest.
const MOMENT_COMMITS_MAX: u64 = 5_000;

struct World {
    clock: VirtualClock,
    dice: Dice,
    scenario: Scenario,
    weather: Weather,
    agenda: Agenda<Event>,
    journal: Journal,
    remains: Remains,
    process: Option<Process>,
    processes: u64,
    machines: Vec<Machine>,
    /// The session that the control plane has with each machine; it forgets them when it dies.
    sessions: BTreeMap<usize, u64>,
    sessions_count: u64,
    calls: u64,
    commits: u64,
    /// When the last commit was looked at, and how many had been until then.
    moment: (Duration, u64),
    subnets: Vec<String>,
    balancer: Balancer,
    dice_of_clients: Dice,
    /// `loadBalancers` for services.
    load_balancers: BTreeMap<&'static str, Value>,
    oracle: Oracle,
}

/// Lives through a seed.
pub fn run(seed: u64, keep: Keep) -> Outcome {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build();
    let failed = |violation: String| Outcome {
        seed,
        journal: Journal::new(keep),
        commits: 0,
        violation: Some(violation),
    };
    match runtime {
        Err(error) => failed(error.to_string()),
        Ok(runtime) => runtime.block_on(async {
            match World::new(seed, keep) {
                Err(error) => failed(error.to_string()),
                Ok(world) => world.live(seed).await,
            }
        }),
    }
}

impl World {
    fn new(seed: u64, keep: Keep) -> std::io::Result<Self> {
        let mut beginning = Dice::new(seed, 0);
        let machines = scenario::fleet(&mut beginning);
        Ok(Self {
            clock: VirtualClock::new(),
            scenario: Scenario::new(&mut beginning),
            dice: Dice::new(seed, 1),
            weather: Weather::Stormy,
            agenda: Agenda::new(),
            journal: Journal::new(keep),
            remains: Remains::new(seed)?,
            process: None,
            processes: 0,
            machines,
            sessions: BTreeMap::new(),
            sessions_count: 0,
            calls: 0,
            commits: 0,
            moment: (Duration::ZERO, 0),
            subnets: Vec::new(),
            balancer: Balancer::new(Dice::new(seed, 2)),
            dice_of_clients: Dice::new(seed, 3),
            load_balancers: BTreeMap::new(),
            oracle: Oracle::default(),
        })
    }

    async fn live(mut self, seed: u64) -> Outcome {
        let violation = self.phases().await.err();
        if let Some(violation) = &violation {
            self.note(&format!("VIOLATION {violation}"));
        }
        Outcome {
            seed,
            journal: self.journal,
            commits: self.commits,
            violation,
        }
    }

    fn note(&mut self, what: &str) {
        self.journal.note(self.clock.elapsed(), what);
    }

    /// Lets things happen for so long.
    async fn pass(&mut self, time: Duration) -> Result<(), String> {
        let end = Instant::now() + time;
        while Instant::now() < end {
            self.turn(end).await?;
        }
        Ok(())
    }

    /// Whatever happens next: a commit, an event, or nothing until `end`.
    async fn turn(&mut self, end: Instant) -> Result<(), String> {
        let next = self.agenda.next_time().map_or(end, |at| at.min(end));
        let commit = async {
            match &mut self.process {
                Some(process) => process.feed.next().await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            biased;
            followed = commit => self.follow(followed)?,
            () = tokio::time::sleep_until(next) => {
                if self.agenda.next_time().is_some_and(|at| at <= Instant::now())
                    && let Some(event) = self.agenda.take()
                {
                    self.happen(event).await?;
                }
            }
        }
        self.bury_the_dead()
    }

    async fn happen(&mut self, event: Event) -> Result<(), String> {
        match event {
            Event::User => self.user().await,
            Event::Ask(call) => self.ask(call).await,
            Event::Fault => self.fault(),
            Event::Step(machine, task, step) => return self.step(machine, &task, step).await,
            Event::Report(machine, task) => self.report(machine, &task).await,
            Event::Stray(machine, report) => self.stray(machine, report).await,
            Event::Connect(machine) => self.connect(machine).await,
            Event::Deliver(machine, session, orders) => return self.deliver(machine, session, &orders),
            Event::Lost(machine, session) => self.lost(machine, session).await,
            Event::AgentUp(machine) => self.agent_up(machine),
            Event::LinkUp(machine) => self.link_up(machine),
            Event::Boot => return self.boot(),
            Event::BalancerConnects => self.balancer_connects(),
            Event::BalancerHears(session, changes) => self.balancer_hears(session, changes),
            Event::BalancerSays(session, news) => self.balancer_says(session, news).await,
            Event::Checks => self.checks(),
            Event::Request => self.request(),
            Event::Answer(request) => self.answered(request),
        }
        Ok(())
    }

    fn follow(&mut self, followed: Followed) -> Result<(), String> {
        let Followed::Commit(commit) = followed else {
            return Err("the world is too slow for its feed".to_owned());
        };
        self.commits += 1;
        let now = self.clock.elapsed();
        if self.moment.0 != now {
            self.moment = (now, self.commits);
        }
        if self.commits - self.moment.1 > MOMENT_COMMITS_MAX {
            return Err(format!("{MOMENT_COMMITS_MAX} commits, and no time has passed"));
        }
        self.narrate(&commit);
        self.oracle.follow(&commit)?;
        self.dispatch(&commit);
        self.tell_balancer(&commit);
        Ok(())
    }
}
