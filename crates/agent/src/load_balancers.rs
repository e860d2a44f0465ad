//! Load balancers of this host: told by the control plane what to serve, this keeps a balancer for each of them, and
//! passes on what they find out.
//!
//! ```text
//!  control plane ◀─ session ─▶ LoadBalancers ─┬─▶ link ◀─▶ balancer of one
//!                                             └─▶ link ◀─▶ balancer of another
//! ```
//!
//! Balancers outlive the agent, and go on as they were told while nobody tells them anything.

mod link;
mod session;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use domain::LoadBalancerArn;
use domain::ids::Ids;
use domain::served_load_balancer::{BalancerReport, LoadBalancersMessage, ServedLoadBalancer};
use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::backoff::{Backoff, random};
use crate::control_plane::ControlPlane;
use crate::host::Host;
use link::Link;

/// Pauses between connections that fail.
const RECONNECT: Backoff = Backoff {
    first: Duration::from_millis(100),
    longest: Duration::from_secs(10),
    factor: 2.0,
    jitter: 0.2,
};
/// Reports that wait for the session; balancers wait when there are more.
const REPORTS_BOUND: usize = 256;

/// Who keeps the balancers of this host.
pub struct LoadBalancers {
    /// Whom the session is with.
    pub control_plane: Arc<ControlPlane>,
    /// Where balancers run.
    pub host: Arc<dyn Host>,
    /// Whose host it is.
    pub container_instance: String,
    /// For jitter.
    pub ids: Arc<Ids>,
    /// The agent ends; its balancers go on.
    pub shutdown: CancellationToken,
}

/// The balancers of this host, as the control plane wants them.
struct Links {
    host: Arc<dyn Host>,
    ids: Arc<Ids>,
    reports: mpsc::Sender<BalancerReport>,
    shutdown: CancellationToken,
    open: HashMap<LoadBalancerArn, watch::Sender<link::Wanted>>,
    running: TaskTracker,
}

impl LoadBalancers {
    /// Follows the control plane until shutdown.
    pub async fn run(self) {
        let (reports, mut told) = mpsc::channel(REPORTS_BOUND);
        let mut links = Links {
            host: Arc::clone(&self.host),
            ids: Arc::clone(&self.ids),
            reports,
            shutdown: self.shutdown.clone(),
            open: HashMap::new(),
            running: TaskTracker::new(),
        };
        let mut failures = 0;
        while !self.shutdown.is_cancelled() {
            match self.session(&mut links, &mut told).await {
                session::Ended::Shutdown => break,
                session::Ended::Served => failures = 0,
                session::Ended::Failed(text) => {
                    tracing::debug!(text, "no session for load balancers");
                }
            }
            failures += 1;
            let pause = RECONNECT.pause(failures, random(&self.ids));
            tokio::select! {
                biased;
                () = self.shutdown.cancelled() => break,
                () = tokio::time::sleep(pause) => {}
            }
        }
        links.running.close();
        links.running.wait().await;
    }
}

impl Links {
    /// Becomes what the control plane says.
    async fn follow(&mut self, message: LoadBalancersMessage) {
        if message.is_whole {
            self.end_others(&message.served).await;
        }
        for arn in message.gone {
            if let Some(wanted) = self.open.remove(&arn) {
                wanted.send_modify(|it| it.served = None);
            }
        }
        for served in message.served {
            self.serve(served);
        }
    }

    fn serve(&mut self, served: ServedLoadBalancer) {
        let arn = served.load_balancer.arn.clone();
        let served = Some(Arc::new(served));
        if let Some(wanted) = self.open.get(&arn) {
            wanted.send_modify(|it| it.served = served);
            return;
        }
        let (wanted, changes) = watch::channel(link::Wanted { served, round: 0 });
        let link = Link {
            arn: arn.clone(),
            host: Arc::clone(&self.host),
            ids: Arc::clone(&self.ids),
            wanted: changes,
            reports: self.reports.clone(),
            shutdown: self.shutdown.clone(),
        };
        self.running.spawn(link.run());
        self.open.insert(arn, wanted);
    }

    /// Balancers say again all that they know: the control plane may have missed something.
    fn ask_again(&self) {
        for wanted in self.open.values() {
            wanted.send_modify(|it| it.round += 1);
        }
    }

    /// Ends those that are not served any more, also of an earlier agent.
    async fn end_others(&mut self, served: &[ServedLoadBalancer]) {
        let stays = |arn: &LoadBalancerArn| served.iter().any(|it| it.load_balancer.arn == *arn);
        let gone: Vec<_> = self.open.keys().filter(|it| !stays(it)).cloned().collect();
        let mut leaving = Vec::new();
        for arn in gone {
            leaving.push(link::id(&arn).to_owned());
            if let Some(wanted) = self.open.remove(&arn) {
                wanted.send_modify(|it| it.served = None);
            }
        }
        for id in self.host.load_balancers() {
            let is_served = served.iter().any(|it| link::id(&it.load_balancer.arn) == id);
            if is_served || leaving.contains(&id) {
                continue;
            }
            if let Err(error) = self.host.remove_load_balancer(&id).await {
                tracing::warn!(load_balancer = id, %error, "a balancer that is not wanted any more stays");
            }
        }
    }
}
