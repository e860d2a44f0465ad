//! Agents of hosts that do everything at once: over the real wire, without a container.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use api::{acs, ecs};
use futures_util::{SinkExt, StreamExt};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Deserialize;
use test_support::gantry::Gantry;
use tokio::net::TcpStream;
use tokio::runtime::Runtime;
use tokio::sync::Semaphore;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;

use super::client::{signed, signed_upgrade};
use super::exchange::Exchange;

/// How long hosts may take to say what they have to say.
const DEADLINE: Duration = Duration::from_secs(120);
/// How long a connection that is not used is relied upon: the server closes it after a while.
const KEPT_ALIVE: Duration = Duration::from_secs(30);
/// Hosts that join side by side.
const JOINING_MAX: usize = 32;
/// CPU units and MiB of a host: nothing in a measurement fills it.
const PLENTY: i32 = 100_000_000;
/// As many versions of Docker's API as a real agent names.
const DOCKER_API_MINORS: std::ops::RangeInclusive<u32> = 17..=44;
/// What else it names, as far as tasks of a measurement ask for it.
const CAPABILITIES: [&str; 8] = [
    "com.amazonaws.ecs.capability.logging-driver.awslogs",
    "com.amazonaws.ecs.capability.logging-driver.json-file",
    "com.amazonaws.ecs.capability.logging-driver.none",
    "com.amazonaws.ecs.capability.privileged-container",
    "ecs.capability.container-ordering",
    "ecs.capability.execution-role-awslogs",
    "ecs.capability.task-cpu-mem-limit",
    "ecs.capability.task-eni",
];

/// Agents that run on a thread of their own until this is dropped.
pub struct InstantHosts {
    address: String,
    runtime: Runtime,
    running: Arc<AtomicUsize>,
}

impl InstantHosts {
    /// None yet.
    pub fn new(gantry: &Gantry) -> Result<Self> {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()?;
        Ok(Self {
            address: gantry.endpoint().trim_start_matches("http://").to_owned(),
            runtime,
            running: Arc::default(),
        })
    }

    /// Registers one host for each name of a cluster, and connects it.
    pub fn join(&self, clusters: &[&str]) -> Result<()> {
        self.runtime.block_on(async {
            let places = Semaphore::new(JOINING_MAX);
            let joins = clusters.iter().map(|cluster| async {
                let _place = places.acquire().await?;
                let host = Host::join(&self.address, cluster, Arc::clone(&self.running)).await?;
                tokio::spawn(async move {
                    if let Err(error) = host.serve().await {
                        eprintln!("a host left: {error:#}");
                    }
                });
                anyhow::Ok(())
            });
            futures_util::future::try_join_all(joins).await.map(drop)
        })
    }

    /// Waits until that many tasks have been reported RUNNING in all.
    pub fn wait_for(&self, running: usize) -> Result<()> {
        let end = Instant::now() + DEADLINE;
        while self.running() < running {
            if Instant::now() > end {
                bail!(
                    "{} of {running} tasks were reported RUNNING in time",
                    self.running()
                );
            }
            std::thread::sleep(Duration::from_millis(1));
        }
        Ok(())
    }

    /// Tasks that have been reported RUNNING.
    pub fn running(&self) -> usize {
        self.running.load(Ordering::Relaxed)
    }
}

struct Host {
    cluster: String,
    arn: String,
    address: String,
    calls: Exchange,
    called_at: Instant,
    socket: WebSocketStream<TcpStream>,
    running: Arc<AtomicUsize>,
}

