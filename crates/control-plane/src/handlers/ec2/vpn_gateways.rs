//! What no VPC here has, though tools ask for it: virtual private gateways, and links to what was before VPCs.

use api::ec2;
use domain::Scope;
use domain::vpc::Vpc;
use store::State;

use super::filters::Rule;
use super::resources::{Resource, require};
use super::select::{IdKind, Listing, Wanted, cut, describe};
use crate::call::Call;

const GATEWAYS: IdKind = IdKind {
    prefix: "vgw-",
    noun: "vpnGateway ID",
    not_found: "InvalidVpnGatewayID.NotFound",
    malformed: "InvalidVpnGatewayId.Malformed",
};

const GATEWAY_RULES: [Rule<ec2::VpnGateway>; 1] = [Rule {
    names: &[
        "amazon-side-asn",
        "attachment.state",
        "attachment.vpc-id",
        "availability-zone",
        "state",
        "type",
        "vpn-gateway-id",
    ],
    values: |_| Vec::new(),
}];

const LINK_RULES: [Rule<ec2::VpcClassicLink>; 1] = [Rule {
    names: &["is-classic-link-enabled"],
    values: |_| Vec::new(),
}];

/// `DescribeVpnGateways`: there are none.
///
/// # Errors
/// InvalidVpnGatewayID.NotFound, InvalidVpnGatewayId.Malformed, InvalidParameterValue, MissingParameter, DryRunOperation.
pub async fn describe_vpn_gateways(
    call: Call<ec2::DescribeVpnGateways>,
) -> Result<ec2::DescribeVpnGatewaysOutput, ec2::Error> {
    let input = call.input();
    let listing = Listing {
        ids: input.vpn_gateway_ids.as_ref(),
        filters: input.filters.as_ref(),
        dry_run: input.dry_run,
        max_results: None,
        next_token: None,
    };
    let (gateways, _) = describe(&call, &GATEWAYS, &GATEWAY_RULES, &listing, |_| Vec::new())?;
    Ok(ec2::DescribeVpnGatewaysOutput {
        vpn_gateways: Some(gateways),
    })
}

/// `DescribeVpcClassicLinkDnsSupport`: no VPC has it.
///
/// # Errors
/// InvalidVpcID.NotFound, InvalidVpcID.Malformed, InvalidParameterValue.
pub async fn describe_vpc_classic_link_dns_support(
    call: Call<ec2::DescribeVpcClassicLinkDnsSupport>,
) -> Result<ec2::DescribeVpcClassicLinkDnsSupportOutput, ec2::Error> {
    let (scope, input) = (call.scope(), call.input());
    let ids = input.vpc_ids.as_deref().unwrap_or_default();
    call.access().store().read(|state| known(state, scope, ids))?;
    let wanted = Wanted {
        max_results: input.max_results,
        next_token: input.next_token.as_deref(),
    };
    let chosen_by = format!("{scope:?} {ids:?}");
    let (vpcs, next_token) = cut::<ec2::DescribeVpcClassicLinkDnsSupport, _>(
        call.access().page_key(),
        &wanted,
        &chosen_by,
        Vec::new(),
    )?;
    Ok(ec2::DescribeVpcClassicLinkDnsSupportOutput {
        vpcs: Some(vpcs),
        next_token,
    })
}

fn known(state: &State, scope: &Scope, ids: &[String]) -> Result<(), ec2::Error> {
    let mut known = ids.iter().map(|id| require::<Vpc>(state, scope, id));
    known.try_for_each(|it| it.map(drop))
}

/// `DescribeVpcClassicLink`: no VPC has one.
///
/// # Errors
/// InvalidVpcID.NotFound, InvalidVpcID.Malformed, InvalidParameterValue, MissingParameter, DryRunOperation.
pub async fn describe_vpc_classic_link(
    call: Call<ec2::DescribeVpcClassicLink>,
) -> Result<ec2::DescribeVpcClassicLinkOutput, ec2::Error> {
    let input = call.input();
    let (ids, scope) = (input.vpc_ids.as_deref().unwrap_or_default(), call.scope());
    let listing = Listing {
        ids: None,
        filters: input.filters.as_ref(),
        dry_run: input.dry_run,
        max_results: None,
        next_token: None,
    };
    call.access().store().read(|state| known(state, scope, ids))?;
    let (vpcs, _) = describe(&call, &Vpc::KIND, &LINK_RULES, &listing, |_| Vec::new())?;
    Ok(ec2::DescribeVpcClassicLinkOutput { vpcs: Some(vpcs) })
}
