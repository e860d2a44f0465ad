//! What running containers costs: starts, commands, memory, output, images; beside Docker and skopeo in the same run.

mod command;
mod density;
mod output;
mod processes;
mod pulling;
mod starts;

use std::path::Path;

use anyhow::Result;
use test_support::docker::Engine;

use super::client::Connection;
use super::report::{Table, load};
use crate::install::say;

/// Prints the numbers as they come, and a table of all of them at the end.
pub fn measure(binary: &Path) -> Result<()> {
    say("Containers");
    let engine = Engine::start()?;
    println!("load of the machine before: {}", load()?);
    let mut table = Table::default();
    for part in [
        starts::measure,
        command::measure,
        density::measure,
        output::measure,
        pulling::measure,
    ] {
        part(binary, engine.as_ref(), &mut table)?;
    }
    println!("load of the machine after: {}", load()?);
    table.print();
    Ok(())
}

/// A Gantry of a part's own with the sample image, and a connection to it.
fn started(binary: &Path) -> Result<(test_support::gantry::Gantry, Connection)> {
    let gantry = super::started(binary)?;
    let mut connection = Connection::to(&gantry)?;
    connection.call::<api::ecs::CreateCluster>(&api::ecs::CreateClusterInput::default())?;
    Ok((gantry, connection))
}
