//! Security policies of listeners, and DescribeSSLPolicies.
//!
//! <https://docs.aws.amazon.com/elasticloadbalancing/latest/application/describe-ssl-policies.html>

use api::elbv2::{self, Error};

use super::errors::no_ssl_policy;
use super::paging::{Wanted, cut};
use crate::call::Call;

/// That of a listener that names none.
pub const DEFAULT: &str = "ELBSecurityPolicy-2016-08";

/// Ciphers of TLS 1.3.
const TLS_13: &[&str] = &[
    "TLS_AES_128_GCM_SHA256",
    "TLS_AES_256_GCM_SHA384",
    "TLS_CHACHA20_POLY1305_SHA256",
];
/// With forward secrecy, authenticated.
const FORWARD_GCM: &[&str] = &[
    "ECDHE-ECDSA-AES128-GCM-SHA256",
    "ECDHE-RSA-AES128-GCM-SHA256",
    "ECDHE-ECDSA-AES256-GCM-SHA384",
    "ECDHE-RSA-AES256-GCM-SHA384",
];
/// With forward secrecy.
const FORWARD_CBC: &[&str] = &[
    "ECDHE-ECDSA-AES128-SHA256",
    "ECDHE-RSA-AES128-SHA256",
    "ECDHE-ECDSA-AES256-SHA384",
    "ECDHE-RSA-AES256-SHA384",
];
/// With forward secrecy, for old clients.
const FORWARD_SHA1: &[&str] = &[
    "ECDHE-ECDSA-AES128-SHA",
    "ECDHE-RSA-AES128-SHA",
    "ECDHE-ECDSA-AES256-SHA",
    "ECDHE-RSA-AES256-SHA",
];
/// Without forward secrecy.
const PLAIN: &[&str] = &[
    "AES128-GCM-SHA256",
    "AES128-SHA256",
    "AES256-GCM-SHA384",
    "AES256-SHA256",
];
/// Without forward secrecy, for old clients.
const PLAIN_SHA1: &[&str] = &["AES128-SHA", "AES256-SHA"];

const SINCE_10: &[&str] = &["TLSv1", "TLSv1.1", "TLSv1.2"];
const SINCE_11: &[&str] = &["TLSv1.1", "TLSv1.2"];
const ONLY_12: &[&str] = &["TLSv1.2"];
const SINCE_12: &[&str] = &["TLSv1.2", "TLSv1.3"];
const SINCE_11_TO_13: &[&str] = &["TLSv1.1", "TLSv1.2", "TLSv1.3"];
const SINCE_10_TO_13: &[&str] = &["TLSv1", "TLSv1.1", "TLSv1.2", "TLSv1.3"];
const ONLY_13: &[&str] = &["TLSv1.3"];

/// Name, versions of TLS, and ciphers, the preferred ones first.
type Policy = (
    &'static str,
    &'static [&'static str],
    &'static [&'static [&'static str]],
);

