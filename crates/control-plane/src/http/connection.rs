//! One connection, HTTP/1.1 with upgrades to websockets.

use std::sync::Arc;
use std::time::Duration;

use http_body_util::Either;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::TcpStream;
use tokio_util::sync::CancellationToken;

use super::{pipeline, registry, s3};
use crate::control_plane::ControlPlane;
use crate::routes::Routes;

/// How long a client may take to send the head of a request, idle time of a kept connection included.
const HEADER_DEADLINE: Duration = Duration::from_secs(75);

/// Serves the requests of a connection until it ends or the server shuts down.
pub async fn serve(
    stream: TcpStream,
    control_plane: Arc<ControlPlane>,
    routes: Arc<Routes>,
    shutdown: CancellationToken,
) {
    // Answers are one write each: waiting for more to send only adds delay.
    let _ = stream.set_nodelay(true);
    let answer = service_fn(|request| {
        let (control_plane, routes) = (Arc::clone(&control_plane), Arc::clone(&routes));
        let shutdown = shutdown.clone();
        async move {
            if registry::serves(&request) {
                return Ok(registry::answer(&control_plane, request).await);
            }
            if s3::serves(&request) {
                return Ok(s3::answer(&control_plane, request).await);
            }
            let answer = pipeline::answer(control_plane, routes, request, shutdown).await;
            answer.map(|it| it.map(Either::Left))
        }
    });
    let connection = hyper::server::conn::http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEADER_DEADLINE)
        .pipeline_flush(true)
        .serve_connection(TokioIo::new(stream), answer)
        .with_upgrades();
    tokio::pin!(connection);
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        () = shutdown.cancelled() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = ended {
        tracing::debug!(%error, "a connection broke");
    }
}
