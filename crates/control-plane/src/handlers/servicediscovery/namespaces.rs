//! Namespaces: made, changed, deleted, shown.

use std::sync::Arc;

use api::servicediscovery::{self as sd, Error};
use domain::Scope;
use domain::cloud_map::{
    HostedZone, Namespace, NamespaceKind, OperationKind, OperationTarget, SOA_TTL_SECONDS,
};
use domain::tags::Pair;
use domain::vpc::Vpc;
use orchestrator::transitions::record_cloud_map_operation;
use store::{State, Tx};

use super::errors::{from_store, in_use, invalid_input, namespace_exists, too_many};
use super::filters::{Filter, unknown};
use super::paging::{Asked, cut};
use super::{names, render, tags};
use crate::call::{Authorized, Call};

/// Most namespaces of a scope, as on Amazon.
const NAMESPACES_MAX: usize = 50;

/// What a namespace is made of.
struct New {
    name: String,
    description: Option<String>,
    creator_request_id: Option<String>,
    reach: Reach,
    tags: Vec<Pair>,
}

/// From where its names are found.
enum Reach {
    Http,
    Private { vpc_id: String, soa_ttl_seconds: u32 },
    Public { soa_ttl_seconds: u32 },
}

impl Reach {
    /// Whether no other namespace of that kind may have the name. Private ones are known in one VPC only: what others
    /// are called does not matter to it.
    fn meets(&self, kind: &NamespaceKind) -> bool {
        match (self, kind) {
            (Self::Private { vpc_id, .. }, NamespaceKind::PrivateDns { vpc_id: known, .. }) => {
                vpc_id == known
            }
            (Self::Private { .. }, _) | (_, NamespaceKind::PrivateDns { .. }) => false,
            _ => true,
        }
    }

    fn is_that_of(&self, kind: &NamespaceKind) -> bool {
        match (self, kind) {
            (Self::Http, NamespaceKind::Http) | (Self::Public { .. }, NamespaceKind::PublicDns { .. }) => {
                true
            }
            (Self::Private { vpc_id, .. }, NamespaceKind::PrivateDns { vpc_id: known, .. }) => {
                vpc_id == known
            }
            _ => false,
        }
    }
}

fn soa_ttl(given: Option<&sd::SOA>) -> Result<u32, Error> {
    let ttl = given.map_or(SOA_TTL_SECONDS.into(), |it| it.ttl);
    checked_ttl(ttl)
}

fn checked_ttl(ttl: i64) -> Result<u32, Error> {
    let seconds = u32::try_from(ttl).ok().filter(|it| i32::try_from(*it).is_ok());
    seconds.ok_or_else(|| invalid_input(format!("Invalid TTL {ttl}: it is from 0 to 2147483647 seconds")))
}

/// Answers the id of the operation. A request that comes again, with its CreatorRequestId, is the one that it was.
async fn create(access: &Authorized, scope: Scope, new: New) -> Result<Option<String>, Error> {
    names::check_description(new.description.as_deref())?;
    let created = access
        .store()
        .transact(move |tx| {
            if let Some(known) = known(tx.state(), &scope, &new) {
                let is_again = new.creator_request_id.is_some()
                    && known.creator_request_id == new.creator_request_id
                    && new.reach.is_that_of(&known.kind);
                return match is_again {
                    true => Ok(known.operation_id.clone()),
                    false => Err(namespace_exists(&known)),
                };
            }
            if tx.state().namespaces(&scope).count() >= NAMESPACES_MAX {
                return Err(too_many("namespaces", NAMESPACES_MAX));
            }
            put(tx, scope, new)
        })
        .await;
    created.map(Some).map_err(from_store)
}

/// The namespace that keeps a new one from having its name.
fn known(state: &State, scope: &Scope, new: &New) -> Option<Arc<Namespace>> {
    let mut known = state.namespaces_of_name(scope, &new.name);
    known.find(|it| new.reach.meets(&it.kind)).cloned()
}

