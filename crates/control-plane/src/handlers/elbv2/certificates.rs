//! Certificates of listeners: those that Certificate Manager has.

use api::elbv2::{self, Error};
use domain::Scope;
use domain::listener::Listener;
use store::State;

use super::errors::{
    from_store, no_certificate, no_server_certificate, not_permitted, unsupported_certificate, validation,
};
use super::limits::CERTIFICATES_MAX;
use super::paging::{Wanted, cut};
use super::{names, render};
use crate::call::Call;
use crate::handlers::listener_certificates::{CertificateRefusal, listener_certificate};

/// The ARN of a certificate that is there.
///
/// # Errors
/// CertificateNotFound, UnsupportedCertificate, ValidationError.
pub fn require(state: &State, scope: &Scope, given: &elbv2::Certificate) -> Result<String, Error> {
    if given.is_default.is_some() {
        return Err(validation(
            "You cannot set the isDefault parameter for a certificate",
        ));
    }
    let arn = match given.certificate_arn.as_deref() {
        None | Some("") => return Err(validation("A certificate ARN must be specified")),
        Some(arn) => arn,
    };
    listener_certificate(state, scope, arn).map_err(|refusal| match refusal {
        CertificateRefusal::NotFound => no_certificate(arn),
        CertificateRefusal::OfIam => no_server_certificate(arn),
        CertificateRefusal::Nameless => unsupported_certificate(arn),
    })
}

fn check_encrypted(it: &Listener) -> Result<(), Error> {
    match it.protocol.is_encrypted() {
        true => Ok(()),
        false => Err(not_permitted(format!(
            "Certificates are not supported for {} listeners",
            it.protocol.as_str()
        ))),
    }
}

/// `AddListenerCertificates`.
///
/// # Errors
/// ListenerNotFound, CertificateNotFound, TooManyCertificates, OperationNotPermitted, ValidationError.
pub async fn add_listener_certificates(
    call: Call<elbv2::AddListenerCertificates>,
) -> Result<elbv2::AddListenerCertificatesOutput, Error> {
    let (scope, input) = (call.scope().clone(), call.input().clone());
    let added = call.access().store().transact(move |tx| {
        let found = names::listener(tx.state(), &scope, &input.listener_arn)?;
        check_encrypted(&found)?;
        let mut it = Listener::clone(&found);
        let given = input.certificates.iter();
        let given = given.map(|it| require(tx.state(), &scope, it));
        let given = given.collect::<Result<Vec<_>, _>>()?;
        for arn in &given {
            if !it.certificate_list().contains(arn) {
                it.certificates.push(arn.clone());
            }
        }
        if it.certificate_list().len() > CERTIFICATES_MAX {
            return Err(Error::TooManyCertificatesException(
                elbv2::TooManyCertificatesException {
                    message: Some(format!(
                        "A listener can have at most {CERTIFICATES_MAX} certificates"
                    )),
                },
            ));
        }
        tx.put(it);
        Ok(given)
    });
    let added = added.await.map_err(from_store)?;
    Ok(elbv2::AddListenerCertificatesOutput {
        certificates: Some(
            added
                .iter()
                .map(|it| render::certificate(it, Some(false)))
                .collect(),
        ),
    })
}

/// `RemoveListenerCertificates`: out of the list. The default one stays, whether it was in the list too or not.
///
/// # Errors
/// ListenerNotFound, OperationNotPermitted.
pub async fn remove_listener_certificates(
    call: Call<elbv2::RemoveListenerCertificates>,
) -> Result<elbv2::RemoveListenerCertificatesOutput, Error> {
    let (scope, input) = (call.scope().clone(), call.input().clone());
    let removed = call.access().store().transact(move |tx| {
        let found = names::listener(tx.state(), &scope, &input.listener_arn)?;
        check_encrypted(&found)?;
        let given = input.certificates.iter();
        let given: Vec<&String> = given.filter_map(|it| it.certificate_arn.as_ref()).collect();
        let is_default = |arn: &&&String| found.default_certificate() == Some(**arn);
        let mut defaults = given.iter().filter(is_default);
        if defaults.any(|arn| !found.certificate_list().contains(arn)) {
            return Err(not_permitted("Default certificate cannot be removed"));
        }
        let kept = found.certificate_list().iter().filter(|it| !given.contains(it));
        tx.put(Listener {
            certificates: found
                .default_certificate()
                .into_iter()
                .chain(kept)
                .cloned()
                .collect(),
            ..Listener::clone(&found)
        });
        Ok(())
    });
    removed.await.map_err(from_store)?;
    Ok(elbv2::RemoveListenerCertificatesOutput {})
}

/// `DescribeListenerCertificates`: the default one is first, and comes again where it is in the list.
///
/// # Errors
/// ListenerNotFound, ValidationError.
pub async fn describe_listener_certificates(
    call: Call<elbv2::DescribeListenerCertificates>,
) -> Result<elbv2::DescribeListenerCertificatesOutput, Error> {
    let (scope, input) = (call.scope(), call.input());
    let it = call
        .access()
        .store()
        .read(|state| names::listener(state, scope, &input.listener_arn))?;
    let wanted = Wanted {
        listing: &format!("certificates {}", it.arn),
        marker: input.marker.as_deref(),
        page_size: input.page_size,
    };
    let all = it.certificates.iter().enumerate();
    let all = all.map(|(at, arn)| (format!("{at:04}"), render::certificate(arn, Some(at == 0))));
    let (certificates, next_marker) = cut(call.access(), &wanted, all.collect())?;
    Ok(elbv2::DescribeListenerCertificatesOutput {
        certificates: Some(certificates),
        next_marker,
    })
}
