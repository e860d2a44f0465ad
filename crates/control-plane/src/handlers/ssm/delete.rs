//! DeleteParameter and DeleteParameters.

use api::ssm;
use domain::Scope;
use domain::parameter::{Parameter, ParameterVersion};
use store::Tx;

use super::errors::{from_store, not_found};
use super::get::check_count;
use super::names::Reference;
use crate::call::Call;

/// `DeleteParameter`, with all its versions.
///
/// # Errors
/// ParameterNotFound.
pub async fn delete_parameter(
    call: Call<ssm::DeleteParameter>,
) -> Result<ssm::DeleteParameterOutput, ssm::Error> {
    let (scope, name) = (call.scope().clone(), call.input().name.clone());
    let deleted = call
        .access()
        .store()
        .transact(move |tx| match delete(tx, &scope, &name) {
            true => Ok(()),
            false => Err(not_found(&name)),
        });
    deleted.await.map_err(from_store)?;
    Ok(ssm::DeleteParameterOutput {})
}

/// `DeleteParameters`: those that are not there are named.
///
/// # Errors
/// ValidationException for no names or too many.
pub async fn delete_parameters(
    call: Call<ssm::DeleteParameters>,
) -> Result<ssm::DeleteParametersOutput, ssm::Error> {
    let names = call.input().names.clone();
    check_count(&names)?;
    let scope = call.scope().clone();
    let deleted = call.access().store().transact(move |tx| {
        let (deleted, invalid) = names.into_iter().partition(|name| delete(tx, &scope, name));
        Ok::<(Vec<String>, Vec<String>), ssm::Error>((deleted, invalid))
    });
    let (deleted, invalid) = deleted.await.map_err(from_store)?;
    Ok(ssm::DeleteParametersOutput {
        deleted_parameters: Some(deleted),
        invalid_parameters: Some(invalid),
    })
}

/// Whether there was one.
fn delete(tx: &mut Tx<'_>, scope: &Scope, given: &str) -> bool {
    let Ok(reference) = Reference::parse(scope, given) else {
        return false;
    };
    if reference.selector.is_some() {
        return false;
    }
    let Some(parameter) = reference.find(tx.state(), scope).cloned() else {
        return false;
    };
    let versions = tx.state().parameter_versions(scope, &parameter.name);
    let versions: Vec<u64> = versions.map(|it| it.version).collect();
    for version in versions {
        tx.delete::<ParameterVersion>(&(scope.clone(), parameter.name.clone(), version));
    }
    tx.delete::<Parameter>(&(scope.clone(), parameter.name));
    true
}