fn put(tx: &mut Tx<'_>, scope: Scope, new: New) -> Result<String, Error> {
    let zone = |soa_ttl_seconds| HostedZone {
        id: tx.ids().hosted_zone(),
        soa_ttl_seconds,
    };
    let kind = match new.reach {
        Reach::Http => NamespaceKind::Http,
        Reach::Public { soa_ttl_seconds } => NamespaceKind::PublicDns {
            zone: zone(soa_ttl_seconds),
        },
        Reach::Private {
            vpc_id,
            soa_ttl_seconds,
        } => {
            let vpc = tx.get::<Vpc>(&vpc_id).filter(|it| it.scope == scope);
            vpc.ok_or_else(|| invalid_input(format!("The VPC ID is invalid: {vpc_id} does not exist")))?;
            NamespaceKind::PrivateDns {
                zone: zone(soa_ttl_seconds),
                vpc_id,
            }
        }
    };
    let id = tx.ids().cloud_map("ns");
    let is_taken = tx.state().namespace_of_http_name(&scope, &new.name).is_some();
    let other_http_name = is_taken.then(|| other_http_name(&new.name, &id));
    let target = OperationTarget::Namespace(id.clone());
    let operation_id = record_cloud_map_operation(tx, &scope, OperationKind::CreateNamespace, target);
    tx.put(Namespace {
        id,
        scope,
        name: new.name,
        other_http_name,
        description: new.description,
        kind,
        creator_request_id: new.creator_request_id,
        operation_id: operation_id.clone(),
        created_at: tx.now(),
        tags: new.tags,
    });
    Ok(operation_id)
}

/// What a namespace is called that has the name of another: something random after it, as on Amazon. An id is.
fn other_http_name(name: &str, id: &str) -> String {
    format!("{name}-{}", id.trim_start_matches("ns-"))
}

/// `CreateHttpNamespace`.
///
/// # Errors
/// InvalidInput, NamespaceAlreadyExists, ResourceLimitExceeded.
pub async fn create_http_namespace(
    call: Call<sd::CreateHttpNamespace>,
) -> Result<sd::CreateHttpNamespaceOutput, Error> {
    let input = call.input();
    names::check_http_name(&input.name)?;
    let new = New {
        name: input.name.clone(),
        description: input.description.clone(),
        creator_request_id: input.creator_request_id.clone(),
        reach: Reach::Http,
        tags: tags::read(input.tags.as_deref())?,
    };
    let operation_id = create(call.access(), call.scope().clone(), new).await?;
    Ok(sd::CreateHttpNamespaceOutput { operation_id })
}

/// `CreatePrivateDnsNamespace`.
///
/// # Errors
/// InvalidInput, NamespaceAlreadyExists, ResourceLimitExceeded.
pub async fn create_private_dns_namespace(
    call: Call<sd::CreatePrivateDnsNamespace>,
) -> Result<sd::CreatePrivateDnsNamespaceOutput, Error> {
    let input = call.input();
    let soa = input.properties.as_ref().map(|it| &it.dns_properties.soa);
    let new = New {
        name: names::dns_name(&input.name)?,
        description: input.description.clone(),
        creator_request_id: input.creator_request_id.clone(),
        reach: Reach::Private {
            vpc_id: input.vpc.clone(),
            soa_ttl_seconds: soa_ttl(soa)?,
        },
        tags: tags::read(input.tags.as_deref())?,
    };
    let operation_id = create(call.access(), call.scope().clone(), new).await?;
    Ok(sd::CreatePrivateDnsNamespaceOutput { operation_id })
}

