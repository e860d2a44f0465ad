//! The answers of port 80, as Amazon's agent gives them.
//! <https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task-metadata-endpoint-v4.html>
//! <https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task-iam-roles.html>

use std::net::IpAddr;
use std::sync::{Arc, OnceLock};

use futures_util::future::join_all;
use http::{Method, StatusCode};
use serde_json::{Value, json};
use tokio::time::Instant;

use super::ids::EndpointIds;
use super::limits::Limits;
use super::metadata::{self, View};
use super::path::{Page, Target, Version};
use super::protection::{self, Request};
use super::reply::{Answer, document, failed, not_allowed, refusal, text, unknown_id};
use super::samples::Samples;
use super::{stats, tags};
use crate::control_plane::ControlPlane;
use crate::credentials::Credentials;
use crate::host::{Caller, ContainerFacts, Host};
use crate::registration::Identity;
use crate::tasks::record::Progress;
use crate::tasks::task::Task;
use crate::tasks::{SeenTask, Tasks};

/// What answers are made from.
pub struct Answers {
    /// Of the roles of tasks.
    pub credentials: Arc<Credentials>,
    /// The tasks of this host.
    pub tasks: Arc<Tasks>,
    /// What runs them.
    pub host: Arc<dyn Host>,
    /// For tags and protection.
    pub control_plane: Arc<ControlPlane>,
    /// Its region.
    pub region: String,
    /// Who the agent is, once it is registered.
    pub identity: Arc<OnceLock<Identity>>,
    /// Makes the ids of containers.
    pub ids: EndpointIds,
    /// How often tasks may ask.
    pub limits: Limits,
    /// What containers use.
    pub samples: Samples,
    /// Who answers.
    pub agent: Agent,
}

/// What an agent says of itself.
pub struct Agent {
    /// The cluster that it joins.
    pub cluster: String,
    /// Its version.
    pub version: String,
}

/// A container that was asked for, in its task.
struct Found {
    task: Arc<Task>,
    progress: Progress,
    index: usize,
}

impl Answers {
    /// The answer to a request of a task; `address` is where it comes from.
    pub async fn answer(
        &self,
        caller: &Caller,
        address: Option<IpAddr>,
        method: &Method,
        path: &str,
        body: &[u8],
    ) -> Answer {
        let target = Target::read(path);
        if !self.limits.admit(&self.limited(caller, target), Instant::now()) {
            return text(
                StatusCode::TOO_MANY_REQUESTS,
                "You have reached maximum request limit.",
            );
        }
        match (target, method) {
            (Target::Unknown, _) => text(StatusCode::NOT_FOUND, "404 page not found\n"),
            (Target::Fault(id), &Method::POST) => self.fault(caller, id),
            (Target::TaskProtection(id), &Method::GET | &Method::PUT) => {
                self.task_protection(caller, id, method, body).await
            }
            (Target::Fault(_) | Target::TaskProtection(_), _) => not_allowed(),
            (_, method) if method != Method::GET => not_allowed(),
            (Target::Credentials(id), _) => role_credentials(&self.credentials, caller, id),
            (Target::Metadata(version, id, page), _) => self.metadata(caller, version, id, page).await,
            (Target::OfCaller(page, runtime_id), _) => {
                self.of_caller(caller, address, page, runtime_id).await
            }
        }
    }

    /// Whose limit a request counts against: in the host's network, that of the task that the id names.
    fn limited(&self, caller: &Caller, target: Target<'_>) -> Caller {
        let id = target.endpoint_id().filter(|_| *caller == Caller::HostNetwork);
        let found = id.and_then(|id| self.seen(caller, id));
        found.map_or_else(|| caller.clone(), |(it, _)| Caller::Task(it.task.id.clone()))
    }

    /// Version 2: who asks is told by the address, and only network interfaces of tasks have one.
    async fn of_caller(
        &self,
        caller: &Caller,
        address: Option<IpAddr>,
        page: Page,
        runtime_id: Option<&str>,
    ) -> Answer {
        let mut tasks = self.tasks.of_caller(caller).into_iter();
        let Some(mut seen) = tasks.find(|it| it.task.has_interface()) else {
            let address = address.map(|it| it.to_string()).unwrap_or_default();
            let message =
                format!("Unable to get task arn from request: Unable to associate '{address}' with task");
            return document(StatusCode::BAD_REQUEST, &json!(message));
        };
        // Some container of it runs: that of the first is awaited, as most tasks have no other.
        seen.started(0).await;
        let (progress, task) = (seen.progress(), seen.task);
        let mut containers = progress.containers.iter();
        let index = match runtime_id {
            None => Some(0),
            Some(_) => containers.position(|it| it.runtime_id.as_deref() == runtime_id),
        };
        match index {
            Some(index) => {
                let found = Found {
                    task,
                    progress,
                    index,
                };
                self.page(&found, Version::V2, page).await
            }
            None => {
                let message = format!(
                    "Unable to generate metadata for container '{}'",
                    runtime_id.unwrap_or_default()
                );
                document(StatusCode::BAD_REQUEST, &json!(message))
            }
        }
    }

    async fn metadata(&self, caller: &Caller, version: Version, id: &str, page: Page) -> Answer {
        match self.find(caller, id).await {
            Some(found) => self.page(&found, version, page).await,
            None => unknown_id(version, id, page),
        }
    }

    /// The container with an endpoint id; that of another task is as unknown as any.
    fn seen(&self, caller: &Caller, id: &str) -> Option<(SeenTask, usize)> {
        let tasks = self.tasks.of_caller(caller);
        tasks.into_iter().find_map(|it| {
            let mut containers = it.task.containers.iter();
            let index = containers.position(|other| self.ids.of(&it.task.id, &other.spec.name) == id)?;
            Some((it, index))
        })
    }

