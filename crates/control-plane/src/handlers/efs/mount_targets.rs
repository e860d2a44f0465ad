//! CreateMountTarget, DescribeMountTargets, DeleteMountTarget, and their security groups.
//!
//! A file system can be mounted by tasks once it has a mount target, as on Amazon. Its address is taken out of its
//! subnet; nothing listens there, since tasks have the directory itself.

use std::net::Ipv4Addr;

use api::efs::{self, Error};
use domain::Scope;
use domain::file_system::{FileSystem, MountTarget};
use domain::security_group::SecurityGroup;
use domain::vpc::{Subnet, Vpc};
use orchestrator::transitions::free_address;
use store::{State, Tx};

use super::errors::{bad_request, from_store, unbuilt};
use super::listing::{Wanted, cut};
use super::names;
use crate::call::Call;

/// Most security groups of a mount target.
const SECURITY_GROUPS_MAX: usize = 5;

fn code(name: &str) -> String {
    name.to_owned()
}

/// `CreateMountTarget`.
///
/// # Errors
/// FileSystemNotFound, IncorrectFileSystemLifeCycleState, SubnetNotFound, MountTargetConflict, IpAddressInUse,
/// NoFreeAddressesInSubnet, SecurityGroupNotFound, SecurityGroupLimitExceeded, AvailabilityZonesMismatch, BadRequest.
pub async fn create_mount_target(
    call: Call<efs::CreateMountTarget>,
) -> Result<efs::MountTargetDescription, Error> {
    let (scope, input) = (call.scope().clone(), call.input().clone());
    let is_version_4 = matches!(input.ip_address_type, None | Some(efs::IpAddressType::Ipv4Only));
    if !is_version_4 || input.ipv6_address.is_some() {
        return Err(unbuilt("IPv6"));
    }
    let created = call.access().store().transact(move |tx| {
        let file_system = names::available(tx.state(), &scope, &input.file_system_id)?;
        let subnet = subnet(tx.state(), &scope, &input.subnet_id)?;
        check_zone(tx.state(), &file_system, &subnet)?;
        let vpc = tx.get::<Vpc>(&subnet.vpc_id);
        let default_group = vpc.map(|it| it.default_security_group.clone());
        let security_groups = match input.security_groups.filter(|it| !it.is_empty()) {
            Some(given) => check_groups(tx.state(), &subnet.vpc_id, given)?,
            None => default_group.into_iter().collect(),
        };
        let address = address(tx, &subnet, input.ip_address.as_deref())?;
        let target = MountTarget {
            id: tx.ids().ec2("fsmt"),
            scope,
            file_system_id: file_system.id,
            subnet_id: subnet.id.clone(),
            vpc_id: subnet.vpc_id.clone(),
            availability_zone: subnet.availability_zone.clone(),
            address,
            network_interface_id: tx.ids().ec2("eni"),
            security_groups,
        };
        Ok(MountTarget::clone(&tx.put(target)))
    });
    Ok(rendered(&created.await.map_err(from_store)?))
}

fn subnet(state: &State, scope: &Scope, id: &str) -> Result<Subnet, Error> {
    let found = state
        .get::<Subnet>(&id.to_owned())
        .filter(|it| it.scope == *scope);
    found.map(|it| Subnet::clone(it)).ok_or_else(|| {
        Error::SubnetNotFound(efs::SubnetNotFound {
            error_code: code("SubnetNotFound"),
            message: Some(format!("The subnet ID '{id}' does not exist")),
        })
    })
}

/// One mount target in each zone, all in one VPC.
fn check_zone(state: &State, file_system: &FileSystem, subnet: &Subnet) -> Result<(), Error> {
    let zone = &subnet.availability_zone;
    if file_system
        .availability_zone
        .as_ref()
        .is_some_and(|it| it != zone)
    {
        return Err(Error::AvailabilityZonesMismatch(efs::AvailabilityZonesMismatch {
            error_code: Some(code("AvailabilityZonesMismatch")),
            message: Some(format!(
                "The Availability Zone of the mount target, {zone}, is not that of the file system."
            )),
        }));
    }
    let conflict = |message: &str| {
        Err(Error::MountTargetConflict(efs::MountTargetConflict {
            error_code: code("MountTargetConflict"),
            message: Some(message.to_owned()),
        }))
    };
    for other in state.mount_targets_of(&file_system.id) {
        if other.vpc_id != subnet.vpc_id {
            return conflict(
                "requested subnet for new mount target is not in the same VPC as existing mount targets",
            );
        }
        if other.availability_zone == *zone {
            return conflict("mount target already exists in this AZ");
        }
    }
    Ok(())
}

fn check_groups(state: &State, vpc_id: &str, given: Vec<String>) -> Result<Vec<String>, Error> {
    if given.len() > SECURITY_GROUPS_MAX {
        return Err(Error::SecurityGroupLimitExceeded(
            efs::SecurityGroupLimitExceeded {
                error_code: code("SecurityGroupLimitExceeded"),
                message: Some(format!(
                    "A mount target can have at most {SECURITY_GROUPS_MAX} security groups."
                )),
            },
        ));
    }
    let is_own = |id: &String| {
        let group = state.get::<SecurityGroup>(id);
        group.is_some_and(|it| it.vpc_id == vpc_id)
    };
    match given.iter().find(|it| !is_own(it)) {
        None => Ok(given),
        Some(unknown) => Err(Error::SecurityGroupNotFound(efs::SecurityGroupNotFound {
            error_code: code("SecurityGroupNotFound"),
            message: Some(format!("The security group '{unknown}' does not exist")),
        })),
    }
}

