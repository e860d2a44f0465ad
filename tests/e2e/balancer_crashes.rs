//! The process that carries the traffic of a load balancer dies, and comes back with what it knew.

use anyhow::{Context, Result};
use test_support::leaks::Place;
use test_support::wait;

use crate::world::{DEADLINE, World, page, text};

#[test]
fn a_balancer_that_is_killed_comes_back_with_what_it_knew() -> Result<()> {
    let world = World::new()?;
    let place = Place::of(&world.gantry)?;
    let task = world.page_task(&world.awsvpc()?)?;
    let before = place.held()?;
    let (load_balancer, group) = world.balance(&[&task])?;
    let arn = text(&load_balancer["LoadBalancerArn"]);
    let (_, id) = arn.rsplit_once('/').context("an ARN")?;
    let lock = world.gantry.data_dir().join("balancers").join(id).join("lock");
    let process = || Ok::<_, anyhow::Error>(std::fs::read_to_string(&lock)?.trim().to_owned());
    let addresses = world.addresses(&load_balancer)?;
    for _ in 0..2 {
        let killed = process()?;
        let done = std::process::Command::new("kill")
            .args(["-9", &killed])
            .status()?;
        anyhow::ensure!(done.success(), "process {killed} is there");
        wait::until("another process", DEADLINE, || {
            let is_other = process().is_ok_and(|it| !it.is_empty() && it != killed);
            Ok(is_other.then_some(()))
        })?;
        for address in &addresses {
            assert!(page(&format!("{address}:80"))?.contains("here I am"));
        }
        world.elb(&["wait", "target-in-service", "--target-group-arn", &group])?;
    }
    world.elb(&["delete-load-balancer", "--load-balancer-arn", &arn])?;
    place.settle(&before)
}
