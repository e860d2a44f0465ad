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

use domain::LoadBalancerArn;
use domain::ids::Ids;
use domain::served_load_balancer::{BalancerReport, LoadBalancersMessage, ServedLoadBalancer};
use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::config::Publishing;
use crate::following::Following;
use crate::host::Host;
use link::Link;

/// Reports that wait for the session; balancers wait when there are more.
const REPORTS_BOUND: usize = 256;

/// Who keeps the balancers of this host.
pub struct LoadBalancers {
    /// Whom the session is with. When the agent ends, its balancers go on.
    pub following: Following,
    /// Where balancers run.
    pub host: Arc<dyn Host>,
    /// Which of them listen on ports of this host too.
    pub publishing: Publishing,
}

/// The balancers of this host, as the control plane wants them.
struct Links {
    host: Arc<dyn Host>,
    publishing: Publishing,
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
            publishing: self.publishing,
            ids: Arc::clone(&self.following.ids),
            reports,
            shutdown: self.following.shutdown.clone(),
            open: HashMap::new(),
            running: TaskTracker::new(),
        };
        let mut failures = 0;
        loop {
            let Err(ended) = self.session(&mut links, &mut told).await;
            if !self
                .following
                .goes_on("load balancers", ended, &mut failures)
                .await
            {
                break;
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
            self.end(&arn);
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
            publishing: self.publishing,
            ids: Arc::clone(&self.ids),
            wanted: changes,
            reports: self.reports.clone(),
            shutdown: self.shutdown.clone(),
        };
        self.running.spawn(link.run());
        self.open.insert(arn, wanted);
    }

    /// Its link takes the balancer down.
    fn end(&mut self, arn: &LoadBalancerArn) {
        if let Some(wanted) = self.open.remove(arn) {
            wanted.send_modify(|it| it.served = None);
        }
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
            leaving.push(arn.name().to_owned());
            self.end(&arn);
        }
        for id in self.host.load_balancers() {
            let is_served = served.iter().any(|it| it.load_balancer.arn.name() == id);
            if is_served || leaving.contains(&id) {
                continue;
            }
            if let Err(error) = self.host.remove_load_balancer(&id).await {
                tracing::warn!(load_balancer = id, %error, "a balancer that is not wanted any more stays");
            }
        }
    }
}
