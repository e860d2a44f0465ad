//! The `tag` option: a text with Docker's placeholders.

use crate::host::ContainerSpec;
use crate::tasks::payload::Refusal;

/// Characters of a short id.
const SHORT_ID: usize = 12;

/// A tag whose container has no id yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tag(Vec<Part>);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Part {
    Text(String),
    Id,
    FullId,
}

impl Tag {
    /// One without placeholders.
    pub fn text(text: String) -> Self {
        Self(vec![Part::Text(text)])
    }

    /// Reads a tag; the default is the short id.
    ///
    /// # Errors
    /// If a placeholder is none of Docker's, or is not closed.
    pub fn parse(text: Option<&str>, container: &ContainerSpec) -> Result<Self, Refusal> {
        let mut parts = Vec::new();
        let mut rest = text.unwrap_or("{{.ID}}");
        while let Some((before, placeholder)) = rest.split_once("{{") {
            parts.push(Part::Text(before.to_owned()));
            let malformed = || Refusal::Malformed(format!("tag \"{}\"", text.unwrap_or_default()));
            let (name, after) = placeholder.split_once("}}").ok_or_else(malformed)?;
            parts.push(match name.trim() {
                ".ID" => Part::Id,
                ".FullID" => Part::FullId,
                ".Name" => Part::Text(container.name.clone()),
                ".DaemonName" => Part::Text("gantry".to_owned()),
                other => return Err(Refusal::unsupported(format!("log tag {{{{{other}}}}}"))),
            });
            rest = after;
        }
        parts.push(Part::Text(rest.to_owned()));
        Ok(Self(parts))
    }

    /// The tag of a container that was started.
    pub fn of(&self, runtime_id: &str) -> String {
        let short = runtime_id.get(..SHORT_ID).unwrap_or(runtime_id);
        let part = |it: &Part| match it {
            Part::Text(text) => text.clone(),
            Part::Id => short.to_owned(),
            Part::FullId => runtime_id.to_owned(),
        };
        self.0.iter().map(part).collect()
    }
}
