//! Security policies of listeners: which versions of TLS are spoken, with which ciphers.
//!
//! <https://docs.aws.amazon.com/elasticloadbalancing/latest/application/describe-ssl-policies.html>

#[cfg(test)]
mod tests;

/// A security policy that Amazon has defined.
#[derive(Debug, PartialEq, Eq)]
pub struct SslPolicy {
    /// For example `ELBSecurityPolicy-2016-08`.
    pub name: &'static str,
    /// `TLSv1.2`; the oldest first.
    pub versions: &'static [&'static str],
    /// Names as OpenSSL has them, in groups; the preferred ones first.
    ciphers: &'static [&'static [&'static str]],
}

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

const fn policy(
    name: &'static str,
    versions: &'static [&'static str],
    ciphers: &'static [&'static [&'static str]],
) -> SslPolicy {
    SslPolicy {
        name,
        versions,
        ciphers,
    }
}

/// All that are known. Those that ask for FIPS or post-quantum key exchange are not: nothing here does either.
static POLICIES: [SslPolicy; 16] = [
    policy(
        SslPolicy::DEFAULT,
        SINCE_10,
        &[FORWARD_GCM, FORWARD_CBC, FORWARD_SHA1, PLAIN, PLAIN_SHA1],
    ),
    policy("ELBSecurityPolicy-FS-1-2-Res-2020-10", ONLY_12, &[FORWARD_GCM]),
    policy(
        "ELBSecurityPolicy-TLS-1-1-2017-01",
        SINCE_11,
        &[FORWARD_GCM, FORWARD_CBC, FORWARD_SHA1, PLAIN, PLAIN_SHA1],
    ),
    policy(
        "ELBSecurityPolicy-TLS-1-2-2017-01",
        ONLY_12,
        &[FORWARD_GCM, FORWARD_CBC, PLAIN],
    ),
    policy(
        "ELBSecurityPolicy-TLS-1-2-Ext-2018-06",
        ONLY_12,
        &[FORWARD_GCM, FORWARD_CBC, FORWARD_SHA1, PLAIN, PLAIN_SHA1],
    ),
    policy(
        "ELBSecurityPolicy-TLS13-1-0-2021-06",
        SINCE_10_TO_13,
        &[TLS_13, FORWARD_GCM, FORWARD_CBC, FORWARD_SHA1, PLAIN, PLAIN_SHA1],
    ),
    policy(
        "ELBSecurityPolicy-TLS13-1-1-2021-06",
        SINCE_11_TO_13,
        &[TLS_13, FORWARD_GCM, FORWARD_CBC, FORWARD_SHA1, PLAIN, PLAIN_SHA1],
    ),
    policy(
        "ELBSecurityPolicy-TLS13-1-2-2021-06",
        SINCE_12,
        &[TLS_13, FORWARD_GCM, FORWARD_CBC],
    ),
    policy(
        "ELBSecurityPolicy-TLS13-1-2-Ext1-2021-06",
        SINCE_12,
        &[TLS_13, FORWARD_GCM, FORWARD_CBC, PLAIN],
    ),
    policy(
        "ELBSecurityPolicy-TLS13-1-2-Ext2-2021-06",
        SINCE_12,
        &[TLS_13, FORWARD_GCM, FORWARD_CBC, FORWARD_SHA1, PLAIN, PLAIN_SHA1],
    ),
    policy(
        "ELBSecurityPolicy-TLS13-1-2-Res-2021-06",
        SINCE_12,
        &[TLS_13, FORWARD_GCM],
    ),
    policy("ELBSecurityPolicy-TLS13-1-3-2021-06", ONLY_13, &[TLS_13]),
    policy(
        "ELBSecurityPolicy-FS-1-2-2019-08",
        ONLY_12,
        &[FORWARD_GCM, FORWARD_CBC, FORWARD_SHA1],
    ),
    policy(
        "ELBSecurityPolicy-FS-1-2-Res-2019-08",
        ONLY_12,
        &[FORWARD_GCM, FORWARD_CBC],
    ),
    policy(
        "ELBSecurityPolicy-FS-1-1-2019-08",
        SINCE_11,
        &[FORWARD_GCM, FORWARD_CBC, FORWARD_SHA1],
    ),
    policy(
        "ELBSecurityPolicy-FS-2018-06",
        SINCE_10,
        &[FORWARD_GCM, FORWARD_CBC, FORWARD_SHA1],
    ),
];

impl SslPolicy {
    /// That of a listener that names none.
    pub const DEFAULT: &'static str = "ELBSecurityPolicy-2016-08";

    /// The policy called [`SslPolicy::DEFAULT`].
    pub fn usual() -> &'static Self {
        &POLICIES[0]
    }

    /// All of them.
    pub fn all() -> &'static [Self] {
        &POLICIES
    }

    /// The policy of that name.
    pub fn find(name: &str) -> Option<&'static Self> {
        POLICIES.iter().find(|it| it.name == name)
    }

    /// Its ciphers as OpenSSL names them, the preferred ones first.
    pub fn ciphers(&self) -> impl Iterator<Item = &'static str> + use<> {
        self.ciphers.iter().flat_map(|it| it.iter().copied())
    }
}
