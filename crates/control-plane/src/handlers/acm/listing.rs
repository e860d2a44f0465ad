//! ListCertificates.

use api::acm::{self, Error};
use domain::Timestamp;
use domain::certificate::Certificate;

use super::describe::status;
use super::errors::{constraint, length, validation};
use crate::call::Call;
use crate::certificates::Facts;
use crate::handlers::page::{PageRequest, page};

/// Most certificates of a page, and how many come if the caller does not say.
const ITEMS_MAX: i32 = 1000;
/// Most origins of keys that are asked for at once.
const ORIGINS_MAX: usize = 3;
/// Longest token.
const TOKEN_MAX: usize = 10_000;
/// Names of a certificate that a summary tells.
const NAMES_MAX: usize = 100;
/// Kinds of keys that are listed if the caller asks for none.
const USUAL_KEYS: [&str; 2] = ["RSA_1024", "RSA_2048"];

/// `ListCertificates`: unless asked otherwise, those with RSA keys of up to 2,048 bits, as with Amazon.
///
/// # Errors
/// InvalidArgsException, ValidationException.
pub async fn list_certificates(
    call: Call<acm::ListCertificates>,
) -> Result<acm::ListCertificatesOutput, Error> {
    let (scope, input, now) = (call.scope(), call.input(), call.now());
    let max_items = input.max_items.unwrap_or(ITEMS_MAX);
    check(input, max_items)?;
    check_filters(input)?;
    let (all, used) = call.access().store().read(|state| {
        let all: Vec<_> = state.certificates(scope).cloned().collect();
        (all, state.certificates_in_use(scope))
    });
    let summaries = all.iter().filter_map(|it| {
        let facts = Facts::of_pem(&it.body)?;
        let is_wanted = is_wanted(input, &facts, now);
        let in_use = used.contains(it.arn.as_str());
        is_wanted.then(|| (place(input, it), summary(it, facts, in_use, now)))
    });
    let mut found: Vec<(String, acm::CertificateSummary)> = summaries.collect();
    found.sort_by(|(one, _), (other, _)| one.cmp(other));
    if matches!(input.sort_order, Some(acm::SortOrder::Descending)) {
        found.reverse();
    }
    let request = PageRequest {
        listing: &listing(input),
        next_token: input.next_token.as_deref(),
        max_results: usize::try_from(max_items).unwrap_or(1),
    };
    let cut = page(call.access().page_key(), &request, found.into_iter());
    let (page, next_token) = cut.map_err(|_| {
        Error::InvalidArgsException(acm::InvalidArgsException {
            message: Some("The NextToken value is invalid.".to_owned()),
        })
    })?;
    Ok(acm::ListCertificatesOutput {
        certificate_summary_list: Some(page),
        next_token,
    })
}

fn check(input: &acm::ListCertificatesInput, max_items: i32) -> Result<(), Error> {
    let rule = match max_items {
        ..=0 => "greater than or equal to 1",
        ITEMS_MAX.. if max_items > ITEMS_MAX => "less than or equal to 1000",
        _ => {
            return match (&input.sort_by, &input.sort_order) {
                (Some(acm::SortBy::CreatedAt), Some(acm::SortOrder::Unmodelled(_)))
                | (Some(acm::SortBy::Unmodelled(_)), _) => {
                    Err(validation("SortBy and SortOrder must be values that are known."))
                }
                (Some(_), None) | (None, Some(_)) => {
                    Err(validation("SortBy and SortOrder must be given together."))
                }
                _ => Ok(()),
            };
        }
    };
    Err(constraint(
        &max_items.to_string(),
        "maxItems",
        &format!("Member must have value {rule}"),
    ))
}

/// Words that are unknown, and lengths.
fn check_filters(input: &acm::ListCertificatesInput) -> Result<(), Error> {
    let status = input
        .certificate_statuses
        .iter()
        .flatten()
        .find_map(|it| match it {
            acm::CertificateStatus::Unmodelled(word) => Some(("certificateStatuses", word)),
            _ => None,
        });
    let origins = input.certificate_key_pair_origins.iter().flatten();
    let origin = { origins }.find_map(|it| match it {
        acm::CertificateKeyPairOrigin::Unmodelled(word) => Some(("certificateKeyPairOrigins", word)),
        _ => None,
    });
    let included = input.includes.as_ref().and_then(unknown_of);
    if let Some((member, word)) = status.or(origin).or(included) {
        let rule = "Member must satisfy enum value set of its type";
        return Err(constraint(word, member, rule));
    }
    let origins = input.certificate_key_pair_origins.as_ref().map(Vec::len);
    if origins.is_some_and(|it| !(1..=ORIGINS_MAX).contains(&it)) {
        return Err(length("certificateKeyPairOrigins", "between 1 and 3"));
    }
    let token = input.next_token.as_ref().map(|it| it.chars().count());
    if token.is_some_and(|it| !(1..=TOKEN_MAX).contains(&it)) {
        return Err(length("nextToken", "between 1 and 10000"));
    }
    Ok(())
}

