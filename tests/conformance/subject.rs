//! Whom the suite talks to.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};
use test_support::aws::Aws;
use test_support::gantry::Gantry;
use test_support::sample_image;

/// Names an endpoint to test instead of a Gantry of one's own: `https://ecs.us-east-1.amazonaws.com`.
pub const ENDPOINT_VARIABLE: &str = "GANTRY_CONFORMANCE_ENDPOINT";

/// An endpoint, and the clients for it.
pub struct Subject {
    own: Option<Gantry>,
    aws: Aws,
    /// Variables of the suite.
    more: Vec<(&'static str, String)>,
}

/// Variables of the suite and members of the agent's key file.
const AGENT_KEY: [(&str, &str); 2] = [
    ("GANTRY_CONFORMANCE_AGENT_KEY_ID", "access_key_id"),
    ("GANTRY_CONFORMANCE_AGENT_SECRET", "secret_access_key"),
];

impl Subject {
    /// The endpoint that is named, or a Gantry of one's own.
    pub fn new() -> Result<Self> {
        if let Ok(endpoint) = std::env::var(ENDPOINT_VARIABLE) {
            return Ok(Self {
                own: None,
                aws: Aws::at(&endpoint)?,
                more: Vec::new(),
            });
        }
        Self::of(start(&[])?)
    }

    /// The same, with the sample image loaded if the Gantry is one's own.
    pub fn with_sample_image() -> Result<Self> {
        let subject = Self::new()?;
        if let Some(gantry) = &subject.own {
            let image = gantry.scratch().join("sample.tar");
            sample_image::write(&image)?;
            gantry.command(&["image", "load", &image.display().to_string()])?;
        }
        Ok(subject)
    }

    /// The same, and the suite is told the key of the Gantry's agent, which may not make most calls.
    pub fn with_agent_key(mut self) -> Result<Self> {
        let Some(gantry) = &self.own else { return Ok(self) };
        let file = gantry.data_dir().join("keys/agent.json");
        let key: serde_json::Value = serde_json::from_slice(&std::fs::read(file)?)?;
        for (variable, member) in AGENT_KEY {
            let value = key[member].as_str().context("no key of an agent")?;
            self.more.push((variable, value.to_owned()));
        }
        Ok(self)
    }

    /// A Gantry that is already there.
    pub fn of(gantry: Gantry) -> Result<Self> {
        let aws = Aws::of(&gantry)?;
        Ok(Self {
            own: Some(gantry),
            aws,
            more: Vec::new(),
        })
    }

    /// Runs a piece of the suite, which must find no fault and leave the Gantry well.
    pub fn run(self, piece: &str) -> Result<()> {
        let mut program = suite(&self.aws, piece);
        program.envs(self.more.iter().map(|(name, value)| (name, value)));
        self.judge(program)
    }

    /// The same with a program that takes endpoint and key from the variables given to it.
    pub fn run_program(self, program: impl FnOnce(Vec<(OsString, OsString)>) -> Command) -> Result<()> {
        let configured = self.aws.program("python3");
        let variables = configured.get_envs();
        let set = variables.filter_map(|(name, value)| Some((name.to_owned(), value?.to_owned())));
        let program = program(set.collect());
        self.judge(program)
    }

    fn judge(self, mut program: Command) -> Result<()> {
        let status = program
            .status()
            .with_context(|| format!("cannot run {program:?}"))?;
        if let Some(gantry) = &self.own {
            let output = gantry.output();
            ensure!(!output.contains("panicked"), "Gantry panicked:\n{output}");
            ensure!(gantry.is_healthy(), "Gantry does not serve any more:\n{output}");
        }
        ensure!(status.success(), "{status}; the faults are above");
        Ok(())
    }
}

/// Starts a Gantry, with more options of `gantry up`.
pub fn start(options: &[&str]) -> Result<Gantry> {
    Gantry::start_with(Path::new(env!("CARGO_BIN_EXE_gantry")), options)
}

/// `python3 -m suite.<piece>` for an endpoint.
pub fn suite(aws: &Aws, piece: &str) -> Command {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../tests/conformance");
    let mut command = aws.program("python3");
    command
        .args(["-m", &format!("suite.{piece}")])
        .current_dir(folder)
        .env("PYTHONDONTWRITEBYTECODE", "1");
    command
}
