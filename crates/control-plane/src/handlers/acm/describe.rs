//! DescribeCertificate and GetCertificate.

use api::acm::{self, Error};
use domain::certificate::Certificate;
use domain::classic_load_balancer::ClassicLoadBalancer;
use domain::{LoadBalancerArn, Timestamp};

use super::names;
use crate::call::Call;
use crate::certificates::Facts;

/// `DescribeCertificate`.
///
/// # Errors
/// ResourceNotFoundException, ValidationException.
pub async fn describe_certificate(
    call: Call<acm::DescribeCertificate>,
) -> Result<acm::DescribeCertificateOutput, Error> {
    let (scope, arn) = (call.scope(), &call.input().certificate_arn);
    let (certificate, users) = call.access().store().read(|state| {
        let it = names::require(state, scope, arn)?;
        let users = state.load_balancers_with(&it.arn);
        Ok::<_, Error>((it.clone(), users))
    })?;
    let public = |it: &LoadBalancerArn| ClassicLoadBalancer::public_arn(it).unwrap_or_else(|| it.to_string());
    let in_use_by = users.iter().map(public).collect();
    Ok(acm::DescribeCertificateOutput {
        certificate: Some(detail(&certificate, in_use_by, call.now())),
    })
}

fn detail(it: &Certificate, in_use_by: Vec<String>, now: Timestamp) -> acm::CertificateDetail {
    let detail = acm::CertificateDetail {
        certificate_arn: Some(it.arn.to_string()),
        certificate_key_pair_origin: Some(acm::CertificateKeyPairOrigin::CustomerProvided),
        created_at: Some(it.created_at),
        imported_at: Some(it.imported_at),
        in_use_by: Some(in_use_by),
        options: Some(acm::CertificateOptions {
            certificate_transparency_logging_preference: Some(
                acm::CertificateTransparencyLoggingPreference::Disabled,
            ),
            export: Some(acm::CertificateExport::Disabled),
        }),
        renewal_eligibility: Some(acm::RenewalEligibility::Ineligible),
        r#type: Some(acm::CertificateType::Imported),
        ..acm::CertificateDetail::default()
    };
    // it was read when it was imported
    let Some(facts) = Facts::of_pem(&it.body) else {
        return detail;
    };
    acm::CertificateDetail {
        status: Some(status(&facts, now)),
        key_algorithm: facts.key.as_str().map(acm::KeyAlgorithm::from),
        key_usages: Some(facts.key_usages.iter().map(|name| key_usage(name)).collect()),
        extended_key_usages: Some(
            facts
                .extended_key_usages
                .iter()
                .map(|(name, oid)| acm::ExtendedKeyUsage {
                    name: Some(acm::ExtendedKeyUsageName::from(*name)),
                    oid: Some(oid.clone()),
                })
                .collect(),
        ),
        domain_name: facts.domain_name,
        subject_alternative_names: Some(facts.names).filter(|it| !it.is_empty()),
        issuer: Some(facts.issuer),
        subject: Some(facts.subject),
        serial: Some(facts.serial),
        not_before: Some(facts.not_before),
        not_after: Some(facts.not_after),
        signature_algorithm: Some(facts.signature_algorithm),
        ..detail
    }
}

fn key_usage(name: &str) -> acm::KeyUsage {
    acm::KeyUsage {
        name: Some(acm::KeyUsageName::from(name)),
    }
}

/// ISSUED until it has expired.
pub fn status(facts: &Facts, now: Timestamp) -> acm::CertificateStatus {
    match facts.not_after < now {
        true => acm::CertificateStatus::Expired,
        false => acm::CertificateStatus::Issued,
    }
}

/// `GetCertificate`: the certificate and its chain as they were imported, never the key.
///
/// # Errors
/// ResourceNotFoundException, ValidationException.
pub async fn get_certificate(call: Call<acm::GetCertificate>) -> Result<acm::GetCertificateOutput, Error> {
    let (scope, arn) = (call.scope(), &call.input().certificate_arn);
    let found = call
        .access()
        .store()
        .read(|state| names::require(state, scope, arn).cloned())?;
    Ok(acm::GetCertificateOutput {
        certificate: Some(found.body.clone()),
        certificate_chain: found.chain.clone(),
    })
}
