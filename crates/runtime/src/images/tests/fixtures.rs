//! Small layers, archives and layouts.

use std::collections::BTreeMap;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::{Value, json};
use tar::{Builder, EntryType, Header};
use tempfile::TempDir;

use super::super::{Images, digest};

pub const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
pub const INDEX: &str = "application/vnd.oci.image.index.v1+json";

/// A store of its own.
pub struct World {
    pub directory: TempDir,
    pub images: Images,
}

impl World {
    pub fn new() -> Self {
        let directory = TempDir::new().expect("a temporary directory");
        let images = Images::open(&directory.path().join("images")).expect("the store opens");
        Self { directory, images }
    }

    pub fn write(&self, name: &str, bytes: &[u8]) -> PathBuf {
        let path = self.directory.path().join(name);
        fs::write(&path, bytes).expect("the file is written");
        path
    }

    pub fn store(&self) -> PathBuf {
        self.directory.path().join("images")
    }

    /// How many entries a part of the store has.
    pub fn count(&self, part: &str) -> usize {
        fs::read_dir(self.store().join(part))
            .expect("it can be listed")
            .count()
    }

    /// Threads of a pull that ended early see so a moment later.
    pub async fn unpacking_ends(&self) {
        let deadline = Instant::now() + Duration::from_secs(10);
        while self.count("unfinished") > 0 {
            assert!(Instant::now() < deadline, "the unpacking threads end");
            tokio::task::yield_now().await;
        }
    }

    /// That nothing is there, not even unfinished.
    pub fn assert_empty(&self) {
        for part in ["references", "configs", "layers", "unfinished"] {
            assert_eq!(self.count(part), 0, "{part}");
        }
    }
}

/// An uncompressed layer.
#[derive(Default)]
pub struct LayerBuilder {
    builder: Option<Builder<Vec<u8>>>,
}

impl LayerBuilder {
    pub fn entry(mut self, kind: EntryType, path: &str, mode: u32, content: &[u8]) -> Self {
        let mut header = header(kind, mode, content.len());
        self.builder()
            .append_data(&mut header, path, content)
            .expect("an entry");
        self
    }

    pub fn file(self, path: &str, content: &str) -> Self {
        self.entry(EntryType::Regular, path, 0o644, content.as_bytes())
    }

    pub fn directory(self, path: &str, mode: u32) -> Self {
        self.entry(EntryType::Directory, path, mode, b"")
    }

    pub fn link(mut self, kind: EntryType, path: &str, target: &str) -> Self {
        let mut header = header(kind, 0o777, 0);
        self.builder()
            .append_link(&mut header, path, target)
            .expect("a link");
        self
    }

    /// A path exactly as given, which the library would refuse.
    pub fn raw(mut self, kind: EntryType, path: &str, target: &str, content: &[u8]) -> Self {
        let mut header = header(kind, 0o644, content.len());
        let old = header.as_old_mut();
        old.name[..path.len()].copy_from_slice(path.as_bytes());
        old.linkname[..target.len()].copy_from_slice(target.as_bytes());
        header.set_cksum();
        self.builder().append(&header, content).expect("an entry");
        self
    }

    pub fn attributes(mut self, pairs: &[(&str, &[u8])]) -> Self {
        self.builder()
            .append_pax_extensions(pairs.iter().copied())
            .expect("attributes");
        self
    }

    pub fn header(mut self, path: &str, mut header: Header) -> Self {
        self.builder()
            .append_data(&mut header, path, &b""[..])
            .expect("an entry");
        self
    }

    pub fn finish(mut self) -> Vec<u8> {
        self.builder();
        self.builder
            .take()
            .expect("a builder")
            .into_inner()
            .expect("the archive is finished")
    }

    fn builder(&mut self) -> &mut Builder<Vec<u8>> {
        self.builder.get_or_insert_with(|| Builder::new(Vec::new()))
    }
}

pub fn header(kind: EntryType, mode: u32, length: usize) -> Header {
    let mut header = Header::new_gnu();
    header.set_entry_type(kind);
    header.set_mode(mode);
    header.set_uid(0);
    header.set_gid(0);
    header.set_mtime(1_000_000_000);
    header.set_size(length as u64);
    header
}

pub fn layer() -> LayerBuilder {
    LayerBuilder::default()
}

pub fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).expect("memory");
    encoder.finish().expect("memory")
}

pub fn zstd(bytes: &[u8]) -> Vec<u8> {
    ::zstd::encode_all(bytes, 1).expect("memory")
}

