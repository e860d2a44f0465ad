//! `cargo xtask demo`: one command from a bare machine to a service of real containers.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use serde_json::{Value, json};
use test_support::sample_image::{self, SAMPLE_IMAGE};
use test_support::{gantry, wait};

use crate::install::{self, run, say};

/// Where the demonstration's Gantry keeps its state.
const DATA_DIR: &str = "/var/lib/gantry-demo";
/// Where it serves.
const LISTEN: &str = "127.0.0.1:4566";
/// How long anything may take.
const DEADLINE: Duration = Duration::from_secs(60);

/// What is left when the demonstration ends.
pub enum Ending {
    /// Nothing.
    CleanUp,
    /// A running Gantry.
    Keep,
}

struct Demo {
    binary: PathBuf,
    clients: PathBuf,
    up: Child,
}

/// Builds, starts, deploys, shows, and cleans up.
pub fn demo(root: &Path, ending: &Ending) -> Result<()> {
    install::for_build()?;
    install::for_run()?;
    let clients = install::aws_clients(root)?;
    say("Building the release binary (a few minutes the first time)");
    run(Command::new("cargo")
        .current_dir(root)
        .args(["build", "--release", "--package", "gantry"]))?;
    let target = std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root.join("target"), PathBuf::from);
    let binary = target.join("release/gantry");
    say("Starting Gantry");
    let log = Path::new(DATA_DIR).join("up.log");
    std::fs::create_dir_all(DATA_DIR)
        .with_context(|| format!("cannot make {DATA_DIR}: run the demo as root"))?;
    let out = std::fs::File::create(&log)?;
    let mut up = Command::new(&binary);
    up.args(["up", "--no-profile", "--data-dir", DATA_DIR, "--listen", LISTEN]);
    let up = up
        .stdin(Stdio::null())
        .stdout(out.try_clone()?)
        .stderr(out)
        .spawn()?;
    let mut demo = Demo { binary, clients, up };
    let outcome = demo.show(&log);
    if let (Ok(()), Ending::Keep) = (&outcome, ending) {
        println!("\nGantry keeps running (process {}). Next:", demo.up.id());
        println!(
            "  eval \"$({} env --data-dir {DATA_DIR})\"",
            demo.binary.display()
        );
        println!("  export PATH={}:$PATH", demo.clients.display());
        println!("  aws ecs update-service --service hello --desired-count 5");
        println!("  aws ecs list-tasks");
        println!("  {} down --data-dir {DATA_DIR}", demo.binary.display());
        return Ok(());
    }
    say("Cleaning up");
    let down = run(Command::new(&demo.binary).args(["down", "--data-dir", DATA_DIR]));
    if down.is_err() {
        demo.up.kill()?;
    }
    demo.up.wait()?;
    std::fs::remove_dir_all(DATA_DIR)?;
    outcome.and(down)
}

impl Demo {
    fn show(&mut self, log: &Path) -> Result<()> {
        wait::until("gantry up", DEADLINE, || {
            if let Some(status) = self.up.try_wait()? {
                bail!(
                    "gantry up ended with {status}: {}",
                    std::fs::read_to_string(log).unwrap_or_default()
                );
            }
            Ok(self.gantry(&["env"]).ok())
        })?;
        say("Loading a sample image");
        let image = Path::new(DATA_DIR).join("sample.tar");
        sample_image::write(&image)?;
        print!(
            "{}",
            self.gantry(&["image", "load", &image.display().to_string()])?
        );
        say("Creating a cluster, a task definition and a service of 3 tasks");
        self.aws(&[
            "ecs",
            "create-cluster",
            "--cluster-name",
            "demo",
            "--query",
            "cluster.status",
        ])?;
        let definition = json!({
            "family": "hello", "networkMode": "awsvpc", "requiresCompatibilities": ["FARGATE"],
            "cpu": "256", "memory": "512", "executionRoleArn": "arn:aws:iam::123456789012:role/execution",
            "containerDefinitions": [{
                "name": "web", "image": SAMPLE_IMAGE, "portMappings": [{ "containerPort": 80 }],
                "logConfiguration": { "logDriver": "awslogs", "options": {
                    "awslogs-group": "/ecs/hello", "awslogs-region": "us-east-1",
                    "awslogs-stream-prefix": "demo", "awslogs-create-group": "true",
                }},
            }],
        });
        let definition = definition.to_string();
        self.aws(&[
            "ecs",
            "register-task-definition",
            "--cli-input-json",
            &definition,
            "--query",
            "taskDefinition.taskDefinitionArn",
        ])?;
        let network = format!(
            "awsvpcConfiguration={{subnets=[{}]}}",
            self.variable("GANTRY_SUBNET")?
        );
        self.aws(&[
            "ecs",
            "create-service",
            "--cluster",
            "demo",
            "--service-name",
            "hello",
            "--task-definition",
            "hello",
            "--desired-count",
            "3",
            "--launch-type",
            "FARGATE",
            "--network-configuration",
            &network,
            "--query",
            "service.status",
        ])?;
        say("Waiting until the service is stable");
        self.aws(&[
            "ecs",
            "wait",
            "services-stable",
            "--cluster",
            "demo",
            "--services",
            "hello",
        ])?;
        self.fetch_pages()?;
        say("Showing the logs");
        let endpoint = self.variable("AWS_ENDPOINT_URL")?;
        let tail = [
            "--endpoint-url",
            &endpoint,
            "logs",
            "tail",
            "/ecs/hello",
            "--since",
            "10m",
            "--format",
            "short",
        ];
        println!("$ aws {}", tail.join(" "));
        let configured = self.command(&[])?;
        let mut command = Command::new(install::AWS_CLI_2);
        command.envs(
            configured
                .get_envs()
                .filter_map(|(name, value)| Some((name, value?))),
        );
        run(command.args(tail))?;
        self.replace_a_task()
    }

