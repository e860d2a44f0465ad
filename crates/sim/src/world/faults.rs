//! What goes wrong, and how it gets better.

use std::time::Duration;

use domain::clock::Clock;
use futures_util::FutureExt;

use super::{Event, World};
use crate::behaviour::Weather;
use crate::machine::{Agent, Link};

impl World {
    pub(super) fn fault(&mut self) {
        if self.weather == Weather::Calm {
            return;
        }
        let count = u32::try_from(self.machines.len()).unwrap_or(1);
        let machine = self.dice.between(0, count - 1) as usize;
        match self.dice.weighted(&[5, 3, 5, 6]) {
            0 => self.agent_dies(machine),
            1 => self.power_fails(machine),
            2 => self.link_breaks(machine),
            _ => {
                let commits = self.dice.between(0, 6);
                self.note(&format!("fault: the control plane dies after {commits} commits"));
                if let Some(process) = &self.process {
                    process.fuse.burn_after(u64::from(commits));
                }
            }
        }
        let pause = self.dice.millis(500, self.scenario.fault_pause);
        self.agenda.put(pause, Event::Fault);
    }

    fn agent_dies(&mut self, index: usize) {
        let machine = &mut self.machines[index];
        machine.kill_agent();
        let name = machine.name.clone();
        self.note(&format!("fault: the agent of {name} dies"));
        self.session_ends(index, Duration::from_millis(10));
        let pause = self.dice.millis(100, 60_000);
        self.agenda.put(pause, Event::AgentUp(index));
    }

    fn power_fails(&mut self, index: usize) {
        let machine = &mut self.machines[index];
        machine.lose_power();
        let name = machine.name.clone();
        self.note(&format!("fault: {name} loses power"));
        self.session_ends(index, Duration::from_secs(90));
        let pause = self.dice.millis(5_000, 120_000);
        self.agenda.put(pause, Event::AgentUp(index));
    }

    fn link_breaks(&mut self, index: usize) {
        let machine = &mut self.machines[index];
        machine.link = Link::Cut;
        let name = machine.name.clone();
        self.note(&format!("fault: {name} is cut off"));
        // Nobody closes the connection: the control plane finds out by the silence.
        self.session_ends(index, Duration::from_secs(90));
        let pause = self.dice.millis(100, 150_000);
        self.agenda.put(pause, Event::LinkUp(index));
    }

    /// The machine's side of a session ends; the other side notices after a while.
    fn session_ends(&mut self, index: usize, noticed_after: Duration) {
        self.machines[index].session = None;
        if let Some(session) = self.sessions.get(&index) {
            self.agenda.put(noticed_after, Event::Lost(index, *session));
        }
        self.expect_connection(index);
    }

    pub(super) fn agent_up(&mut self, index: usize) {
        let machine = &mut self.machines[index];
        if machine.agent == Agent::Down {
            let following = machine.restart_agent(self.clock.now());
            let name = machine.name.clone();
            self.note(&format!("the agent of {name} is started"));
            self.expect(index, following);
        }
    }

    pub(super) fn link_up(&mut self, index: usize) {
        let machine = &mut self.machines[index];
        if machine.link == Link::Cut {
            machine.link = Link::Whole;
            let name = machine.name.clone();
            self.note(&format!("{name} is reached again"));
        }
    }

    /// Ends a control plane whose fuse has burnt: its sessions go with it, and soon another one starts.
    pub(super) fn bury_the_dead(&mut self) -> Result<(), String> {
        let Some(mut process) = self.process.take_if(|it| it.fuse.is_burnt()) else {
            return Ok(());
        };
        // What it made durable last has happened.
        while let Some(followed) = tokio::task::unconstrained(process.feed.next()).now_or_never() {
            self.follow(followed)?;
        }
        process.bury();
        self.note("the control plane is dead");
        self.sessions.clear();
        // What is on its way is lost.
        self.balancer.session += 1;
        for machine in 0..self.machines.len() {
            self.machines[machine].session = None;
            self.expect_connection(machine);
        }
        let pause = self.dice.millis(50, 8_000);
        self.agenda.put(pause, Event::Boot);
        Ok(())
    }

    pub(super) fn boot(&mut self) -> Result<(), String> {
        self.processes += 1;
        let process = self.remains.boot(self.processes, self.clock)?;
        process.store.read(|state| self.oracle.replica.compare(state))?;
        self.process = Some(process);
        self.note(&format!("control plane {} is started", self.processes));
        let pause = self.dice_of_clients.millis(20, 3_000);
        self.agenda.put(pause, Event::BalancerConnects);
        Ok(())
    }
}
