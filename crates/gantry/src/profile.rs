//! The AWS profile `gantry`, so that `AWS_PROFILE=gantry aws ecs …` just works.

use std::path::PathBuf;

use anyhow::{Context, Result};

use crate::data_dir::write_private;
use crate::keys::Key;

#[cfg(test)]
mod tests;

/// Name of the profile.
pub const PROFILE: &str = "gantry";

/// Writes the profile where the AWS tools look: `AWS_CONFIG_FILE` and `AWS_SHARED_CREDENTIALS_FILE`, else `~/.aws`.
pub fn write(endpoint: &str, region: &str, key: &Key) -> Result<()> {
    let config = location("AWS_CONFIG_FILE", "config")?;
    let lines = [
        ("endpoint_url", endpoint),
        ("region", region),
        // Or DiscoverInstances would be looked for at `data-127.0.0.1`.
        ("disable_host_prefix_injection", "true"),
    ];
    update(&config, &format!("profile {PROFILE}"), &lines)?;
    let credentials = location("AWS_SHARED_CREDENTIALS_FILE", "credentials")?;
    let lines = [
        ("aws_access_key_id", key.access_key_id.as_str()),
        ("aws_secret_access_key", key.secret_access_key.as_str()),
    ];
    update(&credentials, PROFILE, &lines)
}

fn location(variable: &str, name: &str) -> Result<PathBuf> {
    if let Some(path) = std::env::var_os(variable).filter(|it| !it.is_empty()) {
        return Ok(PathBuf::from(path));
    }
    let home = std::env::var_os("HOME").filter(|it| !it.is_empty());
    let home =
        home.with_context(|| format!("neither {variable} nor HOME is set; --no-profile writes no profile"))?;
    Ok(PathBuf::from(home).join(".aws").join(name))
}

fn update(path: &PathBuf, section: &str, lines: &[(&str, &str)]) -> Result<()> {
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
    }
    let before = match std::fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => String::new(),
        Err(error) => return Err(error).with_context(|| format!("cannot read {}", path.display())),
    };
    let after = with_section(&before, section, lines);
    if after == before {
        return Ok(());
    }
    // A link is written through, not replaced.
    let target = std::fs::canonicalize(path).unwrap_or_else(|_| path.clone());
    write_private(&target, &after)
}

/// `text` with these settings in the section; other sections, settings and comments stay as they are.
fn with_section(text: &str, section: &str, lines: &[(&str, &str)]) -> String {
    let header = format!("[{section}]");
    let is_header = |line: &str| line.trim_start().starts_with('[');
    let mut out: Vec<String> = Vec::new();
    let mut rest = text.lines().peekable();
    let mut is_found = false;
    while let Some(line) = rest.next() {
        out.push(line.to_owned());
        if line.trim() != header || is_found {
            continue;
        }
        is_found = true;
        out.extend(lines.iter().map(|(name, value)| format!("{name} = {value}")));
        while let Some(old) = rest.next_if(|line| !is_header(line)) {
            let name = old.split('=').next().unwrap_or_default().trim();
            if !lines.iter().any(|(ours, _)| *ours == name) {
                out.push(old.to_owned());
            }
        }
    }
    if !is_found {
        if out.last().is_some_and(|line| !line.trim().is_empty()) {
            out.push(String::new());
        }
        out.push(header);
        out.extend(lines.iter().map(|(name, value)| format!("{name} = {value}")));
    }
    out.push(String::new());
    out.join("\n")
}
