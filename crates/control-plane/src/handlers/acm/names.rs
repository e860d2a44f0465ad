//! How callers refer to certificates.

use std::sync::Arc;

use api::acm::Error;
use domain::certificate::Certificate;
use domain::{CertificateArn, Scope};
use store::State;

use super::errors::{constraint, not_found};

/// Shortest and longest ARN.
const LENGTH: std::ops::RangeInclusive<usize> = 20..=2048;

/// The certificate of an ARN.
///
/// # Errors
/// ValidationException of what is no ARN, ResourceNotFoundException.
pub fn require<'s>(state: &'s State, scope: &Scope, arn: &str) -> Result<&'s Arc<Certificate>, Error> {
    check(arn)?;
    let parsed = CertificateArn::parse(arn).ok();
    let parsed = parsed.filter(|it| it.scope() == *scope);
    let found = parsed.and_then(|it| state.get::<Certificate>(&it));
    found.ok_or_else(|| not_found(arn, scope))
}

fn check(arn: &str) -> Result<(), Error> {
    let broken = |rule: &str| Err(constraint(arn, "certificateArn", rule));
    if arn.len() < *LENGTH.start() {
        return broken("Member must have length greater than or equal to 20");
    }
    if arn.len() > *LENGTH.end() {
        return broken("Member must have length less than or equal to 2048");
    }
    if arn.split(':').count() < 6 || !arn.starts_with("arn:") || arn.split(':').nth(2) != Some("acm") {
        return broken(
            r"Member must satisfy regular expression pattern: arn:[\w+=/,.@-]+:acm:[\w+=/,.@-]*:[0-9]+:[\w+=,.@-]+(/[\w+=,.@-]+)*",
        );
    }
    Ok(())
}
