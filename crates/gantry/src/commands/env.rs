//! `gantry env`: what a shell needs to talk to a running Gantry.

use anyhow::{Context, Result};

use std::path::Path;

use crate::arguments::Env;
use crate::data_dir::DataDir;
use crate::keys::{self, Key};
use crate::plugin;
use crate::running::{Running, running};

/// Prints `export` lines.
pub fn run(options: &Env) -> Result<()> {
    let data_dir = options.place.data_dir()?;
    let (running, key) = running(&data_dir)?;
    if options.agent {
        let key = keys::kept(&data_dir, "agent")?.context("the key of agents is missing")?;
        print_for_agents(&running, &key);
        return Ok(());
    }
    let folder = data_dir.path().to_str();
    let folder = folder.context("the data directory has a name that is no text")?;
    let variables = [
        ("AWS_ENDPOINT_URL", running.endpoint.as_str()),
        // Some operations of some services would be looked for at other names, as DiscoverInstances at `data-127.0.0.1`.
        ("AWS_DISABLE_HOST_PREFIX_INJECTION", "true"),
        ("AWS_ACCESS_KEY_ID", &key.access_key_id),
        ("AWS_SECRET_ACCESS_KEY", &key.secret_access_key),
        ("AWS_REGION", &running.region),
        ("AWS_DEFAULT_REGION", &running.region),
        // for the commands of Gantry itself, such as `gantry image load`
        ("GANTRY_DATA_DIR", folder),
        ("GANTRY_SUBNET", &running.subnet),
        ("GANTRY_SECURITY_GROUP", &running.security_group),
    ];
    for (name, value) in variables {
        println!("export {name}={}", quoted(value));
    }
    // A profile or session token of another account would win over the key.
    println!("unset AWS_PROFILE AWS_SESSION_TOKEN");
    println!("{}", with_path(&data_dir.programs())?);
    Ok(())
}

/// What another machine needs to join.
fn print_for_agents(running: &Running, key: &Key) {
    let variables = [
        ("AWS_ENDPOINT_URL", &running.endpoint),
        ("AWS_ACCESS_KEY_ID", &key.access_key_id),
        ("AWS_SECRET_ACCESS_KEY", &key.secret_access_key),
        ("AWS_REGION", &running.region),
    ];
    for (name, value) in variables {
        println!("export {name}={}", quoted(value));
    }
}

/// Puts the plug-in of `aws ecs execute-command` at the end of the `PATH`, so that an installed one comes first.
fn with_path(programs: &Path) -> Result<String> {
    let programs = programs
        .to_str()
        .context("the data directory has a name that is no text")?;
    let programs = quoted(programs);
    Ok(format!(
        "case \":$PATH:\" in *:{programs}:*) ;; *) export PATH=\"$PATH\":{programs} ;; esac"
    ))
}

/// Makes this program callable as the plug-in. Repeated, it leads to the program of today.
pub fn link_plugin(data_dir: &DataDir) -> Result<()> {
    let link = data_dir.programs().join(plugin::NAME);
    let program = std::env::current_exe().context("cannot find this program")?;
    if std::fs::read_link(&link).is_ok_and(|it| it == program) {
        return Ok(());
    }
    match std::fs::remove_file(&link) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error.into()),
        _ => {}
    }
    std::os::unix::fs::symlink(program, &link).with_context(|| format!("cannot make {}", link.display()))
}

fn quoted(value: &str) -> String {
    format!("'{}'", value.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    #[test]
    fn values_survive_a_shell() {
        assert_eq!(super::quoted("a b"), "'a b'");
        assert_eq!(super::quoted("it's"), r"'it'\''s'");
    }

    #[test]
    fn the_path_is_added_once() {
        let line = super::with_path(std::path::Path::new("/a b/bin")).expect("text");
        let script = format!("PATH=/bin; {line}\n{line}\necho $PATH");
        let output = std::process::Command::new("/bin/sh")
            .args(["-c", &script])
            .output();
        assert_eq!(output.expect("it runs").stdout, b"/bin:/a b/bin\n");
    }
}
