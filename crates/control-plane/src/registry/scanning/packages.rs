//! Lists of packages: Debian's and Alpine's. Databases of RPM are not read.

use std::collections::BTreeSet;

use domain::repository::ScannedPackage;

use super::ScanError;
use super::files::{DPKG, DPKG_PARTS, Interesting};

#[cfg(test)]
mod tests;

/// Where Alpine has its list, in the order of versions.
const APK: [&str; 2] = ["lib/apk/db/installed", "usr/lib/apk/db/installed"];
/// Where databases of RPM are.
const RPM: [&str; 2] = ["var/lib/rpm/", "usr/lib/sysimage/rpm/"];
/// Checksums beside the parts of Debian's list.
const CHECKSUMS: &str = ".md5sums";
/// Most packages that are kept of an image.
const PACKAGES_MAX: usize = 20_000;

/// What is installed, in order.
pub fn installed(files: &Interesting) -> Result<Vec<ScannedPackage>, ScanError> {
    let mut packages = BTreeSet::new();
    let parts = files
        .below(DPKG_PARTS)
        .filter(|(path, _)| !path.ends_with(CHECKSUMS));
    let lists = files
        .get(DPKG)
        .into_iter()
        .chain(parts.map(|(_, content)| content));
    for list in lists {
        packages.extend(dpkg(&String::from_utf8_lossy(list)));
    }
    for list in APK.iter().filter_map(|it| files.get(it)) {
        packages.extend(apk(&String::from_utf8_lossy(list)));
    }
    if packages.is_empty() && RPM.iter().any(|it| files.below(it).next().is_some()) {
        return Err(ScanError::Unsupported("Gantry does not read databases of RPM."));
    }
    if packages.is_empty() {
        return Err(ScanError::Unsupported(
            "The image has no list of packages of dpkg or apk that names one.",
        ));
    }
    Ok(packages.into_iter().take(PACKAGES_MAX).collect())
}

/// <https://man7.org/linux/man-pages/man5/deb822.5.html>
fn dpkg(list: &str) -> Vec<ScannedPackage> {
    let paragraphs = paragraphs(list);
    let read = |lines: Vec<&str>| {
        let field = |name: &str| {
            let mut values = lines.iter().filter_map(|it| it.split_once(':'));
            values
                .find(|(it, _)| it.eq_ignore_ascii_case(name))
                .map(|(_, value)| value.trim())
        };
        // Parts of a list have no status.
        let is_installed = field("Status").is_none_or(|it| it.ends_with(" installed"));
        let (name, version) = (field("Package")?, field("Version")?);
        is_installed.then(|| package(name, version)).flatten()
    };
    paragraphs.into_iter().filter_map(read).collect()
}

/// <https://wiki.alpinelinux.org/wiki/Apk_spec>
fn apk(list: &str) -> Vec<ScannedPackage> {
    let read = |lines: Vec<&str>| {
        let field = |name: &str| lines.iter().find_map(|it| it.strip_prefix(name));
        package(field("P:")?, field("V:")?)
    };
    paragraphs(list).into_iter().filter_map(read).collect()
}

fn package(name: &str, version: &str) -> Option<ScannedPackage> {
    (!name.is_empty() && !version.is_empty()).then(|| ScannedPackage {
        name: name.to_owned(),
        version: version.to_owned(),
    })
}

/// Lines between empty ones.
fn paragraphs(text: &str) -> Vec<Vec<&str>> {
    let mut all = vec![Vec::new()];
    for line in text.lines() {
        match (line.trim().is_empty(), all.last_mut()) {
            (false, Some(paragraph)) => paragraph.push(line),
            _ => all.push(Vec::new()),
        }
    }
    all
}
