//! What goes between agents and the control plane: registrations, sessions, orders, reports.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::sync::Arc;

use domain::access_key::Principal;
use domain::clock::Clock;
use domain::task::{ContainerHealth, DesiredStatus, HealthStatus, Task, TaskStatus};
use domain::task_definition::TaskDefinition;
use domain::{ContainerInstanceArn, TaskArn};
use orchestrator::transitions::{self, Connection, HealthReport};
use serde_json::Value;
use store::{Change, Commit};

use super::{Event, World};
use crate::behaviour::{Behaviour, Weather};
use crate::control_plane::{Failure, Process};
use crate::machine::{Agent, CONTAINER, Following, Link, Machine, Order, Step};
use crate::scenario::registration;

impl World {
    /// An agent without a session tries to get one, once at a time.
    pub(super) fn expect_connection(&mut self, index: usize) {
        let machine = &mut self.machines[index];
        if !machine.is_connecting {
            machine.is_connecting = true;
            let pause = self.dice.millis(50, 4_000);
            self.agenda.put(pause, Event::Connect(index));
        }
    }

    pub(super) async fn connect(&mut self, index: usize) {
        let machine = &mut self.machines[index];
        machine.is_connecting = false;
        if machine.session.is_some() {
            return;
        }
        if let Some(orders) = self.open_session(index).await {
            let machine = &mut self.machines[index];
            let (name, lag, session) = (machine.name.clone(), machine.lag, self.sessions_count);
            machine.session = Some(session);
            self.note(&format!("{name} is connected, {} orders", orders.len()));
            self.agenda.put(lag, Event::Deliver(index, session, orders));
            self.send_health(index).await;
        } else {
            self.expect_connection(index);
        }
    }

    /// Registers and notes the session; gives what the agent may have missed.
    async fn open_session(&mut self, index: usize) -> Option<Vec<Order>> {
        let machine = &self.machines[index];
        if machine.agent == Agent::Down || machine.link == Link::Cut {
            return None;
        }
        let process = self.process.as_ref()?;
        let input = registration(machine);
        let answer = process.ask(Principal::Agent, "RegisterContainerInstance", &input);
        let answer = answer.await.ok()?;
        if self.weather == Weather::Stormy && self.dice.percent(self.scenario.lost_answers) {
            return None;
        }
        let arn = answer["containerInstance"]["containerInstanceArn"].as_str()?;
        let arn = ContainerInstanceArn::parse(arn).ok()?;
        self.machines[index].instance = Some(arn.clone());
        let process = self.process.as_ref()?;
        let instance = arn.clone();
        let noted = process
            .store
            .transact(move |tx| transitions::connect_host(tx, &instance, Connection::Connected, "1.0.0", ""));
        noted.await.ok()?;
        if process.fuse.is_burnt() {
            return None;
        }
        let mine = process
            .store
            .read(|state| state.tasks_of_host(arn.name()).cloned().collect::<Vec<_>>());
        let orders = mine.iter().filter_map(|it| order(process, it)).collect();
        self.sessions_count += 1;
        self.sessions.insert(index, self.sessions_count);
        Some(orders)
    }

    pub(super) async fn lost(&mut self, index: usize, session: u64) {
        if self.sessions.get(&index) != Some(&session) {
            return;
        }
        self.sessions.remove(&index);
        let (Some(process), Some(instance)) = (&self.process, self.machines[index].instance.clone()) else {
            return;
        };
        let noted = process
            .store
            .transact(move |tx| transitions::connect_host(tx, &instance, Connection::Lost, "", ""));
        let said = noted
            .await
            .map_or_else(|it| format!("{it:?}"), |()| "noted".to_owned());
        let name = self.machines[index].name.clone();
        self.note(&format!("the session of {name} is lost: {said}"));
    }

    /// Tells sessions of tasks that are new or shall stop.
    pub(super) fn dispatch(&mut self, commit: &Commit) {
        let Some(process) = &self.process else { return };
        let mut orders: BTreeMap<usize, Vec<Order>> = BTreeMap::new();
        for change in &commit.changes {
            let Change::Task(it) = change else { continue };
            let Some(task) = &it.after else { continue };
            let wished_before = it.before.as_ref().map(|it| it.wish());
            if wished_before == Some(task.wish()) || task.last_status == TaskStatus::Stopped {
                continue;
            }
            let is_mine = |it: &ContainerInstanceArn| it.name() == task.host_id;
            let place = self
                .machines
                .iter()
                .position(|it| it.instance.as_ref().is_some_and(is_mine));
            if let (Some(index), Some(order)) = (place, order(process, task)) {
                orders.entry(index).or_default().push(order);
            }
        }
        for (index, orders) in orders {
            let lag = self.machines[index].lag;
            if let Some(session) = self.sessions.get(&index) {
                self.agenda.put(lag, Event::Deliver(index, *session, orders));
            }
        }
    }

    pub(super) fn deliver(&mut self, index: usize, session: u64, orders: &[Order]) -> Result<(), String> {
        let machine = &self.machines[index];
        // What was on its way when a session broke is lost.
        if machine.session != Some(session) || machine.agent == Agent::Down {
            return Ok(());
        }
        let holds = |it: &&Order| machine.tasks.get(&it.task.arn).is_some_and(|it| it.is_live());
        let stops = orders
            .iter()
            .filter(|it| it.task.wish() == DesiredStatus::Stopped);
        let stops: Vec<TaskArn> = stops.filter(holds).map(|it| it.task.arn.clone()).collect();
        stops.iter().try_for_each(|it| self.stops_in_peace(it))?;
        let machine = &mut self.machines[index];
        let mut following = Vec::new();
        for order in orders {
            following.extend(machine.obey(order, &mut self.dice, self.weather, self.clock.now()));
        }
        self.expect(index, following);
        self.physics(index)
    }

