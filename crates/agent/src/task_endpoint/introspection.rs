//! The agent's introspection API: who the agent is and which tasks this host has.
//! <https://docs.aws.amazon.com/AmazonECS/latest/developerguide/ecs-agent-introspection.html>

use http::{Method, StatusCode, Uri};
use percent_encoding::percent_decode_str;
use serde_json::{Map, Value, json};

use super::answers::Answers;
use super::metadata::{self, View};
use super::path::Version;
use super::reply::{Answer, document, not_allowed};
use crate::host::SandboxNetwork;
use crate::tasks::SeenTask;
use crate::tasks::record::Progress;

/// Members of a container that are shown, as version 3 of the metadata has them.
const SHOWN: [&str; 9] = [
    "DockerId",
    "DockerName",
    "Name",
    "Image",
    "ImageID",
    "CreatedAt",
    "StartedAt",
    "Ports",
    "Volumes",
];
/// Characters up to which an id may be the beginning of several.
const SHORT_ID: usize = 12;

/// What a path asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Question {
    /// The agent.
    Agent,
    /// All tasks.
    Tasks,
    /// The task with this ARN.
    TaskOfArn(String),
    /// The task of the container with this id, or the beginning of one.
    TaskOfContainer(String),
    /// The task with this ARN and of a container, which is one too many.
    Both,
    /// Whatever else: what there is to ask.
    Commands,
}

impl Question {
    /// Reads path and query.
    pub fn read(uri: &Uri) -> Self {
        let query = uri.query().unwrap_or_default();
        let value = |name: &str| {
            let pairs = query.split('&').filter_map(|it| it.split_once('='));
            let (_, value) = pairs.into_iter().find(|(key, _)| *key == name)?;
            Some(percent_decode_str(value).decode_utf8_lossy().into_owned())
        };
        match uri.path() {
            "/v1/metadata" => Self::Agent,
            "/v1/tasks" => match (value("taskarn"), value("dockerid")) {
                (None, None) => Self::Tasks,
                (Some(arn), None) => Self::TaskOfArn(arn),
                (None, Some(id)) => Self::TaskOfContainer(id),
                (Some(_), Some(_)) => Self::Both,
            },
            _ => Self::Commands,
        }
    }
}

impl Answers {
    /// The answer to whoever reaches the port.
    pub async fn introspect(&self, method: &Method, uri: &Uri) -> Answer {
        if *method != Method::GET {
            return not_allowed();
        }
        match Question::read(uri) {
            Question::Agent => document(StatusCode::OK, &self.agent()),
            Question::Tasks => {
                let mut shown = Vec::new();
                for seen in self.tasks.all() {
                    shown.push(self.shown(&seen).await);
                }
                document(StatusCode::OK, &json!({ "Tasks": shown }))
            }
            Question::TaskOfArn(arn) => self.only(|seen| seen.task.arn == arn).await,
            Question::TaskOfContainer(id) if id.is_empty() => none(StatusCode::NOT_FOUND),
            Question::TaskOfContainer(id) => self.only(|seen| has_container(&seen.progress(), &id)).await,
            Question::Both => none(StatusCode::BAD_REQUEST),
            Question::Commands => {
                let commands = json!({ "AvailableCommands": ["/v1/metadata", "/v1/tasks"] });
                document(StatusCode::OK, &commands)
            }
        }
    }

    fn agent(&self) -> Value {
        let identity = self.identity.get();
        json!({
            "Cluster": identity.map_or(&self.agent.cluster, |it| &it.cluster),
            "ContainerInstanceArn": identity.map(|it| &it.container_instance_arn),
            "Version": format!("Gantry Agent - v{}", self.agent.version),
        })
    }

    /// The only task that is like that.
    async fn only(&self, is_meant: impl Fn(&SeenTask) -> bool) -> Answer {
        let mut found = self.tasks.all();
        found.retain(is_meant);
        match &found[..] {
            [] => none(StatusCode::NOT_FOUND),
            [seen] => document(StatusCode::OK, &self.shown(seen).await),
            _ => none(StatusCode::BAD_REQUEST),
        }
    }

    async fn shown(&self, seen: &SeenTask) -> Value {
        let progress = seen.progress();
        let facts = self.facts(&seen.task, &progress).await;
        task(&View {
            task: &seen.task,
            progress: &progress,
            facts: &facts,
        })
    }
}

fn has_container(progress: &Progress, id: &str) -> bool {
    let mut ids = progress
        .containers
        .iter()
        .filter_map(|it| it.runtime_id.as_deref());
    match id.len() {
        ..=SHORT_ID => ids.any(|it| it.starts_with(id)),
        _ => ids.any(|it| it == id),
    }
}

/// A refusal is a task without content.
fn none(status: StatusCode) -> Answer {
    let task = json!({ "Arn": "", "KnownStatus": "", "Family": "", "Version": "", "Containers": null });
    document(status, &task)
}

/// A task with those of its containers that were started.
pub fn task(view: &View<'_>) -> Value {
    let in_metadata = metadata::task(view, Version::V3);
    let text = |name: &str| in_metadata.get(name).and_then(Value::as_str).unwrap_or_default();
    // The words of the API, which knows no more of a task that is not running yet.
    let known = match text("KnownStatus") {
        it @ ("RUNNING" | "STOPPED") => it,
        _ => "PENDING",
    };
    let started = |index: &usize| {
        let progress = view.progress.containers.get(*index);
        progress.is_some_and(|it| it.runtime_id.is_some())
    };
    let all = (0..view.task.containers.len()).filter(started);
    let containers: Vec<Value> = all.filter_map(|index| container(view, index)).collect();
    let mut shown = json!({
        "Arn": view.task.arn, "KnownStatus": known, "Family": view.task.family, "Version": view.task.version,
        "Containers": containers,
    });
    // What has stopped by itself was not wanted to.
    if (known, text("DesiredStatus")) != ("STOPPED", "RUNNING") {
        shown["DesiredStatus"] = json!(text("DesiredStatus"));
    }
    shown
}

fn container(view: &View<'_>, index: usize) -> Option<Value> {
    let in_metadata = metadata::container(view, index, Version::V3)?;
    let mut shown = Map::new();
    for name in SHOWN {
        if let Some(value) = in_metadata.get(name) {
            shown.insert(name.to_owned(), value.clone());
        }
    }
    if let (SandboxNetwork::Awsvpc(_), Some(networks)) = (&view.task.network, in_metadata.get("Networks")) {
        shown.insert("Networks".to_owned(), networks.clone());
    }
    if view.task.containers[index].restart_policy.is_some() {
        let count = view.progress.containers[index].restart_count;
        shown.insert("RestartCount".to_owned(), json!(count));
    }
    Some(Value::Object(shown))
}
