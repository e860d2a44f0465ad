//! Changing what is said of rules.

use api::ec2;
use domain::Scope;
use domain::network_traffic::Direction;
use domain::security_group::{SecurityGroup, SecurityGroupRule};
use store::Store;

use super::named_or_default;
use super::permissions::{Reader, check_description};
use crate::call::Call;
use crate::handlers::ec2::{check_dry_run, from_store, refusal};

/// What is asked of the rules of a group, of either direction.
struct Asked {
    scope: Scope,
    direction: Direction,
    group_id: Option<String>,
    group_name: Option<String>,
    permissions: Vec<ec2::IpPermission>,
    descriptions: Vec<ec2::SecurityGroupRuleDescription>,
}

impl Asked {
    async fn update(self, store: &Store) -> Result<(), ec2::Error> {
        if self.permissions.is_empty() && self.descriptions.is_empty() {
            return Err(refusal(
                "MissingParameter",
                "Either 'ipPermissions' or 'securityGroupRuleDescriptions' should be provided.",
            ));
        }
        let updated = store.transact(move |tx| {
            let (id, name) = (self.group_id.as_deref(), self.group_name.as_deref());
            let group = named_or_default(tx.state(), &self.scope, id, name)?;
            let reader = Reader {
                state: tx.state(),
                scope: &self.scope,
                group: &group,
            };
            let permissions = reader.read(&self.permissions)?;
            let mut changed = SecurityGroup::clone(&group);
            for it in permissions {
                let is_meant = |rule: &SecurityGroupRule| rule.direction == self.direction && it.is(rule);
                find(&mut changed, is_meant)?.description = it.description.clone();
            }
            for it in self.descriptions {
                check_description(it.description.as_deref())?;
                let is_meant = |rule: &SecurityGroupRule| {
                    rule.direction == self.direction && it.security_group_rule_id.as_ref() == Some(&rule.id)
                };
                find(&mut changed, is_meant)?.description = it.description.clone();
            }
            tx.put(changed);
            Ok(())
        });
        updated.await.map_err(from_store)
    }
}

fn find(
    group: &mut SecurityGroup,
    is_meant: impl Fn(&SecurityGroupRule) -> bool,
) -> Result<&mut SecurityGroupRule, ec2::Error> {
    let found = group.rules.iter_mut().find(|it| is_meant(it));
    found.ok_or_else(|| {
        refusal(
            "InvalidPermission.NotFound",
            "The specified rule does not exist in this security group.",
        )
    })
}

/// `UpdateSecurityGroupRuleDescriptionsIngress`: one that is not given is taken away.
///
/// # Errors
/// InvalidGroup.NotFound, InvalidPermission.NotFound, InvalidParameterValue, MissingParameter, DryRunOperation.
pub async fn update_security_group_rule_descriptions_ingress(
    call: Call<ec2::UpdateSecurityGroupRuleDescriptionsIngress>,
) -> Result<ec2::UpdateSecurityGroupRuleDescriptionsIngressOutput, ec2::Error> {
    let (scope, input) = (call.scope().clone(), call.input().clone());
    check_dry_run(input.dry_run)?;
    let asked = Asked {
        scope,
        direction: Direction::Ingress,
        group_id: input.group_id,
        group_name: input.group_name,
        permissions: input.ip_permissions.unwrap_or_default(),
        descriptions: input.security_group_rule_descriptions.unwrap_or_default(),
    };
    asked.update(call.access().store()).await?;
    Ok(ec2::UpdateSecurityGroupRuleDescriptionsIngressOutput { r#return: Some(true) })
}

/// `UpdateSecurityGroupRuleDescriptionsEgress`: one that is not given is taken away.
///
/// # Errors
/// Those of [`update_security_group_rule_descriptions_ingress`].
pub async fn update_security_group_rule_descriptions_egress(
    call: Call<ec2::UpdateSecurityGroupRuleDescriptionsEgress>,
) -> Result<ec2::UpdateSecurityGroupRuleDescriptionsEgressOutput, ec2::Error> {
    let (scope, input) = (call.scope().clone(), call.input().clone());
    check_dry_run(input.dry_run)?;
    let asked = Asked {
        scope,
        direction: Direction::Egress,
        group_id: input.group_id,
        group_name: input.group_name,
        permissions: input.ip_permissions.unwrap_or_default(),
        descriptions: input.security_group_rule_descriptions.unwrap_or_default(),
    };
    asked.update(call.access().store()).await?;
    Ok(ec2::UpdateSecurityGroupRuleDescriptionsEgressOutput { r#return: Some(true) })
}
