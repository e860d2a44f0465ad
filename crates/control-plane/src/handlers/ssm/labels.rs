//! Labels of parameter versions.

use api::ssm;
use domain::Scope;
use domain::parameter::ParameterVersion;
use store::Tx;

use super::errors::{constraint, from_store, not_found, version_not_found};
use super::names::Reference;
use crate::call::Call;

/// Most labels of a version.
const LABELS_MAX: usize = 10;

/// `LabelParameterVersion`: a label that another version has moves.
///
/// # Errors
/// ParameterNotFound, ParameterVersionNotFound, ParameterVersionLabelLimitExceeded.
pub async fn label_parameter_version(
    call: Call<ssm::LabelParameterVersion>,
) -> Result<ssm::LabelParameterVersionOutput, ssm::Error> {
    let input = call.input();
    check_count(&input.labels)?;
    let (labels, invalid): (Vec<String>, Vec<String>) =
        input.labels.iter().cloned().partition(|it| is_label(it));
    let (scope, name, wanted) = (call.scope().clone(), input.name.clone(), input.parameter_version);
    let labelled = call.access().store().transact(move |tx| {
        let mut version = find(tx, &scope, &name, wanted)?;
        for label in labels {
            take(tx, &version, &label);
            if !version.labels.contains(&label) {
                version.labels.push(label);
            }
        }
        if version.labels.len() > LABELS_MAX {
            return Err(ssm::Error::ParameterVersionLabelLimitExceeded(
                ssm::ParameterVersionLabelLimitExceeded {
                    message: Some(format!(
                        "A parameter version can have a maximum of {LABELS_MAX} labels."
                    )),
                },
            ));
        }
        let number = version.version;
        tx.put(version);
        Ok(number)
    });
    let number = labelled.await.map_err(from_store)?;
    Ok(ssm::LabelParameterVersionOutput {
        invalid_labels: Some(invalid),
        parameter_version: i64::try_from(number).ok(),
    })
}

/// `UnlabelParameterVersion`.
///
/// # Errors
/// ParameterNotFound, ParameterVersionNotFound.
pub async fn unlabel_parameter_version(
    call: Call<ssm::UnlabelParameterVersion>,
) -> Result<ssm::UnlabelParameterVersionOutput, ssm::Error> {
    let input = call.input();
    check_count(&input.labels)?;
    let (scope, name) = (call.scope().clone(), input.name.clone());
    let (labels, wanted) = (input.labels.clone(), input.parameter_version);
    let removed = call.access().store().transact(move |tx| {
        let mut version = find(tx, &scope, &name, Some(wanted))?;
        let (removed, invalid): (Vec<String>, Vec<String>) =
            labels.into_iter().partition(|it| version.labels.contains(it));
        version.labels.retain(|it| !removed.contains(it));
        tx.put(version);
        Ok::<_, ssm::Error>((removed, invalid))
    });
    let (removed, invalid) = removed.await.map_err(from_store)?;
    Ok(ssm::UnlabelParameterVersionOutput {
        invalid_labels: Some(invalid),
        removed_labels: Some(removed),
    })
}

fn check_count(labels: &[String]) -> Result<(), ssm::Error> {
    if (1..=LABELS_MAX).contains(&labels.len()) {
        return Ok(());
    }
    Err(constraint(
        &format!("[{}]", labels.join(", ")),
        "labels",
        "Member must have length between 1 and 10",
    ))
}

/// Letters, digits, `_`, `.` and `-`; not a number, which would name a version, and not a reserved word.
fn is_label(text: &str) -> bool {
    let is_letter = |it: u8| it.is_ascii_alphanumeric() || matches!(it, b'_' | b'.' | b'-');
    let lower = text.to_ascii_lowercase();
    (1..=100).contains(&text.len())
        && text.bytes().all(is_letter)
        && !text.starts_with(|it: char| it.is_ascii_digit())
        && !lower.starts_with("aws")
        && !lower.starts_with("ssm")
}

fn find(tx: &Tx<'_>, scope: &Scope, name: &str, wanted: Option<i64>) -> Result<ParameterVersion, ssm::Error> {
    let reference = Reference::parse(scope, name)?;
    let parameter = reference.find(tx.state(), scope);
    let parameter = parameter.ok_or_else(|| not_found(name))?;
    let number = match wanted {
        None => Some(parameter.latest),
        Some(number) => u64::try_from(number).ok(),
    };
    let key = number.map(|it| (scope.clone(), parameter.name.clone(), it));
    let version = key.and_then(|it| tx.get::<ParameterVersion>(&it));
    let version =
        version.ok_or_else(|| version_not_found(&parameter.name, &wanted.unwrap_or_default().to_string()))?;
    Ok((*version).clone())
}

/// Takes a label from the other versions.
fn take(tx: &mut Tx<'_>, from: &ParameterVersion, label: &str) {
    let others = tx.state().parameter_versions(&from.scope, &from.name);
    let other = others
        .filter(|it| it.version != from.version)
        .find(|it| it.labels.iter().any(|it| it == label));
    if let Some(other) = other.map(|it| ParameterVersion::clone(it)) {
        let labels = other.labels.iter().filter(|it| *it != label).cloned().collect();
        tx.put(ParameterVersion { labels, ..other });
    }
}
