//! Connections that speak another protocol after an upgrade, such as WebSocket.

use std::time::Duration;

use http::Response;
use http::header::{CONNECTION, HeaderValue};
use hyper::body::Incoming;
use hyper::upgrade::OnUpgrade;
use hyper_util::rt::TokioIo;
use tokio_util::task::task_tracker::TaskTrackerToken;

use super::body::{AnswerBody, Held};
use super::record::Exchange;
use crate::pump;

/// How long both sides may take to change over.
const CHANGE_TIME: Duration = Duration::from_secs(10);

/// Passes the target's consent on and then bytes, until one side ends, or none sends for the idle time, or the target
/// is no longer registered. It counts as a connection as long as it `lives`.
pub(crate) fn switch(
    client_side: OnUpgrade,
    mut response: Response<Incoming>,
    held: Held,
    mut exchange: Box<Exchange>,
    (idle, lives): (Duration, TaskTrackerToken),
) -> Response<AnswerBody> {
    let target_side = hyper::upgrade::on(&mut response);
    let gone = held.in_flight.target().gone.clone();
    held.lease.let_go();
    exchange.switches();
    tokio::spawn(async move {
        let (_in_flight, _lives) = (held.in_flight, lives);
        let both = async { tokio::try_join!(client_side, target_side) };
        let Ok(Ok((client, target))) = tokio::time::timeout(CHANGE_TIME, both).await else {
            exchange.fails();
            return;
        };
        let pumping = pump::both_ways(TokioIo::new(client), TokioIo::new(target), idle);
        if let Some((up, _)) = gone.run_until_cancelled(pumping).await {
            exchange.received(up);
        }
        exchange.finish();
    });
    let (mut parts, _) = response.into_parts();
    parts
        .headers
        .insert(CONNECTION, HeaderValue::from_static("upgrade"));
    Response::from_parts(parts, AnswerBody::Ready(None, None))
}
