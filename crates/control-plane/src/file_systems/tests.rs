use std::fs;

use domain::Timestamp;

use super::FileSystems;

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_700_000_000 + second).expect("in range")
}

#[test]
fn a_size_is_measured_and_kept_for_a_while() {
    let folder = tempfile::tempdir().expect("a folder");
    let all = FileSystems::new(folder.path().join("file-systems"));
    all.create("fs-1").expect("is made");
    all.create("fs-1").expect("is there");
    let before = all.size("fs-1", at(0)).bytes;
    let content = vec![1; 100_000];
    fs::create_dir(folder.path().join("file-systems/fs-1/d")).expect("is made");
    fs::write(folder.path().join("file-systems/fs-1/d/f"), content).expect("is written");
    assert_eq!(all.size("fs-1", at(59)).bytes, before);
    let after = all.size("fs-1", at(60));
    assert!(after.bytes >= before + 100_000, "{after:?}");
    assert_eq!(after.at, at(60));
}

#[test]
fn what_links_lead_to_stays() {
    let folder = tempfile::tempdir().expect("a folder");
    let all = FileSystems::new(folder.path().join("file-systems"));
    let outside = folder.path().join("outside");
    fs::create_dir(&outside).expect("is made");
    fs::write(outside.join("precious"), vec![1; 1_000_000]).expect("is written");
    all.create("fs-1").expect("is made");
    let root = folder.path().join("file-systems/fs-1");
    std::os::unix::fs::symlink(&outside, root.join("link")).expect("is made");
    fs::write(root.join("file"), "x").expect("is written");
    assert!(all.size("fs-1", at(0)).bytes < 1_000_000);
    all.remove("fs-1").expect("is removed");
    assert!(!root.exists());
    assert!(outside.join("precious").exists());
    all.remove("fs-1").expect("is gone already");
}