    fn fetch_pages(&self) -> Result<()> {
        say("Fetching a page from each task");
        for task in self.tasks()? {
            let address = task["containers"][0]["networkInterfaces"][0]["privateIpv4Address"]
                .as_str()
                .unwrap_or("");
            let answer = wait::until("a page", DEADLINE, || {
                Ok(gantry::http_get(&format!("{address}:80"), "/")
                    .ok()
                    .filter(|it| it.contains(" 200 ")))
            })?;
            println!("{address}: {}", answer.lines().last().unwrap_or_default());
        }
        Ok(())
    }

    fn replace_a_task(&self) -> Result<()> {
        say("Killing the process of one container");
        let before: Vec<String> = self.tasks()?.iter().map(arn).collect();
        let victim = before.first().context("no task runs")?;
        let id = victim.rsplit('/').next().unwrap_or_default();
        let process = container_process(id).with_context(|| format!("no process of task {id}"))?;
        run(Command::new("kill").args(["-KILL", &process.to_string()]))?;
        println!("killed process {process} of task {id}");
        let replacement = wait::until("a replacement", DEADLINE, || {
            let tasks = self.tasks()?;
            let is_new = |it: &&Value| it["lastStatus"] == "RUNNING" && !before.contains(&arn(it));
            Ok(tasks.iter().find(is_new).map(arn))
        })?;
        println!("replaced by {replacement}");
        self.aws(&["ecs", "describe-tasks", "--cluster", "demo", "--tasks", victim, "--query",
            "tasks[0].{lastStatus:lastStatus,stopCode:stopCode,stoppedReason:stoppedReason,exitCode:containers[0].exitCode}"])?;
        self.aws(&[
            "ecs",
            "describe-services",
            "--cluster",
            "demo",
            "--services",
            "hello",
            "--query",
            "services[0].events[].message",
        ])
    }

    fn tasks(&self) -> Result<Vec<Value>> {
        let arns = self.json(&[
            "ecs",
            "list-tasks",
            "--cluster",
            "demo",
            "--service-name",
            "hello",
        ])?;
        let arns: Vec<&str> = arns["taskArns"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(Value::as_str)
            .collect();
        if arns.is_empty() {
            return Ok(Vec::new());
        }
        let mut arguments = vec!["ecs", "describe-tasks", "--cluster", "demo", "--tasks"];
        arguments.extend(arns);
        Ok(self.json(&arguments)?["tasks"]
            .as_array()
            .cloned()
            .unwrap_or_default())
    }

    fn variable(&self, name: &str) -> Result<String> {
        let lines = self.gantry(&["env"])?;
        let prefix = format!("export {name}=");
        let value = lines
            .lines()
            .find_map(|line| line.strip_prefix(&prefix))
            .context("gantry env says too little")?;
        Ok(value.trim_matches('\'').to_owned())
    }

    fn gantry(&self, arguments: &[&str]) -> Result<String> {
        let output = Command::new(&self.binary)
            .args(arguments)
            .args(["--data-dir", DATA_DIR])
            .output()?;
        if !output.status.success() {
            bail!(
                "gantry {}: {}",
                arguments.join(" "),
                String::from_utf8_lossy(&output.stderr)
            );
        }
        Ok(String::from_utf8(output.stdout)?)
    }

    fn command(&self, arguments: &[&str]) -> Result<Command> {
        let mut command = Command::new(self.clients.join("aws"));
        for name in [
            "AWS_ENDPOINT_URL",
            "AWS_ACCESS_KEY_ID",
            "AWS_SECRET_ACCESS_KEY",
            "AWS_DEFAULT_REGION",
        ] {
            let variable = if name == "AWS_DEFAULT_REGION" {
                "AWS_REGION"
            } else {
                name
            };
            command.env(name, self.variable(variable)?);
        }
        command
            .env("AWS_PAGER", "")
            .env_remove("AWS_PROFILE")
            .env_remove("AWS_SESSION_TOKEN");
        command.args(arguments);
        Ok(command)
    }

    /// Runs the AWS CLI in front of the reader.
    fn aws(&self, arguments: &[&str]) -> Result<()> {
        println!("$ aws {}", arguments.join(" "));
        run(&mut self.command(arguments)?)
    }

    fn json(&self, arguments: &[&str]) -> Result<Value> {
        let output = self.command(arguments)?.output()?;
        if !output.status.success() {
            bail!(
                "aws {}: {}",
                arguments.join(" "),
                String::from_utf8_lossy(&output.stderr)
            );
        }
        Ok(serde_json::from_slice(&output.stdout)?)
    }
}

fn arn(task: &Value) -> String {
    task["taskArn"].as_str().unwrap_or_default().to_owned()
}

/// The web server of a task, found by its control group as a user would find it.
fn container_process(task_id: &str) -> Option<u32> {
    let processes = std::fs::read_dir("/proc").ok()?.flatten();
    let ids = processes.filter_map(|it| it.file_name().to_str()?.parse::<u32>().ok());
    ids.filter(|id| {
        let read = |name: &str| std::fs::read_to_string(format!("/proc/{id}/{name}")).unwrap_or_default();
        read("cgroup").contains(task_id) && read("cmdline").contains("httpd")
    })
    .min()
}