fn unknown_of(includes: &acm::Filters) -> Option<(&'static str, &String)> {
    let extended = includes
        .extended_key_usage
        .iter()
        .flatten()
        .find_map(|it| match it {
            acm::ExtendedKeyUsageName::Unmodelled(word) => Some(("includes.extendedKeyUsage", word)),
            _ => None,
        });
    let usage = includes.key_usage.iter().flatten().find_map(|it| match it {
        acm::KeyUsageName::Unmodelled(word) => Some(("includes.keyUsage", word)),
        _ => None,
    });
    let key = includes.key_types.iter().flatten().find_map(|it| match it {
        acm::KeyAlgorithm::Unmodelled(word) => Some(("includes.keyTypes", word)),
        _ => None,
    });
    let export = includes.export_option.iter().find_map(|it| match it {
        acm::CertificateExport::Unmodelled(word) => Some(("includes.exportOption", word)),
        _ => None,
    });
    let manager = includes.managed_by.iter().find_map(|it| match it {
        acm::CertificateManagedBy::Unmodelled(word) => Some(("includes.managedBy", word)),
        _ => None,
    });
    extended.or(usage).or(key).or(export).or(manager)
}

/// A token is good for the same question only.
fn listing(input: &acm::ListCertificatesInput) -> String {
    let acm::ListCertificatesInput {
        certificate_key_pair_origins,
        certificate_statuses,
        includes,
        sort_by,
        sort_order,
        ..
    } = input;
    let filters = (certificate_key_pair_origins, certificate_statuses, includes);
    format!("acm certificates {filters:?} {:?}", (sort_by, sort_order))
}

/// Where a certificate stands. Times have the same number of digits.
fn place(input: &acm::ListCertificatesInput, it: &Certificate) -> String {
    match input.sort_by {
        Some(_) => format!("{:020} {}", it.created_at.as_millisecond().max(0), it.arn),
        None => it.arn.to_string(),
    }
}

fn is_wanted(input: &acm::ListCertificatesInput, facts: &Facts, now: Timestamp) -> bool {
    let default = acm::Filters::default();
    let includes = input.includes.as_ref().unwrap_or(&default);
    let key = facts.key.as_str().unwrap_or_default();
    let is_key = match includes.key_types.as_deref() {
        None | Some([]) => USUAL_KEYS.contains(&key),
        Some(types) => types.iter().any(|it| it.as_str() == key),
    };
    let usages = includes.key_usage.as_deref().unwrap_or_default();
    let has_usages = usages
        .iter()
        .all(|it| it.as_str() == "ANY" || facts.key_usages.contains(&it.as_str()));
    let extended = includes.extended_key_usage.as_deref().unwrap_or_default();
    let has_extended = extended.iter().all(|it| {
        let own = &facts.extended_key_usages;
        it.as_str() == "ANY" || own.iter().any(|(name, _)| *name == it.as_str())
    });
    let statuses = input.certificate_statuses.as_deref().unwrap_or_default();
    let status = status(facts, now);
    let origins = input.certificate_key_pair_origins.as_deref().unwrap_or_default();
    let is_origin = origins.is_empty() || origins.contains(&acm::CertificateKeyPairOrigin::CustomerProvided);
    let is_exportable = matches!(includes.export_option, Some(acm::CertificateExport::Enabled));
    is_key
        && has_usages
        && has_extended
        && is_origin
        && (statuses.is_empty() || statuses.contains(&status))
        && !is_exportable
        && includes.managed_by.is_none()
}

fn summary(it: &Certificate, facts: Facts, in_use: bool, now: Timestamp) -> acm::CertificateSummary {
    let has_more = facts.names.len() > NAMES_MAX;
    acm::CertificateSummary {
        certificate_arn: Some(it.arn.to_string()),
        certificate_key_pair_origin: Some(acm::CertificateKeyPairOrigin::CustomerProvided),
        created_at: Some(it.created_at),
        export_option: Some(acm::CertificateExport::Disabled),
        exported: Some(false),
        extended_key_usages: Some(
            facts
                .extended_key_usages
                .iter()
                .map(|(name, _)| acm::ExtendedKeyUsageName::from(*name))
                .collect(),
        ),
        has_additional_subject_alternative_names: Some(has_more),
        imported_at: Some(it.imported_at),
        in_use: Some(in_use),
        key_algorithm: facts.key.as_str().map(acm::KeyAlgorithm::from),
        key_usages: Some(
            facts
                .key_usages
                .iter()
                .map(|it| acm::KeyUsageName::from(*it))
                .collect(),
        ),
        not_after: Some(facts.not_after),
        not_before: Some(facts.not_before),
        renewal_eligibility: Some(acm::RenewalEligibility::Ineligible),
        status: Some(status(&facts, now)),
        domain_name: facts.domain_name,
        subject_alternative_name_summaries: Some(facts.names.into_iter().take(NAMES_MAX).collect()),
        r#type: Some(acm::CertificateType::Imported),
        ..acm::CertificateSummary::default()
    }
}
