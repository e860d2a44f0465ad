//! `gantry task port-forward`: each connection to a port here is a stream to a port of a container.

use std::io::Write;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use agent::host::TaskStream;
use agent::streams::carry;
use anyhow::{Context, Result};
use api::gantry;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, mpsc};

use super::stream::{Reach, open};
use crate::arguments::{PortForward, Ports};
use crate::client::Refused;
use crate::running::running;

/// Connections at once: as many as one task may have. More wait to be accepted.
const CONNECTIONS_MAX: usize = 128;
/// How long is waited when no connection can be accepted, for want of files most likely.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// Forwards until Ctrl-C, or until the task is gone.
pub fn run(arguments: &PortForward) -> Result<()> {
    let (running, key) = running(&arguments.name.place.data_dir()?)?;
    let reach = Arc::new(Reach { running, key });
    let input = Arc::new(gantry::OpenTaskStreamInput {
        cluster: arguments.name.cluster.clone(),
        task: arguments.name.task.clone(),
        container: arguments.container.clone(),
        target: gantry::StreamTarget {
            port: Some(i32::from(arguments.ports.container)),
            ..gantry::StreamTarget::default()
        },
    });
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let ended = runtime.block_on(async {
        tokio::select! {
            ended = serve(reach, input, arguments.ports) => ended,
            interrupted = tokio::signal::ctrl_c() => Ok(interrupted?),
        }
    });
    runtime.shutdown_background();
    ended
}

async fn serve(reach: Arc<Reach>, input: Arc<gantry::OpenTaskStreamInput>, ports: Ports) -> Result<()> {
    // Whether there is such a task is told before anybody connects.
    let agreed = reach.ask(&input).await?;
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, ports.local));
    let listener = TcpListener::bind(address).await.with_context(|| {
        format!(
            "cannot listen on {address}; choose another port, e.g. 0:{}",
            ports.container
        )
    })?;
    let mut out = std::io::stdout();
    writeln!(
        out,
        "Forwarding {} to port {} of container {} of task {}. Ctrl-C ends it.",
        listener.local_addr()?,
        ports.container,
        agreed.container,
        agreed.task
    )?;
    out.flush()?;
    let places = Arc::new(Semaphore::new(CONNECTIONS_MAX));
    let (end, mut ended) = mpsc::channel(1);
    loop {
        let place = Arc::clone(&places).acquire_owned().await?;
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            Some(error) = ended.recv() => return Err(error),
        };
        let (connection, from) = match accepted {
            Ok(accepted) => accepted,
            Err(error) => {
                eprintln!("gantry: cannot accept a connection: {error}");
                tokio::time::sleep(ACCEPT_PAUSE).await;
                continue;
            }
        };
        let (reach, input, end) = (Arc::clone(&reach), Arc::clone(&input), end.clone());
        tokio::spawn(async move {
            if let Err(error) = forward(&reach, &input, connection).await {
                if is_gone(&error) {
                    // One is enough.
                    let _ = end.try_send(error);
                } else {
                    eprintln!("gantry: connection from {from}: {error:#}");
                }
            }
            drop(place);
        });
    }
}

async fn forward(reach: &Reach, input: &gantry::OpenTaskStreamInput, connection: TcpStream) -> Result<()> {
    let agreed = reach.ask(input).await?;
    let socket = open(&agreed).await?;
    carry(socket, TaskStream::of_connection(connection)).await?;
    Ok(())
}

/// A task that has stopped does not come back.
fn is_gone(error: &anyhow::Error) -> bool {
    let refused = error.downcast_ref::<Refused>();
    refused.is_some_and(|it| it.code == "TaskNotFoundException")
}
