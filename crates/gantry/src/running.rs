//! What a running Gantry tells the commands beside it, through a file in its data directory.

use anyhow::{Context, Result, bail};
use serde::{Deserialize, Serialize};

use crate::data_dir::{DataDir, read_json};
use crate::keys::{self, Key};

/// How to reach a running Gantry.
#[derive(Serialize, Deserialize)]
pub struct Running {
    /// Process that serves.
    pub process_id: i32,
    /// `http://127.0.0.1:4566`
    pub endpoint: String,
    /// Region it serves.
    pub region: String,
    /// A subnet of the default VPC.
    pub subnet: String,
    /// The default security group of the default VPC.
    pub security_group: String,
}

/// The process that serves a data directory, as Gantry or as an agent only.
#[derive(Serialize, Deserialize)]
pub struct Serving {
    /// Process that serves.
    pub process_id: i32,
}

/// The Gantry that serves a data directory now.
pub fn running(data_dir: &DataDir) -> Result<(Running, Key)> {
    if !data_dir.is_served() {
        bail!(
            "no Gantry is running on {0}. Start one with `gantry up --data-dir {0}`",
            data_dir.path().display()
        );
    }
    // An agent's directory has none.
    let key = keys::kept(data_dir, "root")?.with_context(|| {
        format!(
            "{} is the directory of an agent: ask where its control plane runs",
            data_dir.path().display()
        )
    })?;
    let running = read_json(&data_dir.endpoint_file())?;
    let running = running.context("Gantry is still starting: try again in a moment")?;
    Ok((running, key))
}
