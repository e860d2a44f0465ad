//! Operations of Certificate Manager that are refused: nobody here issues certificates.

use api::acm;
use wire::Operation;

use super::super::Routes;
use super::Refused;
use crate::handlers::acm::{denied, invalid_parameter, validation};

/// Why those that issue, renew or revoke are refused.
const ISSUING: &str = "certificates are imported, as there is no authority that issues them";
/// Why those of ACME are refused.
const ACME: &str = "there is no ACME server";
/// Why keys are not given out.
const EXPORT: &str = "the key of an imported certificate cannot be exported";
/// Why nobody is told of certificates that expire.
const EXPIRY: &str = "nothing is told of certificates that expire";
/// Why the newer listing is refused.
const SEARCH: &str = "use ListCertificates";
/// Why options cannot be changed.
const OPTIONS: &str = "an imported certificate has no options";

/// A refusal, by what the model lists for the operation.
#[derive(Clone, Copy)]
enum Acm {
    /// ValidationException.
    Validation(&'static str),
    /// InvalidParameterException.
    InvalidParameter(&'static str),
    /// AccessDeniedException.
    AccessDenied(&'static str),
}

impl Acm {
    fn refused(self) -> Refused {
        let (why, exception) = match self {
            Self::Validation(why) => (why, "ValidationException"),
            Self::InvalidParameter(why) => (why, "InvalidParameterException"),
            Self::AccessDenied(why) => (why, "AccessDeniedException"),
        };
        Refused { why, exception }
    }

    fn error(self) -> acm::Error {
        let message = format!("This operation is not supported: {}.", self.refused().why);
        match self {
            Self::Validation(_) => validation(message),
            Self::InvalidParameter(_) => invalid_parameter(message),
            Self::AccessDenied(_) => denied(message),
        }
    }
}

impl Routes {
    pub(in crate::routes) fn refused_acm(&mut self) {
        self.refuse_acm::<acm::CreateAcmeDomainValidation>(Acm::Validation(ACME));
        self.refuse_acm::<acm::CreateAcmeEndpoint>(Acm::Validation(ACME));
        self.refuse_acm::<acm::CreateAcmeExternalAccountBinding>(Acm::Validation(ACME));
        self.refuse_acm::<acm::DeleteAcmeDomainValidation>(Acm::Validation(ACME));
        self.refuse_acm::<acm::DeleteAcmeEndpoint>(Acm::Validation(ACME));
        self.refuse_acm::<acm::DeleteAcmeExternalAccountBinding>(Acm::Validation(ACME));
        self.refuse_acm::<acm::DescribeAcmeAccount>(Acm::Validation(ACME));
        self.refuse_acm::<acm::DescribeAcmeDomainValidation>(Acm::Validation(ACME));
        self.refuse_acm::<acm::DescribeAcmeEndpoint>(Acm::Validation(ACME));
        self.refuse_acm::<acm::DescribeAcmeExternalAccountBinding>(Acm::Validation(ACME));
        self.refuse_acm::<acm::ExportCertificate>(Acm::Validation(EXPORT));
        self.refuse_acm::<acm::GetAccountConfiguration>(Acm::AccessDenied(EXPIRY));
        self.refuse_acm::<acm::GetAcmeExternalAccountBindingCredentials>(Acm::Validation(ACME));
        self.refuse_acm::<acm::ListAcmeAccounts>(Acm::Validation(ACME));
        self.refuse_acm::<acm::ListAcmeDomainValidations>(Acm::Validation(ACME));
        self.refuse_acm::<acm::ListAcmeEndpoints>(Acm::Validation(ACME));
        self.refuse_acm::<acm::ListAcmeExternalAccountBindings>(Acm::Validation(ACME));
        self.refuse_acm::<acm::PutAccountConfiguration>(Acm::Validation(EXPIRY));
        self.refuse_acm::<acm::RenewCertificate>(Acm::Validation(ISSUING));
        self.refuse_acm::<acm::RequestCertificate>(Acm::InvalidParameter(ISSUING));
        self.refuse_acm::<acm::ResendValidationEmail>(Acm::Validation(ISSUING));
        self.refuse_acm::<acm::RevokeAcmeAccount>(Acm::Validation(ACME));
        self.refuse_acm::<acm::RevokeAcmeExternalAccountBinding>(Acm::Validation(ACME));
        self.refuse_acm::<acm::RevokeCertificate>(Acm::Validation(ISSUING));
        self.refuse_acm::<acm::SearchCertificates>(Acm::Validation(SEARCH));
        self.refuse_acm::<acm::UpdateAcmeDomainValidation>(Acm::Validation(ACME));
        self.refuse_acm::<acm::UpdateAcmeEndpoint>(Acm::Validation(ACME));
        self.refuse_acm::<acm::UpdateCertificateOptions>(Acm::Validation(OPTIONS));
    }

    fn refuse_acm<O: Operation<Error = acm::Error>>(&mut self, refusal: Acm) {
        self.on::<O, _, _>(move |_| async move { Err(refusal.error()) });
        let key = (O::SERVICE.signing_name, O::NAME);
        self.refusals.insert(key, refusal.refused());
    }
}
