//! GetOperation, ListOperations.

use std::collections::BTreeMap;

use api::servicediscovery::{self as sd, Error};
use domain::cloud_map::{Operation, OperationTarget};

use super::errors::no_operation;
use super::filters::{Filter, unknown};
use super::paging::{Asked, cut};
use crate::call::Call;

/// What all operations have come to.
const STATUS: &str = "SUCCESS";

fn targets(target: &OperationTarget) -> BTreeMap<String, String> {
    let targets: Vec<(&str, &String)> = match target {
        OperationTarget::Namespace(id) => vec![("NAMESPACE", id)],
        OperationTarget::Service(id) => vec![("SERVICE", id)],
        OperationTarget::Instance {
            service_id,
            instance_id,
        } => vec![("SERVICE", service_id), ("INSTANCE", instance_id)],
    };
    let owned = |(name, id): (&str, &String)| (name.to_owned(), id.clone());
    targets.into_iter().map(owned).collect()
}

fn shown(it: &Operation) -> sd::Operation {
    sd::Operation {
        create_date: Some(it.created_at),
        error_code: None,
        error_message: None,
        id: Some(it.id.clone()),
        owner_account: Some(it.scope.account.clone()),
        status: Some(sd::OperationStatus::Success),
        targets: Some(targets(&it.target)),
        r#type: Some(sd::OperationType::from(it.kind.as_str())),
        update_date: Some(it.created_at),
    }
}

/// `GetOperation`.
///
/// # Errors
/// OperationNotFound.
pub async fn get_operation(call: Call<sd::GetOperation>) -> Result<sd::GetOperationOutput, Error> {
    let found = call.access().store().read(|state| {
        let found = state.get::<Operation>(&call.input().operation_id);
        found.filter(|it| it.scope == *call.scope()).cloned()
    });
    let found = found.ok_or_else(no_operation)?;
    Ok(sd::GetOperationOutput {
        operation: Some(shown(&found)),
    })
}

/// What a filter is about, and what it lets through.
struct OfOperations<'a>(&'a sd::OperationFilterName, Filter);

impl OfOperations<'_> {
    fn lets(&self, it: &Operation) -> Result<bool, Error> {
        let Self(name, filter) = self;
        Ok(match name.as_str() {
            "STATUS" => filter.lets(STATUS),
            "TYPE" => filter.lets(it.kind.as_str()),
            "UPDATE_DATE" => {
                let (first, last) = filter.seconds()?;
                (first..=last).contains(&it.created_at.as_duration().as_secs_f64())
            }
            "NAMESPACE_ID" => targets(&it.target)
                .get("NAMESPACE")
                .is_some_and(|id| filter.lets(id)),
            "SERVICE_ID" => targets(&it.target)
                .get("SERVICE")
                .is_some_and(|id| filter.lets(id)),
            _ => false,
        })
    }
}

/// `ListOperations`, oldest first.
///
/// # Errors
/// InvalidInput.
pub async fn list_operations(call: Call<sd::ListOperations>) -> Result<sd::ListOperationsOutput, Error> {
    let input = call.input();
    let filters = input.filters.iter().flatten().map(|it| {
        let filter = Filter::read(it.name.as_str(), it.condition.as_ref(), &it.values)?;
        match &it.name {
            sd::OperationFilterName::Unmodelled(name) => return Err(unknown(name)),
            sd::OperationFilterName::Type => {
                let is_type =
                    |value: &str| !matches!(sd::OperationType::from(value), sd::OperationType::Unmodelled(_));
                filter.check_words("TYPE", is_type)?;
            }
            sd::OperationFilterName::Status => {
                let is_status = |value: &str| {
                    !matches!(
                        sd::OperationStatus::from(value),
                        sd::OperationStatus::Unmodelled(_)
                    )
                };
                filter.check_words("STATUS", is_status)?;
            }
            _ => {}
        }
        Ok(OfOperations(&it.name, filter))
    });
    let filters = filters.collect::<Result<Vec<_>, Error>>()?;
    let mut found = Vec::new();
    call.access().store().read(|state| {
        'all: for it in state.cloud_map_operations(call.scope()) {
            for filter in &filters {
                if !filter.lets(it)? {
                    continue 'all;
                }
            }
            // As long as each other, so in the order of time.
            let key = format!("{:020}/{}", it.created_at.as_millisecond(), it.id);
            let summary = sd::OperationSummary {
                id: Some(it.id.clone()),
                status: Some(sd::OperationStatus::Success),
            };
            found.push((key, summary));
        }
        Ok(())
    })?;
    let asked = Asked {
        listing: format!("operations {:?}", input.filters),
        next_token: input.next_token.as_deref(),
        max_results: input.max_results,
    };
    let (operations, next_token) = cut(call.access(), &asked, found.into_iter())?;
    Ok(sd::ListOperationsOutput {
        next_token,
        operations: Some(operations),
    })
}