/// As much of a frame as such a host reads.
#[derive(Deserialize)]
struct Frame {
    #[serde(rename = "type")]
    kind: String,
    message: Content,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Content {
    message_id: Option<String>,
    #[serde(default)]
    tasks: Vec<Order>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Order {
    arn: Option<String>,
    desired_status: Option<String>,
}

impl Host {
    async fn join(address: &str, cluster: &str, running: Arc<AtomicUsize>) -> Result<Self> {
        let mut calls = Exchange::to(address).await?;
        let request = signed::<ecs::RegisterContainerInstance>(address, &registration(cluster))?;
        let output: ecs::RegisterContainerInstanceOutput = wire::json::decode(calls.send(&request).await?)?;
        let instance = output.container_instance.unwrap_or_default();
        let arn = instance
            .container_instance_arn
            .context("the instance has an ARN")?;
        let encoded = |it: &str| utf8_percent_encode(it, NON_ALPHANUMERIC).to_string();
        let query = format!(
            "agentVersion=1.0.0&clusterArn={}&containerInstanceArn={}&protocolVersion=2&seqNum=1",
            encoded(cluster),
            encoded(&arn)
        );
        let path = format!("/acs/ws?{query}");
        let request = signed_upgrade(address, &path)?;
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        let (socket, _) = tokio_tungstenite::client_async(request, stream).await?;
        Ok(Self {
            cluster: cluster.to_owned(),
            arn,
            address: address.to_owned(),
            calls,
            called_at: Instant::now(),
            socket,
            running,
        })
    }

    async fn serve(mut self) -> Result<()> {
        while let Some(message) = self.socket.next().await {
            let Message::Text(text) = message? else { continue };
            let frame: Frame = serde_json::from_str(&text)?;
            let answer = match frame.kind.as_str() {
                "HeartbeatMessage" => "HeartbeatAckRequest",
                _ => "AckRequest",
            };
            let ack = wire::json::encode(&acs::AckRequest {
                cluster: Some(self.cluster.clone()),
                container_instance: Some(self.arn.clone()),
                message_id: frame.message.message_id,
            });
            let ack = format!(
                "{{\"type\":\"{answer}\",\"message\":{}}}",
                String::from_utf8(ack)?
            );
            self.socket.send(Message::text(ack)).await?;
            if frame.kind == "PayloadMessage" {
                for order in frame.message.tasks {
                    self.report(order).await?;
                }
            }
        }
        Ok(())
    }

    async fn report(&mut self, order: Order) -> Result<()> {
        let is_start = order.desired_status.as_deref() == Some("RUNNING");
        let status = if is_start { "RUNNING" } else { "STOPPED" };
        let container = ecs::ContainerStateChange {
            container_name: Some("app".to_owned()),
            runtime_id: Some("instant".to_owned()),
            status: Some(status.to_owned()),
            ..ecs::ContainerStateChange::default()
        };
        let report = ecs::SubmitTaskStateChangeInput {
            cluster: Some(self.cluster.clone()),
            containers: Some(vec![container]),
            status: Some(status.to_owned()),
            task: order.arn,
            ..ecs::SubmitTaskStateChangeInput::default()
        };
        let request = signed::<ecs::SubmitTaskStateChange>(&self.address, &report)?;
        if self.called_at.elapsed() > KEPT_ALIVE {
            self.calls = Exchange::to(&self.address).await?;
        }
        self.calls.send(&request).await?;
        self.called_at = Instant::now();
        self.running.fetch_add(usize::from(is_start), Ordering::Relaxed);
        Ok(())
    }
}

fn registration(cluster: &str) -> ecs::RegisterContainerInstanceInput {
    let integer = |name: &str| ecs::Resource {
        name: Some(name.to_owned()),
        r#type: Some("INTEGER".to_owned()),
        integer_value: Some(PLENTY),
        ..ecs::Resource::default()
    };
    let docker = DOCKER_API_MINORS.map(|it| format!("com.amazonaws.ecs.capability.docker-remote-api.1.{it}"));
    let attribute = |name| ecs::Attribute {
        name,
        ..ecs::Attribute::default()
    };
    let names = docker.chain(CAPABILITIES.map(str::to_owned));
    ecs::RegisterContainerInstanceInput {
        attributes: Some(names.map(attribute).collect()),
        cluster: Some(cluster.to_owned()),
        total_resources: Some(vec![integer("CPU"), integer("MEMORY")]),
        ..ecs::RegisterContainerInstanceInput::default()
    }
}
