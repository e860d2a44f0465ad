//! Calls of a command to the running Gantry, signed with the root key.

use std::time::Duration;

use anyhow::{Context, Result, anyhow};
use bytes::Bytes;
use domain::clock::Clock;
use http_body_util::{BodyExt, Full, Limited};
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use wire::client::ClientError;
use wire::sigv4::{Signer, sign};
use wire::{Operation, ServiceError};

use crate::arguments::Place;
use crate::clock::SystemClock;
use crate::keys::Key;
use crate::running::{Running, running};

/// Longest wait for an answer.
const DEADLINE: Duration = Duration::from_secs(30);
/// A longer answer is a failure.
const ANSWER_BYTES_MAX: usize = 16 * 1024 * 1024;

/// What Gantry says to a call that it refuses.
#[derive(Debug)]
pub struct Refused {
    /// Name of the exception.
    pub code: String,
    message: String,
}

impl std::fmt::Display for Refused {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(&self.message)
    }
}

impl std::error::Error for Refused {}

/// Calls an operation of the Gantry that serves a data directory.
///
/// # Errors
/// None serves it, it does not answer in time, or it refuses: in its own words.
pub fn call<O: Operation>(place: &Place, input: &O::Input) -> Result<O::Output> {
    let (running, key) = running(&place.data_dir()?)?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(ask::<O>(&running, &key, input))
}

/// Calls an operation of a Gantry that runs.
///
/// # Errors
/// It does not answer in time, or it is a [`Refused`].
pub async fn ask<O: Operation>(running: &Running, key: &Key, input: &O::Input) -> Result<O::Output> {
    let exchange = tokio::time::timeout(DEADLINE, exchange::<O>(running, key, input));
    let (status, body) = exchange.await.context("Gantry does not answer")??;
    match wire::client::answer::<O>(status, &body) {
        Ok(output) => Ok(output),
        Err(ClientError::Service(error)) => Err(anyhow!(Refused {
            code: error.code().to_owned(),
            message: error.message().unwrap_or_else(|| error.code()).to_owned(),
        })),
        Err(error) => Err(anyhow!("{error}")),
    }
}

async fn exchange<O: Operation>(running: &Running, key: &Key, input: &O::Input) -> Result<(u16, Bytes)> {
    let host = running.endpoint.strip_prefix("http://");
    let host = host.with_context(|| format!("{} is no endpoint", running.endpoint))?;
    let (mut parts, body) = wire::client::request::<O>(host, input)?;
    let signer = Signer {
        access_key_id: &key.access_key_id,
        secret_access_key: &key.secret_access_key,
        region: &running.region,
        service: O::SERVICE.signing_name,
        session_token: None,
    };
    sign(&signer, &mut parts, &body, SystemClock.now());
    parts.uri = format!("{}/", running.endpoint).parse()?;
    let client = Client::builder(TokioExecutor::new()).build_http();
    let request = http::Request::from_parts(parts, Full::new(Bytes::from(body)));
    let answer = client.request(request).await;
    let answer = answer.with_context(|| format!("cannot reach Gantry at {}", running.endpoint))?;
    let status = answer.status().as_u16();
    let body = Limited::new(answer.into_body(), ANSWER_BYTES_MAX).collect().await;
    let body = body.map_err(|error| anyhow!("the answer did not arrive: {error}"))?;
    Ok((status, body.to_bytes()))
}
