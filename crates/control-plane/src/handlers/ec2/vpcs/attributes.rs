//! Attributes of VPCs, and their ranges.

use api::ec2;
use domain::vpc::Vpc;

use crate::call::Call;
use crate::handlers::ec2::resources::require;
use crate::handlers::ec2::{check_dry_run, from_store, invalid_value, missing, refusal, unsupported};

/// `DescribeVpcAttribute`.
///
/// # Errors
/// InvalidVpcID.NotFound, InvalidVpcID.Malformed, InvalidParameterValue, DryRunOperation.
pub async fn describe_vpc_attribute(
    call: Call<ec2::DescribeVpcAttribute>,
) -> Result<ec2::DescribeVpcAttributeOutput, ec2::Error> {
    let (scope, input) = (call.scope(), call.input());
    check_dry_run(input.dry_run)?;
    let vpc = call
        .access()
        .store()
        .read(|state| require::<Vpc>(state, scope, &input.vpc_id))?;
    let value = |value| Some(ec2::AttributeBooleanValue { value: Some(value) });
    let mut output = ec2::DescribeVpcAttributeOutput {
        vpc_id: Some(vpc.id.clone()),
        ..ec2::DescribeVpcAttributeOutput::default()
    };
    match &input.attribute {
        ec2::VpcAttributeName::EnableDnsSupport => output.enable_dns_support = value(vpc.has_dns_support),
        ec2::VpcAttributeName::EnableDnsHostnames => {
            output.enable_dns_hostnames = value(vpc.has_dns_hostnames);
        }
        ec2::VpcAttributeName::EnableNetworkAddressUsageMetrics => {
            output.enable_network_address_usage_metrics = value(vpc.has_address_usage_metrics);
        }
        ec2::VpcAttributeName::Unmodelled(other) => {
            return Err(invalid_value(format!(
                "Value ({other}) for parameter attribute is invalid. Unknown attribute."
            )));
        }
    }
    Ok(output)
}

/// `ModifyVpcAttribute`: one attribute each time.
///
/// # Errors
/// InvalidVpcID.NotFound, InvalidVpcID.Malformed, InvalidParameterCombination, MissingParameter.
pub async fn modify_vpc_attribute(
    call: Call<ec2::ModifyVpcAttribute>,
) -> Result<ec2::ModifyVpcAttributeOutput, ec2::Error> {
    let (scope, input) = (call.scope().clone(), call.input().clone());
    let value = |it: &Option<ec2::AttributeBooleanValue>| it.as_ref().and_then(|it| it.value);
    let support = value(&input.enable_dns_support);
    let hostnames = value(&input.enable_dns_hostnames);
    let metrics = value(&input.enable_network_address_usage_metrics);
    match [support, hostnames, metrics].iter().flatten().count() {
        0 => return Err(missing("enableDnsSupport or enableDnsHostnames")),
        1 => {}
        _ => {
            return Err(refusal(
                "InvalidParameterCombination",
                "Fields for multiple attribute types specified: enableDnsSupport, enableDnsHostnames",
            ));
        }
    }
    let modified = call.access().store().transact(move |tx| {
        let mut vpc = Vpc::clone(&*require::<Vpc>(tx.state(), &scope, &input.vpc_id)?);
        vpc.has_dns_support = support.unwrap_or(vpc.has_dns_support);
        vpc.has_dns_hostnames = hostnames.unwrap_or(vpc.has_dns_hostnames);
        vpc.has_address_usage_metrics = metrics.unwrap_or(vpc.has_address_usage_metrics);
        tx.put(vpc);
        Ok(())
    });
    modified.await.map_err(from_store)?;
    Ok(ec2::ModifyVpcAttributeOutput {})
}

/// `ModifyVpcTenancy`: only away from hosts of one's own, which no VPC here has.
///
/// # Errors
/// InvalidVpcID.NotFound, InvalidVpcID.Malformed, InvalidParameterValue, DryRunOperation.
pub async fn modify_vpc_tenancy(
    call: Call<ec2::ModifyVpcTenancy>,
) -> Result<ec2::ModifyVpcTenancyOutput, ec2::Error> {
    let (scope, input) = (call.scope(), call.input());
    if let ec2::VpcTenancy::Unmodelled(other) = &input.instance_tenancy {
        return Err(invalid_value(format!(
            "Value ({other}) for parameter instanceTenancy is invalid. Valid values are default."
        )));
    }
    check_dry_run(input.dry_run)?;
    let store = call.access().store();
    store.read(|state| require::<Vpc>(state, scope, &input.vpc_id))?;
    Ok(ec2::ModifyVpcTenancyOutput {
        return_value: Some(true),
    })
}

/// `AssociateVpcCidrBlock`: refused, a VPC here has one range.
///
/// # Errors
/// InvalidVpcID.NotFound, InvalidVpcID.Malformed, UnsupportedOperation.
pub async fn associate_vpc_cidr_block(
    call: Call<ec2::AssociateVpcCidrBlock>,
) -> Result<ec2::AssociateVpcCidrBlockOutput, ec2::Error> {
    let (scope, input) = (call.scope(), call.input());
    call.access()
        .store()
        .read(|state| require::<Vpc>(state, scope, &input.vpc_id))?;
    Err(unsupported(
        "Further ranges of a VPC are not supported by Gantry yet: create the VPC with a larger one.",
    ))
}

/// `DisassociateVpcCidrBlock`: the only range there is is the one that Amazon keeps as well.
///
/// # Errors
/// OperationNotPermitted, InvalidVpcCidrBlockAssociationID.NotFound.
pub async fn disassociate_vpc_cidr_block(
    call: Call<ec2::DisassociateVpcCidrBlock>,
) -> Result<ec2::DisassociateVpcCidrBlockOutput, ec2::Error> {
    let (scope, given) = (call.scope(), &call.input().association_id);
    let is_first = call.access().store().read(|state| {
        let mut vpcs = state.vpcs(scope);
        vpcs.any(|it| super::association_id(it) == *given)
    });
    Err(if is_first {
        refusal(
            "OperationNotPermitted",
            format!(
                "The vpc CIDR block with association ID {given} may not be disassociated. It is the primary IPv4 CIDR block of the VPC"
            ),
        )
    } else {
        refusal(
            "InvalidVpcCidrBlockAssociationID.NotFound",
            format!("The vpc CIDR block association ID '{given}' does not exist"),
        )
    })
}
