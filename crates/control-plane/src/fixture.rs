//! A control plane for tests: its state in memory, asked in JSON as clients ask it, without sockets or signatures.

use std::path::Path;
use std::sync::Arc;

use domain::access_key::Principal;
use domain::clock::Clock;
use domain::task::TaskStatus;
use domain::{ContainerInstanceArn, Scope, TaskArn, Timestamp};
use orchestrator::transitions::{self, Connection, TaskReport};
use serde_json::{Value, json};
use store::{ManualClock, Retention, Store, memory_store};
use telemetry::events::EventLog;
use telemetry::history::{History, HistoryOptions};
use telemetry::logs::Logs;

use crate::control_plane::{ControlPlane, Settings};
use crate::events::Events;
use crate::file_systems::FileSystems;
use crate::in_process::InProcess;
use crate::registry::Registry;

pub struct Fixture {
    control_plane: Arc<ControlPlane>,
    handlers: InProcess,
    pub clock: Arc<ManualClock>,
    _logs: tempfile::TempDir,
}

pub const ACCOUNT: &str = "arn:aws:ecs:us-east-1:123456789012";

impl Fixture {
    /// With the cluster `default`.
    pub async fn new() -> Self {
        let (store, clock) = memory_store(Timestamp::from_second(1_700_000_000).expect("in range"));
        let folder = tempfile::tempdir().expect("a folder");
        let options = HistoryOptions::new(jiff::SignedDuration::from_hours(720), 1 << 20);
        let log = EventLog::open(&folder.path().join("events"), options).expect("opens");
        let events = Events::new(log, Retention::default());
        let control_plane = Self::around_with(store, events, folder.path(), clock.clone());
        let scope = Scope::new("123456789012", "us-east-1");
        let fixture = Self {
            handlers: InProcess::new(Arc::clone(&control_plane), scope),
            control_plane,
            clock,
            _logs: folder,
        };
        fixture.ask("CreateCluster", json!({})).await;
        fixture
    }

    /// A control plane around a store and a log of events; all else is in the folder.
    pub fn around(store: Store, events: Events, folder: &Path) -> Arc<ControlPlane> {
        let clock = ManualClock::at(Timestamp::UNIX_EPOCH);
        Self::around_with(store, events, folder, Arc::new(clock))
    }

    fn around_with(store: Store, events: Events, folder: &Path, clock: Arc<dyn Clock>) -> Arc<ControlPlane> {
        let options = HistoryOptions::new(jiff::SignedDuration::from_hours(720), 1 << 20);
        let history = History::open(&folder.join("history"), options).expect("opens");
        let settings = Settings {
            regions: vec!["us-east-1".to_owned()],
            advertised_endpoint: "http://127.0.0.1:4510".to_owned(),
            request_limits: crate::RequestLimits::Off,
            execute_command_idle: std::time::Duration::from_secs(1200),
            controllers: orchestrator::Settings::default(),
        };
        let registry = Registry::open(&folder.join("registry"), [7; 32]).expect("opens");
        let kept = crate::Kept {
            logs: Arc::new(Logs::open(folder).expect("opens")),
            history: Arc::new(history),
            events: Arc::new(events),
            registry: Arc::new(registry),
            file_systems: Arc::new(FileSystems::new(folder.join("file-systems"))),
            object_storage: Arc::new(crate::ObjectStorage::new(folder.join("buckets"))),
        };
        let master_key = crate::MasterKey([7; 32]);
        ControlPlane::new(store, kept, clock, settings, &master_key).expect("random bytes")
    }

    pub fn store(&self) -> &Store {
        &self.control_plane.store
    }

    /// The answer of ECS.
    pub async fn ask(&self, operation: &str, input: Value) -> Value {
        self.ask_of("ecs", operation, input).await
    }

    /// The answer of a service.
    pub async fn ask_of(&self, service: &str, operation: &str, input: Value) -> Value {
        match self.attempt(service, operation, input).await {
            Ok(answer) => answer,
            Err((code, message)) => panic!("{operation}: {code}: {message}"),
        }
    }

    /// The exception of ECS and its message.
    pub async fn refused(&self, operation: &str, input: Value) -> (String, String) {
        self.refused_of("ecs", operation, input).await
    }

    /// The exception of a service and its message.
    pub async fn refused_of(&self, service: &str, operation: &str, input: Value) -> (String, String) {
        match self.attempt(service, operation, input).await {
            Ok(answer) => panic!("{operation} is not refused: {answer}"),
            Err(refusal) => refusal,
        }
    }

    /// What all requests share.
    pub fn control_plane(&self) -> &Arc<ControlPlane> {
        &self.control_plane
    }

    /// The answer of a service, or its exception and message.
    pub async fn attempt(
        &self,
        service: &str,
        operation: &str,
        input: Value,
    ) -> Result<Value, (String, String)> {
        let answered = self.handlers.ask(Principal::Root, service, operation, &input);
        answered.await.map_err(|it| (it.code, it.message))
    }

    /// A connected container instance of the cluster `default`: its ARN.
    pub async fn instance(&self) -> String {
        self.instance_with(&[]).await
    }

    /// One with more attributes.
    pub async fn instance_with(&self, more: &[&str]) -> String {
        let mut attributes = vec![
            json!({ "name": "ecs.os-type", "value": "linux" }),
            json!({ "name": "com.amazonaws.ecs.capability.docker-remote-api.1.18" }),
        ];
        attributes.extend(more.iter().map(|it| json!({ "name": it })));
        let integer =
            |name: &str, value: i32| json!({ "name": name, "type": "INTEGER", "integerValue": value });
        let answer = self
            .ask(
                "RegisterContainerInstance",
                json!({
                    "totalResources": [integer("CPU", 1024), integer("MEMORY", 1024)],
                    "attributes": attributes,
                }),
            )
            .await;
        let arn = text(&answer["containerInstance"]["containerInstanceArn"]);
        let parsed = ContainerInstanceArn::parse(&arn).expect("an ARN");
        let connected = self.store().transact(move |tx| {
            transitions::connect_host(tx, &parsed, Connection::Connected, "1.0.0", "none")
        });
        connected.await.expect("is there");
        arn
    }

    /// Registers the family `web`: the ARN of its new revision.
    pub async fn definition(&self) -> String {
        let container = json!({ "name": "web", "image": "web", "memory": 64 });
        let answer = self
            .ask(
                "RegisterTaskDefinition",
                json!({ "family": "web", "containerDefinitions": [container] }),
            )
            .await;
        text(&answer["taskDefinition"]["taskDefinitionArn"])
    }

    /// The same with a port that can be served.
    pub async fn served_definition(&self) -> String {
        let ports = json!([{ "containerPort": 80 }]);
        let container = json!({ "name": "web", "image": "web", "memory": 64, "portMappings": ports });
        let input = json!({ "family": "web", "containerDefinitions": [container] });
        let answer = self.ask("RegisterTaskDefinition", input).await;
        text(&answer["taskDefinition"]["taskDefinitionArn"])
    }

    /// Reports a task as its agent would.
    pub async fn report(&self, task: &str, status: TaskStatus) {
        let arn = TaskArn::parse(task).expect("an ARN");
        let report = TaskReport {
            status: Some(status),
            ..TaskReport::default()
        };
        let observed = self
            .store()
            .transact(move |tx| transitions::observe_task(tx, &arn, &report));
        observed.await.expect("is there");
    }
}

pub fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

/// What a refusal is, when only the exception matters.
pub fn code(refusal: (String, String)) -> String {
    refusal.0
}
