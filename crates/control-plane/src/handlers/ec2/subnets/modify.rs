//! Attributes of subnets.

use api::ec2;
use domain::vpc::Subnet;

use crate::call::Call;
use crate::handlers::ec2::resources::require;
use crate::handlers::ec2::{from_store, missing, unsupported};

/// `ModifySubnetAttribute`: whether interfaces get public addresses; what else there is stays off.
///
/// # Errors
/// InvalidSubnetID.NotFound, InvalidSubnetID.Malformed, MissingParameter, UnsupportedOperation.
pub async fn modify_subnet_attribute(
    call: Call<ec2::ModifySubnetAttribute>,
) -> Result<ec2::ModifySubnetAttributeOutput, ec2::Error> {
    let (scope, input) = (call.scope().clone(), call.input().clone());
    let maps = input.map_public_ip_on_launch.as_ref().and_then(|it| it.value);
    check_modification(&input)?;
    let modified = call.access().store().transact(move |tx| {
        let mut subnet = Subnet::clone(&*require::<Subnet>(tx.state(), &scope, &input.subnet_id)?);
        subnet.maps_public_ip_on_launch = maps.unwrap_or(subnet.maps_public_ip_on_launch);
        tx.put(subnet);
        Ok(())
    });
    modified.await.map_err(from_store)?;
    Ok(ec2::ModifySubnetAttributeOutput {})
}

/// Refuses what is not built to be turned on; off it is already.
fn check_modification(input: &ec2::ModifySubnetAttributeInput) -> Result<(), ec2::Error> {
    let others = [
        (
            "assignIpv6AddressOnCreation",
            &input.assign_ipv6_address_on_creation,
        ),
        ("enableDns64", &input.enable_dns64),
        (
            "enableResourceNameDnsAAAARecordOnLaunch",
            &input.enable_resource_name_dns_aaaa_record_on_launch,
        ),
        (
            "enableResourceNameDnsARecordOnLaunch",
            &input.enable_resource_name_dns_a_record_on_launch,
        ),
        (
            "mapCustomerOwnedIpOnLaunch",
            &input.map_customer_owned_ip_on_launch,
        ),
    ];
    let is_on =
        |it: &Option<ec2::AttributeBooleanValue>| it.as_ref().is_some_and(|it| it.value == Some(true));
    if let Some((name, _)) = others.iter().find(|(_, it)| is_on(it)) {
        return Err(unsupported(format!("{name} is not supported by Gantry yet.")));
    }
    let is_resource_name = |it: &ec2::HostnameType| *it != ec2::HostnameType::IpName;
    if input
        .private_dns_hostname_type_on_launch
        .as_ref()
        .is_some_and(is_resource_name)
        || input.customer_owned_ipv4_pool.is_some()
        || input.enable_lni_at_device_index.is_some()
    {
        return Err(unsupported(
            "Of the attributes of subnets, Gantry supports MapPublicIpOnLaunch only.",
        ));
    }
    let is_nothing = input.map_public_ip_on_launch.is_none()
        && others.iter().all(|(_, it)| it.is_none())
        && input.private_dns_hostname_type_on_launch.is_none();
    if is_nothing {
        return Err(missing("mapPublicIpOnLaunch"));
    }
    Ok(())
}
