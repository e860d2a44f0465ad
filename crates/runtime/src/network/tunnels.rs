//! The tunnels between VPCs here and their parts on other hosts: there is one as long as another host has a part.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use domain::served_network::NetworksMessage;
use parking_lot::Mutex;

use super::NetworkError;
use super::host::Host;
use super::others::Others;
use super::overlay::{self, Tunnel};

/// The tunnels of this host's VPCs.
#[derive(Default)]
pub(super) struct Tunnels {
    others: Mutex<Others>,
    /// `None` for a VPC that is known to have no tunnel. Locked while that changes, across awaits.
    open: tokio::sync::Mutex<BTreeMap<String, Option<Tunnel>>>,
}

impl Tunnels {
    /// Takes over what a message says, and tells which VPCs it concerns.
    pub(super) fn note(&self, message: &NetworksMessage) -> BTreeSet<String> {
        self.others.lock().note(message)
    }

    /// Leads a VPC, which has a namespace here, to its parts on other hosts, if these are known.
    pub(super) async fn lead(
        &self,
        host: &Host,
        vpc_id: &str,
        namespace: PathBuf,
    ) -> Result<(), NetworkError> {
        let mut open = self.open.lock().await;
        // The newest: who waited for the lock may come with what was wanted before.
        let (overlay, hosts) = {
            let others = self.others.lock();
            let (Some(overlay), Some(hosts)) = (others.overlay(vpc_id), others.addresses()) else {
                return Ok(());
            };
            (overlay, hosts)
        };
        // One that is led half-way is opened anew the next time.
        let known = open.remove(vpc_id);
        if overlay.others.is_empty() {
            if !matches!(known, Some(None)) {
                overlay::close(namespace).await?;
            }
            open.insert(vpc_id.to_owned(), None);
            return Ok(());
        }
        let mut tunnel = match known.flatten().filter(|it| it.suits(&overlay)) {
            Some(tunnel) => tunnel,
            None => Tunnel::open(host, namespace, &overlay).await?,
        };
        host.let_hosts_in(hosts).await?;
        tunnel.lead(&overlay).await?;
        open.insert(vpc_id.to_owned(), Some(tunnel));
        Ok(())
    }

    /// Who is no host any more is not let in any more.
    pub(super) async fn shut_out(&self, host: &Host) -> Result<(), NetworkError> {
        let hosts = self.others.lock().addresses();
        match hosts {
            Some(hosts) => host.shut_others_out(&hosts).await,
            None => Ok(()),
        }
    }

    /// The namespace of a VPC is gone.
    pub(super) async fn forget(&self, vpc_id: &str) {
        self.open.lock().await.remove(vpc_id);
    }
}