/// Configuration of an image with these uncompressed layers.
pub fn config(layers: &[&[u8]], command: &str) -> Vec<u8> {
    let diff_ids: Vec<_> = layers.iter().map(|it| digest::of(it)).collect();
    let config = json!({
        "architecture": "amd64", "os": "linux", "created": "2026-01-02T03:04:05Z",
        "config": { "Cmd": [command], "Env": ["PATH=/bin"] },
        "rootfs": { "type": "layers", "diff_ids": diff_ids },
    });
    serde_json::to_vec(&config).expect("JSON")
}

/// An image as `docker save` writes it.
pub fn docker_archive(tags: &[&str], config: &[u8], layers: &[&[u8]]) -> Vec<u8> {
    let names: Vec<_> = (0..layers.len())
        .map(|number| format!("{number}/layer.tar"))
        .collect();
    let manifest = json!([{ "Config": "config.json", "RepoTags": tags, "Layers": names }]);
    let mut members = vec![
        ("config.json".to_owned(), config.to_vec()),
        (
            "manifest.json".to_owned(),
            serde_json::to_vec(&manifest).expect("JSON"),
        ),
    ];
    members.extend(names.into_iter().zip(layers.iter().map(|it| it.to_vec())));
    tar_of(&members)
}

pub fn tar_of(members: &[(String, Vec<u8>)]) -> Vec<u8> {
    let mut archive = layer();
    for (name, content) in members {
        archive = archive.entry(EntryType::Regular, name, 0o644, content);
    }
    archive.finish()
}

/// Blobs by digest, and what leads to them.
#[derive(Clone, Default)]
pub struct Blobs {
    pub by_digest: BTreeMap<String, Vec<u8>>,
}

impl Blobs {
    pub fn add(&mut self, bytes: &[u8]) -> Value {
        let digest = digest::of(bytes);
        self.by_digest.insert(digest.clone(), bytes.to_vec());
        json!({ "mediaType": "application/octet-stream", "digest": digest, "size": bytes.len() })
    }

    /// An image of a configuration and stored layers; answers the descriptor of its manifest.
    pub fn image(&mut self, config: &[u8], layers: &[&[u8]]) -> Value {
        let layers: Vec<_> = layers.iter().map(|it| self.add(it)).collect();
        let config = self.add(config);
        let manifest =
            json!({ "schemaVersion": 2, "mediaType": MANIFEST, "config": config, "layers": layers });
        self.document(MANIFEST, &manifest)
    }

    /// An index with this image for amd64 and arm64, and another one for s390x before it.
    pub fn index(&mut self, descriptor: &Value) -> Value {
        let other = json!({
            "mediaType": MANIFEST, "digest": format!("sha256:{}", "0".repeat(64)), "size": 1,
            "platform": { "os": "linux", "architecture": "s390x" },
        });
        let mut manifests = vec![other];
        for architecture in ["amd64", "arm64"] {
            let mut this = descriptor.clone();
            this["platform"] = json!({ "os": "linux", "architecture": architecture });
            manifests.push(this);
        }
        let index = json!({ "schemaVersion": 2, "mediaType": INDEX, "manifests": manifests });
        self.document(INDEX, &index)
    }

    /// The members of an OCI layout.
    pub fn layout(&self, manifests: &[Value]) -> Vec<(String, Vec<u8>)> {
        let index = json!({ "schemaVersion": 2, "manifests": manifests });
        let mut members = vec![
            (
                "oci-layout".to_owned(),
                br#"{"imageLayoutVersion":"1.0.0"}"#.to_vec(),
            ),
            ("index.json".to_owned(), serde_json::to_vec(&index).expect("JSON")),
        ];
        for (digest, bytes) in &self.by_digest {
            members.push((format!("blobs/{}", digest.replace(':', "/")), bytes.clone()));
        }
        members
    }

    fn document(&mut self, media_type: &str, document: &Value) -> Value {
        let mut descriptor = self.add(&serde_json::to_vec(document).expect("JSON"));
        descriptor["mediaType"] = json!(media_type);
        descriptor
    }
}

/// Writes members as a folder.
pub fn folder_of(path: &Path, members: &[(String, Vec<u8>)]) {
    for (name, content) in members {
        let path = path.join(name);
        fs::create_dir_all(path.parent().expect("a parent")).expect("a folder");
        fs::write(path, content).expect("a file");
    }
}

/// A descriptor with a name, as containerd writes it.
pub fn named(mut descriptor: Value, name: &str) -> Value {
    descriptor["annotations"] = json!({ "io.containerd.image.name": name });
    descriptor
}
