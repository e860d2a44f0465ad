//! `gantry task`: asks the running Gantry about tasks, and reaches into them.

use std::io::Write;

use anyhow::{Context, Result};
use api::gantry;

use crate::arguments::{Explain, Inspect, List, TaskCommand};
use crate::client::call;

mod copy;
mod forward;
mod stream;
pub mod text;

/// Most tasks of one answer.
const PAGE_MAX: u32 = 100;

/// Does what is asked.
pub fn run(command: &TaskCommand) -> Result<()> {
    match command {
        TaskCommand::Explain(arguments) => explain(arguments),
        TaskCommand::Inspect(arguments) => inspect(arguments),
        TaskCommand::Ls(arguments) => list(arguments),
        TaskCommand::PortForward(arguments) => forward::run(arguments),
        TaskCommand::Cp(arguments) => copy::run(arguments),
    }
}

fn explain(arguments: &Explain) -> Result<()> {
    let input = gantry::ExplainTaskInput {
        cluster: arguments.name.cluster.clone(),
        task: arguments.name.task.clone(),
    };
    let output = call::<gantry::ExplainTask>(&arguments.name.place, &input)?;
    let explanation = output.explanation.context("the answer is empty")?;
    match arguments.json {
        true => print(&pretty(&explanation)?),
        false => print(&text::explanation(&explanation)),
    }
}

fn inspect(arguments: &Inspect) -> Result<()> {
    let input = gantry::InspectTaskInput {
        cluster: arguments.name.cluster.clone(),
        task: arguments.name.task.clone(),
    };
    print(&pretty(&call::<gantry::InspectTask>(
        &arguments.name.place,
        &input,
    )?)?)
}

fn list(arguments: &List) -> Result<()> {
    let (mut tasks, mut next_token) = (Vec::new(), None);
    loop {
        let found = u32::try_from(tasks.len()).unwrap_or(u32::MAX);
        let wanted = arguments.most.saturating_sub(found).min(PAGE_MAX);
        let input = gantry::ListStoppedTasksInput {
            cluster: arguments.cluster.clone(),
            family: arguments.family.clone(),
            service_name: arguments.service.clone(),
            max_results: i32::try_from(wanted).ok(),
            next_token,
        };
        let page = call::<gantry::ListStoppedTasks>(&arguments.place, &input)?;
        tasks.extend(page.tasks.unwrap_or_default());
        next_token = page.next_token;
        if next_token.is_none() || tasks.len() >= arguments.most as usize {
            break;
        }
    }
    if arguments.json {
        let tasks = Some(tasks);
        return print(&pretty(&gantry::ListStoppedTasksOutput { tasks, next_token })?);
    }
    print(&text::stopped_tasks(&tasks))
}

/// A shape as indented JSON.
pub fn pretty<T: wire::Value>(shape: &T) -> Result<String> {
    let value: serde_json::Value = serde_json::from_slice(&wire::json::encode(shape))?;
    Ok(serde_json::to_string_pretty(&value)? + "\n")
}

/// Whoever reads only the first lines is no failure.
pub fn print(text: &str) -> Result<()> {
    match std::io::stdout().write_all(text.as_bytes()) {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => Err(error.into()),
        _ => Ok(()),
    }
}
