//! Registries: over TLS, or in the clear if they are on this host or configured to be.

mod failure;

use std::net::IpAddr;
use std::time::{Duration, Instant};

use bytes::Bytes;
use futures_util::{StreamExt, TryStreamExt, stream::BoxStream};
use oci_client::client::{BlobResponse, Certificate, CertificateEncoding, ClientConfig, ClientProtocol};
use oci_client::errors::OciDistributionError;
use oci_client::manifest::{
    IMAGE_MANIFEST_LIST_MEDIA_TYPE, IMAGE_MANIFEST_MEDIA_TYPE, OCI_IMAGE_INDEX_MEDIA_TYPE,
    OCI_IMAGE_MEDIA_TYPE,
};
use oci_client::secrets::RegistryAuth;
use oci_client::{Client, Reference, RegistryOperation};

pub use self::failure::{Failure, chain};
use super::archive::MAX_DOCUMENT_BYTES;
use super::manifest::{self, Document, Layer};
use super::{ImageError, RegistryCredentials, digest, reference};

/// Longest wait for a connection.
const CONNECT_DEADLINE: Duration = Duration::from_secs(3);
/// Longest silence while a registry answers.
const READ_DEADLINE: Duration = Duration::from_secs(30);
/// Longest time for all that comes before the layers.
const RESOLVE_DEADLINE: Duration = Duration::from_secs(20);
/// How often each thing is tried.
const MAX_ATTEMPTS: u32 = 3;
/// After this time a failure is final: a network that does not answer must not hold a task up for long.
const RETRY_WINDOW: Duration = Duration::from_secs(2);
/// Before the second attempt; twice as long before the third.
const RETRY_PAUSE: Duration = Duration::from_millis(200);
const MANIFEST_TYPES: [&str; 4] = [
    OCI_IMAGE_MEDIA_TYPE,
    OCI_IMAGE_INDEX_MEDIA_TYPE,
    IMAGE_MANIFEST_MEDIA_TYPE,
    IMAGE_MANIFEST_LIST_MEDIA_TYPE,
];

/// What arrives of a layer.
pub type Content = BoxStream<'static, std::io::Result<Bytes>>;

/// How registries are reached.
#[derive(Clone, Debug, Default)]
pub struct Registries {
    /// Spoken to in the clear, beside those of this host: `host` or `host:port`, as in references.
    pub insecure: Vec<String>,
    /// Asked before a registry itself, in this order: the registry and the `host:port` of its mirror.
    pub mirrors: Vec<(String, String)>,
    /// Authorities that are trusted beside those of the host, in PEM.
    pub authorities: Vec<Vec<u8>>,
}

/// Where an image is asked for.
#[derive(Clone, Copy, Debug, Default)]
pub struct Source<'a> {
    /// Instead of the registry in the reference.
    pub registry: Option<&'a str>,
    /// For it.
    pub credentials: Option<&'a RegistryCredentials>,
}

/// An image in its registry, its layers not fetched yet.
pub struct RemoteImage {
    client: Client,
    reference: Reference,
    /// Digest that the reference stands for.
    pub digest: String,
    /// Its configuration, byte for byte.
    pub config: Vec<u8>,
    /// Lowest first.
    pub layers: Vec<Layer>,
}

impl Registries {
    /// Finds out what a reference stands for on this platform.
    ///
    /// # Errors
    /// [`ImageError::Resolve`], [`ImageError::Platform`], or if the registry's documents are malformed.
    pub async fn resolve(
        &self,
        reference: &Reference,
        source: Source<'_>,
    ) -> Result<RemoteImage, ImageError> {
        for mirror in self.mirrors_of(reference, source) {
            let at_mirror = at(reference, Some(mirror));
            match self.resolve_at(&at_mirror, &RegistryAuth::Anonymous).await {
                Ok(image) => return Ok(image),
                Err(error) => tracing::warn!(mirror, %error, "the mirror does not have the image"),
            }
        }
        self.resolve_at(&at(reference, source.registry), &auth(source))
            .await
    }

    /// The digest that a reference stands for now, asked for once.
    ///
    /// # Errors
    /// As text: what is known already is good enough then.
    pub async fn digest(&self, reference: &Reference, source: Source<'_>) -> Result<String, String> {
        let reference = at(
            reference,
            self.mirrors_of(reference, source).next().or(source.registry),
        );
        let config = self.client_config(reference.resolve_registry());
        let auth = auth(source);
        let asked = async {
            let client = tokio::task::spawn_blocking(move || config.client()).await;
            let client = client.map_err(|error| Failure::Final(error.to_string()))??;
            client.auth(&reference, &auth, RegistryOperation::Pull).await?;
            Ok::<_, Failure>(client.fetch_manifest_digest(&reference, &auth).await?)
        };
        match tokio::time::timeout(RESOLVE_DEADLINE, asked).await {
            Ok(Ok(digest)) => Ok(digest),
            Ok(Err(failure)) => Err(format!("{failure:?}")),
            Err(_) => Err("i/o timeout".to_owned()),
        }
    }