fn address(tx: &Tx<'_>, subnet: &Subnet, given: Option<&str>) -> Result<Ipv4Addr, Error> {
    let Some(given) = given else {
        return free_address(tx, subnet).ok_or_else(|| {
            Error::NoFreeAddressesInSubnet(efs::NoFreeAddressesInSubnet {
                error_code: code("NoFreeAddressesInSubnet"),
                message: Some(format!("The subnet '{}' has no free addresses.", subnet.id)),
            })
        });
    };
    let address: Option<Ipv4Addr> = given.parse().ok();
    let assignable = address.filter(|it| subnet.may_assign(*it));
    let address = assignable.ok_or_else(|| {
        bad_request(format!(
            "Address {given} does not fall within the subnet's address range"
        ))
    })?;
    match tx.state().addresses_in_use(&subnet.id).contains(&address) {
        false => Ok(address),
        true => Err(Error::IpAddressInUse(efs::IpAddressInUse {
            error_code: code("IpAddressInUse"),
            message: Some(format!("Address {address} is in use.")),
        })),
    }
}

/// A mount target as it is answered.
fn rendered(it: &MountTarget) -> efs::MountTargetDescription {
    efs::MountTargetDescription {
        availability_zone_id: None,
        availability_zone_name: Some(it.availability_zone.clone()),
        file_system_id: it.file_system_id.clone(),
        ip_address: Some(it.address.to_string()),
        ipv6_address: None,
        life_cycle_state: efs::LifeCycleState::Available,
        mount_target_id: it.id.clone(),
        network_interface_id: Some(it.network_interface_id.clone()),
        owner_id: Some(it.scope.account.clone()),
        subnet_id: it.subnet_id.clone(),
        vpc_id: Some(it.vpc_id.clone()),
    }
}

/// `DescribeMountTargets`: one, or those of a file system or of an access point's.
///
/// # Errors
/// BadRequest, FileSystemNotFound, MountTargetNotFound, AccessPointNotFound.
pub async fn describe_mount_targets(
    call: Call<efs::DescribeMountTargets>,
) -> Result<efs::DescribeMountTargetsOutput, Error> {
    let (scope, input) = (call.scope(), call.input());
    let found = call
        .access()
        .store()
        .read(|state| -> Result<Vec<MountTarget>, Error> {
            let of = match (
                &input.mount_target_id,
                &input.file_system_id,
                &input.access_point_id,
            ) {
                (Some(given), None, None) => return Ok(vec![names::mount_target(state, scope, given)?]),
                (None, Some(given), None) => names::file_system(state, scope, given)?.id,
                (None, None, Some(given)) => names::access_point(state, scope, given)?.file_system_id,
                _ => {
                    return Err(bad_request(
                        "Specify exactly one of FileSystemId, MountTargetId and AccessPointId.",
                    ));
                }
            };
            Ok(state
                .mount_targets_of(&of)
                .map(|it| MountTarget::clone(it))
                .collect())
        })?;
    let wanted = Wanted {
        listing: &format!(
            "mount targets of {:?} {:?}",
            input.file_system_id, input.access_point_id
        ),
        member: "maxItems",
        most: input.max_items,
        token: input.marker.as_deref(),
    };
    let found = found.into_iter().map(|it| (it.id.clone(), it)).collect();
    let (found, next_marker) = cut(call.access(), &wanted, found)?;
    Ok(efs::DescribeMountTargetsOutput {
        marker: input.marker.clone(),
        mount_targets: Some(found.iter().map(rendered).collect()),
        next_marker,
    })
}

/// `DeleteMountTarget`: tasks that run keep what they have mounted.
///
/// # Errors
/// BadRequest, MountTargetNotFound.
pub async fn delete_mount_target(
    call: Call<efs::DeleteMountTarget>,
) -> Result<efs::DeleteMountTargetOutput, Error> {
    let (scope, given) = (call.scope().clone(), call.input().mount_target_id.clone());
    let deleted = call.access().store().transact(move |tx| {
        let it = names::mount_target(tx.state(), &scope, &given)?;
        tx.delete::<MountTarget>(&it.id);
        Ok(())
    });
    deleted.await.map_err(from_store)?;
    Ok(efs::DeleteMountTargetOutput {})
}

/// `DescribeMountTargetSecurityGroups`.
///
/// # Errors
/// BadRequest, MountTargetNotFound.
pub async fn describe_mount_target_security_groups(
    call: Call<efs::DescribeMountTargetSecurityGroups>,
) -> Result<efs::DescribeMountTargetSecurityGroupsOutput, Error> {
    let (scope, given) = (call.scope(), &call.input().mount_target_id);
    let it = call
        .access()
        .store()
        .read(|state| names::mount_target(state, scope, given))?;
    Ok(efs::DescribeMountTargetSecurityGroupsOutput {
        security_groups: it.security_groups,
    })
}

/// `ModifyMountTargetSecurityGroups`.
///
/// # Errors
/// BadRequest, MountTargetNotFound, SecurityGroupNotFound, SecurityGroupLimitExceeded.
pub async fn modify_mount_target_security_groups(
    call: Call<efs::ModifyMountTargetSecurityGroups>,
) -> Result<efs::ModifyMountTargetSecurityGroupsOutput, Error> {
    let (scope, input) = (call.scope().clone(), call.input().clone());
    let modified = call.access().store().transact(move |tx| {
        let mut it = names::mount_target(tx.state(), &scope, &input.mount_target_id)?;
        let given = input.security_groups.unwrap_or_default();
        it.security_groups = check_groups(tx.state(), &it.vpc_id, given)?;
        tx.put(it);
        Ok(())
    });
    modified.await.map_err(from_store)?;
    Ok(efs::ModifyMountTargetSecurityGroupsOutput {})
}
