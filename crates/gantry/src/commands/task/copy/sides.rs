//! Which side of a copy is in a task.

use std::path::{Path, PathBuf};

use anyhow::{Result, bail};

/// A path in a task.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InTask {
    /// The task, as it was given.
    pub task: String,
    /// Begins with a slash.
    pub path: String,
}

/// From where to where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Sides {
    /// Out of a container.
    FromTask(InTask, PathBuf),
    /// Into one.
    ToTask(PathBuf, InTask),
}

/// Reads both sides.
///
/// # Errors
/// Not exactly one is in a task, or its path is relative.
pub fn sides(from: &str, to: &str) -> Result<Sides> {
    match (in_task(from)?, in_task(to)?) {
        (Some(from), None) => Ok(Sides::FromTask(from, PathBuf::from(to))),
        (None, Some(to)) => Ok(Sides::ToTask(PathBuf::from(from), to)),
        (Some(_), Some(_)) => bail!("both sides are in tasks: copy to this machine first"),
        (None, None) => bail!("neither side is in a task: write TASK:/path"),
    }
}

/// What begins with a dot or a slash is here, however many colons it has.
fn in_task(text: &str) -> Result<Option<InTask>> {
    if text.is_empty() {
        bail!("a path is empty");
    }
    if text.starts_with(['.', '/']) {
        return Ok(None);
    }
    match (text.find(":/"), text.contains(':')) {
        (Some(at), _) => Ok(Some(InTask {
            task: text[..at].to_owned(),
            path: text[at + 1..].to_owned(),
        })),
        (None, true) => bail!(
            "{text}: the path in a container has to begin with a slash; write ./{text} if it is a file here"
        ),
        (None, false) => Ok(None),
    }
}

/// Whether a path means what is in a directory.
pub fn contents_only(path: &str) -> bool {
    path.ends_with("/.") || path == "." || Path::new(path).file_name().is_none()
}

/// The last name of a path; of the root there is none.
pub fn name(path: &str) -> &str {
    let name = Path::new(path).file_name().and_then(|it| it.to_str());
    name.unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exactly_one_side_is_in_a_task() {
        let there = |task: &str, path: &str| InTask {
            task: task.to_owned(),
            path: path.to_owned(),
        };
        let arn = "arn:aws:ecs:us-east-1:123456789012:task/lab/0a1b";
        for (from, to, expected) in [
            (
                "0a1b:/etc/x",
                "x",
                Some(Sides::FromTask(there("0a1b", "/etc/x"), "x".into())),
            ),
            (
                "./a:/b",
                "0a1b:/",
                Some(Sides::ToTask("./a:/b".into(), there("0a1b", "/"))),
            ),
            (
                "/a",
                &format!("{arn}:/c:/d"),
                Some(Sides::ToTask("/a".into(), there(arn, "/c:/d"))),
            ),
            ("a", "b", None),
            ("t:/a", "t:/b", None),
            ("t:a", "b", None),
            ("", "t:/b", None),
        ] {
            assert_eq!(sides(from, to).ok(), expected, "{from} {to}");
        }
    }

    #[test]
    fn a_dot_at_the_end_means_the_contents() {
        for (path, contents, of_path) in [
            ("/etc", false, "etc"),
            ("/etc/", false, "etc"),
            ("/etc/.", true, "etc"),
            ("/", true, ""),
            (".", true, ""),
            ("..", true, ""),
        ] {
            assert_eq!((contents_only(path), name(path)), (contents, of_path), "{path}");
        }
    }
}
