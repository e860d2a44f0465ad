//! A container image made from Debian's static busybox: a docker-archive, as `docker save` writes it.

use std::path::Path;

use anyhow::{Context, Result};
use serde_json::json;
use sha2::{Digest, Sha256};

/// Reference of the image.
pub const SAMPLE_IMAGE: &str = "gantry-sample:latest";

/// Serves a page that says who serves it, on the port in `$PORT` (80 if unset), and logs each request.
const SERVE: &str = "#!/bin/sh\n\
    mkdir -p /tmp/www\n\
    echo \"hello from $(hostname)\" > /tmp/www/index.html\n\
    echo \"listening on port ${PORT:-80}\"\n\
    trap 'kill $!; exit 0' TERM\n\
    httpd -f -vv -p ${PORT:-80} -h /tmp/www &\n\
    wait $!\n";

/// When it was made.
const CREATED: &str = "2026-01-01T00:00:00Z";

/// What the image says is installed, in the form of Alpine's package manager.
const PACKAGES: &str = "P:busybox\nV:1.35.0-r4\n\nP:gantry-sample\nV:1\n";

/// Commands that the image has, all of them busybox.
const COMMANDS: [&str; 16] = [
    "sh", "httpd", "hostname", "sleep", "echo", "cat", "ls", "mkdir", "wget", "nc", "id", "true", "false",
    "env", "dd", "head",
];

/// Writes the image to a file.
///
/// # Errors
/// Busybox is missing, or the file cannot be written.
pub fn write(file: &Path) -> Result<()> {
    let layer = layer()?;
    let config = config(&[&layer])?;
    let config_name = format!("{}.json", hex::encode(Sha256::digest(&config)));
    let manifest = json!([{ "Config": config_name, "RepoTags": [SAMPLE_IMAGE], "Layers": ["layer.tar"] }]);
    let out = std::fs::File::create(file).with_context(|| format!("cannot write {}", file.display()))?;
    let mut archive = tar::Builder::new(out);
    append(&mut archive, "layer.tar", 0o644, &layer)?;
    append(&mut archive, &config_name, 0o644, &config)?;
    append(
        &mut archive,
        "manifest.json",
        0o644,
        &serde_json::to_vec(&manifest)?,
    )?;
    archive.finish()?;
    Ok(())
}

/// The configuration of an image of these layers, the lowest first.
///
/// # Errors
/// None is known.
pub fn config(layers: &[&[u8]]) -> Result<Vec<u8>> {
    let diff_ids = layers
        .iter()
        .map(|it| format!("sha256:{}", hex::encode(Sha256::digest(it))));
    let history = layers
        .iter()
        .map(|_| json!({ "created": CREATED, "created_by": "busybox" }));
    let config = json!({
        "architecture": if cfg!(target_arch = "aarch64") { "arm64" } else { "amd64" },
        "os": "linux",
        "created": CREATED,
        "config": { "Cmd": ["/bin/serve"], "Env": ["PATH=/bin"], "WorkingDir": "/" },
        "rootfs": { "type": "layers", "diff_ids": diff_ids.collect::<Vec<_>>() },
        "history": history.collect::<Vec<_>>(),
    });
    Ok(serde_json::to_vec(&config)?)
}

/// A layer of one more file.
///
/// # Errors
/// It is too large.
pub fn layer_of(path: &str, data: &[u8]) -> Result<Vec<u8>> {
    let mut layer = tar::Builder::new(Vec::new());
    append(&mut layer, path, 0o644, data)?;
    Ok(layer.into_inner()?)
}

/// The only layer of the image.
///
/// # Errors
/// Busybox is missing.
pub fn layer() -> Result<Vec<u8>> {
    let busybox =
        std::fs::read("/bin/busybox").context("busybox is missing: apt-get install busybox-static")?;
    let mut layer = tar::Builder::new(Vec::new());
    for (folder, mode) in [("bin", 0o755), ("etc", 0o755), ("tmp", 0o1777), ("root", 0o700)] {
        let mut header = header(mode, 0);
        header.set_entry_type(tar::EntryType::Directory);
        layer.append_data(&mut header, format!("{folder}/"), std::io::empty())?;
    }
    append(&mut layer, "bin/busybox", 0o755, &busybox)?;
    for command in COMMANDS {
        let mut header = header(0o777, 0);
        header.set_entry_type(tar::EntryType::Symlink);
        layer.append_link(&mut header, format!("bin/{command}"), "busybox")?;
    }
    append(&mut layer, "bin/serve", 0o755, SERVE.as_bytes())?;
    append(&mut layer, "lib/apk/db/installed", 0o644, PACKAGES.as_bytes())?;
    append(
        &mut layer,
        "etc/passwd",
        0o644,
        b"root:x:0:0:root:/root:/bin/sh\nweb:x:1000:1000::/tmp:/bin/sh\n",
    )?;
    append(&mut layer, "etc/group", 0o644, b"root:x:0:\nweb:x:1000:\n")?;
    Ok(layer.into_inner()?)
}

fn append<W: std::io::Write>(
    archive: &mut tar::Builder<W>,
    path: &str,
    mode: u32,
    data: &[u8],
) -> Result<()> {
    Ok(archive.append_data(&mut header(mode, data.len()), path, data)?)
}

fn header(mode: u32, size: usize) -> tar::Header {
    let mut header = tar::Header::new_gnu();
    header.set_mode(mode);
    header.set_size(size as u64);
    header.set_mtime(1_767_225_600);
    header.set_uid(0);
    header.set_gid(0);
    header
}