    /// What is true whatever the records say: machines hold what they can, addresses are used once.
    fn physics(&self, index: usize) -> Result<(), String> {
        let machine = &self.machines[index];
        let load = machine.load();
        if load.cpu > machine.total.cpu || load.memory > machine.total.memory {
            return Err(format!(
                "{} runs {load:?} and has {:?}",
                machine.name, machine.total
            ));
        }
        let mut taken = BTreeMap::new();
        for (arn, address) in self.machines.iter().flat_map(Machine::addresses) {
            if let Some(other) = taken.insert(address, arn) {
                let (left, right) = (arn.name(), other.name());
                return Err(format!("the tasks {left} and {right} both use {}", address.1));
            }
        }
        Ok(())
    }

    /// Something happens to a task, and its machine tells what is new.
    pub(super) async fn step(&mut self, index: usize, task: &TaskArn, step: Step) -> Result<(), String> {
        let health = |machine: &Machine| machine.tasks.get(task).and_then(|it| it.health());
        let machine = &mut self.machines[index];
        let before = health(machine);
        let following = machine.step(task, step, self.clock.now());
        let is_news = health(machine) != before;
        self.expect(index, following);
        if is_news {
            self.send_health(index).await;
        }
        self.physics(index)
    }

    /// Puts what follows on the agenda, and sends what there is to tell.
    pub(super) fn expect(&mut self, index: usize, following: Vec<Following>) {
        for (after, task, step) in following {
            self.agenda.put(after, Event::Step(index, task, step));
        }
        self.send_reports(index);
    }

    /// Sees to it that a report of each task with one is on its way.
    pub(super) fn send_reports(&mut self, index: usize) {
        let machine = &mut self.machines[index];
        for held in machine.tasks.values_mut() {
            if !held.is_sending && held.report.is_some() {
                held.is_sending = true;
                let after = machine.lag + self.dice.millis(0, 20);
                self.agenda.put(after, Event::Report(index, held.arn.clone()));
            }
        }
    }

    /// One report arrives, or does not and is sent again. Those of one task come in order.
    pub(super) async fn report(&mut self, index: usize, task: &TaskArn) {
        let machine = &self.machines[index];
        let Some(report) = machine.tasks.get(task).and_then(|it| it.report.clone()) else {
            return;
        };
        if machine.agent == Agent::Down {
            return;
        }
        let is_taken = machine.link == Link::Whole && self.submit(&report).await;
        let is_stormy = self.weather == Weather::Stormy;
        let is_lost = is_stormy && self.dice.percent(self.scenario.lost_answers);
        if is_stormy && self.dice.percent(self.scenario.stray_reports) {
            let later = self.dice.millis(1, 30_000);
            self.agenda.put(later, Event::Stray(index, report));
        }
        let machine = &mut self.machines[index];
        if is_taken && !is_lost {
            let following = machine.acknowledged(task, self.clock.now());
            self.expect(index, following);
        } else {
            let pause = self.dice.millis(50, 5_000);
            self.agenda.put(pause, Event::Report(index, task.clone()));
        }
    }

    pub(super) async fn stray(&mut self, index: usize, report: Value) {
        if self.machines[index].link == Link::Whole {
            self.submit(&report).await;
        }
    }

    /// Whether the control plane has taken a report, or never will.
    async fn submit(&mut self, report: &Value) -> bool {
        let Some(process) = &self.process else {
            return false;
        };
        let answer = process
            .ask(Principal::Agent, "SubmitTaskStateChange", report)
            .await;
        if let Err(Failure::Refused(refusal)) = &answer {
            self.note(&format!("report refused: {}: {}", refusal.code, refusal.message));
        }
        match answer {
            Ok(_) => true,
            Err(Failure::Refused(it)) => it.code == "InvalidParameterException",
            Err(Failure::NoAnswer) => false,
        }
    }

    /// Tells the control plane how healthy the containers of a machine are.
    async fn send_health(&mut self, index: usize) {
        let machine = &self.machines[index];
        let (Some(process), Some(instance)) = (&self.process, &machine.instance) else {
            return;
        };
        if machine.session.is_none() || machine.agent == Agent::Down {
            return;
        }
        let host_id = instance.name().to_owned();
        let known = machine.tasks.values().filter_map(|it| Some((it, it.health()?)));
        let reports: Vec<HealthReport> = known
            .map(|(it, status)| HealthReport {
                task: it.arn.clone(),
                containers: vec![(CONTAINER.to_owned(), health(status))],
            })
            .collect();
        // Without an answer it is told again with the next news, or in the next session.
        let _ = process
            .store
            .transact(move |tx| {
                transitions::observe_health(tx, &host_id, &reports);
                Ok::<_, Infallible>(())
            })
            .await;
    }
}

fn health(status: agent::stepped::HealthStatus) -> ContainerHealth {
    use agent::stepped::HealthStatus as OfAgent;
    ContainerHealth {
        status: match status {
            OfAgent::Unknown => HealthStatus::Unknown,
            OfAgent::Healthy => HealthStatus::Healthy,
            OfAgent::Unhealthy => HealthStatus::Unhealthy,
        },
        since: None,
        output: String::new(),
    }
}

fn order(process: &Process, task: &Arc<Task>) -> Option<Order> {
    let image = process.store.read(|state| {
        let definition = state.get::<TaskDefinition>(&task.task_definition)?;
        Some(definition.containers.first()?.image.clone())
    })?;
    Some(Order {
        task: Arc::clone(task),
        payload: process.payload(task),
        behaviour: Behaviour::of_image(&image),
    })
}
