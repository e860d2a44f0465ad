//! What every test starts from: a running Gantry with the sample image, and an AWS CLI for it.

use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result};
use serde_json::{Value, json};
use test_support::aws::Aws;
use test_support::gantry::Gantry;
use test_support::sample_image::{self, SAMPLE_IMAGE};
use test_support::wait;

/// Long enough for two busy cores; nothing here takes a second on a quiet machine.
pub const DEADLINE: Duration = Duration::from_secs(60);

pub struct World {
    pub gantry: Gantry,
    pub aws: Aws,
}

impl World {
    pub fn new() -> Result<Self> {
        Self::with(&[])
    }

    /// The same with options of `gantry up`.
    pub fn with(options: &[&str]) -> Result<Self> {
        Self::of(Gantry::start_with(
            Path::new(env!("CARGO_BIN_EXE_gantry")),
            options,
        )?)
    }

    /// The same with all of Gantry's data on a disk of so many MiB.
    pub fn on_disk(mib: u32) -> Result<Self> {
        Self::of(Gantry::start_on_disk(
            Path::new(env!("CARGO_BIN_EXE_gantry")),
            mib,
        )?)
    }

    fn of(gantry: Gantry) -> Result<Self> {
        let image = gantry.scratch().join("sample.tar");
        sample_image::write(&image)?;
        gantry.command(&["image", "load", &image.display().to_string()])?;
        let aws = Aws::of(&gantry)?;
        Ok(Self { gantry, aws })
    }

    /// Registers a task definition with one container `web` of the sample image; `container` and `task` are merged in.
    pub fn register(&self, family: &str, task: Value, container: Value) -> Result<String> {
        let mut definition = json!({ "name": "web", "image": SAMPLE_IMAGE, "memory": 32, "essential": true, "stopTimeout": 2 });
        merge(&mut definition, container);
        let mut input = json!({ "family": family, "containerDefinitions": [definition] });
        merge(&mut input, task);
        self.register_all(&input)
    }

    /// `create-service`, on EC2.
    pub fn create_service(&self, name: &str, definition: &str, desired_count: &str) -> Result<()> {
        self.aws.json(&[
            "ecs",
            "create-service",
            "--service-name",
            name,
            "--task-definition",
            definition,
            "--desired-count",
            desired_count,
        ])?;
        Ok(())
    }

    /// Registers a whole task definition.
    pub fn register_all(&self, input: &Value) -> Result<String> {
        let output = self.aws.json(&[
            "ecs",
            "register-task-definition",
            "--cli-input-json",
            &input.to_string(),
        ])?;
        Ok(text(&output["taskDefinition"]["taskDefinitionArn"]))
    }

    /// `run-task` of one task on EC2, unless `more` says otherwise; gives its ARN.
    pub fn run(&self, definition: &str, more: &[&str]) -> Result<String> {
        let mut arguments = vec!["ecs", "run-task", "--task-definition", definition];
        arguments.extend_from_slice(more);
        let output = self.aws.json(&arguments)?;
        let arn = output["tasks"][0]["taskArn"]
            .as_str()
            .with_context(|| format!("no task: {output}"))?;
        Ok(arn.to_owned())
    }

    pub fn task(&self, arn: &str) -> Result<Value> {
        Ok(self.aws.json(&["ecs", "describe-tasks", "--tasks", arn])?["tasks"][0].clone())
    }

    /// Waits until the task has the status; a task that stops instead is an error that says why.
    pub fn wait_for(&self, arn: &str, status: &str) -> Result<Value> {
        wait::until(&format!("task {status}"), DEADLINE, || {
            let task = self.task(arn)?;
            if task["lastStatus"] == status {
                return Ok(Some(task));
            }
            anyhow::ensure!(task["lastStatus"] != "STOPPED", "the task stopped: {task:#}");
            Ok(None)
        })
    }

    /// `networkConfiguration` in the default VPC.
    pub fn awsvpc(&self) -> Result<String> {
        let subnet = self.gantry.variable("GANTRY_SUBNET")?;
        let group = self.gantry.variable("GANTRY_SECURITY_GROUP")?;
        Ok(format!(
            "awsvpcConfiguration={{subnets=[{subnet}],securityGroups=[{group}]}}"
        ))
    }

    /// The ids of two subnets in the first two zones, and that of their VPC.
    pub fn two_subnets(&self) -> Result<(String, String, String)> {
        let sorted = "sort_by(Subnets, &AvailabilityZone)[].[SubnetId,VpcId]";
        let query = ["ec2", "describe-subnets", "--query", sorted];
        let subnets = self.aws.json(&query)?;
        Ok((text(&subnets[0][0]), text(&subnets[1][0]), text(&subnets[0][1])))
    }

    /// The newest tasks that a service wants running.
    pub fn tasks_of(&self, service: &str) -> Result<Vec<String>> {
        let output = self.aws.json(&["ecs", "list-tasks", "--service-name", service])?;
        Ok(output["taskArns"]
            .as_array()
            .into_iter()
            .flatten()
            .map(text)
            .collect())
    }

    /// Waits until exactly that many tasks of a service run, and gives them.
    pub fn wait_running(&self, service: &str, count: usize) -> Result<Vec<Value>> {
        wait::until(&format!("{count} tasks of {service} run"), DEADLINE, || {
            let arns = self.tasks_of(service)?;
            if arns.len() != count || count == 0 {
                return Ok((arns.is_empty() && count == 0).then(Vec::new));
            }
            let mut arguments = vec!["ecs", "describe-tasks", "--tasks"];
            arguments.extend(arns.iter().map(String::as_str));
            let tasks = self.aws.json(&arguments)?["tasks"]
                .as_array()
                .cloned()
                .unwrap_or_default();
            Ok(tasks
                .iter()
                .all(|it| it["lastStatus"] == "RUNNING")
                .then_some(tasks))
        })
    }

    /// Waits until one deployment of a service is left, completed and of a definition: `services-stable` is content
    /// with a deployment that is still watched.
    pub fn wait_completed(&self, service: &str, definition: &str) -> Result<()> {
        wait::until("the rollout", DEADLINE, || {
            let described = self
                .aws
                .json(&["ecs", "describe-services", "--services", service])?;
            let deployments = described["services"][0]["deployments"].clone();
            let deployments = deployments.as_array().context("deployments")?;
            let is_done = deployments.len() == 1
                && deployments[0]["rolloutState"] == "COMPLETED"
                && deployments[0]["taskDefinition"] == definition;
            Ok(is_done.then_some(()))
        })
    }
}

pub fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

/// Address of an `awsvpc` task.
pub fn address(task: &Value) -> String {
    text(&task["containers"][0]["networkInterfaces"][0]["privateIpv4Address"])
}

/// Host port of the first binding of the first container.
pub fn host_port(task: &Value) -> u64 {
    task["containers"][0]["networkBindings"][0]["hostPort"]
        .as_u64()
        .unwrap_or_default()
}

/// Fetches a page, trying until it is served.
pub fn page(address: &str) -> Result<String> {
    wait::until(&format!("a page from {address}"), DEADLINE, || {
        let answer = test_support::gantry::http_get(address, "/").unwrap_or_default();
        Ok(answer.starts_with("HTTP/1.1 200").then_some(answer).or(None))
    })
}

fn merge(into: &mut Value, from: Value) {
    if let (Some(into), Value::Object(from)) = (into.as_object_mut(), from) {
        into.extend(from);
    }
}
