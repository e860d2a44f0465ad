//! The registry's own protocol, OCI distribution: what `docker push`, `docker pull` and `skopeo copy` speak.
//!
//! <https://github.com/opencontainers/distribution-spec/blob/main/spec.md>

mod answer;
mod authenticate;
mod blobs;
mod manifests;
mod path;
pub(in crate::http) mod range;
mod uploads;

#[cfg(test)]
mod tests;

use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use domain::Timestamp;
use domain::repository::RepositoryKey;
use futures_util::FutureExt;
use http::request::Parts;
use http::{Method, Request};

use crate::call::{Caller, authorize};
use crate::control_plane::ControlPlane;
use crate::handlers::ecr::texts;
use crate::registry::{self, Registry};
use answer::{Answer, Refusal};
use authenticate::Guest;
use path::Target;

/// A request of the protocol whose sender is known.
struct Visit<'a> {
    control_plane: &'a Arc<ControlPlane>,
    guest: Guest,
    parts: Parts,
    now: Timestamp,
}

/// Whether a request is of this protocol, by its path: AWS's have the path `/`.
pub fn serves<B>(request: &Request<B>) -> bool {
    let path = request.uri().path();
    path == "/v2" || path.starts_with("/v2/")
}

/// Answers a request. Its body is read by what needs it, and not before the sender is known.
pub async fn answer<B>(control_plane: &Arc<ControlPlane>, request: Request<B>) -> Answer
where
    B: hyper::body::Body<Data = bytes::Bytes> + Send + 'static,
    B::Error: std::fmt::Display + Send,
{
    let is_head = request.method() == Method::HEAD;
    let work = AssertUnwindSafe(handle(control_plane, request));
    let answered = work.catch_unwind().await.unwrap_or_else(|_| {
        tracing::error!("a request to the registry panicked");
        Err(Refusal::internal())
    });
    let answer = answered.unwrap_or_else(Refusal::answer);
    if is_head {
        answer::without_body(answer)
    } else {
        answer
    }
}

async fn handle<B>(control_plane: &Arc<ControlPlane>, request: Request<B>) -> Result<Answer, Refusal>
where
    B: hyper::body::Body<Data = bytes::Bytes> + Send + 'static,
    B::Error: std::fmt::Display + Send,
{
    let (parts, body) = request.into_parts();
    let now = control_plane.clock.now();
    let guest = authenticate::guest(control_plane, &parts, now)?;
    let target = path::parse(parts.uri.path()).ok_or_else(Refusal::no_such_path)?;
    let method = parts.method.clone();
    let visit = Visit {
        control_plane,
        guest,
        parts,
        now,
    };
    match (target, method) {
        (Target::Base, Method::GET | Method::HEAD) => Ok(answer::empty(http::StatusCode::OK)),
        (Target::Blob { name, digest }, Method::GET | Method::HEAD) => {
            blobs::get(&visit, &name, &digest).await
        }
        (Target::Manifest { name, reference }, Method::GET | Method::HEAD) => {
            manifests::get(&visit, &name, &reference).await
        }
        (Target::Manifest { name, reference }, Method::PUT) => {
            manifests::put(&visit, &name, &reference, body).await
        }
        (Target::Tags { name }, Method::GET) => manifests::tags(&visit, &name),
        (Target::Referrers { name, digest }, Method::GET) => manifests::referrers(&visit, &name, &digest),
        (Target::Uploads { name }, Method::POST) => uploads::begin(&visit, &name, body).await,
        (Target::Upload { name, id }, Method::GET) => uploads::status(&visit, &name, &id).await,
        (Target::Upload { name, id }, Method::PATCH) => uploads::patch(&visit, &name, &id, body).await,
        (Target::Upload { name, id }, Method::PUT) => uploads::finish(&visit, &name, &id, body).await,
        (Target::Upload { name, id }, Method::DELETE) => uploads::cancel(&visit, &name, &id),
        // Images are deleted through the API, as on Amazon.
        _ => Err(Refusal::unsupported()),
    }
}

impl Visit<'_> {
    fn registry(&self) -> &Arc<Registry> {
        &self.control_plane.registry
    }

    fn caller(&self) -> &Caller {
        self.guest.caller()
    }

    /// A repository that is there, for one who may do that with it.
    fn repository(&self, name: &str, operation: &str) -> Result<RepositoryKey, Refusal> {
        authorize(self.control_plane, self.caller(), "ecr", operation)
            .map_err(|denied| Refusal::denied(&denied.message))?;
        let key = RepositoryKey::new(&self.caller().scope, name);
        if !registry::has_repository(&self.control_plane.store, &key) {
            return Err(Refusal::name_unknown(&texts::repository_not_found(&key)));
        }
        Ok(key)
    }

    /// A parameter of the query, decoded.
    fn parameter(&self, name: &str) -> Option<String> {
        path::parameter(self.parts.uri.query().unwrap_or_default(), name)
    }

    /// The same, for those who have more than the address of one layer.
    fn member(&self) -> Result<(), Refusal> {
        match self.guest {
            Guest::Member(_) => Ok(()),
            Guest::OfLayer { .. } => Err(Refusal::denied("The address is that of one layer only")),
        }
    }
}
