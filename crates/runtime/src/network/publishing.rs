//! Ports of the host that lead to load balancers. Those of containers never change; these do, with listeners.

use agent::host::PortMapping;

use super::attachments::{Attachments, lock, mappings};
use super::records::{Kind, Port};
use super::{Network, NetworkError, carry_through};

/// A port of the host that does not lead where it should, and why.
pub type RefusedPort = (PortMapping, NetworkError);

impl Network {
    /// Has these ports of the host lead to a load balancer and no others. A port that is taken leaves the others as
    /// they are.
    ///
    /// # Errors
    /// The load balancer is not attached, or what the kernel refused.
    pub async fn publish_load_balancer(
        &self,
        key: &str,
        wanted: &[PortMapping],
    ) -> Result<Vec<RefusedPort>, NetworkError> {
        let attachments = std::sync::Arc::clone(&self.attachments);
        let (key, wanted) = (key.to_owned(), wanted.to_vec());
        carry_through(async move { attachments.publish(&key, &wanted).await }).await
    }
}

impl Attachments {
    async fn publish(&self, key: &str, wanted: &[PortMapping]) -> Result<Vec<RefusedPort>, NetworkError> {
        let slot = self.slots.lock().get(key).cloned();
        let slot = slot.ok_or_else(|| NetworkError::InvalidKey(key.to_owned()))?;
        let mut held = lock(&slot).await?;
        let Some(attachment) = held.as_mut() else {
            return Err(NetworkError::InvalidKey(key.to_owned()));
        };
        let Kind::LoadBalancer { interface, ports, .. } = &mut attachment.kind else {
            return Err(NetworkError::AttachedOtherwise(key.to_owned()));
        };
        let (mut open, gone): (Vec<_>, Vec<_>) =
            mappings(ports).into_iter().partition(|it| wanted.contains(it));
        let mut refused = Vec::new();
        let new: Vec<_> = wanted.iter().filter(|it| !open.contains(it)).copied().collect();
        if !new.is_empty() {
            self.vpcs.let_loopback_in(&self.host, &interface.vpc_id)?;
        }
        // From here on nothing fails but single ports, so that what is given back is forgotten too.
        self.host.unpublish(interface.address, &gone)?;
        self.ports.release(&gone);
        let mut published_now = Vec::new();
        for port in new {
            let taken = self.ports.take(key, &[port]);
            let published = taken.and_then(|_| {
                let published = self.host.publish(interface.address, &[port]);
                published.inspect_err(|_| self.ports.release(&[port]))
            });
            match published {
                Ok(()) => {
                    published_now.push(port);
                    open.push(port);
                }
                Err(error) => refused.push((port, error)),
            }
        }
        let forgotten = async {
            self.host.forget_led(interface.address, &gone).await?;
            self.host.forget_waiting(&published_now).await
        };
        // The kernel may not let its connections be looked at; ports lead there all the same.
        if let Err(error) = forgotten.await {
            tracing::error!(key, %error, "datagrams to ports go where they went before");
        }
        let open: Vec<Port> = open.iter().map(Port::from).collect();
        if open != *ports {
            *ports = open;
            self.records.save(attachment)?;
        }
        Ok(refused)
    }
}
