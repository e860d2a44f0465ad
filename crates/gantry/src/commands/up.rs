//! `gantry up`: control plane, controllers, agent and container runtime in one process.

mod parts;

use std::fs;
use std::io::Write;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use agent::{AgentConfig, CapacityKind};
use anyhow::{Context, Result, bail};
use control_plane::{ControlPlane, Events, FileSystems, Kept, ObjectStorage, Registry, RequestLimits};
use domain::Scope;
use domain::clock::Clock;
use store::{Embedded, State, Store};
use telemetry::events::EventLog;
use telemetry::history::History;
use telemetry::logs::Logs;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::agent_config::{Joined, agent_config};
use crate::arguments::Up;
use crate::bootstrap::{DEFAULT_CLUSTER, DefaultNetwork, Identity, bootstrap};
use crate::clock::SystemClock;
use crate::data_dir::{self, DataDir, write_json};
use crate::keys::{self, Key};
use crate::process::{self, Signals};
use crate::running::Running;
use crate::{load_balancers, machine, profile};
use parts::Parts;

/// Longest wait for the agent's session; it takes some tens of milliseconds.
const AGENT_DEADLINE: Duration = Duration::from_secs(5);
/// Serves until SIGINT or SIGTERM.
pub fn run(options: &Up) -> Result<()> {
    machine::ensure_root("up")?;
    if !options.listen.ip().is_loopback() {
        bail!(
            "--listen {} can be reached from other machines, and plain HTTP would show them every request and \
             secret. Listen on loopback, e.g. 127.0.0.1:{}, and put a TLS proxy before it",
            options.listen,
            options.listen.port()
        );
    }
    let data_dir = options.place.data_dir()?;
    data_dir.create()?;
    let _lock = data_dir.lock()?;
    // One that a crash left would send `gantry down` to a stranger's process.
    let _missing = fs::remove_file(data_dir.endpoint_file());
    let outcome = process::run(serve(options, &data_dir));
    let _missing = fs::remove_file(data_dir.endpoint_file());
    outcome
}

async fn serve(options: &Up, data_dir: &DataDir) -> Result<()> {
    let mut signals = Signals::new()?;
    let listener = bind(options.listen).await?;
    let listen = listener.local_addr()?;
    let (root, agent) = (keys::root(data_dir)?, keys::agent(data_dir)?);
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let ids = Arc::new(process::ids()?);
    let log = EventLog::open(&data_dir.telemetry().join("events"), options.events.options());
    let log = log.context("cannot open the events")?;
    let mut engine = Embedded::open(&data_dir.state())?;
    let retention = engine.retain_after(Events::told_by(&log));
    let events = Events::new(log, retention);
    let store = Store::open(Box::new(engine), Arc::clone(&clock), Arc::clone(&ids))?;
    let identity = Identity {
        scope: Scope::new(&options.account_id, &options.region),
        vpc_cidr: options.vpc_cidr,
        root: root.clone(),
        agent: agent.clone(),
    };
    let network = bootstrap(&store, identity).await?;
    if network.cidr != options.vpc_cidr {
        tracing::warn!(
            "the default VPC keeps its range {}; --vpc-cidr holds for a new directory",
            network.cidr
        );
    }
    let place = options.host.file_systems(data_dir)?;
    let host = machine::open(data_dir, place.clone(), options.host.registries.registries()?).await?;
    let kept = kept(options, data_dir, events, file_systems(place, &store).await)?;
    let logs = Arc::clone(&kept.logs);

    let endpoint = format!("http://{listen}");
    let settings = settings(options, &endpoint);
    let master_key = keys::master(data_dir)?;
    let control_plane = ControlPlane::new(store.clone(), kept, Arc::clone(&clock), settings, &master_key)
        .map_err(|error| process::no_random_bytes(&error))?;
    let shutdown = CancellationToken::new();
    let mut parts = Parts::new(shutdown.clone());
    parts.keep(
        "the log store",
        parts::keep_logs(logs, Arc::clone(&clock), shutdown.clone()),
    );
    parts.keep_control_plane(control_plane, listener, options.history.stopped_tasks_shown);
    let controllers = orchestrator::run(store.clone(), wishes(options), shutdown.clone());
    parts.keep("the controllers", controllers);
    let config = config_of_agent(options, data_dir, &endpoint, listen.port(), agent);
    parts.keep_fallible("the agent", agent::run(config, host, clock, ids, shutdown));

    let ready = async {
        wait_for_agent(&store, &options.account_id).await;
        announce(options, data_dir, &endpoint, network, &root)?;
        let scope = Scope::new(&options.account_id, &options.region);
        show_load_balancers(&store.read(|state| load_balancers::of_state(state, &scope, data_dir)));
        std::future::pending().await
    };
    let outcome = tokio::select! {
        biased;
        () = signals.next() => Ok(()),
        ended = parts.first_end() => ended,
        failed = ready => failed,
    };
    tracing::info!("stopping; tasks keep running");
    let ended = parts.end().await;
    store.close().await;
    outcome.and(ended)
}

/// The agent of this machine: a container instance of the default cluster, and where FARGATE tasks run.
fn config_of_agent(options: &Up, data_dir: &DataDir, endpoint: &str, port: u16, key: Key) -> AgentConfig {
    let joined = Joined {
        endpoint,
        port,
        region: &options.region,
        cluster: DEFAULT_CLUSTER,
        key,
    };
    let capacity = CapacityKind::ContainerInstanceAndFargate;
    agent_config(data_dir, joined, &options.host, capacity)
}

