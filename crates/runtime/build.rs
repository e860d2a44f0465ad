//! Builds the programs of the `shim` crate as static executables, to be embedded.

use std::env;
use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

const TARGET: &str = "x86_64-unknown-linux-gnu";
const PROFILE: &str = "shim";
const PROGRAMS: [(&str, &str); 2] = [("gantry-shim", "GANTRY_SHIM"), ("gantry-init", "GANTRY_INIT")];
/// Where distributions put the static library.
const LIBRARY_FOLDERS: [&str; 4] = [
    "/usr/lib/x86_64-linux-gnu",
    "/usr/lib64",
    "/usr/lib",
    "/usr/local/lib",
];

fn main() -> Result<(), Box<dyn Error>> {
    let workspace = PathBuf::from(env::var("CARGO_MANIFEST_DIR")?)
        .join("../..")
        .canonicalize()?;
    for path in ["crates/shim", "Cargo.lock"] {
        println!("cargo::rerun-if-changed={}", workspace.join(path).display());
    }
    for variable in ["LIBSECCOMP_LIB_PATH", "GANTRY_SHIM_TARGET_DIR"] {
        println!("cargo::rerun-if-env-changed={variable}");
    }
    let target_dir = target_dir(&workspace)?;
    build(&workspace, &target_dir, &seccomp_folder()?)?;
    for (program, variable) in PROGRAMS {
        let path = target_dir.join(TARGET).join(PROFILE).join(program);
        println!("cargo::rustc-env={variable}={}", path.display());
    }
    Ok(())
}

fn seccomp_folder() -> Result<String, String> {
    if let Ok(folder) = env::var("LIBSECCOMP_LIB_PATH") {
        return Ok(folder);
    }
    let found = LIBRARY_FOLDERS
        .iter()
        .find(|folder| Path::new(folder).join("libseccomp.a").exists());
    found.map(|folder| (*folder).to_owned()).ok_or_else(|| {
        "libseccomp.a is missing: install libseccomp-dev (Debian, Ubuntu) or libseccomp-static (Fedora), \
         or name its folder in LIBSECCOMP_LIB_PATH"
            .to_owned()
    })
}

/// One folder for all builds of this checkout, whatever their own target folder is: it takes minutes.
fn target_dir(workspace: &Path) -> Result<PathBuf, Box<dyn Error>> {
    if let Some(folder) = env::var_os("GANTRY_SHIM_TARGET_DIR") {
        return Ok(PathBuf::from(folder));
    }
    let shared = workspace.join("target/shim");
    match fs::create_dir_all(&shared) {
        Ok(()) => Ok(shared),
        Err(_) => Ok(PathBuf::from(env::var("OUT_DIR")?).join("shim")),
    }
}

fn build(workspace: &Path, target_dir: &Path, seccomp_folder: &str) -> Result<(), Box<dyn Error>> {
    let mut cargo = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    // What the outer build set for itself must not reach the inner one.
    for (name, _) in env::vars_os() {
        let name = name.to_string_lossy().into_owned();
        let is_outer = name.starts_with("CARGO_")
            && ![
                "CARGO_HOME",
                "CARGO_NET_",
                "CARGO_HTTP_",
                "CARGO_REGISTR",
                "CARGO_SOURCE_",
            ]
            .iter()
            .any(|kept| name.starts_with(kept));
        if is_outer || name.starts_with("RUSTC") || name.starts_with("RUSTFLAGS") {
            cargo.env_remove(name);
        }
    }
    // A fixed address: no relocations, so that the pages of its tables stay shared between shims.
    cargo
        .current_dir(workspace)
        .env(
            "RUSTFLAGS",
            "-C target-feature=+crt-static -C relocation-model=static",
        )
        .env("LIBSECCOMP_LINK_TYPE", "static")
        .env("LIBSECCOMP_LIB_PATH", seccomp_folder)
        .args(["build", "--package", "shim", "--features", "supervisor", "--bins"])
        .args(["--profile", PROFILE, "--target", TARGET, "--target-dir"])
        .arg(target_dir);
    let output = cargo.output()?;
    if !output.status.success() {
        return Err(format!(
            "the shim does not build:\n{}",
            String::from_utf8_lossy(&output.stderr)
        )
        .into());
    }
    Ok(())
}
