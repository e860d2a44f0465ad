//! The HTTP front. A request passes through one list of steps, see [`pipeline`].

mod connection;
mod pipeline;
mod registry;
pub(crate) mod s3;

use std::sync::Arc;

use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::control_plane::ControlPlane;
use crate::routes::Routes;
use crate::sessions;

/// Most connections at once; more wait to be accepted.
const CONNECTIONS_MAX: usize = 4096;
/// How long open requests may take to end at shutdown.
const SHUTDOWN_DEADLINE: std::time::Duration = std::time::Duration::from_secs(5);

/// Serves until `shutdown`, then lets open requests end.
pub async fn serve(control_plane: Arc<ControlPlane>, listener: TcpListener, shutdown: CancellationToken) {
    let routes = Arc::new(Routes::new());
    let places = Arc::new(Semaphore::new(CONNECTIONS_MAX));
    let connections = TaskTracker::new();
    let feed = control_plane.store.follow();
    tokio::spawn(sessions::dispatch(
        Arc::clone(&control_plane),
        feed,
        shutdown.clone(),
    ));
    loop {
        let place = tokio::select! {
            biased;
            () = shutdown.cancelled() => break,
            place = Arc::clone(&places).acquire_owned() => place,
        };
        let accepted = tokio::select! {
            biased;
            () = shutdown.cancelled() => break,
            accepted = listener.accept() => accepted,
        };
        let stream = match accepted {
            Ok((stream, _)) => stream,
            Err(error) => {
                // Out of files, most likely: give connections a moment to end.
                tracing::warn!(%error, "cannot accept a connection");
                tokio::time::sleep(std::time::Duration::from_millis(50)).await;
                continue;
            }
        };
        let served = connection::serve(
            stream,
            Arc::clone(&control_plane),
            Arc::clone(&routes),
            shutdown.clone(),
        );
        connections.spawn(async move {
            served.await;
            drop(place);
        });
    }
    connections.close();
    if tokio::time::timeout(SHUTDOWN_DEADLINE, connections.wait())
        .await
        .is_err()
    {
        tracing::warn!("connections were still open at shutdown");
    }
}