const POLICIES: [Policy; 13] = [
    (
        DEFAULT,
        SINCE_10,
        &[FORWARD_GCM, FORWARD_CBC, FORWARD_SHA1, PLAIN, PLAIN_SHA1],
    ),
    ("ELBSecurityPolicy-FS-1-2-Res-2020-10", ONLY_12, &[FORWARD_GCM]),
    (
        "ELBSecurityPolicy-TLS-1-1-2017-01",
        SINCE_11,
        &[FORWARD_GCM, FORWARD_CBC, FORWARD_SHA1, PLAIN, PLAIN_SHA1],
    ),
    (
        "ELBSecurityPolicy-TLS-1-2-2017-01",
        ONLY_12,
        &[FORWARD_GCM, FORWARD_CBC, PLAIN],
    ),
    (
        "ELBSecurityPolicy-TLS-1-2-Ext-2018-06",
        ONLY_12,
        &[FORWARD_GCM, FORWARD_CBC, FORWARD_SHA1, PLAIN, PLAIN_SHA1],
    ),
    (
        "ELBSecurityPolicy-TLS13-1-0-2021-06",
        SINCE_10_TO_13,
        &[TLS_13, FORWARD_GCM, FORWARD_CBC, FORWARD_SHA1, PLAIN, PLAIN_SHA1],
    ),
    (
        "ELBSecurityPolicy-TLS13-1-1-2021-06",
        SINCE_11_TO_13,
        &[TLS_13, FORWARD_GCM, FORWARD_CBC, FORWARD_SHA1, PLAIN, PLAIN_SHA1],
    ),
    (
        "ELBSecurityPolicy-TLS13-1-2-2021-06",
        SINCE_12,
        &[TLS_13, FORWARD_GCM, FORWARD_CBC],
    ),
    (
        "ELBSecurityPolicy-TLS13-1-2-Ext1-2021-06",
        SINCE_12,
        &[TLS_13, FORWARD_GCM, FORWARD_CBC, PLAIN],
    ),
    (
        "ELBSecurityPolicy-TLS13-1-2-Ext2-2021-06",
        SINCE_12,
        &[TLS_13, FORWARD_GCM, FORWARD_CBC, FORWARD_SHA1, PLAIN, PLAIN_SHA1],
    ),
    (
        "ELBSecurityPolicy-TLS13-1-2-Res-2021-06",
        SINCE_12,
        &[TLS_13, FORWARD_GCM],
    ),
    ("ELBSecurityPolicy-TLS13-1-3-2021-06", ONLY_13, &[TLS_13]),
    (
        "ELBSecurityPolicy-FS-1-2-2019-08",
        ONLY_12,
        &[FORWARD_GCM, FORWARD_CBC, FORWARD_SHA1],
    ),
];

/// The name of a policy that is there.
///
/// # Errors
/// SSLPolicyNotFound.
pub fn require(name: &str) -> Result<&'static str, Error> {
    let found = POLICIES.iter().find(|(it, ..)| *it == name);
    found.map(|(name, ..)| *name).ok_or_else(|| no_ssl_policy(name))
}

/// `DescribeSSLPolicies`: all, or those of the names given; each goes with both kinds of load balancer.
///
/// # Errors
/// SSLPolicyNotFound, ValidationError.
pub async fn describe_ssl_policies(
    call: Call<elbv2::DescribeSSLPolicies>,
) -> Result<elbv2::DescribeSSLPoliciesOutput, Error> {
    let input = call.input();
    let names = input.names.as_deref().unwrap_or_default();
    for name in names {
        require(name)?;
    }
    let wanted = Wanted {
        listing: &format!("SSL policies {names:?}"),
        marker: input.marker.as_deref(),
        page_size: input.page_size,
    };
    let is_wanted = |name: &str| names.is_empty() || names.iter().any(|it| it == name);
    let mut found: Vec<(String, elbv2::SslPolicy)> = POLICIES
        .iter()
        .filter(|(name, ..)| is_wanted(name))
        .map(|it| (it.0.to_owned(), rendered(it)))
        .collect();
    found.sort_by(|left, right| left.0.cmp(&right.0));
    let (policies, next_marker) = cut(call.access(), &wanted, found)?;
    Ok(elbv2::DescribeSSLPoliciesOutput {
        next_marker,
        ssl_policies: Some(policies),
    })
}

fn rendered((name, versions, ciphers): &Policy) -> elbv2::SslPolicy {
    let ciphers = ciphers.iter().flat_map(|it| it.iter()).zip(1..);
    let text = |it: &&str| (*it).to_owned();
    elbv2::SslPolicy {
        ciphers: Some(
            ciphers
                .map(|(name, priority)| elbv2::Cipher {
                    name: Some(text(name)),
                    priority: Some(priority),
                })
                .collect(),
        ),
        name: Some(text(name)),
        ssl_protocols: Some(versions.iter().map(text).collect()),
        supported_load_balancer_types: Some(["application", "network"].iter().map(text).collect()),
    }
}
