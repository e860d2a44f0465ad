//! What networks cost: traffic between tasks beside Docker's bridge and links as Swarm's overlay has them, changes of a
//! security group with a thousand members, and the share of the network in a start.

mod groups;
mod hosts;
mod overlay;
mod places;
mod starts;
mod tasks;
mod traffic;

use std::path::Path;

use anyhow::{Result, bail};

use self::traffic::Road;
use super::report::load;
use crate::install::say;

/// What can be measured.
const PARTS: [&str; 4] = ["tasks", "overlay", "groups", "starts"];

/// Prints the numbers as they come, and tables that the documentation takes over.
pub fn measure(root: &Path, binary: &Path, words: &[&str]) -> Result<()> {
    if let Some(unknown) = words.iter().find(|it| !PARTS.contains(it)) {
        bail!("no part {unknown}: there are {}", PARTS.join(", "));
    }
    println!("load of the machine before: {}", load()?);
    for part in PARTS {
        if !words.is_empty() && !words.contains(&part) {
            continue;
        }
        match part {
            "tasks" => tasks::measure(binary)?,
            "overlay" => overlay::measure(root)?,
            "groups" => groups::measure(binary)?,
            _ => starts::measure(binary)?,
        }
    }
    println!("load of the machine after: {}", load()?);
    Ok(())
}

/// Sends traffic over each road in turns, and prints a table.
fn compare(what: &str, roads: &[Road]) -> Result<()> {
    say(&format!("{what}, {} turns each", traffic::ROUNDS));
    let mut turns = vec![Vec::new(); roads.len()];
    for _ in 0..traffic::ROUNDS {
        for (road, turns) in roads.iter().zip(&mut turns) {
            turns.push(road.turn()?);
        }
    }
    traffic::print(what, roads, &turns);
    Ok(())
}