    /// The same, with how far it got.
    async fn find(&self, caller: &Caller, id: &str) -> Option<Found> {
        let (mut seen, index) = self.seen(caller, id)?;
        // It runs, since who has the id is the container itself.
        seen.started(index).await;
        Some(Found {
            progress: seen.progress(),
            task: seen.task,
            index,
        })
    }

    async fn page(&self, found: &Found, version: Version, page: Page) -> Answer {
        let Found {
            task,
            progress,
            index,
        } = found;
        match page {
            Page::Container => {
                let facts = self.facts(task, progress).await;
                let view = View {
                    task,
                    progress,
                    facts: &facts,
                };
                match metadata::container(&view, *index, version) {
                    Some(container) => document(StatusCode::OK, &container),
                    None => document(
                        StatusCode::INTERNAL_SERVER_ERROR,
                        &json!("failed to get container metadata"),
                    ),
                }
            }
            Page::Task | Page::TaskWithTags => {
                let facts = self.facts(task, progress).await;
                let view = View {
                    task,
                    progress,
                    facts: &facts,
                };
                let mut shown = metadata::task(&view, version);
                metadata::add_clock_drift(&mut shown, task, self.host.clock_drift(), version);
                if page == Page::TaskWithTags {
                    let instance = self.identity.get().map(|it| it.container_instance_arn.as_str());
                    tags::add(&mut shown, &self.control_plane, &task.arn, instance, version).await;
                }
                document(StatusCode::OK, &Value::Object(shown))
            }
            Page::ContainerStats => self.container_stats(found, version).await,
            Page::TaskStats => self.task_stats(task, progress, version).await,
        }
    }

    async fn container_stats(&self, found: &Found, version: Version) -> Answer {
        let Found {
            task,
            progress,
            index,
        } = found;
        let container = &task.containers[*index];
        let runtime_id = progress.containers[*index]
            .runtime_id
            .as_deref()
            .unwrap_or_default();
        let samples = self.samples.of(&task.id, &[&container.spec.name]).await;
        match samples.first() {
            Some(Some(sample)) => {
                let name = metadata::docker_name(task, container, &progress.containers[*index]);
                document(StatusCode::OK, &stats::render(sample, &name, runtime_id, version))
            }
            _ => {
                let message = format!("Unable to get container stats for: {runtime_id}");
                document(failed(version), &json!(message))
            }
        }
    }

    /// By runtime id; null for containers that do not run.
    async fn task_stats(&self, task: &Task, progress: &Progress, version: Version) -> Answer {
        let pairs = task.containers.iter().zip(&progress.containers);
        let started: Vec<_> = pairs.filter(|(_, it)| it.runtime_id.is_some()).collect();
        let names: Vec<&str> = started.iter().map(|(it, _)| it.spec.name.as_str()).collect();
        let samples = self.samples.of(&task.id, &names).await;
        let all = started
            .iter()
            .zip(samples)
            .map(|((container, progress), sample)| {
                let runtime_id = progress.runtime_id.as_deref().unwrap_or_default();
                let name = metadata::docker_name(task, container, progress);
                let shown = sample.map(|it| stats::render(&it, &name, runtime_id, version));
                (runtime_id.to_owned(), shown.unwrap_or(Value::Null))
            });
        document(StatusCode::OK, &Value::Object(all.collect()))
    }

    /// What the host knows of the containers of a task.
    pub async fn facts(&self, task: &Task, progress: &Progress) -> Vec<Option<ContainerFacts>> {
        let pairs = task.containers.iter().zip(&progress.containers);
        let facts = pairs.map(|(container, progress)| async move {
            progress.runtime_id.as_ref()?;
            let name = &container.spec.name;
            self.host.container_facts(&task.id, name).await.ok()
        });
        join_all(facts).await
    }

    async fn task_protection(&self, caller: &Caller, id: &str, method: &Method, body: &[u8]) -> Answer {
        let Some(found) = self.find(caller, id).await else {
            let (status, shown) = protection::unknown_task();
            return document(status, &shown);
        };
        let request = match *method == Method::PUT {
            true => Request::read(&found.task.arn, body),
            false => Ok(Request::Get),
        };
        let (status, shown) = match request {
            Ok(request) => {
                let Self {
                    control_plane,
                    credentials,
                    region,
                    ..
                } = self;
                protection::answer(control_plane, credentials, region, &found.task, request).await
            }
            Err(reply) => reply,
        };
        document(status, &shown)
    }

    fn fault(&self, caller: &Caller, id: &str) -> Answer {
        let found = self.seen(caller, id);
        let (status, shown) = protection::fault(found.as_ref().map(|(it, _)| &*it.task), id);
        document(status, &shown)
    }
}

/// Credentials of the task that calls.
pub fn role_credentials(credentials: &Credentials, caller: &Caller, id: &str) -> Answer {
    if id.is_empty() {
        return refusal(
            "NoIdInRequest",
            "CredentialsV2Request: No Credential ID in the request",
        );
    }
    let found = match caller {
        Caller::Task(task_id) => credentials.of_application(task_id, id),
        // Nobody can say whose they would be.
        Caller::HostNetwork => None,
    };
    // The id of another task's is as unknown as any.
    let Some(found) = found else {
        return refusal(
            "InvalidIdInRequest",
            "CredentialsV2Request: Credentials not found",
        );
    };
    let body = json!({
        "RoleArn": found.role_arn,
        "AccessKeyId": found.access_key_id,
        "SecretAccessKey": found.secret_access_key,
        "Token": found.session_token,
        "Expiration": found.expiration,
    });
    document(StatusCode::OK, &body)
}
