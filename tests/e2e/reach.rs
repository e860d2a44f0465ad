//! `gantry task port-forward` and `gantry task cp`: ports and files of tasks, with nothing but the program in the image.

use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::process::{Child, Command, Stdio};

use anyhow::{Context, Result, ensure};
use serde_json::json;
use test_support::gantry::http_get;
use test_support::wait;

use crate::world::{DEADLINE, World, text};

/// A forward that runs.
struct Forward {
    child: Child,
    address: String,
}

impl Forward {
    fn start(world: &World, task: &str, ports: &str) -> Result<Self> {
        let mut child = Command::new(env!("CARGO_BIN_EXE_gantry"))
            .args(["task", "port-forward", task, ports, "--data-dir"])
            .arg(world.gantry.data_dir())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()?;
        let mut line = String::new();
        let out = child.stdout.take().context("no output")?;
        BufReader::new(out).read_line(&mut line)?;
        let address = line.split(' ').nth(1).unwrap_or_default().to_owned();
        ensure!(line.starts_with("Forwarding 127.0.0.1:"), "it says {line:?}");
        Ok(Self { child, address })
    }

    /// Ctrl-C; answers whether it ended well, and what it complained about.
    fn interrupt(mut self) -> Result<(bool, String)> {
        let id = self.child.id().to_string();
        ensure!(
            Command::new("kill").args(["-INT", &id]).status()?.success(),
            "no such process"
        );
        let mut complaints = String::new();
        let errors = self.child.stderr.take().context("no errors")?;
        BufReader::new(errors).read_to_string(&mut complaints)?;
        Ok((self.child.wait()?.success(), complaints))
    }
}

impl Drop for Forward {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// A task whose program listens on loopback only.
fn serving(world: &World, mode: &str, port: u16) -> Result<String> {
    let script =
        format!("mkdir /tmp/www; echo page > /tmp/www/index.html; httpd -f -p 127.0.0.1:{port} -h /tmp/www");
    let container = json!({ "command": ["/bin/sh", "-c", script] });
    let definition = world.register(
        &format!("reach-{mode}"),
        json!({ "networkMode": mode }),
        container,
    )?;
    let network = world.awsvpc()?;
    let more = match mode {
        "awsvpc" => vec!["--network-configuration", network.as_str()],
        _ => Vec::new(),
    };
    let task = world.run(&definition, &more)?;
    world.wait_for(&task, "RUNNING")?;
    Ok(task)
}

#[test]
fn ports_of_tasks_are_reached_in_every_network_mode() -> Result<()> {
    let world = World::new()?;
    for (mode, port) in [("awsvpc", 8080), ("bridge", 8080), ("host", 18_493)] {
        let task = serving(&world, mode, port)?;
        let forward = Forward::start(&world, &task, &format!("0:{port}"))?;
        wait::until(&format!("a page in mode {mode}"), DEADLINE, || {
            let page = http_get(&forward.address, "/").unwrap_or_default();
            Ok(page.ends_with("page\n").then_some(()))
        })?;
        let at_once: Vec<_> = (0..8)
            .map(|_| forward.address.clone())
            .map(|address| std::thread::spawn(move || http_get(&address, "/")))
            .collect();
        for connection in at_once {
            let page = connection.join().map_err(|_| anyhow::anyhow!("it panicked"))??;
            ensure!(page.ends_with("page\n"), "{page}");
        }
        let (is_well, _) = forward.interrupt()?;
        ensure!(is_well, "Ctrl-C is no failure");
    }
    Ok(())
}

#[test]
fn a_forward_says_what_is_wrong_and_ends_with_its_task() -> Result<()> {
    let world = World::new()?;
    let task = serving(&world, "awsvpc", 8080)?;
    let other = Forward::start(&world, &task, "0:81")?;
    wait::until("a refused connection", DEADLINE, || {
        Ok(http_get(&other.address, "/").map_or(Some(()), |page| page.is_empty().then_some(())))
    })?;
    let (_, complaints) = other.interrupt()?;
    ensure!(
        complaints.contains("nothing listens on port 81 in the network of container web"),
        "{complaints}"
    );
    let mut forward = Forward::start(&world, &task, "0:8080")?;
    world.aws.json(&["ecs", "stop-task", "--task", &task])?;
    wait::until("the task is gone", DEADLINE, || {
        Ok((text(&world.task(&task)?["lastStatus"]) == "STOPPED").then_some(()))
    })?;
    drop(http_get(&forward.address, "/"));
    let ended = wait::until("the forward ends", DEADLINE, || Ok(forward.child.try_wait()?))?;
    ensure!(!ended.success(), "it is a failure");
    let refused = world.gantry.command(&["task", "port-forward", &task, "0:8080"]);
    let refused = refused.err().context("it forwards to nowhere")?.to_string();
    ensure!(refused.contains("has stopped"), "{refused}");
    Ok(())
}

#[test]
fn files_are_copied_in_both_directions() -> Result<()> {
    let world = World::new()?;
    let task = serving(&world, "bridge", 8080)?;
    let id = task.rsplit('/').next().context("an id")?;
    let here = world.gantry.scratch().join("cp");
    fs::create_dir_all(here.join("site/deep"))?;
    let big: Vec<u8> = (0..2_000_000_u32).map(|it| (it % 251) as u8).collect();
    fs::write(here.join("site/deep/big"), &big)?;
    let shown = |path: &str| here.join(path).display().to_string();
    let copy = |from: &str, to: &str| world.gantry.command(&["task", "cp", from, to]);
    copy(&shown("site"), &format!("{id}:/tmp"))?;
    copy(&format!("{task}:/tmp/site"), &shown("back"))?;
    ensure!(
        fs::read(here.join("back/deep/big"))? == big,
        "it comes back as it went"
    );
    copy(&format!("{id}:/tmp/www/index.html"), &shown("."))?;
    ensure!(fs::read_to_string(here.join("index.html"))? == "page\n", "a file");
    fs::write(here.join("index.html"), "new\n")?;
    copy(&shown("index.html"), &format!("{id}:/tmp/www/"))?;
    let forward = Forward::start(&world, &task, "0:8080")?;
    let page = http_get(&forward.address, "/")?;
    ensure!(page.ends_with("new\n"), "{page}");
    for (from, to, expected) in [
        (
            format!("{id}:/none"),
            shown("x"),
            "container web: there is no /none",
        ),
        (shown("none"), format!("{id}:/tmp"), "there is no"),
        (
            format!("{id}:/tmp"),
            format!("{id}:/tmp"),
            "both sides are in tasks",
        ),
        ("zz:/tmp".to_owned(), shown("x"), "there is no task zz"),
    ] {
        let refused = copy(&from, &to).err().with_context(|| format!("{from} {to}"))?;
        let refused = refused.to_string();
        ensure!(refused.contains(expected), "{refused}");
    }
    Ok(())
}