    /// Mirrors of the registry in a reference; none if the image is in another registry anyway.
    fn mirrors_of<'a>(
        &'a self,
        reference: &'a Reference,
        source: Source<'_>,
    ) -> impl Iterator<Item = &'a str> {
        let is_elsewhere = source.registry.is_some();
        let of_registry = self.mirrors.iter().filter(|(of, _)| of == reference.registry());
        of_registry
            .filter(move |_| !is_elsewhere)
            .map(|(_, mirror)| mirror.as_str())
    }

    async fn resolve_at(
        &self,
        reference: &Reference,
        auth: &RegistryAuth,
    ) -> Result<RemoteImage, ImageError> {
        let config = self.client_config(reference.resolve_registry());
        let (begun, mut attempts) = (Instant::now(), 0);
        loop {
            attempts += 1;
            let attempt = resolve_once(config.clone(), reference, auth);
            let failure = match tokio::time::timeout(RESOLVE_DEADLINE, attempt).await {
                Ok(Ok(image)) => return Ok(image),
                Ok(Err(failure)) => failure,
                Err(_) => Failure::Final("i/o timeout".to_owned()),
            };
            let cause = match failure {
                Failure::Other(error) => return Err(error),
                Failure::Transient(_) if attempts < MAX_ATTEMPTS && begun.elapsed() < RETRY_WINDOW => {
                    tokio::time::sleep(RETRY_PAUSE * attempts).await;
                    continue;
                }
                Failure::Transient(cause) | Failure::Final(cause) => cause,
                Failure::NotFound => format!("{}: not found", reference.whole()),
            };
            return Err(ImageError::Resolve {
                reference: reference.whole(),
                attempts,
                cause,
            });
        }
    }

    fn client_config(&self, registry: &str) -> PlainConfig {
        let is_plain = is_this_host(registry) || self.insecure.iter().any(|it| it == registry);
        let protocol = if is_plain {
            ClientProtocol::Http
        } else {
            ClientProtocol::Https
        };
        PlainConfig(protocol, self.authorities.clone())
    }
}

/// A reference, at another registry.
fn at(reference: &Reference, registry: Option<&str>) -> Reference {
    let mut reference = reference.clone();
    if let Some(registry) = registry {
        reference.set_mirror_registry(registry.to_owned());
    }
    reference
}

fn auth(source: Source<'_>) -> RegistryAuth {
    match source.credentials {
        None => RegistryAuth::Anonymous,
        Some(it) => RegistryAuth::Basic(it.username.clone(), it.password.clone()),
    }
}

/// What differs between registries.
#[derive(Clone)]
struct PlainConfig(ClientProtocol, Vec<Vec<u8>>);

impl PlainConfig {
    /// A client of its own for each pull: it remembers credentials, and tasks have different ones. Blocks.
    fn client(self) -> Result<Client, OciDistributionError> {
        // Fails if the process has chosen one already, which is as good.
        drop(rustls::crypto::ring::default_provider().install_default());
        let authorities = self.1.into_iter().map(|data| Certificate {
            encoding: CertificateEncoding::Pem,
            data,
        });
        Client::try_from(ClientConfig {
            protocol: self.0,
            extra_root_certificates: authorities.collect(),
            connect_timeout: Some(CONNECT_DEADLINE),
            read_timeout: Some(READ_DEADLINE),
            user_agent: concat!("gantry/", env!("CARGO_PKG_VERSION")),
            ..ClientConfig::default()
        })
    }
}

async fn resolve_once(
    config: PlainConfig,
    reference: &Reference,
    auth: &RegistryAuth,
) -> Result<RemoteImage, Failure> {
    // It reads the host's certificates.
    let client = tokio::task::spawn_blocking(move || config.client()).await;
    let client = client.map_err(|error| Failure::Final(error.to_string()))??;
    client.auth(reference, auth, RegistryOperation::Pull).await?;
    let (bytes, digest) = manifest(&client, reference, auth).await?;
    let name = reference::normalized(reference);
    let manifest = match manifest::parse(&name, &bytes)? {
        Document::Manifest(manifest) => manifest,
        Document::Index(index) => {
            let chosen = manifest::choose(&index)?.digest().to_string();
            let (bytes, _) = manifest_by_digest(&client, reference, auth, &chosen).await?;
            match manifest::parse(&name, &bytes)? {
                Document::Manifest(manifest) => manifest,
                Document::Index(_) => return Err(ImageError::invalid(&name, "an index in an index").into()),
            }
        }
    };
    let config_digest = manifest.config().digest().to_string();
    let mut config = Vec::new();
    let mut blob = client
        .pull_blob_stream(reference, config_digest.as_str())
        .await?
        .stream;
    while let Some(chunk) = blob.next().await {
        config.extend_from_slice(&chunk.map_err(OciDistributionError::IoError)?);
        if config.len() as u64 > MAX_DOCUMENT_BYTES {
            return Err(ImageError::invalid("image configuration", "it is too long").into());
        }
    }
    digest::verify("the configuration", &digest::of(&config), &config_digest)?;
    let layers = manifest::layers(&manifest, &config)?;
    Ok(RemoteImage {
        client,
        reference: reference.clone(),
        digest,
        config,
        layers,
    })
}

