//! Which tasks network interfaces belong to. STOPPED tasks have none any more.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;
use std::sync::Arc;

use domain::TaskArn;
use domain::network_interface::NetworkInterface;
use domain::task::{Task, TaskEni};

use super::{Indexes, State};

/// Tasks by their network interface: by its id and that of its attachment, by its subnet and security groups.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct TaskInterfaces {
    by_id: BTreeMap<String, TaskArn>,
    by_attachment: BTreeMap<String, TaskArn>,
    by_subnet: BTreeMap<String, BTreeSet<TaskArn>>,
    by_security_group: BTreeMap<String, BTreeSet<TaskArn>>,
}

impl TaskInterfaces {
    /// Follows a task from what it was to what it is. One that keeps its interface as it is costs nothing.
    pub fn update(&mut self, before: Option<&Arc<Task>>, after: Option<&Arc<Task>>) {
        let (old, new) = (before.and_then(interface), after.and_then(interface));
        if old.map(|it| it.1) == new.map(|it| it.1) {
            return;
        }
        if let Some((task, eni)) = old {
            // Within a transaction another task may have got it.
            if self.by_id.get(&eni.network_interface_id) == Some(task) {
                self.by_id.remove(&eni.network_interface_id);
            }
            if self.by_attachment.get(&eni.attachment_id) == Some(task) {
                self.by_attachment.remove(&eni.attachment_id);
            }
            leave(&mut self.by_subnet, &eni.subnet_id, task);
            for group in &eni.security_groups {
                leave(&mut self.by_security_group, group, task);
            }
        }
        if let Some((task, eni)) = new {
            self.by_id.insert(eni.network_interface_id.clone(), task.clone());
            self.by_attachment.insert(eni.attachment_id.clone(), task.clone());
            join(&mut self.by_subnet, &eni.subnet_id, task);
            for group in &eni.security_groups {
                join(&mut self.by_security_group, group, task);
            }
        }
    }
}

fn interface(task: &Arc<Task>) -> Option<(&TaskArn, &TaskEni)> {
    Some((&task.arn, task.eni.as_deref()?))
}

fn join(all: &mut BTreeMap<String, BTreeSet<TaskArn>>, name: &str, task: &TaskArn) {
    match all.get_mut(name) {
        Some(tasks) => {
            tasks.insert(task.clone());
        }
        None => {
            all.insert(name.to_owned(), BTreeSet::from([task.clone()]));
        }
    }
}

fn leave(all: &mut BTreeMap<String, BTreeSet<TaskArn>>, name: &str, task: &TaskArn) {
    if let Some(tasks) = all.get_mut(name) {
        tasks.remove(task);
        if tasks.is_empty() {
            all.remove(name);
        }
    }
}

impl Indexes {
    /// Its addresses are as taken as those of tasks.
    pub(crate) fn network_interface(
        &mut self,
        before: Option<&Arc<NetworkInterface>>,
        after: Option<&Arc<NetworkInterface>>,
    ) {
        if let Some(it) = before {
            for address in it.addresses() {
                self.addresses.give_back(&it.subnet_id, address);
            }
        }
        if let Some(it) = after {
            for address in it.addresses() {
                self.addresses.take(&it.subnet_id, address);
            }
        }
    }
}

impl State {
    /// The task, not STOPPED, that has a network interface.
    pub fn task_of_interface(&self, network_interface_id: &str) -> Option<&Arc<Task>> {
        let task = self.indexes.task_interfaces.by_id.get(network_interface_id)?;
        self.tasks.get(task)
    }

    /// The task, not STOPPED, whose network interface has this attachment.
    pub fn task_of_attachment(&self, attachment_id: &str) -> Option<&Arc<Task>> {
        let task = self.indexes.task_interfaces.by_attachment.get(attachment_id)?;
        self.tasks.get(task)
    }

    /// Network interfaces of tasks that are not STOPPED, by id, and their tasks; from an id on, whether it is there or
    /// not.
    pub fn task_interfaces_from<'a>(
        &'a self,
        id: &str,
    ) -> impl Iterator<Item = (&'a String, &'a TaskArn)> + use<'a> {
        let from = (Bound::Included(id), Bound::Unbounded);
        self.indexes.task_interfaces.by_id.range::<str, _>(from)
    }

    /// Tasks as of [`State::tasks_in_subnet`], those after one.
    pub fn tasks_in_subnet_after<'a>(
        &'a self,
        subnet_id: &str,
        task: Option<&TaskArn>,
    ) -> impl Iterator<Item = &'a TaskArn> + use<'a> {
        let found = self.indexes.task_interfaces.by_subnet.get(subnet_id);
        found.unwrap_or(&NONE).range(after(task))
    }

    /// Tasks as of [`State::tasks_in_security_group`], those after one.
    pub fn tasks_in_security_group_after<'a>(
        &'a self,
        group_id: &str,
        task: Option<&TaskArn>,
    ) -> impl Iterator<Item = &'a TaskArn> + use<'a> {
        let found = self.indexes.task_interfaces.by_security_group.get(group_id);
        found.unwrap_or(&NONE).range(after(task))
    }

    /// Tasks, not STOPPED, that have a network interface in a subnet, by ARN.
    pub fn tasks_in_subnet(&self, subnet_id: &str) -> impl ExactSizeIterator<Item = &TaskArn> + use<'_> {
        let found = self.indexes.task_interfaces.by_subnet.get(subnet_id);
        found.unwrap_or(&NONE).iter()
    }

    /// Tasks, not STOPPED, whose network interface is a member of a security group, by ARN.
    pub fn tasks_in_security_group(
        &self,
        group_id: &str,
    ) -> impl ExactSizeIterator<Item = &TaskArn> + use<'_> {
        let found = self.indexes.task_interfaces.by_security_group.get(group_id);
        found.unwrap_or(&NONE).iter()
    }
}

static NONE: BTreeSet<TaskArn> = BTreeSet::new();

/// All that comes after a task, or all.
fn after(key: Option<&TaskArn>) -> (Bound<&TaskArn>, Bound<&TaskArn>) {
    (key.map_or(Bound::Unbounded, Bound::Excluded), Bound::Unbounded)
}
