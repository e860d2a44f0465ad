//! Which certificate a client is shown.

use std::collections::HashMap;
use std::sync::Arc;

use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;

/// A certificate and its ARN.
type Named = (Arc<str>, Arc<CertifiedKey>);

/// Certificates by the names that they cover.
pub(super) struct ByName {
    default: Named,
    /// Names in lower case; the star of a wildcard stands for the first label.
    names: HashMap<String, Vec<Named>>,
}

impl ByName {
    /// The first is shown where none covers the name; none of none.
    pub(super) fn new(keys: Vec<Named>) -> Option<Self> {
        let default = keys.first()?.clone();
        let mut names: HashMap<String, Vec<_>> = HashMap::new();
        for key in keys {
            for name in covered(&key.1) {
                names.entry(name).or_default().push(key.clone());
            }
        }
        Some(Self { default, names })
    }

    fn find(&self, name: &str) -> &[Named] {
        let name = name.to_ascii_lowercase();
        if let Some(keys) = self.names.get(&name) {
            return keys;
        }
        let wildcard = name.split_once('.').map(|(_, rest)| format!("*.{rest}"));
        wildcard
            .and_then(|it| self.names.get(&it))
            .map_or(&[], Vec::as_slice)
    }

    /// The ARN of what is shown to a client that asks for this name: of several that cover it, the first.
    pub(super) fn shown(&self, name: Option<&str>) -> Arc<str> {
        let fitting = name.and_then(|it| self.find(it).first());
        fitting.unwrap_or(&self.default).0.clone()
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
            .find(|(_, it)| it.key.choose_scheme(hello.signature_schemes()).is_some());
        let (_, key) = usable.or(fitting.first()).unwrap_or(&self.default);
        Some(key.clone())
    }
}

impl std::fmt::Debug for ByName {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ByName")
            .field("names", &self.names.len())
            .finish_non_exhaustive()
    }
}
