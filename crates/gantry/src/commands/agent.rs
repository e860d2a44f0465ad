//! `gantry agent`: this machine as a host of a Gantry whose control plane is on another one.

use std::fs;
use std::net::SocketAddr;
use std::sync::Arc;

use agent::CapacityKind;
use anyhow::{Context, Result, bail, ensure};
use domain::clock::Clock;
use tokio_util::sync::CancellationToken;

use crate::agent_config::{Joined, agent_config};
use crate::arguments::AgentOptions;
use crate::clock::SystemClock;
use crate::data_dir::{DataDir, write_json};
use crate::keys::Key;
use crate::machine;
use crate::process::{self, Signals};
use crate::running::Serving;

/// Runs tasks until SIGINT or SIGTERM, which leave them running.
pub fn run(options: &AgentOptions) -> Result<()> {
    machine::ensure_root("agent")?;
    let port = port(&options.endpoint)?;
    ensure!(
        !options.secret_access_key.is_empty(),
        "set AWS_SECRET_ACCESS_KEY; `gantry env --agent` prints it where the control plane is"
    );
    let data_dir = options.place.data_dir()?;
    data_dir.create()?;
    let _lock = data_dir.lock()?;
    let serving = Serving {
        process_id: rustix::process::getpid().as_raw_nonzero().get(),
    };
    write_json(&data_dir.endpoint_file(), &serving)?;
    let outcome = process::run(serve(options, port, &data_dir));
    let _missing = fs::remove_file(data_dir.endpoint_file());
    outcome
}

async fn serve(options: &AgentOptions, port: u16, data_dir: &DataDir) -> Result<()> {
    let mut signals = Signals::new()?;
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let ids = Arc::new(process::ids()?);
    let file_systems = options.host.file_systems(data_dir)?;
    let host = machine::open(data_dir, file_systems, options.host.registries.registries()?).await?;
    let joined = Joined {
        endpoint: &options.endpoint,
        port,
        region: &options.region,
        cluster: &options.cluster,
        key: Key {
            access_key_id: options.access_key_id.clone(),
            secret_access_key: options.secret_access_key.clone(),
        },
    };
    let capacity = match options.no_fargate {
        true => CapacityKind::ContainerInstance,
        false => CapacityKind::ContainerInstanceAndFargate,
    };
    let config = agent_config(data_dir, joined, &options.host, capacity);
    println!(
        "Joining cluster {} of the Gantry at {}\n  Stop: Ctrl-C leaves tasks running; `gantry down` stops them too",
        options.cluster, options.endpoint
    );
    let shutdown = CancellationToken::new();
    let agent = agent::run(config, host, clock, ids, shutdown.clone());
    tokio::pin!(agent);
    tokio::select! {
        biased;
        ended = &mut agent => {
            ended.context("this machine cannot join")?;
            bail!("the agent ended by itself")
        }
        () = signals.next() => {}
    }
    tracing::info!("stopping; tasks keep running");
    shutdown.cancel();
    agent.await.context("the agent failed")
}

/// The port of an endpoint on loopback.
fn port(endpoint: &str) -> Result<u16> {
    let wanted = || {
        format!(
            "--endpoint {endpoint}: write it like http://127.0.0.1:4566. It has to be an address of loopback, since plain \
             HTTP would show others every request and secret: lead it there through a tunnel, e.g. \
             `ssh -N -L 4566:127.0.0.1:4566 MACHINE`"
        )
    };
    let address = endpoint.strip_prefix("http://").with_context(wanted)?;
    let address = address.trim_end_matches('/').replace("localhost", "127.0.0.1");
    let address: SocketAddr = address.parse().ok().with_context(wanted)?;
    ensure!(address.ip().is_loopback(), wanted());
    Ok(address.port())
}

#[cfg(test)]
mod tests {
    use super::port;

    #[test]
    fn an_endpoint_is_on_loopback() {
        assert_eq!(port("http://127.0.0.1:4566").ok(), Some(4566));
        assert_eq!(port("http://localhost:80/").ok(), Some(80));
        assert_eq!(port("http://[::1]:4566").ok(), Some(4566));
        for refused in [
            "http://192.0.2.1:4566",
            "https://127.0.0.1:4566",
            "127.0.0.1:4566",
            "http://127.0.0.1",
        ] {
            let error = port(refused).expect_err(refused).to_string();
            assert!(error.contains("ssh -N -L"), "{error}");
        }
    }
}
