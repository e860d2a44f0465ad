//! For whom a route is to be and where it is to lead, as the operations on routes say it.

use api::ec2;
use domain::route_table::{Destination, RouteTarget};
use ipnet::{IpNet, Ipv4Net, Ipv6Net};

use crate::handlers::ec2::{invalid_value, missing, refusal, unsupported};

/// Members that the operations on routes share.
#[derive(Default)]
pub struct Members {
    range: Option<String>,
    range6: Option<String>,
    prefix_list: Option<String>,
    /// Names and values of those that name a target.
    targets: Vec<(&'static str, String)>,
}

/// Drops targets that are not given.
fn given<const N: usize>(all: [(&'static str, &Option<String>); N]) -> Vec<(&'static str, String)> {
    let given = all.into_iter().filter_map(|(name, it)| Some((name, it.clone()?)));
    given.collect()
}

impl From<&ec2::CreateRouteInput> for Members {
    fn from(it: &ec2::CreateRouteInput) -> Self {
        Self {
            range: it.destination_cidr_block.clone(),
            range6: it.destination_ipv6_cidr_block.clone(),
            prefix_list: it.destination_prefix_list_id.clone(),
            targets: given([
                ("gatewayId", &it.gateway_id),
                ("egressOnlyInternetGatewayId", &it.egress_only_internet_gateway_id),
                ("natGatewayId", &it.nat_gateway_id),
                ("networkInterfaceId", &it.network_interface_id),
                ("vpcEndpointId", &it.vpc_endpoint_id),
                ("instanceId", &it.instance_id),
                ("transitGatewayId", &it.transit_gateway_id),
                ("vpcPeeringConnectionId", &it.vpc_peering_connection_id),
                ("carrierGatewayId", &it.carrier_gateway_id),
                ("coreNetworkArn", &it.core_network_arn),
                ("localGatewayId", &it.local_gateway_id),
                ("odbNetworkArn", &it.odb_network_arn),
            ]),
        }
    }
}

impl From<&ec2::ReplaceRouteInput> for Members {
    fn from(it: &ec2::ReplaceRouteInput) -> Self {
        Self {
            range: it.destination_cidr_block.clone(),
            range6: it.destination_ipv6_cidr_block.clone(),
            prefix_list: it.destination_prefix_list_id.clone(),
            targets: given([
                ("gatewayId", &it.gateway_id),
                ("egressOnlyInternetGatewayId", &it.egress_only_internet_gateway_id),
                ("natGatewayId", &it.nat_gateway_id),
                ("networkInterfaceId", &it.network_interface_id),
                ("vpcEndpointId", &it.vpc_endpoint_id),
                ("instanceId", &it.instance_id),
                ("transitGatewayId", &it.transit_gateway_id),
                ("vpcPeeringConnectionId", &it.vpc_peering_connection_id),
                ("carrierGatewayId", &it.carrier_gateway_id),
                ("coreNetworkArn", &it.core_network_arn),
                ("localGatewayId", &it.local_gateway_id),
                ("odbNetworkArn", &it.odb_network_arn),
            ]),
        }
    }
}

impl From<&ec2::DeleteRouteInput> for Members {
    fn from(it: &ec2::DeleteRouteInput) -> Self {
        Self {
            range: it.destination_cidr_block.clone(),
            range6: it.destination_ipv6_cidr_block.clone(),
            prefix_list: it.destination_prefix_list_id.clone(),
            targets: Vec::new(),
        }
    }
}

/// The destination; bits below the prefix are cleared, as Amazon does.
///
/// # Errors
/// MissingParameter, InvalidParameterCombination, InvalidParameterValue.
pub fn destination(members: &Members) -> Result<Destination, ec2::Error> {
    match (&members.range, &members.range6, &members.prefix_list) {
        (Some(range), None, None) => {
            let range: Ipv4Net = parse("destinationCidrBlock", range)?;
            Ok(Destination::Range(IpNet::V4(range.trunc())))
        }
        (None, Some(range), None) => {
            let range: Ipv6Net = parse("destinationIpv6CidrBlock", range)?;
            Ok(Destination::Range(IpNet::V6(range.trunc())))
        }
        (None, None, Some(id)) => Ok(Destination::PrefixList(id.clone())),
        (None, None, None) => Err(missing("destinationCidrBlock")),
        _ => Err(refusal(
            "InvalidParameterCombination",
            "Only one of destinationCidrBlock, destinationIpv6CidrBlock and destinationPrefixListId may be given",
        )),
    }
}

fn parse<R: std::str::FromStr>(member: &str, text: &str) -> Result<R, ec2::Error> {
    text.parse().map_err(|_| {
        invalid_value(format!(
            "Value ({text}) for parameter {member} is invalid. This is not a valid CIDR block."
        ))
    })
}

/// The target, whether it is there or not.
///
/// # Errors
/// MissingParameter, InvalidParameterCombination, UnsupportedOperation, and NotFound of what Gantry has none of.
pub fn target(members: &Members) -> Result<RouteTarget, ec2::Error> {
    let (name, id) = match members.targets.as_slice() {
        [one] => one,
        [] => return Err(missing("gatewayId")),
        [(one, _), (other, _), ..] => {
            return Err(refusal(
                "InvalidParameterCombination",
                format!("The parameter {one} cannot be used with the parameter {other}"),
            ));
        }
    };
    let none = |code, noun| {
        Err(refusal(
            code,
            format!("The {noun} ID '{id}' does not exist. Gantry has none of these."),
        ))
    };
    match *name {
        "gatewayId" if id.starts_with("vpce-") => Ok(RouteTarget::VpcEndpoint(id.clone())),
        "gatewayId" => Ok(RouteTarget::InternetGateway(id.clone())),
        "egressOnlyInternetGatewayId" => Ok(RouteTarget::EgressOnlyInternetGateway(id.clone())),
        "natGatewayId" => Ok(RouteTarget::NatGateway(id.clone())),
        "networkInterfaceId" => Ok(RouteTarget::NetworkInterface(id.clone())),
        "vpcEndpointId" => Ok(RouteTarget::VpcEndpoint(id.clone())),
        "instanceId" => none("InvalidInstanceID.NotFound", "instance"),
        "transitGatewayId" => none("InvalidTransitGatewayID.NotFound", "transitGateway"),
        "vpcPeeringConnectionId" => none("InvalidVpcPeeringConnectionID.NotFound", "vpcPeeringConnection"),
        other => Err(unsupported(format!("{other} is not supported by Gantry."))),
    }
}