/// `CreatePublicDnsNamespace`: nobody on the internet is told to ask here.
///
/// # Errors
/// InvalidInput, NamespaceAlreadyExists, ResourceLimitExceeded.
pub async fn create_public_dns_namespace(
    call: Call<sd::CreatePublicDnsNamespace>,
) -> Result<sd::CreatePublicDnsNamespaceOutput, Error> {
    let input = call.input();
    let soa = input.properties.as_ref().map(|it| &it.dns_properties.soa);
    let new = New {
        name: names::public_dns_name(&input.name)?,
        description: input.description.clone(),
        creator_request_id: input.creator_request_id.clone(),
        reach: Reach::Public {
            soa_ttl_seconds: soa_ttl(soa)?,
        },
        tags: tags::read(input.tags.as_deref())?,
    };
    let operation_id = create(call.access(), call.scope().clone(), new).await?;
    Ok(sd::CreatePublicDnsNamespaceOutput { operation_id })
}

/// `DeleteNamespace`.
///
/// # Errors
/// NamespaceNotFound; ResourceInUse while it has services.
pub async fn delete_namespace(call: Call<sd::DeleteNamespace>) -> Result<sd::DeleteNamespaceOutput, Error> {
    let (scope, given) = (call.scope().clone(), call.input().id.clone());
    let deleted = call.access().store().transact(move |tx| {
        let known = names::namespace(tx.state(), &scope, &given)?.clone();
        if tx.state().discovery_services_of(&known.id).next().is_some() {
            return Err(in_use(
                "Namespace contains services; delete the services before deleting the namespace",
            ));
        }
        tx.delete::<Namespace>(&known.id);
        let target = OperationTarget::Namespace(known.id.clone());
        Ok(record_cloud_map_operation(
            tx,
            &scope,
            OperationKind::DeleteNamespace,
            target,
        ))
    });
    Ok(sd::DeleteNamespaceOutput {
        operation_id: Some(deleted.await.map_err(from_store)?),
    })
}

/// `GetNamespace`.
///
/// # Errors
/// NamespaceNotFound.
pub async fn get_namespace(call: Call<sd::GetNamespace>) -> Result<sd::GetNamespaceOutput, Error> {
    let namespace = call.access().store().read(|state| {
        let known = names::namespace(state, call.scope(), &call.input().id)?;
        Ok(render::namespace(state, known))
    })?;
    Ok(sd::GetNamespaceOutput {
        namespace: Some(namespace),
    })
}

/// What the words of RESOURCE_OWNER say: nothing is shared by other accounts.
pub(super) const OWN: &str = "SELF";

fn lets(filters: &[(&str, Filter)], it: &Namespace) -> bool {
    filters.iter().all(|(name, filter)| match *name {
        "TYPE" => filter.lets(it.kind.as_str()),
        "NAME" => filter.lets(&it.name),
        "HTTP_NAME" => filter.lets(it.http_name()),
        "RESOURCE_OWNER" => filter.lets(OWN),
        _ => false,
    })
}

/// `ListNamespaces`, by name.
///
/// # Errors
/// InvalidInput.
pub async fn list_namespaces(call: Call<sd::ListNamespaces>) -> Result<sd::ListNamespacesOutput, Error> {
    let input = call.input();
    let filters = input.filters.iter().flatten().map(|it| {
        let filter = Filter::read(it.name.as_str(), it.condition.as_ref(), &it.values)?;
        match &it.name {
            sd::NamespaceFilterName::Unmodelled(name) => return Err(unknown(name)),
            sd::NamespaceFilterName::Type => {
                let is_type =
                    |value: &str| !matches!(sd::NamespaceType::from(value), sd::NamespaceType::Unmodelled(_));
                filter.check_words("TYPE", is_type)?;
            }
            _ => {}
        }
        Ok((it.name.as_str(), filter))
    });
    let filters = filters.collect::<Result<Vec<_>, Error>>()?;
    let asked = Asked {
        listing: format!("namespaces {:?}", input.filters),
        next_token: input.next_token.as_deref(),
        max_results: input.max_results,
    };
    let (namespaces, next_token) = call.access().store().read(|state: &State| {
        let found = state.namespaces(call.scope()).filter(|it| lets(&filters, it));
        let found = found.map(|it| {
            let summary = render::namespace_summary(state, it);
            // No name has a space: those of one name follow each other by id.
            (format!("{} {}", it.name.to_ascii_lowercase(), it.id), summary)
        });
        cut(call.access(), &asked, found)
    })?;
    Ok(sd::ListNamespacesOutput {
        namespaces: Some(namespaces),
        next_token,
    })
}

