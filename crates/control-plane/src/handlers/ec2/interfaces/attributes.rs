//! Attributes of network interfaces, and why none can be attached to a host.

use api::ec2;
use domain::Scope;
use domain::network_interface::NetworkInterface;
use domain::task::Task;
use store::{State, Tx};

use super::render::{attachment, attachment_id, groups};
use super::write::check_groups;
use super::{Holder, Interface, find, place};
use crate::call::Call;
use crate::handlers::ec2::resources::{Resource, require};
use crate::handlers::ec2::{check_dry_run, from_store, invalid_value, missing, refusal, unsupported};

fn existing(state: &State, scope: &Scope, id: &str) -> Result<Interface, ec2::Error> {
    find(state, scope, id).ok_or_else(|| NetworkInterface::KIND.unknown(id))
}

/// What is said of what only the service that made an interface may do.
pub(super) fn not_yours(it: &Interface) -> ec2::Error {
    refusal(
        "AuthFailure",
        format!(
            "You do not have permission to access the specified resource. Network interface '{}' is managed by the \
             service that made it ({}).",
            it.id, it.description
        ),
    )
}

/// `DescribeNetworkInterfaceAttribute`.
///
/// # Errors
/// InvalidNetworkInterfaceID.NotFound, InvalidNetworkInterfaceId.Malformed, InvalidParameterValue, MissingParameter,
/// DryRunOperation.
pub async fn describe_network_interface_attribute(
    call: Call<ec2::DescribeNetworkInterfaceAttribute>,
) -> Result<ec2::DescribeNetworkInterfaceAttributeOutput, ec2::Error> {
    let (scope, input) = (call.scope(), call.input());
    let Some(attribute) = &input.attribute else {
        return Err(missing("attribute"));
    };
    check_dry_run(input.dry_run)?;
    call.access().store().read(|state| {
        let it = existing(state, scope, &input.network_interface_id)?;
        let mut output = ec2::DescribeNetworkInterfaceAttributeOutput {
            network_interface_id: Some(it.id.clone()),
            ..ec2::DescribeNetworkInterfaceAttributeOutput::default()
        };
        match attribute {
            ec2::NetworkInterfaceAttribute::Description => {
                output.description = Some(ec2::AttributeValue {
                    value: Some(it.description.clone()),
                });
            }
            ec2::NetworkInterfaceAttribute::GroupSet => output.groups = Some(groups(state, &it)),
            ec2::NetworkInterfaceAttribute::SourceDestCheck => {
                output.source_dest_check = Some(ec2::AttributeBooleanValue {
                    value: Some(it.is_source_dest_checked),
                });
            }
            ec2::NetworkInterfaceAttribute::Attachment => output.attachment = attachment(&it),
            ec2::NetworkInterfaceAttribute::AssociatePublicIpAddress => {
                output.associate_public_ip_address = Some(false);
            }
            ec2::NetworkInterfaceAttribute::Unmodelled(other) => {
                return Err(invalid_value(format!(
                    "Value ({other}) for parameter attribute is invalid. Unknown network interface attribute"
                )));
            }
        }
        Ok(output)
    })
}

/// What is to become of an interface: one of these each time.
enum Change {
    Groups(Vec<String>),
    Description(String),
    SourceDestCheck(bool),
}

impl Change {
    fn of(input: ec2::ModifyNetworkInterfaceAttributeInput) -> Result<Self, ec2::Error> {
        if input.attachment.is_some()
            || input.ena_srd_specification.is_some()
            || input.enable_primary_ipv6.is_some()
            || input.connection_tracking_specification.is_some()
            || input.associate_public_ip_address.is_some()
            || input.associated_subnet_ids.is_some()
        {
            return Err(unsupported(
                "Of the attributes of network interfaces, Gantry changes groups, description and source/destination check only.",
            ));
        }
        let groups = input.groups.filter(|it| !it.is_empty()).map(Self::Groups);
        let description = input.description.map(|it| it.value.unwrap_or_default());
        let check = input.source_dest_check.and_then(|it| it.value);
        let given = [
            groups,
            description.map(Self::Description),
            check.map(Self::SourceDestCheck),
        ];
        let mut given = given.into_iter().flatten();
        match (given.next(), given.next()) {
            (Some(change), None) => Ok(change),
            (None, _) => Err(missing("one of description, groupId and sourceDestCheck")),
            (Some(_), Some(_)) => Err(refusal(
                "InvalidParameterCombination",
                "Fields for multiple attribute types specified",
            )),
        }
    }
}

