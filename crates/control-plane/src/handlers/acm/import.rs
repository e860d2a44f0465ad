//! ImportCertificate, also anew under the ARN of one that is there.

use api::acm::{self, Error};
use domain::certificate::Certificate;
use domain::tags::Pair;
use domain::{CertificateArn, Scope, Timestamp};
use store::Tx;
use wire::shape::Blob;

use super::errors::{from_store, from_vault, length, not_found, too_many, validation};
use super::{names, tags};
use crate::call::Call;
use crate::certificates::{Facts, Import, Refusal, check, continues};
use crate::vault::Vault;

/// Most certificates of an account in a region.
pub const CERTIFICATES_MAX: usize = 2500;
/// Longest certificate, chain and key, in bytes.
const BODY_MAX: usize = 32_768;
const CHAIN_MAX: usize = 2_097_152;
const KEY_MAX: usize = 5_120;

/// What is to be imported, checked. It has no `Debug`: the key is in the clear.
struct New {
    body: String,
    chain: Option<String>,
    key: String,
    facts: Facts,
    tags: Vec<Pair>,
}

/// `ImportCertificate`.
///
/// # Errors
/// ValidationException, ResourceNotFoundException, LimitExceededException, InvalidTagException, TooManyTagsException.
pub async fn import_certificate(
    call: Call<acm::ImportCertificate>,
) -> Result<acm::ImportCertificateOutput, Error> {
    let (scope, input) = (call.scope().clone(), call.input());
    let again = input.certificate_arn.clone();
    let new = read(input, call.now())?;
    let vault = call.access().values().clone();
    let imported = call.access().store().transact(move |tx| match again {
        Some(arn) => replace(tx, &vault, &scope, &arn, new),
        None => add(tx, &vault, &scope, new),
    });
    let arn = imported.await.map_err(from_store)?;
    Ok(acm::ImportCertificateOutput {
        certificate_arn: Some(arn.to_string()),
    })
}

fn read(input: &acm::ImportCertificateInput, now: Timestamp) -> Result<New, Error> {
    let body = text(&input.certificate, "certificate", BODY_MAX)?;
    let key = text(&input.private_key, "privateKey", KEY_MAX)?;
    let chain = input.certificate_chain.as_ref();
    let chain = chain
        .map(|it| text(it, "certificateChain", CHAIN_MAX))
        .transpose()?;
    let given = input.tags.as_deref().unwrap_or_default();
    if input.certificate_arn.is_some() && !given.is_empty() {
        return Err(validation("Tagging is not permitted on re-import."));
    }
    let tags = tags::read(given)?;
    let import = Import {
        body: &body,
        chain: chain.as_deref(),
        key: &key,
    };
    let facts = check(import, now).map_err(refused)?;
    Ok(New {
        body,
        chain,
        key,
        facts,
        tags,
    })
}

fn refused(refusal: Refusal) -> Error {
    validation(refusal.to_string())
}

/// Bytes that are no text are no PEM either, which is said of them then.
fn text(given: &Blob, member: &str, max: usize) -> Result<String, Error> {
    match given.0.len() {
        0 => Err(length(member, "greater than or equal to 1")),
        it if it > max => Err(length(member, &format!("less than or equal to {max}"))),
        _ => Ok(String::from_utf8_lossy(&given.0).into_owned()),
    }
}

fn add(tx: &mut Tx<'_>, vault: &Vault, scope: &Scope, new: New) -> Result<CertificateArn, Error> {
    if tx.state().certificates(scope).count() >= CERTIFICATES_MAX {
        return Err(too_many());
    }
    let arn = CertificateArn::new(scope, &[&tx.ids().uuid()]);
    let now = now(tx);
    let certificate = Certificate {
        key: seal(vault, &arn, &new.key)?,
        arn: arn.clone(),
        body: new.body,
        chain: new.chain,
        created_at: now,
        imported_at: now,
        tags: new.tags,
    };
    tx.put(certificate);
    Ok(arn)
}

fn replace(
    tx: &mut Tx<'_>,
    vault: &Vault,
    scope: &Scope,
    arn: &str,
    new: New,
) -> Result<CertificateArn, Error> {
    let mut certificate = Certificate::clone(names::require(tx.state(), scope, arn)?);
    let before = Facts::of_pem(&certificate.body).ok_or_else(|| not_found(arn, scope))?;
    continues(&before, &new.facts).map_err(refused)?;
    certificate.key = seal(vault, &certificate.arn, &new.key)?;
    certificate.body = new.body;
    certificate.chain = new.chain;
    certificate.imported_at = now(tx);
    let arn = certificate.arn.clone();
    tx.put(certificate);
    Ok(arn)
}

fn seal(vault: &Vault, arn: &CertificateArn, key: &str) -> Result<domain::sealed::Sealed, Error> {
    let sealed = vault.seal(&Certificate::place(arn), key.as_bytes());
    sealed.map_err(from_vault)
}

/// The time of a transaction, as the wire can say it.
fn now(tx: &Tx<'_>) -> Timestamp {
    Timestamp::from_millisecond(tx.now().as_millisecond()).unwrap_or_else(|_| tx.now())
}