/// What changes of a namespace.
struct Update {
    id: String,
    /// The kind that the operation is for.
    kind: &'static str,
    description: Option<String>,
    soa_ttl: Option<i64>,
}

async fn update(access: &Authorized, scope: Scope, update: Update) -> Result<Option<String>, Error> {
    names::check_description(update.description.as_deref())?;
    let ttl = update.soa_ttl.map(checked_ttl).transpose()?;
    let updated = access.store().transact(move |tx| {
        let mut namespace = Namespace::clone(names::namespace(tx.state(), &scope, &update.id)?);
        if namespace.kind.as_str() != update.kind {
            return Err(invalid_input(format!(
                "The namespace {} is of the type {}",
                namespace.id,
                namespace.kind.as_str()
            )));
        }
        namespace.description = update.description.or(namespace.description);
        match &mut namespace.kind {
            NamespaceKind::Http => {}
            NamespaceKind::PrivateDns { zone, .. } | NamespaceKind::PublicDns { zone } => {
                zone.soa_ttl_seconds = ttl.unwrap_or(zone.soa_ttl_seconds);
            }
        }
        let target = OperationTarget::Namespace(namespace.id.clone());
        tx.put(namespace);
        Ok(record_cloud_map_operation(
            tx,
            &scope,
            OperationKind::UpdateNamespace,
            target,
        ))
    });
    updated.await.map(Some).map_err(from_store)
}

/// `UpdateHttpNamespace`.
///
/// # Errors
/// NamespaceNotFound, InvalidInput.
pub async fn update_http_namespace(
    call: Call<sd::UpdateHttpNamespace>,
) -> Result<sd::UpdateHttpNamespaceOutput, Error> {
    let input = call.input().clone();
    let wish = Update {
        id: input.id,
        kind: "HTTP",
        description: Some(input.namespace.description),
        soa_ttl: None,
    };
    let operation_id = update(call.access(), call.scope().clone(), wish).await?;
    Ok(sd::UpdateHttpNamespaceOutput { operation_id })
}

/// `UpdatePrivateDnsNamespace`.
///
/// # Errors
/// NamespaceNotFound, InvalidInput.
pub async fn update_private_dns_namespace(
    call: Call<sd::UpdatePrivateDnsNamespace>,
) -> Result<sd::UpdatePrivateDnsNamespaceOutput, Error> {
    let input = call.input().clone();
    let wish = Update {
        id: input.id,
        kind: "DNS_PRIVATE",
        description: input.namespace.description,
        soa_ttl: input.namespace.properties.map(|it| it.dns_properties.soa.ttl),
    };
    let operation_id = update(call.access(), call.scope().clone(), wish).await?;
    Ok(sd::UpdatePrivateDnsNamespaceOutput { operation_id })
}

/// `UpdatePublicDnsNamespace`.
///
/// # Errors
/// NamespaceNotFound, InvalidInput.
pub async fn update_public_dns_namespace(
    call: Call<sd::UpdatePublicDnsNamespace>,
) -> Result<sd::UpdatePublicDnsNamespaceOutput, Error> {
    let input = call.input().clone();
    let wish = Update {
        id: input.id,
        kind: "DNS_PUBLIC",
        description: input.namespace.description,
        soa_ttl: input.namespace.properties.map(|it| it.dns_properties.soa.ttl),
    };
    let operation_id = update(call.access(), call.scope().clone(), wish).await?;
    Ok(sd::UpdatePublicDnsNamespaceOutput { operation_id })
}