/// What is kept outside the store.
fn kept(options: &Up, data_dir: &DataDir, events: Events, file_systems: Arc<FileSystems>) -> Result<Kept> {
    let folder = data_dir.telemetry();
    let logs = Logs::open(&folder.join("logs")).context("cannot open the log events")?;
    let history = History::open(&folder.join("tasks"), options.history.options());
    let history = history.context("cannot open the history of tasks")?;
    let registry = Registry::open(&data_dir.registry(), keys::registry(data_dir)?);
    let registry = registry.context("cannot open the registry of images")?;
    Ok(Kept {
        logs: Arc::new(logs),
        history: Arc::new(history),
        events: Arc::new(events),
        registry: Arc::new(registry),
        file_systems,
        object_storage: Arc::new(ObjectStorage::new(options.buckets(data_dir)?)),
    })
}

/// The directories of file systems, after what an earlier process left undone.
async fn file_systems(place: PathBuf, store: &Store) -> Arc<FileSystems> {
    let all = Arc::new(FileSystems::new(place));
    if let Err(error) = all.recover(store).await {
        tracing::warn!(%error, "the directory of a file system cannot be made or removed; the next start tries again");
    }
    all
}

/// Settings of the controllers.
fn wishes(options: &Up) -> orchestrator::Settings {
    orchestrator::Settings {
        healthy_after: Duration::from_secs(options.healthy_after.into()),
        rebalance_pause: Duration::from_secs(options.rebalance_pause.into()),
        public_addresses: options.elastic_addresses.trunc(),
        ..orchestrator::Settings::default()
    }
}

/// Settings of the control plane.
fn settings(options: &Up, endpoint: &str) -> control_plane::Settings {
    control_plane::Settings {
        regions: vec![options.region.clone()],
        advertised_endpoint: endpoint.to_owned(),
        execute_command_idle: options.execute_command_idle,
        controllers: wishes(options),
        request_limits: if options.api_rate_limits {
            RequestLimits::Amazon
        } else {
            RequestLimits::Off
        },
    }
}

async fn bind(address: SocketAddr) -> Result<TcpListener> {
    TcpListener::bind(address)
        .await
        .map_err(|error| match error.kind() {
            std::io::ErrorKind::AddrInUse => {
                anyhow::anyhow!(
                    "{address} is in use by another program. Choose another port with --listen, \
                 e.g. --listen 127.0.0.1:0"
                )
            }
            _ => anyhow::Error::new(error).context(format!("cannot listen on {address}")),
        })
}

/// Before that, no task could be placed. Not to wait for ever: the API is of use without an agent too.
async fn wait_for_agent(store: &Store, account: &str) {
    let is_there = |state: &State| state.hosts_of_account(account).any(|it| it.is_connected);
    let connected = async {
        let (mut is_connected, mut feed) = store.follow_with(is_there);
        while !is_connected {
            feed.next().await;
            is_connected = store.read(is_there);
        }
    };
    if tokio::time::timeout(AGENT_DEADLINE, connected).await.is_err() {
        tracing::warn!("the agent has not connected yet; until it has, no task is placed");
    }
}

/// Those of before, with their URLs.
fn show_load_balancers(all: &[load_balancers::Shown]) {
    if !all.is_empty() {
        let text = load_balancers::text(all);
        // Nobody may be listening, which is no reason to end.
        let _closed = write!(
            std::io::stdout(),
            "Load balancers (`gantry admin load-balancers`):\n{text}"
        );
    }
}

/// Tells the other commands, the AWS tools and the user.
fn announce(
    options: &Up,
    data_dir: &DataDir,
    endpoint: &str,
    network: DefaultNetwork,
    root: &Key,
) -> Result<()> {
    if !options.no_profile {
        profile::write(endpoint, &options.region, root).context("cannot write the AWS profile")?;
    }
    let default_vpc = format!(
        "  default VPC {}: subnet {}, security group {}",
        network.cidr, network.subnet, network.security_group
    );
    let running = Running {
        process_id: rustix::process::getpid().as_raw_nonzero().get(),
        endpoint: endpoint.to_owned(),
        region: options.region.clone(),
        subnet: network.subnet,
        security_group: network.security_group,
    };
    super::env::link_plugin(data_dir)?;
    write_json(&data_dir.endpoint_file(), &running)?;
    let path = data_dir.path().display();
    let is_default = data_dir.path() == Path::new(data_dir::DEFAULT);
    let place = if is_default {
        String::new()
    } else {
        format!(" --data-dir {path}")
    };
    let example = match options.no_profile {
        true => format!("eval \"$(gantry env{place})\"; aws ecs list-clusters"),
        false => format!("AWS_PROFILE={} aws ecs list-clusters", profile::PROFILE),
    };
    let lines = [
        format!("Gantry serves Amazon ECS at {endpoint}"),
        format!(
            "  account {}, region {}, data in {path}",
            options.account_id, options.region
        ),
        default_vpc,
        format!("  Try:  {example}"),
        format!("  Stop: Ctrl-C leaves tasks running; `gantry down{place}` stops them too"),
    ];
    // Nobody may be listening, which is no reason to end.
    let _closed = writeln!(std::io::stdout(), "{}", lines.join("\n"));
    Ok(())
}
