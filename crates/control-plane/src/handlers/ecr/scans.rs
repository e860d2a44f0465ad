//! Scans of images. No database of vulnerabilities is consulted, and every answer with findings says so.

use std::collections::BTreeMap;

use api::ecr;
use domain::Timestamp;
use domain::repository::{ImageScan, RepositoryImage, RepositoryKey, ScanOutcome, ScannedPackage};
use orchestrator::transitions::{self, ImageNameRefusal, ScanRefusal};

use super::errors::{from_store, image_not_found, invalid_parameter, repository_not_found};
use super::images::{described, identifier, name};
use super::{listing, names};
use crate::call::Call;
use crate::registry;

#[cfg(test)]
mod tests;

/// Said with each complete scan, after Amazon's words.
const COMPLETE: &str = "The scan was completed successfully. No vulnerability database was consulted: the findings are \
                        the packages that are installed in the image.";
const LOST: &str = "The scan was interrupted. Start it again.";

/// `StartImageScan`: once a day for each image.
///
/// # Errors
/// RepositoryNotFoundException, ImageNotFoundException, InvalidParameterException, LimitExceededException;
/// UnsupportedImageTypeException for an index of images.
pub async fn start_image_scan(
    call: Call<ecr::StartImageScan>,
) -> Result<ecr::StartImageScanOutput, ecr::Error> {
    let input = call.input();
    let key = names::repository(&call, input.registry_id.as_deref(), &input.repository_name)?;
    let (at, wanted) = (key.clone(), name(&input.image_id));
    let access = call.access();
    let begun = access
        .store()
        .transact(move |tx| transitions::begin_scan(tx, &at, &wanted));
    let image = begun
        .await
        .map_err(|error| from_store(error, |refusal| refused(refusal, &key, &input.image_id)))?;
    let tag = input.image_id.image_tag.as_deref();
    let output = ecr::StartImageScanOutput {
        image_id: Some(identifier(&image.digest, tag)),
        image_scan_status: image.scan.as_ref().map(|it| status(it, call.now())),
        registry_id: Some(key.scope.account.clone()),
        repository_name: Some(key.name),
    };
    registry::scan(access.registry(), access.store(), image);
    Ok(output)
}

fn refused(refusal: ScanRefusal, key: &RepositoryKey, id: &ecr::ImageIdentifier) -> ecr::Error {
    match refusal {
        ScanRefusal::RepositoryNotFound => repository_not_found(key),
        ScanRefusal::Name(ImageNameRefusal::Missing) => {
            invalid_parameter("imageId", "both tag and digest cannot be null")
        }
        ScanRefusal::Name(_) => image_not_found(key, id),
        ScanRefusal::IsIndex => ecr::Error::UnsupportedImageTypeException(ecr::UnsupportedImageTypeException {
            message: Some(
                "The image is of a type that cannot be scanned: it is an index; scan the images that it names."
                    .to_owned(),
            ),
        }),
        ScanRefusal::TooSoon => ecr::Error::LimitExceededException(ecr::LimitExceededException {
            message: Some(
                "The scan quota per image has been exceeded. Wait and try again: an image is scanned once in 24 hours."
                    .to_owned(),
            ),
        }),
    }
}

/// `DescribeImageScanFindings`: the packages of an image, page by page.
///
/// # Errors
/// RepositoryNotFoundException, ImageNotFoundException, ScanNotFoundException, InvalidParameterException.
pub async fn describe_image_scan_findings(
    call: Call<ecr::DescribeImageScanFindings>,
) -> Result<ecr::DescribeImageScanFindingsOutput, ecr::Error> {
    let input = call.input();
    let key = names::repository(&call, input.registry_id.as_deref(), &input.repository_name)?;
    let image = call.access().store().read(|state| {
        names::found(state, &key)?;
        described(state, &key, &input.image_id).cloned()
    })?;
    let scan = image.scan.as_ref();
    let scan = scan.ok_or_else(|| scan_not_found(&image, input.image_id.image_tag.as_deref()))?;
    let (findings, next_token) = match &scan.outcome {
        ScanOutcome::Complete { packages, .. } => {
            let items = packages
                .iter()
                .map(|it| (format!("{} {}", it.name, it.version), finding(it)));
            let listing = format!("findings {} {} {}", key.name, image.digest, scan.started_at);
            let (page_key, next_token) = (call.access().page_key(), input.next_token.as_deref());
            let (page, next_token) = listing::list(page_key, input.max_results, next_token, &listing, items)?;
            (Some(page), next_token)
        }
        ScanOutcome::InProgress | ScanOutcome::Failed { .. } => (None, None),
    };
    let summary = summary(scan);
    Ok(ecr::DescribeImageScanFindingsOutput {
        image_id: Some(identifier(&image.digest, input.image_id.image_tag.as_deref())),
        image_scan_findings: summary.map(|summary| ecr::ImageScanFindings {
            finding_severity_counts: summary.finding_severity_counts,
            findings,
            image_scan_completed_at: summary.image_scan_completed_at,
            ..ecr::ImageScanFindings::default()
        }),
        image_scan_status: Some(status(scan, call.now())),
        next_token,
        registry_id: Some(key.scope.account.clone()),
        repository_name: Some(key.name),
    })
}

