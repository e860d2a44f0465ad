//! What connections cost on which nothing happens.

use std::time::Duration;

use anyhow::{Context, Result};

use super::cases::{CASES, Case};
use super::generator::Client;
use super::proxies::Proxy;
use crate::install::say;

/// Connections that wait.
const CONNECTIONS: usize = 10_000;
/// How long nothing happens on them before it is looked.
const SILENCE: Duration = Duration::from_secs(2);
/// Connections that are made at one time.
const AT_ONCE: usize = 64;
const KIB_PER_MIB: f64 = 1024.0;

/// Prints what each balancer holds with many idle connections, each of which has had one answer.
pub fn measure(proxies: &[Proxy]) -> Result<()> {
    say(&format!("{CONNECTIONS} idle connections of HTTP"));
    let Some(case) = CASES.first() else {
        return Ok(());
    };
    let mut sizes = Vec::new();
    for proxy in proxies {
        let before = proxy.own_kib()?;
        let size = hold(case, proxy).with_context(|| proxy.name)?;
        println!(
            "{:<12} {:.1} MiB of its own, {:.1} MiB before, {:.2} KiB each",
            proxy.name,
            size / KIB_PER_MIB,
            before / KIB_PER_MIB,
            (size - before) / CONNECTIONS as f64
        );
        sizes.push(size);
    }
    for (proxy, size) in proxies.iter().zip(&sizes).skip(1) {
        println!("{:.2} of {}", sizes[0] / size, proxy.name);
    }
    Ok(())
}

fn hold(case: &Case, proxy: &Proxy) -> Result<f64> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(async {
        let mut held = Vec::new();
        while held.len() < CONNECTIONS {
            let mut some: Vec<_> = (0..AT_ONCE)
                .map(|_| Client::new(case, proxy.address(case.door)))
                .collect();
            futures_util::future::try_join_all(some.iter_mut().map(Client::ask)).await?;
            held.extend(some);
        }
        tokio::time::sleep(SILENCE).await;
        proxy.own_kib()
    })
}
