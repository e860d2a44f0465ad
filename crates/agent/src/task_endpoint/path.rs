//! What the paths of port 80 ask for.

/// Where credentials are, before their id.
pub const CREDENTIALS_PATH: &str = "/v2/credentials";

/// Version of the metadata endpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Version {
    /// Tells tasks by their address.
    V2,
    /// Tells containers by an id in the path; the members are those of version 2.
    V3,
    /// The same with more members.
    V4,
}

/// What of a task is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Page {
    /// A container.
    Container,
    /// The task.
    Task,
    /// The task, with tags.
    TaskWithTags,
    /// What a container uses.
    ContainerStats,
    /// What all containers use.
    TaskStats,
}

/// What a path asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Target<'a> {
    /// Credentials by their id.
    Credentials(&'a str),
    /// Metadata by the id of a container, in version 3 or 4.
    Metadata(Version, &'a str, Page),
    /// Metadata of the task that calls, in version 2; of one container, if its runtime id is given.
    OfCaller(Page, Option<&'a str>),
    /// The protection of a task.
    TaskProtection(&'a str),
    /// Fault injection.
    Fault(&'a str),
    /// Nothing that there is.
    Unknown,
}

impl<'a> Target<'a> {
    /// Reads a path.
    pub fn read(path: &'a str) -> Self {
        if let Some(id) = path.strip_prefix(CREDENTIALS_PATH) {
            return Self::Credentials(id.trim_matches('/'));
        }
        let Some((first, rest)) = path.strip_prefix('/').and_then(|it| it.split_once('/')) else {
            return Self::Unknown;
        };
        match first {
            "v2" => of_caller(rest),
            "v3" => metadata(Version::V3, rest),
            "v4" => metadata(Version::V4, rest),
            "api" => api(rest),
            _ => Self::Unknown,
        }
    }

    /// The id of a container that the path names.
    pub fn endpoint_id(self) -> Option<&'a str> {
        match self {
            Self::Metadata(_, id, _) | Self::TaskProtection(id) | Self::Fault(id) => Some(id),
            Self::Credentials(_) | Self::OfCaller(..) | Self::Unknown => None,
        }
    }
}

fn of_caller(rest: &str) -> Target<'_> {
    let (page, id) = rest.split_once('/').unwrap_or((rest, ""));
    let id = Some(id).filter(|it| !it.is_empty());
    match (page, id) {
        ("metadata", None) => Target::OfCaller(Page::Task, None),
        ("metadata", Some(_)) => Target::OfCaller(Page::Container, id),
        ("metadataWithTags", None) => Target::OfCaller(Page::TaskWithTags, None),
        ("stats", None) => Target::OfCaller(Page::TaskStats, None),
        ("stats", Some(_)) => Target::OfCaller(Page::ContainerStats, id),
        _ => Target::Unknown,
    }
}

fn metadata(version: Version, rest: &str) -> Target<'_> {
    let (id, page) = match rest.split_once('/') {
        None => (rest, Page::Container),
        Some((id, "task")) => (id, Page::Task),
        Some((id, "taskWithTags")) => (id, Page::TaskWithTags),
        Some((id, "stats")) => (id, Page::ContainerStats),
        Some((id, "task/stats")) => (id, Page::TaskStats),
        Some(_) => return Target::Unknown,
    };
    match id {
        "" => Target::Unknown,
        id => Target::Metadata(version, id, page),
    }
}

fn api(rest: &str) -> Target<'_> {
    let Some((id, rest)) = rest.split_once('/').filter(|(id, _)| !id.is_empty()) else {
        return Target::Unknown;
    };
    if rest == "task-protection/v1/state" {
        return Target::TaskProtection(id);
    }
    let kinds = ["network-blackhole-port", "network-latency", "network-packet-loss"];
    let fault = rest.strip_prefix("fault/v1/").and_then(|it| it.split_once('/'));
    match fault {
        Some((kind, "start" | "stop" | "status")) if kinds.contains(&kind) => Target::Fault(id),
        _ => Target::Unknown,
    }
}
