//! GetParameter, GetParameters and GetParameterHistory.

use std::sync::Arc;

use api::ssm;
use domain::Scope;
use domain::parameter::ParameterVersion;
use store::State;

use super::errors::{constraint, not_found};
use super::listing::{Page, cut};
use super::names::Reference;
use super::value::{self, Decryption};
use crate::call::Call;

/// Most names of a GetParameters.
const NAMES_MAX: usize = 10;
/// Most versions of a page, and how many come if the caller does not say.
const HISTORY_MAX: i32 = 50;

/// `GetParameter`.
///
/// # Errors
/// ParameterNotFound, ParameterVersionNotFound, ValidationException.
pub async fn get_parameter(call: Call<ssm::GetParameter>) -> Result<ssm::GetParameterOutput, ssm::Error> {
    let (scope, input) = (call.scope(), call.input());
    let reference = Reference::parse(scope, &input.name)?;
    let store = call.access().store();
    let found = store.read(|state| find(state, scope, &reference))?;
    let found = found.ok_or_else(|| not_found(&input.name))?;
    let decryption = Decryption::from(input.with_decryption);
    let values = call.access().values();
    Ok(ssm::GetParameterOutput {
        parameter: Some(value::rendered(values, &found, reference.selector, decryption)?),
    })
}

fn find(
    state: &State,
    scope: &Scope,
    reference: &Reference<'_>,
) -> Result<Option<Arc<ParameterVersion>>, ssm::Error> {
    let Some(parameter) = reference.find(state, scope) else {
        return Ok(None);
    };
    let version = reference.version(state, parameter)?;
    let key = (scope.clone(), parameter.name.clone(), version);
    Ok(state.get::<ParameterVersion>(&key).cloned())
}

/// `GetParameters`: those that are not there are named, whatever is wrong with them.
///
/// # Errors
/// ValidationException for no names or too many.
pub async fn get_parameters(call: Call<ssm::GetParameters>) -> Result<ssm::GetParametersOutput, ssm::Error> {
    let (scope, input) = (call.scope(), call.input());
    check_count(&input.names)?;
    let decryption = Decryption::from(input.with_decryption);
    let (mut parameters, mut invalid) = (Vec::new(), Vec::new());
    for name in &input.names {
        let Ok(reference) = Reference::parse(scope, name) else {
            invalid.push(name.clone());
            continue;
        };
        let found = call.access().store().read(|state| find(state, scope, &reference));
        match found {
            Ok(Some(it)) => parameters.push(value::rendered(
                call.access().values(),
                &it,
                reference.selector,
                decryption,
            )?),
            Ok(None) | Err(_) => invalid.push(name.clone()),
        }
    }
    Ok(ssm::GetParametersOutput {
        invalid_parameters: Some(invalid),
        parameters: Some(parameters),
    })
}

/// Checks how many names are given.
///
/// # Errors
/// ValidationException.
pub fn check_count(names: &[String]) -> Result<(), ssm::Error> {
    let rule = match names.len() {
        0 => "Member must have length greater than or equal to 1".to_owned(),
        1..=NAMES_MAX => return Ok(()),
        _ => format!("Member must have length less than or equal to {NAMES_MAX}"),
    };
    Err(constraint(&format!("[{}]", names.join(", ")), "names", &rule))
}

/// `GetParameterHistory`, oldest first.
///
/// # Errors
/// ParameterNotFound, InvalidNextToken, ValidationException.
pub async fn get_parameter_history(
    call: Call<ssm::GetParameterHistory>,
) -> Result<ssm::GetParameterHistoryOutput, ssm::Error> {
    let (scope, input) = (call.scope(), call.input());
    let reference = Reference::parse(scope, &input.name)?;
    let versions = call.access().store().read(|state| {
        let parameter = reference.find(state, scope)?;
        let versions = state.parameter_versions(scope, &parameter.name);
        Some(versions.cloned().collect::<Vec<_>>())
    });
    let versions = versions.ok_or_else(|| not_found(&input.name))?;
    let page = Page {
        listing: format!("history {}", input.name),
        next_token: input.next_token.as_deref(),
        max_results: input.max_results,
        most: HISTORY_MAX,
        default: HISTORY_MAX,
    };
    let items = versions.into_iter().map(|it| (format!("{:020}", it.version), it));
    let (page, next_token) = cut(call.access(), &page, items)?;
    let decryption = Decryption::from(input.with_decryption);
    let shown = page
        .iter()
        .map(|it| value::history(call.access().values(), it, decryption));
    Ok(ssm::GetParameterHistoryOutput {
        next_token,
        parameters: Some(shown.collect::<Result<_, _>>()?),
    })
}
