//! ARNs of certificates.

use super::{Arn, Resource};

/// `certificate/<UUID>`
pub type CertificateArn = Arn<Certificate>;

/// See [`CertificateArn`].
pub enum Certificate {}

impl Resource for Certificate {
    const SERVICE: &'static str = "acm";
    const WORD: &'static str = "certificate";
    const PARTS: std::ops::RangeInclusive<usize> = 1..=1;
}
