//! Which records have tags, by what their ids begin with.

use api::ec2;
use domain::Scope;
use domain::dhcp_options::DhcpOptions;
use domain::elastic_address::ElasticAddress;
use domain::nat_gateway::{EgressOnlyInternetGateway, NatGateway};
use domain::network_acl::NetworkAcl;
use domain::network_interface::NetworkInterface;
use domain::prefix_list::PrefixList;
use domain::route_table::{InternetGateway, RouteTable};
use domain::security_group::SecurityGroup;
use domain::tags::Pair;
use domain::task::Task;
use domain::vpc::{Subnet, Vpc};
use domain::vpc_endpoint::VpcEndpoint;
use store::{State, Tx};

use super::Change;
use crate::handlers::ec2::interfaces::{Holder, find};
use crate::handlers::ec2::resources::{Resource, require};
use crate::handlers::ec2::{refusal, unsupported};

/// Changes the tags of the resource of that id.
pub type ChangeTags = fn(&mut Tx<'_>, &Scope, &str, &Change<'_>) -> Result<(), ec2::Error>;
/// Gives ids and tags of all resources of a scope.
pub type AllTags = fn(&State, &Scope) -> Vec<(String, Vec<Pair>)>;

/// A kind of resource, as far as tags go.
pub struct Kind {
    /// `vpc-`
    pub prefix: &'static str,
    /// As tags name it.
    pub resource_type: ec2::ResourceType,
    /// Ids and tags of all resources of a scope.
    pub tagged: AllTags,
    /// Changes the tags of one.
    pub change: ChangeTags,
}

/// All kinds that have tags.
pub static KINDS: [Kind; 14] = [
    kind::<Vpc>(),
    kind::<Subnet>(),
    kind::<SecurityGroup>(),
    Kind {
        prefix: "sgr-",
        resource_type: ec2::ResourceType::SecurityGroupRule,
        tagged: tagged_rules,
        change: change_rule,
    },
    Kind {
        prefix: NetworkInterface::KIND.prefix,
        resource_type: ec2::ResourceType::NetworkInterface,
        tagged: tagged::<NetworkInterface>,
        change: change_interface,
    },
    kind::<NetworkAcl>(),
    kind::<RouteTable>(),
    kind::<InternetGateway>(),
    kind::<PrefixList>(),
    kind::<NatGateway>(),
    kind::<EgressOnlyInternetGateway>(),
    kind::<ElasticAddress>(),
    kind::<VpcEndpoint>(),
    kind::<DhcpOptions>(),
];

const fn kind<R: Resource>() -> Kind {
    Kind {
        prefix: R::KIND.prefix,
        resource_type: R::RESOURCE_TYPE,
        tagged: tagged::<R>,
        change: change::<R>,
    }
}

fn tagged<R: Resource>(state: &State, scope: &Scope) -> Vec<(String, Vec<Pair>)> {
    let own = state.all::<R>().filter(|it| it.scope() == scope);
    own.map(|it| (it.key(), it.tags().to_vec())).collect()
}

fn change<R: Resource>(
    tx: &mut Tx<'_>,
    scope: &Scope,
    id: &str,
    change: &Change<'_>,
) -> Result<(), ec2::Error> {
    let mut changed = R::clone(&*require::<R>(tx.state(), scope, id)?);
    change.apply(changed.tags_mut())?;
    tx.put(changed);
    Ok(())
}

/// Those of tasks have their tags in the task; DescribeTags finds them there.
fn change_interface(tx: &mut Tx<'_>, scope: &Scope, id: &str, it: &Change<'_>) -> Result<(), ec2::Error> {
    let found = find(tx.state(), scope, id).ok_or_else(|| NetworkInterface::KIND.unknown(id))?;
    match found.holder {
        Holder::Nobody(_) => change::<NetworkInterface>(tx, scope, id, it),
        Holder::Task { .. } => {
            let task = tx.state().task_of_interface(id);
            let task = task.ok_or_else(|| NetworkInterface::KIND.unknown(id))?;
            let mut task = Task::clone(task);
            if let Some(eni) = task.eni.as_mut() {
                let mut tags = std::mem::take(&mut eni.tags).into_vec();
                it.apply(&mut tags)?;
                eni.tags = tags.into();
            }
            tx.put(task);
            Ok(())
        }
        // They have none.
        Holder::LoadBalancer { .. } | Holder::MountTarget if matches!(it, Change::Take(_)) => Ok(()),
        Holder::LoadBalancer { .. } | Holder::MountTarget => Err(unsupported(
            "Tags of network interfaces of load balancers and mount targets are not supported by Gantry yet.",
        )),
    }
}

fn tagged_rules(state: &State, scope: &Scope) -> Vec<(String, Vec<Pair>)> {
    let rules = state.security_groups(scope).flat_map(|it| &it.rules);
    rules.map(|it| (it.id.clone(), it.tags.clone())).collect()
}

fn change_rule(tx: &mut Tx<'_>, scope: &Scope, id: &str, change: &Change<'_>) -> Result<(), ec2::Error> {
    let group = {
        let mut groups = tx.state().security_groups(scope);
        groups
            .find(|it| it.rules.iter().any(|rule| rule.id == id))
            .cloned()
    };
    let group = group.ok_or_else(|| {
        refusal(
            "InvalidSecurityGroupRuleId.NotFound",
            format!("The security group rule ID '{id}' does not exist"),
        )
    })?;
    let mut group = SecurityGroup::clone(&group);
    if let Some(rule) = group.rules.iter_mut().find(|it| it.id == id) {
        change.apply(&mut rule.tags)?;
    }
    tx.put(group);
    Ok(())
}
