//! Gives hosts their proxies of Service Connect: one in each VPC where they have tasks and a client alias is known.

use domain::host::Host;
use domain::service::Service;
use domain::service_connect::{ClientAlias, ServiceConnectProxy};
use store::{Change, State, Tx};

use super::{Controller, Next};
use crate::transitions::keep_proxies;

#[cfg(test)]
mod tests;

/// See the module.
pub struct ServiceConnectProxies;

impl Controller for ServiceConnectProxies {
    const NAME: &'static str = "service_connect_proxies";
    /// A host's id.
    type Key = String;

    fn keys(&self, state: &State, change: &Change) -> Vec<String> {
        match change {
            // Only a new task can be the first of its VPC.
            Change::Task(it) => {
                let had = it.before.as_ref().is_some_and(|it| it.eni.is_some());
                let task = it.after.as_ref().filter(|it| !had && it.eni.is_some());
                let task = task.filter(|_| state.all::<ClientAlias>().len() > 0);
                task.map(|it| it.host_id.clone()).into_iter().collect()
            }
            Change::ClientAlias(it) if it.before.is_none() || it.after.is_none() => {
                hosts(state, &it.current().scope.account)
            }
            // Its names may be known in another VPC, or in none.
            Change::Service(it) => {
                let place = |it: &Service| it.connected_subnets().map(<[String]>::to_vec);
                let moves = it.before.as_deref().and_then(place) != it.after.as_deref().and_then(place);
                match moves && offers(state, it.current()) {
                    true => hosts(state, &it.current().arn.scope().account),
                    false => Vec::new(),
                }
            }
            Change::Subnet(it) if it.after.is_none() => {
                let scope = &it.current().scope;
                match state.client_aliases(scope).next().is_some() {
                    true => hosts(state, &scope.account),
                    false => Vec::new(),
                }
            }
            Change::Host(it) if it.after.is_none() => vec![it.current().id.clone()],
            _ => Vec::new(),
        }
    }

    fn all_keys(&self, state: &State) -> Vec<String> {
        let proxies = state.all::<ServiceConnectProxy>().map(|it| it.host_id.clone());
        let mut keys: Vec<String> = state
            .all::<Host>()
            .map(|it| it.id.clone())
            .chain(proxies)
            .collect();
        keys.sort();
        keys.dedup();
        keys
    }

    fn reconcile(&self, tx: &mut Tx<'_>, host_id: &String) -> Next {
        keep_proxies(tx, host_id);
        Next::AwaitChange
    }
}

fn offers(state: &State, service: &Service) -> bool {
    let mut aliases = state.client_aliases(&service.arn.scope());
    aliases.any(|it| it.service == service.arn)
}

fn hosts(state: &State, account: &str) -> Vec<String> {
    state.hosts_of_account(account).map(|it| it.id.clone()).collect()
}
