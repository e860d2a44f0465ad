//! AWS's test suite of Signature Version 4, out of the source distribution of botocore.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use super::{run, say};

/// The package, its version and its checksum, as the package index publishes it. pip checks it before it opens anything.
const REQUIREMENT: &str =
    "botocore==1.43.40 --hash=sha256:2085a4314cfd2c8bc1d08ab8039f76c92e99278db0d2a0e2437010526d5d5d70";
/// Where the suite lies in it.
const INSIDE: &str = "botocore-1.43.40/tests/unit/auth/aws4_testsuite";

/// Fetches the suite into the target folder and returns its folder.
pub fn fetch(root: &Path) -> Result<PathBuf> {
    let folder = root.join("target/sigv4-suite");
    let marker = folder.join("requirement.txt");
    if std::fs::read_to_string(&marker).is_ok_and(|it| it == REQUIREMENT) {
        return Ok(folder);
    }
    say("Fetching AWS's test suite of Signature Version 4 with pip");
    let _ = std::fs::remove_dir_all(&folder);
    std::fs::create_dir_all(&folder)?;
    let scratch = tempfile::tempdir()?;
    let requirements = scratch.path().join("requirements.txt");
    std::fs::write(&requirements, REQUIREMENT)?;
    let mut pip = Command::new("pip");
    pip.args([
        "download",
        "--quiet",
        "--no-deps",
        "--no-binary=botocore",
        "--dest",
    ]);
    run(pip
        .arg(scratch.path())
        .args(["--require-hashes", "--requirement"])
        .arg(&requirements))?;
    let depth = Path::new(INSIDE).components().count();
    run(Command::new("tar")
        .arg("--extract")
        .arg("--file")
        .arg(archive(scratch.path())?)
        .arg("--directory")
        .arg(&folder)
        .arg(format!("--strip-components={depth}"))
        .arg(INSIDE))?;
    std::fs::write(&marker, REQUIREMENT)?;
    Ok(folder)
}

fn archive(folder: &Path) -> Result<PathBuf> {
    let files = std::fs::read_dir(folder)?.flatten().map(|it| it.path());
    let mut archives = files.filter(|it| it.extension().is_some_and(|it| it == "gz"));
    let archive = archives.next().context("pip downloaded no archive")?;
    if archives.next().is_some() {
        bail!("pip downloaded more than one archive");
    }
    Ok(archive)
}
