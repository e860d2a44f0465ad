//! Takes instances of classic load balancers away that have drained.
//! <https://docs.aws.amazon.com/elasticloadbalancing/latest/classic/config-conn-drain.html>

use domain::LoadBalancerArn;
use domain::classic_load_balancer::ClassicLoadBalancer;
use store::{Change, State, Tx};

use super::{Controller, Next};
use crate::transitions::forget_drained_instances;

#[cfg(test)]
mod tests;

/// See the module.
pub struct DrainingInstances;

impl Controller for DrainingInstances {
    const NAME: &'static str = "draining_instances";
    type Key = LoadBalancerArn;

    fn keys(&self, _: &State, change: &Change) -> Vec<LoadBalancerArn> {
        match change {
            Change::ClassicLoadBalancer(changed) => changed.after.iter().filter_map(|it| key(it)).collect(),
            _ => Vec::new(),
        }
    }

    fn all_keys(&self, state: &State) -> Vec<LoadBalancerArn> {
        let all = state.all::<ClassicLoadBalancer>();
        all.filter_map(|it| key(it)).collect()
    }

    fn reconcile(&self, tx: &mut Tx<'_>, key: &LoadBalancerArn) -> Next {
        forget_drained_instances(tx, key).map_or(Next::AwaitChange, Next::After)
    }
}

fn key(it: &ClassicLoadBalancer) -> Option<LoadBalancerArn> {
    let drains = it.instances.iter().any(|it| it.draining_since.is_some());
    drains.then(|| it.arn.clone())
}
