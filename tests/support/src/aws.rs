//! The unmodified AWS CLI and boto3, pointed at a Gantry.

use std::path::PathBuf;
use std::process::{Command, Output};

use anyhow::{Context, Result, bail};
use serde_json::Value;

use crate::gantry::{ACCESS_KEY_ID, Gantry, SECRET_ACCESS_KEY};

/// Names the folder that the AWS clients are installed in; `cargo xtask test` sets it.
pub const CLIENTS_VARIABLE: &str = "GANTRY_AWS_CLIENTS";

/// An AWS CLI that signs with the root key.
pub struct Aws {
    endpoint: String,
    clients: PathBuf,
    key: (String, String),
    region: String,
}

impl Aws {
    /// A CLI for a Gantry.
    ///
    /// # Errors
    /// The AWS clients are not installed.
    pub fn of(gantry: &Gantry) -> Result<Self> {
        Ok(Self::installed(clients()?, gantry))
    }

    /// A CLI for a Gantry, of clients that are installed in a folder.
    pub fn installed(clients: PathBuf, gantry: &Gantry) -> Self {
        Self {
            endpoint: gantry.endpoint(),
            clients,
            key: (ACCESS_KEY_ID.to_owned(), SECRET_ACCESS_KEY.to_owned()),
            region: "us-east-1".to_owned(),
        }
    }

    /// A CLI for any endpoint, with the key and region of the environment.
    ///
    /// # Errors
    /// The AWS clients are not installed, or the environment has no key or region.
    pub fn at(endpoint: &str) -> Result<Self> {
        let variable = |name: &str| std::env::var(name).with_context(|| format!("{name} is not set"));
        Ok(Self {
            endpoint: endpoint.to_owned(),
            clients: clients()?,
            key: (variable("AWS_ACCESS_KEY_ID")?, variable("AWS_SECRET_ACCESS_KEY")?),
            region: variable("AWS_DEFAULT_REGION")?,
        })
    }

    /// The same with another key.
    #[must_use]
    pub fn with_key(self, access_key_id: &str, secret_access_key: &str) -> Self {
        Self {
            key: (access_key_id.to_owned(), secret_access_key.to_owned()),
            ..self
        }
    }

    /// A program of the clients' Python, e.g. `python3` or `aws`, with the environment set.
    pub fn program(&self, name: &str) -> Command {
        let mut command = Command::new(self.clients.join(name));
        command
            .env("AWS_ENDPOINT_URL", &self.endpoint)
            .env("AWS_DISABLE_HOST_PREFIX_INJECTION", "true");
        command
            .env("AWS_ACCESS_KEY_ID", &self.key.0)
            .env("AWS_SECRET_ACCESS_KEY", &self.key.1);
        command
            .env("AWS_DEFAULT_REGION", &self.region)
            .env("AWS_PAGER", "")
            .env("AWS_MAX_ATTEMPTS", "1");
        command
            .env("AWS_CONFIG_FILE", "/dev/null")
            .env("AWS_SHARED_CREDENTIALS_FILE", "/dev/null");
        command
            .env("AWS_EC2_METADATA_DISABLED", "true")
            .env_remove("AWS_PROFILE")
            .env_remove("AWS_SESSION_TOKEN");
        command
    }

    /// Runs version 2 of the AWS CLI, as Debian has it: `aws logs tail` is only there. That one is older than
    /// `AWS_ENDPOINT_URL`, so the endpoint is an option.
    ///
    /// # Errors
    /// It cannot be run, or fails.
    pub fn version_2(&self, arguments: &[&str]) -> Result<String> {
        let configured = self.program("aws");
        let mut command = Command::new("/usr/bin/aws");
        command.envs(
            configured
                .get_envs()
                .filter_map(|(name, value)| Some((name, value?))),
        );
        command.args(["--endpoint-url", &self.endpoint]).args(arguments);
        let output = command
            .output()
            .context("the AWS CLI 2 is missing: apt-get install awscli")?;
        if !output.status.success() {
            bail!(
                "aws {}: {}",
                arguments.join(" "),
                String::from_utf8_lossy(&output.stderr).trim()
            );
        }
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    }

    /// Runs `aws` and gives what it did.
    ///
    /// # Errors
    /// It cannot be run.
    pub fn output(&self, arguments: &[&str]) -> Result<Output> {
        self.program("aws")
            .args(arguments)
            .output()
            .context("cannot run the AWS CLI")
    }

    /// Runs `aws`, which must succeed, and reads its JSON.
    ///
    /// # Errors
    /// It fails; its message is part of the error.
    pub fn json(&self, arguments: &[&str]) -> Result<Value> {
        let output = self.output(arguments)?;
        if !output.status.success() {
            bail!(
                "aws {}: {}",
                arguments.join(" "),
                String::from_utf8_lossy(&output.stderr).trim()
            );
        }
        if output.stdout.is_empty() {
            return Ok(Value::Null);
        }
        serde_json::from_slice(&output.stdout).with_context(|| format!("aws {}", arguments.join(" ")))
    }

    /// Runs `aws`, which must fail, and gives its message.
    ///
    /// # Errors
    /// It succeeds.
    pub fn error(&self, arguments: &[&str]) -> Result<String> {
        let output = self.output(arguments)?;
        if output.status.success() {
            bail!(
                "aws {} succeeded: {}",
                arguments.join(" "),
                String::from_utf8_lossy(&output.stdout)
            );
        }
        Ok(String::from_utf8_lossy(&output.stderr).trim().to_owned())
    }
}

fn clients() -> Result<PathBuf> {
    let clients = std::env::var_os(CLIENTS_VARIABLE).map(PathBuf::from);
    clients.with_context(|| {
        format!(
            "{CLIENTS_VARIABLE} is not set: run the tests with `cargo xtask test`, which installs the AWS CLI"
        )
    })
}
