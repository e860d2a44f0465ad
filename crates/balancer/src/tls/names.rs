//! Which certificate a client is shown.

use std::collections::HashMap;
use std::sync::Arc;

use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;

/// Certificates by the names that they cover.
pub(super) struct ByName {
    default: Arc<CertifiedKey>,
    /// Names in lower case; the star of a wildcard stands for the first label.
    names: HashMap<String, Vec<Arc<CertifiedKey>>>,
}

impl ByName {
    /// The first is shown where none covers the name; none of none.
    pub(super) fn new(keys: Vec<Arc<CertifiedKey>>) -> Option<Self> {
        let default = keys.first()?.clone();
        let mut names: HashMap<String, Vec<_>> = HashMap::new();
        for key in keys {
            for name in covered(&key) {
                names.entry(name).or_default().push(key.clone());
            }
        }
        Some(Self { default, names })
    }

    fn find(&self, name: &str) -> &[Arc<CertifiedKey>] {
        let name = name.to_ascii_lowercase();
        if let Some(keys) = self.names.get(&name) {
            return keys;
        }
        let wildcard = name.split_once('.').map(|(_, rest)| format!("*.{rest}"));
        wildcard
            .and_then(|it| self.names.get(&it))
            .map_or(&[], Vec::as_slice)
    }
}

/// The DNS names of a certificate.
fn covered(key: &CertifiedKey) -> Vec<String> {
    let Ok(leaf) = key.end_entity_cert() else {
        return Vec::new();
    };
    webpki::EndEntityCert::try_from(leaf)
        .map(|it| it.valid_dns_names().map(str::to_ascii_lowercase).collect())
        .unwrap_or_default()
}

impl ResolvesServerCert for ByName {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        let fitting = hello.server_name().map_or(&[][..], |it| self.find(it));
        // of several that cover the name, one whose key the client can check
        let usable = fitting
            .iter()
            .find(|it| it.key.choose_scheme(hello.signature_schemes()).is_some());
        Some(usable.or(fitting.first()).unwrap_or(&self.default).clone())
    }
}

impl std::fmt::Debug for ByName {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ByName")
            .field("names", &self.names.len())
            .finish_non_exhaustive()
    }
}
