//! Certificates that listeners of load balancers may show: those that Certificate Manager has.

use domain::certificate::Certificate;
use domain::{CertificateArn, Scope};
use store::State;

use crate::certificates::Facts;

/// Why a listener cannot show a certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CertificateRefusal {
    /// There is none of that ARN in this scope.
    NotFound,
    /// It would be a server certificate of IAM, which there are none of.
    OfIam,
    /// It has no name that a client could ask for.
    Nameless,
}

/// The ARN of a certificate that a listener may show.
///
/// # Errors
/// See [`CertificateRefusal`].
pub fn listener_certificate(state: &State, scope: &Scope, arn: &str) -> Result<String, CertificateRefusal> {
    if arn.starts_with("arn:aws:iam:") {
        return Err(CertificateRefusal::OfIam);
    }
    let parsed = CertificateArn::parse(arn).ok();
    let parsed = parsed.filter(|it| it.scope() == *scope);
    let found = parsed.and_then(|it| state.get::<Certificate>(&it));
    let found = found.ok_or(CertificateRefusal::NotFound)?;
    // one that has no such name cannot be found by a client
    let is_full = |it: &String| it.trim_end_matches('.').contains('.');
    let facts = Facts::of_pem(&found.body).filter(|it| it.names.iter().any(is_full));
    match facts {
        Some(_) => Ok(found.arn.to_string()),
        None => Err(CertificateRefusal::Nameless),
    }
}
