use super::*;

fn volume(scope: VolumeScope, options: &[(&str, &str)]) -> DockerVolume {
    let own = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
    DockerVolume {
        name: "data".to_owned(),
        scope,
        driver_options: options.iter().map(own).collect(),
        labels: BTreeMap::new(),
    }
}

/// What comes of a volume, with `HOST` and `TASK` for the two directories.
fn show(host: &Path, volume: &DockerVolume) -> String {
    let task = host.join("task");
    let prepared = Volumes::new(host.to_owned()).prepare(volume, &task);
    let text = match prepared {
        Ok(it) => format!("{:?}", it.source),
        Err(error) => error.to_string(),
    };
    text.replace(&*task.to_string_lossy(), "TASK")
        .replace(&*host.to_string_lossy(), "HOST")
}

#[test]
fn a_shared_volume_is_made_once_and_must_stay_as_it_is() -> io::Result<()> {
    let host = tempfile::tempdir()?;
    let missing = "volume detection failed, volume 'data' does not exist and autoprovision is set to false: \
                   no such volume";
    assert_eq!(show(host.path(), &volume(VolumeScope::Shared, &[])), missing);
    let provided = volume(VolumeScope::SharedAutoprovisioned, &[]);
    assert_eq!(show(host.path(), &provided), "Directory(\"HOST/data/_data\")");
    fs::write(host.path().join("data/_data/file"), "kept")?;
    assert_eq!(show(host.path(), &provided), "Directory(\"HOST/data/_data\")");
    assert_eq!(
        show(host.path(), &volume(VolumeScope::Shared, &[])),
        "Directory(\"HOST/data/_data\")"
    );
    assert_eq!(fs::read_to_string(host.path().join("data/_data/file"))?, "kept");
    let mut other = provided;
    other.labels.insert("team".to_owned(), "a".to_owned());
    assert_eq!(
        show(host.path(), &other),
        "non-autoprovisioned volume does not match existing volume labels: existing: {}, expected: {\"team\": \"a\"}"
    );
    Ok(())
}

#[test]
fn options_of_the_local_driver_become_mounts() -> io::Result<()> {
    let host = tempfile::tempdir()?;
    let path = host.path().to_string_lossy().into_owned();
    let of_task = |options: &[(&str, &str)]| show(host.path(), &volume(VolumeScope::Task, options));
    assert_eq!(of_task(&[]), "Directory(\"TASK/data\")");
    assert_eq!(
        of_task(&[("type", "tmpfs"), ("device", "tmpfs"), ("o", "size=1m,uid=7")]),
        "Memory { directory: \"TASK/data\", options: \"size=1m,uid=7\" }"
    );
    assert_eq!(
        of_task(&[("type", "none"), ("device", &path), ("o", "bind")]),
        "HostDirectory(\"HOST\")"
    );
    assert_eq!(
        of_task(&[("type", "nfs"), ("device", ":/export"), ("o", "addr=10.0.0.1,rw")]),
        "FileSystem { kind: \"nfs\", device: \":/export\", options: [\"addr=10.0.0.1\", \"rw\"] }"
    );
    assert_eq!(
        of_task(&[("size", "1")]),
        "volume 'data': invalid option: \"size\""
    );
    assert_eq!(
        of_task(&[("type", "nfs")]),
        "volume 'data': missing device in volume options"
    );
    assert_eq!(
        of_task(&[("type", "none"), ("device", "/no/such/place"), ("o", "bind")]),
        "volume 'data': failed to mount local volume: /no/such/place: no such file or directory"
    );
    let shared = volume(
        VolumeScope::SharedAutoprovisioned,
        &[("type", "tmpfs"), ("device", "tmpfs")],
    );
    assert!(show(host.path(), &shared).contains("needs scope task"));
    Ok(())
}
