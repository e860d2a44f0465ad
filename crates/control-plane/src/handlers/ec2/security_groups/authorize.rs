//! Adding rules to security groups and taking them away.

use api::ec2;
use domain::network_traffic::Direction;

use super::asked::{Asked, Flat, either};
use crate::call::Call;
use crate::handlers::ec2::{check_dry_run, tags};

const RULE: ec2::ResourceType = ec2::ResourceType::SecurityGroupRule;

/// `AuthorizeSecurityGroupIngress`.
///
/// # Errors
/// InvalidGroup.NotFound, InvalidPermission.Duplicate, RulesPerSecurityGroupLimitExceeded, InvalidParameterValue,
/// InvalidParameterCombination, MissingParameter, DryRunOperation.
pub async fn authorize_security_group_ingress(
    call: Call<ec2::AuthorizeSecurityGroupIngress>,
) -> Result<ec2::AuthorizeSecurityGroupIngressOutput, ec2::Error> {
    let (scope, input) = (call.scope().clone(), call.input().clone());
    let tags = tags::of_new(input.tag_specifications.as_ref(), &RULE)?;
    let flat = Flat {
        cidr_ip: input.cidr_ip,
        ip_protocol: input.ip_protocol,
        from_port: input.from_port,
        to_port: input.to_port,
        source_group: input.source_security_group_name,
        source_account: input.source_security_group_owner_id,
    };
    let asked = Asked {
        scope,
        direction: Direction::Ingress,
        group_id: input.group_id,
        group_name: input.group_name,
        permissions: either(input.ip_permissions, flat)?,
    };
    check_dry_run(input.dry_run)?;
    let rules = asked.authorize(call.access().store(), tags).await?;
    Ok(ec2::AuthorizeSecurityGroupIngressOutput {
        r#return: Some(true),
        security_group_rules: Some(rules),
    })
}

/// `AuthorizeSecurityGroupEgress`.
///
/// # Errors
/// Those of [`authorize_security_group_ingress`].
pub async fn authorize_security_group_egress(
    call: Call<ec2::AuthorizeSecurityGroupEgress>,
) -> Result<ec2::AuthorizeSecurityGroupEgressOutput, ec2::Error> {
    let (scope, input) = (call.scope().clone(), call.input().clone());
    let tags = tags::of_new(input.tag_specifications.as_ref(), &RULE)?;
    let flat = Flat {
        cidr_ip: input.cidr_ip,
        ip_protocol: input.ip_protocol,
        from_port: input.from_port,
        to_port: input.to_port,
        source_group: input.source_security_group_name,
        source_account: input.source_security_group_owner_id,
    };
    let asked = Asked {
        scope,
        direction: Direction::Egress,
        group_id: Some(input.group_id),
        group_name: None,
        permissions: either(input.ip_permissions, flat)?,
    };
    check_dry_run(input.dry_run)?;
    let rules = asked.authorize(call.access().store(), tags).await?;
    Ok(ec2::AuthorizeSecurityGroupEgressOutput {
        r#return: Some(true),
        security_group_rules: Some(rules),
    })
}

/// `RevokeSecurityGroupIngress`: by permissions or by ids of rules.
///
/// # Errors
/// InvalidGroup.NotFound, InvalidPermission.NotFound, InvalidSecurityGroupRuleId.NotFound, InvalidParameterValue,
/// InvalidParameterCombination, MissingParameter, DryRunOperation.
pub async fn revoke_security_group_ingress(
    call: Call<ec2::RevokeSecurityGroupIngress>,
) -> Result<ec2::RevokeSecurityGroupIngressOutput, ec2::Error> {
    let (scope, input) = (call.scope().clone(), call.input().clone());
    let flat = Flat {
        cidr_ip: input.cidr_ip,
        ip_protocol: input.ip_protocol,
        from_port: input.from_port,
        to_port: input.to_port,
        source_group: input.source_security_group_name,
        source_account: input.source_security_group_owner_id,
    };
    let asked = Asked {
        scope,
        direction: Direction::Ingress,
        group_id: input.group_id,
        group_name: input.group_name,
        permissions: either(input.ip_permissions, flat)?,
    };
    check_dry_run(input.dry_run)?;
    let ids = input.security_group_rule_ids.unwrap_or_default();
    let revoked = asked.revoke(call.access().store(), ids).await?;
    Ok(ec2::RevokeSecurityGroupIngressOutput {
        r#return: Some(true),
        revoked_security_group_rules: Some(revoked.rules),
        unknown_ip_permissions: Some(revoked.unknown),
    })
}

/// `RevokeSecurityGroupEgress`: by permissions or by ids of rules.
///
/// # Errors
/// Those of [`revoke_security_group_ingress`].
pub async fn revoke_security_group_egress(
    call: Call<ec2::RevokeSecurityGroupEgress>,
) -> Result<ec2::RevokeSecurityGroupEgressOutput, ec2::Error> {
    let (scope, input) = (call.scope().clone(), call.input().clone());
    let flat = Flat {
        cidr_ip: input.cidr_ip,
        ip_protocol: input.ip_protocol,
        from_port: input.from_port,
        to_port: input.to_port,
        source_group: input.source_security_group_name,
        source_account: input.source_security_group_owner_id,
    };
    let asked = Asked {
        scope,
        direction: Direction::Egress,
        group_id: Some(input.group_id),
        group_name: None,
        permissions: either(input.ip_permissions, flat)?,
    };
    check_dry_run(input.dry_run)?;
    let ids = input.security_group_rule_ids.unwrap_or_default();
    let revoked = asked.revoke(call.access().store(), ids).await?;
    Ok(ec2::RevokeSecurityGroupEgressOutput {
        r#return: Some(true),
        revoked_security_group_rules: Some(revoked.rules),
        unknown_ip_permissions: Some(revoked.unknown),
    })
}
