//! What the store must hold before anyone is served: keys, the default cluster, the default VPC.

use anyhow::{Context, Result};
use domain::access_key::{AccessKey, Principal};
use domain::account_setting::root_of;
use domain::cluster::{ClusterCapacity, ClusterConfiguration};
use domain::host::Host;
use domain::vpc::Cidr;
use domain::{ClusterArn, Scope};
use orchestrator::transitions::{self, NewCluster};
use store::{Store, Tx};

use crate::keys::Key;

/// Cluster that is always there, as on ECS for those who name none.
pub const DEFAULT_CLUSTER: &str = "default";

/// What a Gantry is told to be.
pub struct Identity {
    /// Account and region.
    pub scope: Scope,
    /// Range of the default VPC.
    pub vpc_cidr: Cidr,
    /// May do everything.
    pub root: Key,
    /// Of this machine's agent.
    pub agent: Key,
}

/// Where `awsvpc` tasks go by default.
pub struct DefaultNetwork {
    /// The default subnet of its first zone.
    pub subnet: String,
    /// Its default security group.
    pub security_group: String,
    /// Range of the VPC.
    pub cidr: Cidr,
}

/// Makes in one transaction what is missing.
pub async fn bootstrap(store: &Store, identity: Identity) -> Result<DefaultNetwork> {
    let done = store.transact(move |tx| prepare(tx, &identity)).await;
    let (subnet, security_group, cidr) = done.context("cannot prepare the store")?;
    let subnet = subnet.context("the default VPC has no subnet")?;
    Ok(DefaultNetwork {
        subnet,
        security_group,
        cidr,
    })
}

fn prepare(
    tx: &mut Tx<'_>,
    identity: &Identity,
) -> Result<(Option<String>, String, Cidr), std::convert::Infallible> {
    let Identity {
        scope,
        vpc_cidr,
        root,
        agent,
    } = identity;
    put_key(tx, scope, root, Principal::Root);
    put_key(tx, scope, agent, Principal::Agent);
    forget_sessions(tx);
    // One that was deleted stays so: an account that has roles had these.
    if tx.state().roles(&scope.account).next().is_none() {
        transitions::create_default_roles(tx, &scope.account);
    }
    let default = NewCluster {
        arn: ClusterArn::of(scope, DEFAULT_CLUSTER),
        settings: None,
        configuration: ClusterConfiguration::default(),
        capacity: ClusterCapacity::default(),
        service_connect_namespace: None,
        tags: Vec::new(),
        principal: root_of(&scope.account),
    };
    transitions::create_cluster(tx, default)?;
    transitions::number_vpcs(tx)?;
    let (vpc, subnets) = transitions::ensure_default_network(tx, scope, *vpc_cidr);
    let subnet = subnets.first().map(|it| it.id.clone());
    Ok((subnet, vpc.default_security_group.clone(), vpc.cidr))
}

/// The one key of its holder: a former key signs no more.
fn put_key(tx: &mut Tx<'_>, scope: &Scope, key: &Key, principal: Principal) {
    let record = AccessKey {
        access_key_id: key.access_key_id.clone(),
        secret_access_key: key.secret_access_key.clone(),
        account: scope.account.clone(),
        principal,
    };
    let is_former =
        |it: &AccessKey| it.principal == record.principal && it.access_key_id != record.access_key_id;
    let all = tx.state().all::<AccessKey>();
    let former: Vec<String> = all
        .filter(|it| is_former(it))
        .map(|it| it.access_key_id.clone())
        .collect();
    for id in former {
        tx.delete::<AccessKey>(&id);
    }
    if tx
        .get::<AccessKey>(&record.access_key_id)
        .is_none_or(|it| *it != record)
    {
        tx.put(record);
    }
}

/// Nobody has a session with a process that has just begun, whatever a crash left in the store.
fn forget_sessions(tx: &mut Tx<'_>) {
    let hosts = tx.state().all::<Host>().filter(|it| it.is_connected);
    let connected: Vec<Host> = hosts.map(|it| Host::clone(it)).collect();
    for host in connected {
        tx.put(Host {
            is_connected: false,
            ..host
        });
    }
}