async fn manifest(
    client: &Client,
    reference: &Reference,
    auth: &RegistryAuth,
) -> Result<(Bytes, String), Failure> {
    let (bytes, _) = client.pull_manifest_raw(reference, auth, &MANIFEST_TYPES).await?;
    if bytes.len() as u64 > MAX_DOCUMENT_BYTES {
        return Err(ImageError::invalid("manifest", "it is too long").into());
    }
    let digest = digest::of(&bytes);
    if let Some(expected) = reference.digest() {
        digest::verify("the manifest", &digest, expected)?;
    }
    Ok((bytes, digest))
}

async fn manifest_by_digest(
    client: &Client,
    reference: &Reference,
    auth: &RegistryAuth,
    digest: &str,
) -> Result<(Bytes, String), Failure> {
    manifest(client, &reference.clone_with_digest(digest.to_owned()), auth).await
}

impl RemoteImage {
    /// The content of a layer as it arrives. Its digest is checked at the end of the stream.
    ///
    /// # Errors
    /// If the registry does not give it.
    pub async fn layer(&self, layer: &Layer) -> Result<Content, Failure> {
        Ok(self
            .client
            .pull_blob_stream(&self.reference, layer.blob_digest.as_str())
            .await?
            .stream)
    }

    /// The content of a layer from a place on. A registry that knows no ranges gives it from the start.
    ///
    /// # Errors
    /// If the registry does not give it.
    pub async fn layer_from(&self, layer: &Layer, position: u64) -> Result<Content, Failure> {
        let digest = layer.blob_digest.as_str();
        let answer = self
            .client
            .pull_blob_stream_partial(&self.reference, digest, position, None);
        let (content, mut known) = match answer.await? {
            BlobResponse::Partial(it) => (it.stream, 0),
            BlobResponse::Full(it) => (it.stream, position),
        };
        let unknown = content.map_ok(move |mut piece| {
            let skipped = usize::try_from(known).unwrap_or(usize::MAX).min(piece.len());
            known -= skipped as u64;
            piece.split_off(skipped)
        });
        Ok(unknown.boxed())
    }

    /// Tries to do something with a layer as often as its registry fails.
    ///
    /// # Errors
    /// [`ImageError::Fetch`], or that of the work.
    pub async fn attempt<T, F: Future<Output = Result<T, Failure>>>(
        &self,
        layer: &Layer,
        work: impl Fn() -> F,
    ) -> Result<T, ImageError> {
        let mut attempts = 0;
        loop {
            attempts += 1;
            let cause = match work().await {
                Ok(done) => return Ok(done),
                Err(Failure::Other(error)) => return Err(error),
                Err(Failure::Transient(_)) if attempts < MAX_ATTEMPTS => {
                    tokio::time::sleep(RETRY_PAUSE * attempts).await;
                    continue;
                }
                Err(Failure::Transient(cause) | Failure::Final(cause)) => cause,
                Err(Failure::NotFound) => "not found".to_owned(),
            };
            let (reference, digest) = (self.reference.whole(), layer.blob_digest.clone());
            return Err(ImageError::Fetch {
                reference,
                digest,
                attempts,
                cause,
            });
        }
    }
}

/// Whether a registry is reached without leaving this host.
fn is_this_host(registry: &str) -> bool {
    let host = match registry.rsplit_once(':') {
        Some((host, port)) if port.bytes().all(|it| it.is_ascii_digit()) => host,
        _ => registry,
    };
    let host = host.trim_start_matches('[').trim_end_matches(']');
    host == "localhost" || host.parse::<IpAddr>().is_ok_and(|it| it.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_this_host_is_trusted_without_tls() {
        for registry in [
            "localhost",
            "localhost:5000",
            "127.0.0.1:1",
            "127.9.9.9",
            "[::1]:5000",
        ] {
            assert!(is_this_host(registry), "{registry}");
        }
        for registry in [
            "docker.io",
            "localhost.example.com",
            "10.0.0.1:5000",
            "[2001:db8::1]:5000",
        ] {
            assert!(!is_this_host(registry), "{registry}");
        }
    }
}