fn scan_not_found(image: &RepositoryImage, tag: Option<&str>) -> ecr::Error {
    let key = &image.repository;
    let message = format!(
        "Image scan does not exist for the image with '{{imageDigest:'{}', imageTag:'{}'}}' in the repository with name \
         '{}' in the registry with id '{}'",
        image.digest,
        tag.unwrap_or("null"),
        key.name,
        key.scope.account
    );
    ecr::Error::ScanNotFoundException(ecr::ScanNotFoundException {
        message: Some(message),
    })
}

/// A package is no vulnerability, and none may be read out of it.
fn finding(it: &ScannedPackage) -> ecr::ImageScanFinding {
    let attribute = |key: &str, value: &str| ecr::Attribute {
        key: key.to_owned(),
        value: Some(value.to_owned()),
    };
    let (name, version) = (&it.name, &it.version);
    ecr::ImageScanFinding {
        name: Some(format!("{name} {version}")),
        description: Some(format!(
            "{name} {version} is installed. No vulnerability database was consulted: whether it has vulnerabilities is \
             not known."
        )),
        severity: Some(ecr::FindingSeverity::Informational),
        attributes: Some(vec![
            attribute("package_name", name),
            attribute("package_version", version),
        ]),
        ..ecr::ImageScanFinding::default()
    }
}

/// `imageScanStatus`.
pub fn status(scan: &ImageScan, now: Timestamp) -> ecr::ImageScanStatus {
    let (status, description) = match &scan.outcome {
        ScanOutcome::InProgress if scan.is_lost(now) => (ecr::ScanStatus::Failed, Some(LOST)),
        ScanOutcome::InProgress => (ecr::ScanStatus::InProgress, None),
        ScanOutcome::Complete { .. } => (ecr::ScanStatus::Complete, Some(COMPLETE)),
        ScanOutcome::Failed { reason } => (ecr::ScanStatus::Failed, Some(reason.as_str())),
    };
    ecr::ImageScanStatus {
        status: Some(status),
        description: description.map(str::to_owned),
    }
}

/// `imageScanFindingsSummary` of a scan that is complete.
pub fn summary(scan: &ImageScan) -> Option<ecr::ImageScanFindingsSummary> {
    let ScanOutcome::Complete {
        completed_at,
        packages,
    } = &scan.outcome
    else {
        return None;
    };
    let count = i32::try_from(packages.len()).unwrap_or(i32::MAX);
    Some(ecr::ImageScanFindingsSummary {
        finding_severity_counts: Some(BTreeMap::from([("INFORMATIONAL".to_owned(), count)])),
        image_scan_completed_at: Some(*completed_at),
        ..ecr::ImageScanFindingsSummary::default()
    })
}

/// `GetRegistryScanningConfiguration`: each repository decides for itself.
///
/// # Errors
/// None of its own.
pub async fn get_registry_scanning_configuration(
    call: Call<ecr::GetRegistryScanningConfiguration>,
) -> Result<ecr::GetRegistryScanningConfigurationOutput, ecr::Error> {
    Ok(ecr::GetRegistryScanningConfigurationOutput {
        registry_id: Some(call.scope().account.clone()),
        scanning_configuration: Some(ecr::RegistryScanningConfiguration {
            scan_type: Some(ecr::ScanType::Basic),
            rules: Some(Vec::new()),
        }),
    })
}
