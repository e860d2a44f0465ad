//! Access logs of load balancers: lines that balancers tell become objects of the bucket that the load balancer names.
//! <https://docs.aws.amazon.com/elasticloadbalancing/latest/application/load-balancer-access-logs.html>
//!
//! As on Amazon they are kept as far as possible: lines that wait here are lost if the machine is.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use domain::load_balancer::{LoadBalancer, LoadBalancerKind, LogDestination};
use domain::{LoadBalancerArn, Timestamp};
use flate2::Compression;
use flate2::write::GzEncoder;
use futures_util::stream;
use parking_lot::Mutex;
use tokio::time::MissedTickBehavior;
use tokio_util::sync::CancellationToken;

use crate::control_plane::ControlPlane;
use crate::object_storage::{Kept, ObjectError, ObjectStorage, Replacing};

#[cfg(test)]
mod tests;

/// How long lines are gathered. Amazon takes five minutes.
const GATHERING: Duration = Duration::from_secs(10);
/// Bytes of a load balancer that wait; with more an object begins before its time.
const WAITING_BYTES_MAX: usize = 4 * 1024 * 1024;
/// Bytes of all load balancers that wait; lines that come when there are more are dropped.
const ALL_BYTES_MAX: usize = 64 * 1024 * 1024;
/// Longest object, in bytes: far more than what waits.
const OBJECT_BYTES_MAX: u64 = 64 * 1024 * 1024;
const CONTENT_TYPE: (&str, &str) = ("content-type", "binary/octet-stream");

/// Lines that wait to be written.
#[derive(Default)]
pub struct AccessLogs {
    waiting: Mutex<Waiting>,
}

#[derive(Default)]
struct Waiting {
    lines: BTreeMap<LoadBalancerArn, Vec<u8>>,
    bytes: usize,
}

impl AccessLogs {
    /// Takes lines of a load balancer. Gives what waits of it, once that is a lot.
    pub fn take(&self, load_balancer: &LoadBalancerArn, lines: &[String]) -> Option<Vec<u8>> {
        let mut waiting = self.waiting.lock();
        if waiting.bytes >= ALL_BYTES_MAX {
            tracing::warn!(%load_balancer, "too many lines of access logs wait: these are dropped");
            return None;
        }
        waiting.bytes += lines.iter().map(|it| it.len() + 1).sum::<usize>();
        let text = waiting.lines.entry(load_balancer.clone()).or_default();
        for line in lines {
            text.extend_from_slice(line.as_bytes());
            text.push(b'\n');
        }
        if text.len() < WAITING_BYTES_MAX {
            return None;
        }
        let full = waiting.lines.remove(load_balancer)?;
        waiting.bytes -= full.len();
        Some(full)
    }

    /// Takes out all that waits.
    fn drain(&self) -> BTreeMap<LoadBalancerArn, Vec<u8>> {
        std::mem::take(&mut *self.waiting.lock()).lines
    }
}

/// Writes what waits, again and again until shutdown, and once more then.
pub async fn keep_access_logs(control_plane: Arc<ControlPlane>, shutdown: CancellationToken) {
    let mut ticks = tokio::time::interval(GATHERING);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        let is_last = tokio::select! {
            biased;
            () = shutdown.cancelled() => true,
            _ = ticks.tick() => false,
        };
        for (arn, lines) in control_plane.access_logs.drain() {
            write(&control_plane, &arn, lines).await;
        }
        if is_last {
            return;
        }
    }
}

/// Writes lines as an object, compressed; they are dropped if that fails, since there is nobody to tell.
pub async fn write(control_plane: &ControlPlane, arn: &LoadBalancerArn, lines: Vec<u8>) {
    let found = control_plane
        .store
        .read(|state| state.get::<LoadBalancer>(arn).cloned());
    // One that is gone has had its lines for somebody who is gone as well.
    let Some(load_balancer) = found.filter(|it| it.attributes.access_logs.is_enabled) else {
        return;
    };
    let logs = &load_balancer.attributes.access_logs;
    let random = uuid::Uuid::new_v4().simple().to_string();
    let key = key(&load_balancer, control_plane.clock.now(), &random[..8]);
    let written = async {
        let compressed = tokio::task::spawn_blocking(move || compressed(&lines));
        let compressed = compressed.await.map_err(io::Error::other)??;
        put(&control_plane.object_storage, &logs.bucket, &key, compressed).await
    };
    if let Err(error) = written.await {
        tracing::warn!(load_balancer = %arn, bucket = logs.bucket, %error, "access logs are dropped");
    }
}

fn compressed(lines: &[u8]) -> io::Result<Vec<u8>> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(lines)?;
    encoder.finish()
}

/// The object that shows that access logs may be written, as Amazon writes it when they are turned on.
///
/// # Errors
/// The bucket is not there, or of the disk.
pub async fn test(
    storage: &Arc<ObjectStorage>,
    load_balancer: &LoadBalancer,
    logs: &LogDestination,
    now: Timestamp,
) -> Result<(), ObjectError> {
    let key = format!("{}/ELBAccessLogTestFile", folder(load_balancer, logs));
    let text = format!("Enable AccessLog for ELB: {} at {now:.3}", load_balancer.name);
    put(storage, &logs.bucket, &key, text.into_bytes()).await
}

/// `[prefix/]AWSLogs/<account>`
fn folder(load_balancer: &LoadBalancer, logs: &LogDestination) -> String {
    let account = load_balancer.arn.scope().account;
    match logs.prefix.as_str() {
        "" => format!("AWSLogs/{account}"),
        prefix => format!("{prefix}/AWSLogs/{account}"),
    }
}

/// The key of lines that end now.
fn key(load_balancer: &LoadBalancer, now: Timestamp, random: &str) -> String {
    let scope = load_balancer.arn.scope();
    let (account, region) = (&scope.account, &scope.region);
    let kind = match load_balancer.kind {
        LoadBalancerKind::Application => "app",
        LoadBalancerKind::Network => "net",
    };
    let (name, id) = (&load_balancer.name, load_balancer.arn.name());
    let mut addresses = load_balancer.zones.iter().flat_map(|it| &it.addresses);
    let address = addresses.next().map_or_else(String::new, IpAddr::to_string);
    let day = now.strftime("%Y/%m/%d");
    let end = now.strftime("%Y%m%dT%H%MZ");
    let folder = folder(load_balancer, &load_balancer.attributes.access_logs);
    format!(
        "{folder}/elasticloadbalancing/{region}/{day}/{account}_elasticloadbalancing_{region}_{kind}.{name}.{id}_{end}_\
         {address}_{random}.log.gz"
    )
}

async fn put(
    storage: &Arc<ObjectStorage>,
    bucket: &str,
    key: &str,
    content: Vec<u8>,
) -> Result<(), ObjectError> {
    let content = stream::iter([Ok::<_, io::Error>(Bytes::from(content))]);
    let received = storage.receive(content, None, None, OBJECT_BYTES_MAX).await;
    let received = received.map_err(io::Error::other)?;
    let (name, value) = CONTENT_TYPE;
    let kept = Kept {
        md5: hex::encode(received.digests.md5),
        headers: BTreeMap::from([(name.to_owned(), value.to_owned())]),
        ..Kept::default()
    };
    let (storage, bucket, key) = (Arc::clone(storage), bucket.to_owned(), key.to_owned());
    let put = move || storage.put(received.arrival, &kept, &bucket, &key, Replacing::Anything);
    tokio::task::spawn_blocking(put).await.map_err(io::Error::other)?
}
