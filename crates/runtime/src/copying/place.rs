//! Where a copy goes, by the rules of `docker cp`.

use std::path::Path;

use super::CopyError;

/// What is copied.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// A directory.
    Directory,
    /// The contents of a directory: its path ended with `/.`.
    Contents,
    /// Anything else.
    File,
}

/// What is at the destination.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Found {
    /// Nothing.
    Nothing,
    /// A directory.
    Directory,
    /// Anything else.
    File,
}

/// Where it goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Placement {
    /// Into the directory that is there, under its own name.
    Within,
    /// Its contents into the directory that is there.
    Contents,
    /// It becomes what the path names.
    As,
    /// Into the file that is there, which links may lead to.
    Over,
}

/// Decides where a copy to `path` goes.
///
/// # Errors
/// [`CopyError::Refused`].
pub fn place(source: Source, found: Found, path: &Path) -> Result<Placement, CopyError> {
    let ends_with_slash = path.as_os_str().as_encoded_bytes().ends_with(b"/");
    let refused = |text: &str| CopyError::Refused(format!("{}: {text}", path.display()));
    match (source, found) {
        (Source::Contents, Found::Directory) => Ok(Placement::Contents),
        (_, Found::Directory) => Ok(Placement::Within),
        (Source::Directory | Source::Contents, Found::Nothing) => Ok(Placement::As),
        (Source::Directory | Source::Contents, Found::File) => {
            Err(refused("a directory cannot be copied over a file"))
        }
        (Source::File, Found::Nothing) if ends_with_slash => Err(refused("there is no such directory")),
        (Source::File, Found::File) if ends_with_slash => Err(refused("it is not a directory")),
        (Source::File, Found::Nothing) => Ok(Placement::As),
        (Source::File, Found::File) => Ok(Placement::Over),
    }
}
