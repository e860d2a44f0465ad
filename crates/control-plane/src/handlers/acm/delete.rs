//! DeleteCertificate.

use api::acm::{self, Error};
use domain::certificate::Certificate;

use super::errors::{from_store, in_use};
use super::names;
use crate::call::Call;

/// `DeleteCertificate`: none that a listener shows.
///
/// # Errors
/// ResourceNotFoundException, ResourceInUseException, ValidationException.
pub async fn delete_certificate(
    call: Call<acm::DeleteCertificate>,
) -> Result<acm::DeleteCertificateOutput, Error> {
    let (scope, arn) = (call.scope().clone(), call.input().certificate_arn.clone());
    let deleted = call.access().store().transact(move |tx| {
        let arn = names::require(tx.state(), &scope, &arn)?.arn.clone();
        if !tx.state().load_balancers_with(&arn).is_empty() {
            return Err(in_use(&arn));
        }
        tx.delete::<Certificate>(&arn);
        Ok(())
    });
    deleted.await.map_err(from_store)?;
    Ok(acm::DeleteCertificateOutput {})
}
