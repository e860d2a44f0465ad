//! The life of an agent: find the tasks of before, register, keep the session, leave the tasks running.

use std::sync::{Arc, OnceLock};

use domain::clock::Clock;
use domain::ids::Ids;
use tokio::sync::{Notify, Semaphore, mpsc};
use tokio_util::sync::CancellationToken;

use crate::commands::Commands;
use crate::config::AgentConfig;
use crate::control_plane::{ControlPlane, InvalidEndpoint};
use crate::credentials::Credentials;
use crate::following::Following;
use crate::host::Host;
use crate::image_cleanup;
use crate::image_pulls::ImagePulls;
use crate::load_balancers::LoadBalancers;
use crate::log_drivers::{LogDrivers, json_file};
use crate::names::Names;
use crate::networks::Networks;
use crate::registration::{Identity, RegistrationError, register};
use crate::secrets::Secrets;
use crate::session::Session;
use crate::session::telemetry::Telemetry;
use crate::submissions::deliver;
use crate::task_endpoint::{EndpointIds, Parts, TaskEndpoint};
use crate::tasks::output::{self, TaskOutput};
use crate::tasks::record::Records;
use crate::tasks::state_change::{QUEUE_BOUND, Submission};
use crate::tasks::worker::{CONCURRENT_STARTS, Shared};
use crate::tasks::{RecoverError, Tasks};