/// `ModifyNetworkInterfaceAttribute`: a task's interface can be given other groups, one that stands for itself all.
///
/// # Errors
/// InvalidNetworkInterfaceID.NotFound, InvalidGroup.NotFound, InvalidParameter, InvalidParameterCombination,
/// MissingParameter, AuthFailure, SecurityGroupsPerInterfaceLimitExceeded, UnsupportedOperation, DryRunOperation.
pub async fn modify_network_interface_attribute(
    call: Call<ec2::ModifyNetworkInterfaceAttribute>,
) -> Result<ec2::ModifyNetworkInterfaceAttributeOutput, ec2::Error> {
    let (scope, input) = (call.scope().clone(), call.input().clone());
    let (id, dry_run) = (input.network_interface_id.clone(), input.dry_run);
    let change = Change::of(input)?;
    check_dry_run(dry_run)?;
    let modified = call.access().store().transact(move |tx| {
        let it = existing(tx.state(), &scope, &id)?;
        match change {
            Change::Groups(given) => {
                let (vpc_id, _) = place(tx.state(), &it.subnet_id);
                let given = check_groups(tx.state(), &scope, &vpc_id, &it.subnet_id, given)?;
                set_groups(tx, &scope, &it, given)
            }
            Change::Description(text) => change_own(tx, &scope, &it, |own| own.description = text),
            Change::SourceDestCheck(check) => {
                change_own(tx, &scope, &it, |own| own.is_source_dest_checked = check)
            }
        }
    });
    modified.await.map_err(from_store)?;
    Ok(ec2::ModifyNetworkInterfaceAttributeOutput {})
}

fn set_groups(tx: &mut Tx<'_>, scope: &Scope, it: &Interface, given: Vec<String>) -> Result<(), ec2::Error> {
    let Holder::Task { .. } = it.holder else {
        return change_own(tx, scope, it, |own| own.security_groups = given);
    };
    let task = tx.state().task_of_interface(&it.id).cloned();
    let mut task = Task::clone(&*task.ok_or_else(|| NetworkInterface::KIND.unknown(&it.id))?);
    if let Some(eni) = task.eni.as_mut() {
        eni.security_groups = given;
    }
    tx.put(task);
    Ok(())
}

fn change_own(
    tx: &mut Tx<'_>,
    scope: &Scope,
    it: &Interface,
    change: impl FnOnce(&mut NetworkInterface),
) -> Result<(), ec2::Error> {
    if it.is_in_use() {
        return Err(not_yours(it));
    }
    let found = require::<NetworkInterface>(tx.state(), scope, &it.id)?;
    let mut own = NetworkInterface::clone(&found);
    change(&mut own);
    tx.put(own);
    Ok(())
}

/// `AttachNetworkInterface`: refused, hosts here are not instances of Amazon.
///
/// # Errors
/// InvalidNetworkInterfaceID.NotFound, UnsupportedOperation.
pub async fn attach_network_interface(
    call: Call<ec2::AttachNetworkInterface>,
) -> Result<ec2::AttachNetworkInterfaceOutput, ec2::Error> {
    let (scope, input) = (call.scope(), call.input());
    call.access()
        .store()
        .read(|state| existing(state, scope, &input.network_interface_id))?;
    Err(unsupported(format!(
        "Instance '{}' takes no further network interfaces: hosts of Gantry are no instances of Amazon EC2. Tasks in \
         network mode awsvpc have one each.",
        input.instance_id
    )))
}

/// `DetachNetworkInterface`: refused, what is attached belongs to a service.
///
/// # Errors
/// OperationNotPermitted, InvalidAttachmentID.NotFound.
pub async fn detach_network_interface(
    call: Call<ec2::DetachNetworkInterface>,
) -> Result<ec2::DetachNetworkInterfaceOutput, ec2::Error> {
    let (scope, given) = (call.scope(), &call.input().attachment_id);
    // The id of an attachment is that of its interface but for the prefix.
    let number = given.rsplit('-').next().unwrap_or_default();
    let found = call
        .access()
        .store()
        .read(|state| find(state, scope, &format!("eni-{number}")));
    let is_there = found.is_some_and(|it| it.is_in_use() && attachment_id(&it) == *given);
    Err(if is_there {
        refusal(
            "OperationNotPermitted",
            format!("You are not allowed to manage '{given}' attachments: the service that made it does."),
        )
    } else {
        refusal(
            "InvalidAttachmentID.NotFound",
            format!("The network interface attachment ID '{given}' does not exist"),
        )
    })
}
