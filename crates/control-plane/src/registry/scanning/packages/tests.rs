use proptest::prelude::*;

use super::*;

fn names(packages: Vec<ScannedPackage>) -> Vec<String> {
    packages
        .into_iter()
        .map(|it| format!("{} {}", it.name, it.version))
        .collect()
}

#[test]
fn what_is_installed_is_read_and_what_was_removed_is_not() {
    let list = "Package: libc6\nStatus: install ok installed\nVersion: 2.36-9\nDescription: x\n Version: 9\n\n\
        Package: gone\nStatus: deinstall ok config-files\nVersion: 1\n\nPackage: tzdata\nversion: 2024a\n\nPackage: half\n";
    assert_eq!(names(dpkg(list)), ["libc6 2.36-9", "tzdata 2024a"]);
    let list = "C:Q1x=\nP:musl\nV:1.2.5-r0\nF:lib\nR:libc.so\n\n\nP:busybox\nV:1.36.1-r2\n";
    assert_eq!(names(apk(list)), ["musl 1.2.5-r0", "busybox 1.36.1-r2"]);
}

proptest! {
    #[test]
    fn no_text_makes_a_reader_panic(text in "[A-Za-z:\n .]{0,200}") {
        let _ = (dpkg(&text), apk(&text));
    }
}