/// Why an agent ended by itself.
#[derive(Debug, thiserror::Error)]
pub enum AgentError {
    /// The configuration names no usable endpoint.
    #[error(transparent)]
    Endpoint(#[from] InvalidEndpoint),
    /// The state folder cannot be used.
    #[error("the agent's state folder cannot be used")]
    State(#[source] std::io::Error),
    /// The tasks of before could not be found again.
    #[error(transparent)]
    Recover(#[from] RecoverError),
    /// The host is no container instance.
    #[error(transparent)]
    Registration(#[from] RegistrationError),
}

/// Runs an agent until shutdown. Its tasks go on without it.
///
/// # Errors
/// [`AgentError`], when there is no use in going on.
pub async fn run(
    config: AgentConfig,
    host: Arc<dyn Host>,
    clock: Arc<dyn Clock>,
    ids: Arc<Ids>,
    shutdown: CancellationToken,
) -> Result<(), AgentError> {
    let stop = shutdown.child_token();
    let control_plane = Arc::new(ControlPlane::new(&config, clock.clone())?);
    let records = Records::open(config.state_dir.join("tasks")).map_err(AgentError::State)?;
    let (submissions, queue) = mpsc::channel(QUEUE_BOUND);
    let image_pulls = ImagePulls::new(control_plane.clone(), clock.clone(), config.images.behavior);
    let credentials = Arc::new(Credentials::default());
    let secrets = Arc::new(Secrets::new(control_plane.clone(), credentials.clone()));
    let json_files = records.json_files();
    let log_drivers = log_drivers(&control_plane, &host, &records, &secrets, &ids, &stop);
    let endpoint_ids = EndpointIds::open(&config.state_dir, &ids).map_err(AgentError::State)?;
    let (outputs, last_outputs) = mpsc::channel(output::QUEUE_BOUND);
    let tasks = Tasks::new(Arc::new(Shared {
        credentials: credentials.clone(),
        task_api: config.task_api,
        secrets,
        endpoint_ids: endpoint_ids.clone(),
        host: host.clone(),
        clock: clock.clone(),
        records,
        outputs,
        submissions: submissions.clone(),
        image_pulls,
        log_drivers,
        starts: Arc::new(Semaphore::new(CONCURRENT_STARTS)),
        health_news: Notify::new(),
        shutdown: stop.clone(),
    }));
    tasks.recover().await?;
    let identity = Arc::new(OnceLock::new());
    let parts = Parts {
        host: host.clone(),
        control_plane: control_plane.clone(),
        credentials,
        tasks: tasks.clone(),
        ids: endpoint_ids,
        identity: identity.clone(),
    };
    let endpoint = TaskEndpoint::new(&config, parts, stop.clone()).start(host.take_task_connections());
    let of_images = image_cleanup::run(host.clone(), tasks.clone(), config.images, stop.clone());
    let of_output = json_file::cleanup::run(json_files, tasks.clone(), clock.clone(), stop.clone());
    let cleaning = tokio::spawn(async { tokio::join!(of_images, of_output) });
    let registered = registered(&control_plane, &config, host.as_ref(), &ids, &stop).await;
    let result = match registered {
        None => Ok(()),
        Some(Err(error)) => Err(AgentError::from(error)),
        Some(Ok(found)) => {
            let identity = identity.get_or_init(|| found).clone();
            let instance = identity.container_instance_arn.clone();
            let commands = Commands::new(control_plane.clone(), host.clone(), instance, stop.clone());
            let session = Session {
                commands,
                config,
                control_plane,
                identity,
                tasks: tasks.clone(),
                submissions,
                ids,
                shutdown: stop.clone(),
            };
            serve(session, host, clock, queue, last_outputs).await;
            Ok(())
        }
    };
    stop.cancel();
    tasks.close().await;
    endpoint.await;
    drop(cleaning.await);
    result
}

fn log_drivers(
    control_plane: &Arc<ControlPlane>,
    host: &Arc<dyn Host>,
    records: &Records,
    secrets: &Arc<Secrets>,
    ids: &Arc<Ids>,
    stop: &CancellationToken,
) -> LogDrivers {
    LogDrivers {
        control_plane: control_plane.clone(),
        host: host.clone(),
        records: records.clone(),
        secrets: secrets.clone(),
        ids: ids.clone(),
        shutdown: stop.clone(),
    }
}

/// Registers this host; `None` if the agent ends before.
async fn registered(
    control_plane: &ControlPlane,
    config: &AgentConfig,
    host: &dyn Host,
    ids: &Ids,
    stop: &CancellationToken,
) -> Option<Result<Identity, RegistrationError>> {
    let capacity = host.capacity();
    tokio::select! {
        biased;
        () = stop.cancelled() => None,
        it = register(control_plane, config, &capacity, ids) => Some(it),
    }
}

/// Keeps the sessions, and delivers what tasks report, until shutdown.
async fn serve(
    session: Session,
    host: Arc<dyn Host>,
    clock: Arc<dyn Clock>,
    queue: mpsc::Receiver<Submission>,
    last_outputs: mpsc::Receiver<TaskOutput>,
) {
    let delivery = deliver(
        session.control_plane.clone(),
        session.config.cluster.clone(),
        session.ids.clone(),
        queue,
        session.shutdown.clone(),
    );
    let telemetry = Telemetry {
        config: session.config.clone(),
        control_plane: session.control_plane.clone(),
        identity: session.identity.clone(),
        tasks: session.tasks.clone(),
        ids: session.ids.clone(),
        clock,
        shutdown: session.shutdown.clone(),
    };
    let telemetry = async move { telemetry.run(last_outputs).await };
    let following = Following {
        control_plane: session.control_plane.clone(),
        container_instance: session.identity.container_instance_arn.clone(),
        ids: session.ids.clone(),
        shutdown: session.shutdown.clone(),
    };
    let names = Names {
        following: following.clone(),
        host: Arc::clone(&host),
    };
    let networks = Networks {
        following: following.clone(),
        host: Arc::clone(&host),
    };
    let load_balancers = LoadBalancers {
        following,
        host,
        publishing: session.config.publishing,
    };
    let (delivery, telemetry) = (tokio::spawn(delivery), tokio::spawn(telemetry));
    let (load_balancers, names) = (tokio::spawn(load_balancers.run()), tokio::spawn(names.run()));
    let networks = tokio::spawn(networks.run());
    let (delivered, (), told, balanced, named, filtered) = tokio::join!(
        delivery,
        session.run(),
        telemetry,
        load_balancers,
        names,
        networks
    );
    if let Err(error) = delivered {
        tracing::error!(%error, "the delivery of state changes failed");
    }
    if let Err(error) = told {
        tracing::error!(%error, "the telemetry session failed");
    }
    if let Err(error) = filtered {
        tracing::error!(%error, "what filters networks failed");
    }
    if let Err(error) = balanced {
        tracing::error!(%error, "what serves load balancers failed");
    }
    if let Err(error) = named {
        tracing::error!(%error, "what tells resolvers failed");
    }
}
