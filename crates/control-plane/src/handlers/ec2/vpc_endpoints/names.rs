//! DNS names of interface endpoints, as Amazon gives them: told, but answered by nobody, since nothing is behind the
//! addresses: <https://docs.aws.amazon.com/vpc/latest/privatelink/privatelink-access-aws-services.html>

use api::ec2;
use domain::vpc::Subnet;
use domain::vpc_endpoint::{DnsRecordIpType, EndpointKind, InterfaceEndpoint, VpcEndpoint};
use sha2::{Digest, Sha256};
use store::State;

use super::invalid;
use super::services::{EndpointService, of_name};
use crate::handlers::ec2::unsupported;

/// Amazon's own zone of names of endpoints.
const ENDPOINTS_ZONE: &str = "Z7HUB22UULQXV";
/// Letters that stand behind the id of an endpoint in its names.
const SUFFIX_LENGTH: usize = 8;
/// Letters of the id of a hosted zone.
const ZONE_LENGTH: usize = 20;

/// Which records are asked for.
///
/// # Errors
/// UnsupportedOperation for those of IPv6, and for resolvers outside of VPCs.
pub fn record_ip_type(
    given: Option<&ec2::DnsOptionsSpecification>,
) -> Result<Option<DnsRecordIpType>, ec2::Error> {
    let Some(given) = given else { return Ok(None) };
    if given.private_dns_only_for_inbound_resolver_endpoint == Some(true) {
        return Err(unsupported(
            "PrivateDnsOnlyForInboundResolverEndpoint is not supported by Gantry: there are no resolver endpoints.",
        ));
    }
    let is_given = given.private_dns_preference.is_some()
        || given
            .private_dns_specified_domains
            .as_ref()
            .is_some_and(|it| !it.is_empty());
    if is_given {
        return Err(unsupported(
            "PrivateDnsPreference is for endpoints to VPC Lattice, which is not supported by Gantry.",
        ));
    }
    match &given.dns_record_ip_type {
        None => Ok(None),
        Some(ec2::DnsRecordIpType::Ipv4) => Ok(Some(DnsRecordIpType::Ipv4)),
        Some(ec2::DnsRecordIpType::ServiceDefined) => Ok(Some(DnsRecordIpType::ServiceDefined)),
        Some(other) => Err(unsupported(format!(
            "DnsRecordIpType '{}' is not supported by Gantry yet.",
            other.as_str()
        ))),
    }
}

/// What a gateway endpoint may be asked for: its names are those of its service.
///
/// # Errors
/// InvalidParameter.
pub fn check_of_gateway(wanted: Option<DnsRecordIpType>) -> Result<(), ec2::Error> {
    match wanted {
        Some(DnsRecordIpType::Ipv4) => Err(invalid(
            "The DnsRecordIpType of an endpoint of the type Gateway is service-defined.",
        )),
        Some(DnsRecordIpType::ServiceDefined) | None => Ok(()),
    }
}

/// `DnsOptions` of an endpoint.
pub fn options(it: &VpcEndpoint) -> ec2::DnsOptions {
    let ip_type = match &it.kind {
        EndpointKind::Gateway => DnsRecordIpType::ServiceDefined,
        EndpointKind::Interface(it) => it.dns_record_ip_type,
    };
    ec2::DnsOptions {
        dns_record_ip_type: Some(match ip_type {
            DnsRecordIpType::Ipv4 => ec2::DnsRecordIpType::Ipv4,
            DnsRecordIpType::ServiceDefined => ec2::DnsRecordIpType::ServiceDefined,
        }),
        ..ec2::DnsOptions::default()
    }
}

/// `DnsEntries` of an endpoint: its own name, one of each zone, and with private DNS the usual one of the service.
pub fn entries(state: &State, it: &VpcEndpoint) -> Vec<ec2::DnsEntry> {
    let EndpointKind::Interface(interface) = &it.kind else {
        return Vec::new();
    };
    let Ok(service) = of_name(&it.scope.region, &it.service_name) else {
        return Vec::new();
    };
    let own = own_names(state, it, interface, service).into_iter();
    let own = own.map(|name| entry(name, ENDPOINTS_ZONE.to_owned()));
    let private = interface.has_private_dns.then(|| {
        let zone = format!("Z{}", digest(&it.id, ZONE_LENGTH - 1).to_ascii_uppercase());
        entry(service.private_name(&it.scope.region), zone)
    });
    own.chain(private).collect()
}

fn own_names(
    state: &State,
    it: &VpcEndpoint,
    interface: &InterfaceEndpoint,
    service: &EndpointService,
) -> Vec<String> {
    let name = format!("{}-{}", it.id, digest(&it.id, SUFFIX_LENGTH));
    let base = service.base_name(&it.scope.region);
    // Buckets stand before the names of S3.
    let prefix = if service.has_wildcard() { "*." } else { "" };
    let zones = interface.interfaces.iter().filter_map(|it| {
        let subnet = state.get::<Subnet>(&it.subnet_id)?;
        Some(format!("{prefix}{name}-{}.{base}", subnet.availability_zone))
    });
    let regional = std::iter::once(format!("{prefix}{name}.{base}"));
    regional.chain(zones).collect()
}

fn entry(name: String, zone: String) -> ec2::DnsEntry {
    ec2::DnsEntry {
        dns_name: Some(name),
        hosted_zone_id: Some(zone),
    }
}

/// So many letters that are the same for the same key.
fn digest(key: &str, length: usize) -> String {
    let text = hex::encode(Sha256::digest(key.as_bytes()));
    text[..length].to_owned()
}
