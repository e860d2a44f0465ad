//! Files with variables: what is in them, and which variable counts.
//! <https://docs.aws.amazon.com/AmazonECS/latest/developerguide/use-environment-file.html>

use std::collections::{BTreeMap, BTreeSet};

use crate::s3_object::S3Object;

#[cfg(test)]
mod tests;

/// Longest line, in bytes, as Amazon's agent reads them.
const LINE_BYTES_MAX: usize = 64 * 1024;

/// Those of a container.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EnvironmentFiles {
    /// In their order: of variables with one name, that of the first file counts.
    pub files: Vec<S3Object>,
    /// Variables of the agent's own, which those of files replace. All others count more than files.
    pub defaults: BTreeSet<String>,
}

/// What is wrong with the content of a file.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unreadable {
    /// It is no text.
    #[error("the file is not UTF-8")]
    NoText,
    /// A line is too long.
    #[error("line {0} is longer than {LINE_BYTES_MAX} bytes")]
    LineTooLong(usize),
    /// A line has a zero byte, which no variable can have.
    #[error("line {0} has a zero byte")]
    ZeroByte(usize),
}

impl EnvironmentFiles {
    /// Adds variables of files to those of a container.
    pub fn extend(&self, environment: &mut BTreeMap<String, String>, of_files: &BTreeMap<String, String>) {
        for (name, value) in of_files {
            if !environment.contains_key(name) || self.defaults.contains(name) {
                environment.insert(name.clone(), value.clone());
            }
        }
    }
}

/// Reads the variables of a file: lines `NAME=value`, taken as they are. Lines that begin with `#`, have no `=`, or lack
/// a name or a value say nothing.
///
/// # Errors
/// [`Unreadable`].
pub fn variables(content: &[u8]) -> Result<BTreeMap<String, String>, Unreadable> {
    let text = std::str::from_utf8(content).map_err(|_| Unreadable::NoText)?;
    let mut all = BTreeMap::new();
    for (index, line) in text.split('\n').enumerate() {
        if line.len() > LINE_BYTES_MAX {
            return Err(Unreadable::LineTooLong(index + 1));
        }
        let line = line.strip_suffix('\r').unwrap_or(line);
        let pair = line.split_once('=').filter(|_| !line.starts_with('#'));
        let Some((name, value)) = pair.filter(|(name, value)| !name.is_empty() && !value.is_empty()) else {
            continue;
        };
        if line.contains('\0') {
            return Err(Unreadable::ZeroByte(index + 1));
        }
        all.insert(name.to_owned(), value.to_owned());
    }
    Ok(all)
}
