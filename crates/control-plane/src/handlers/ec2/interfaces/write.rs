//! Making and deleting network interfaces.

use std::net::Ipv4Addr;

use api::ec2;
use domain::Scope;
use domain::client_request::ClientRequest;
use domain::network_interface::{InterfaceKind, NetworkInterface};
use domain::security_group::{SecurityGroup, each_once};
use domain::tags::Pair;
use domain::vpc::{Subnet, Vpc};
use orchestrator::transitions::{free_address, free_elastic_addresses};
use store::{State, Tx};

use super::render::rendered;
use super::{Interface, find};
use crate::call::Call;
use crate::handlers::ec2::client_tokens::{client_request, earlier};
use crate::handlers::ec2::resources::{Resource, require};
use crate::handlers::ec2::{check_dry_run, from_store, invalid_value, refusal, tags, unsupported};

/// Most security groups of an interface: the most that Amazon gives to those who ask.
pub const GROUPS_MAX: usize = 16;
/// Most addresses of an interface.
pub(super) const ADDRESSES_MAX: usize = 50;

/// `CreateNetworkInterface`: with an address of its subnet, in the default group of the VPC unless others are named.
///
/// # Errors
/// InvalidSubnetID.NotFound, InvalidGroup.NotFound, InvalidParameter, InvalidIPAddress.InUse,
/// InsufficientFreeAddressesInSubnet, SecurityGroupsPerInterfaceLimitExceeded, InvalidParameterValue,
/// InvalidParameterCombination, IdempotentParameterMismatch, UnsupportedOperation, DryRunOperation.
pub async fn create_network_interface(
    call: Call<ec2::CreateNetworkInterface>,
) -> Result<ec2::CreateNetworkInterfaceOutput, ec2::Error> {
    let (scope, input) = (call.scope().clone(), call.input().clone());
    check_unbuilt(&input)?;
    let wish = AddressWish::of(&input)?;
    let tags = tags::of_new(
        input.tag_specifications.as_ref(),
        &NetworkInterface::RESOURCE_TYPE,
    )?;
    let request = client_request(input.client_token.as_ref(), &input)?;
    check_dry_run(input.dry_run)?;
    let client_token = input.client_token.clone();
    let created = call.access().store().transact(move |tx| {
        match earlier::<NetworkInterface>(tx.state(), &scope, request.as_ref())? {
            Some(it) => Ok(rendered(tx.state(), &Interface::of_record(&it))),
            None => create(tx, &scope, input, &wish, (request, tags)),
        }
    });
    let created = created.await.map_err(from_store)?;
    Ok(ec2::CreateNetworkInterfaceOutput {
        client_token,
        network_interface: Some(created),
    })
}

fn create(
    tx: &mut Tx<'_>,
    scope: &Scope,
    input: ec2::CreateNetworkInterfaceInput,
    wish: &AddressWish,
    (client_request, tags): (Option<ClientRequest>, Vec<Pair>),
) -> Result<ec2::NetworkInterface, ec2::Error> {
    let subnet = require::<Subnet>(tx.state(), scope, &input.subnet_id)?;
    let security_groups = match input.groups.filter(|it| !it.is_empty()) {
        Some(given) => check_groups(tx.state(), scope, &subnet.vpc_id, &subnet.id, given)?,
        None => {
            let vpc = require::<Vpc>(tx.state(), scope, &subnet.vpc_id)?;
            vec![vpc.default_security_group.clone()]
        }
    };
    let mac_address = tx.ids().mac_address();
    let address = match wish.first {
        Some(address) => check_free(tx.state(), &subnet, address)?,
        None => free_address(tx, &subnet).ok_or_else(insufficient)?,
    };
    let mut interface = NetworkInterface {
        id: tx.ids().ec2("eni"),
        scope: scope.clone(),
        subnet_id: subnet.id.clone(),
        vpc_id: subnet.vpc_id.clone(),
        availability_zone: subnet.availability_zone.clone(),
        address,
        secondary_addresses: Vec::new(),
        mac_address,
        kind: InterfaceKind::Interface,
        description: input.description.unwrap_or_default(),
        security_groups,
        is_source_dest_checked: true,
        client_request,
        tags,
    };
    tx.put(interface.clone());
    for address in &wish.others {
        let address = check_free(tx.state(), &subnet, *address)?;
        interface.secondary_addresses.push(address);
        tx.put(interface.clone());
    }
    add_addresses(tx, &subnet, &mut interface, wish.more)?;
    let interface = tx.put(interface);
    Ok(rendered(tx.state(), &Interface::of_record(&interface)))
}

fn check_unbuilt(input: &ec2::CreateNetworkInterfaceInput) -> Result<(), ec2::Error> {
    let is_ipv6 = input.ipv6_address_count.is_some_and(|it| it > 0)
        || input.ipv6_addresses.as_ref().is_some_and(|it| !it.is_empty())
        || input.ipv6_prefix_count.is_some_and(|it| it > 0)
        || input.ipv6_prefixes.as_ref().is_some_and(|it| !it.is_empty())
        || input.enable_primary_ipv6 == Some(true);
    if is_ipv6 {
        return Err(unsupported(
            "IPv6 addresses of network interfaces are not supported by Gantry yet.",
        ));
    }
    if input.ipv4_prefix_count.is_some_and(|it| it > 0)
        || input.ipv4_prefixes.as_ref().is_some_and(|it| !it.is_empty())
    {
        return Err(unsupported(
            "Prefixes of network interfaces are not supported by Gantry yet.",
        ));
    }
    if let Some(kind) = &input.interface_type {
        return Err(unsupported(format!(
            "Interface type '{}' is not supported by Gantry.",
            kind.as_str()
        )));
    }
    if input.connection_tracking_specification.is_some() || input.operator.is_some() {
        return Err(unsupported(
            "Neither ConnectionTrackingSpecification nor Operator is supported by Gantry yet.",
        ));
    }
    Ok(())
}

/// Which addresses a new interface is to have.
struct AddressWish {
    first: Option<Ipv4Addr>,
    others: Vec<Ipv4Addr>,
    /// So many more, whichever.
    more: usize,
}

impl AddressWish {
    fn of(input: &ec2::CreateNetworkInterfaceInput) -> Result<Self, ec2::Error> {
        let mut wish = Self {
            first: input.private_ip_address.as_deref().map(parse).transpose()?,
            others: Vec::new(),
            more: count(input.secondary_private_ip_address_count)?,
        };
        for it in input.private_ip_addresses.iter().flatten() {
            let address = parse(it.private_ip_address.as_deref().unwrap_or_default())?;
            if it.primary != Some(true) {
                wish.others.push(address);
            } else if wish.first.replace(address).is_some() {
                return Err(refusal(
                    "InvalidParameterCombination",
                    "Only one primary private IP address can be specified",
                ));
            }
        }
        if !wish.others.is_empty() && wish.more > 0 {
            return Err(refusal(
                "InvalidParameterCombination",
                "Secondary private IP addresses can be given by number or by address, not both",
            ));
        }
        Ok(wish)
    }
}

/// Reads an address.
pub fn parse(given: &str) -> Result<Ipv4Addr, ec2::Error> {
    let address = given.parse();
    address.map_err(|_| invalid_value(format!("invalid value for parameter address: {given}")))
}

/// Reads how many addresses are wanted.
pub(super) fn count(given: Option<i32>) -> Result<usize, ec2::Error> {
    let given = given.unwrap_or(0);
    let count = usize::try_from(given).ok().filter(|it| *it < ADDRESSES_MAX);
    count.ok_or_else(|| {
        refusal(
            "PrivateIpAddressLimitExceeded",
            format!("A network interface can have at most {ADDRESSES_MAX} private IPv4 addresses."),
        )
    })
}

fn insufficient() -> ec2::Error {
    refusal(
        "InsufficientFreeAddressesInSubnet",
        "The specified subnet does not have enough free addresses to satisfy the request.",
    )
}

/// Checks that an address is one of a subnet, and nobody's.
pub fn check_free(state: &State, subnet: &Subnet, address: Ipv4Addr) -> Result<Ipv4Addr, ec2::Error> {
    if !subnet.may_assign(address) {
        return Err(invalid_value(format!(
            "Address {address} does not fall within the subnet's address range"
        )));
    }
    if state.addresses_in_use(&subnet.id).contains(&address) {
        return Err(refusal(
            "InvalidIPAddress.InUse",
            format!("Address {address} is in use."),
        ));
    }
    Ok(address)
}

/// Gives an interface so many more addresses.
pub(super) fn add_addresses(
    tx: &mut Tx<'_>,
    subnet: &Subnet,
    interface: &mut NetworkInterface,
    more: usize,
) -> Result<(), ec2::Error> {
    for _ in 0..more {
        let address = free_address(tx, subnet).ok_or_else(insufficient)?;
        interface.secondary_addresses.push(address);
        tx.put(interface.clone());
    }
    if interface.addresses().count() > ADDRESSES_MAX {
        return Err(refusal(
            "PrivateIpAddressLimitExceeded",
            format!("A network interface can have at most {ADDRESSES_MAX} private IPv4 addresses."),
        ));
    }
    Ok(())
}

/// Checks the security groups that an interface is to be a member of. One that is named twice is one.
pub(super) fn check_groups(
    state: &State,
    scope: &Scope,
    vpc_id: &str,
    subnet_id: &str,
    given: Vec<String>,
) -> Result<Vec<String>, ec2::Error> {
    let given = each_once(given);
    if given.len() > GROUPS_MAX {
        return Err(refusal(
            "SecurityGroupsPerInterfaceLimitExceeded",
            "You have exceeded the maximum number of security groups allowed per network interface.",
        ));
    }
    for id in &given {
        let group = require::<SecurityGroup>(state, scope, id)?;
        if group.vpc_id != vpc_id {
            return Err(refusal(
                "InvalidParameter",
                format!("Security group {id} and subnet {subnet_id} belong to different networks."),
            ));
        }
    }
    Ok(given)
}

/// `DeleteNetworkInterface`: only of those that stand for themselves.
///
/// # Errors
/// InvalidNetworkInterfaceID.NotFound, InvalidNetworkInterfaceId.Malformed, InvalidParameterValue,
/// DryRunOperation.
pub async fn delete_network_interface(
    call: Call<ec2::DeleteNetworkInterface>,
) -> Result<ec2::DeleteNetworkInterfaceOutput, ec2::Error> {
    let (scope, input) = (call.scope().clone(), call.input().clone());
    check_dry_run(input.dry_run)?;
    let deleted = call.access().store().transact(move |tx| {
        let id = &input.network_interface_id;
        let it = find(tx.state(), &scope, id).ok_or_else(|| NetworkInterface::KIND.unknown(id))?;
        if it.is_in_use() {
            return Err(invalid_value(format!(
                "Network interface '{id}' is currently in use."
            )));
        }
        free_elastic_addresses(tx, id, |_| true);
        tx.delete::<NetworkInterface>(id);
        Ok(())
    });
    deleted.await.map_err(from_store)?;
    Ok(ec2::DeleteNetworkInterfaceOutput {})
}
