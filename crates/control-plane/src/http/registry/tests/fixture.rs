//! A control plane with the repositories `web` and `api`, and a client of its registry.

use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use domain::Scope;
use domain::access_key::{AccessKey, Principal};
use http::header::{AUTHORIZATION, HeaderName, LOCATION};
use http::{HeaderMap, Request, StatusCode};
use http_body_util::{BodyExt, Full};
use jiff::SignedDuration;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use store::ManualClock;

use crate::call::Caller;
use crate::fixture::Fixture;
use crate::registry::{Claims, Granted};

pub struct World {
    fixture: Fixture,
    authorization: String,
}

pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: Vec<u8>,
}

impl Answer {
    /// A header, empty if it is not there.
    pub fn header(&self, name: HeaderName) -> String {
        let value = self.headers.get(name).and_then(|it| it.to_str().ok());
        value.unwrap_or_default().to_owned()
    }

    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }

    /// Of the first error.
    pub fn code(&self) -> String {
        self.json()["errors"][0]["code"]
            .as_str()
            .unwrap_or_default()
            .to_owned()
    }
}

pub fn digest_of(content: &str) -> String {
    format!("sha256:{}", hex::encode(Sha256::digest(content)))
}

impl World {
    pub async fn new() -> Self {
        let fixture = Fixture::new().await;
        for (id, principal) in [(ROOT, Principal::Root), (AGENT, Principal::Agent)] {
            let key = AccessKey {
                access_key_id: id.to_owned(),
                secret_access_key: "secret".to_owned(),
                account: "123456789012".to_owned(),
                principal,
            };
            let put = fixture.store().transact(move |tx| {
                tx.put(key);
                Ok::<_, ()>(())
            });
            put.await.expect("is put");
        }
        for name in ["web", "api"] {
            fixture
                .ask_of("ecr", "CreateRepository", json!({ "repositoryName": name }))
                .await;
        }
        let answer = fixture.ask_of("ecr", "GetAuthorizationToken", json!({})).await;
        let token = answer["authorizationData"][0]["authorizationToken"].as_str();
        let authorization = format!("Basic {}", token.expect("is given"));
        Self {
            fixture,
            authorization,
        }
    }

    pub fn clock(&self) -> &Arc<ManualClock> {
        &self.fixture.clock
    }

    pub async fn api(&self, operation: &str, input: Value) -> Value {
        self.fixture.ask_of("ecr", operation, input).await
    }

    /// What the agent of a host sends.
    pub fn agent_authorization(&self) -> String {
        let caller = Caller {
            scope: Scope::new("123456789012", "us-east-1"),
            principal: Principal::Agent,
            access_key_id: AGENT.to_owned(),
        };
        let control_plane = self.fixture.control_plane();
        let until = control_plane.clock.now() + SignedDuration::from_hours(1);
        let claims = Claims::new(&caller, Granted::Registry, until);
        let token = control_plane.registry.token_key().seal(&claims);
        format!("Basic {}", STANDARD.encode(format!("AWS:{token}")))
    }

    /// Pushes a blob to `web`.
    pub async fn blob(&self, content: &str) -> String {
        let digest = digest_of(content);
        let path = format!("/v2/web/blobs/uploads/?digest={digest}");
        let pushed = self.send("POST", &path, &[], content).await;
        assert_eq!(pushed.status, StatusCode::CREATED, "{}", pushed.text());
        assert!(pushed.header(LOCATION).ends_with(&digest));
        digest
    }

    pub async fn send(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> Answer {
        self.send_as(Some(&self.authorization), method, path, headers, body)
            .await
    }

    pub async fn send_as(
        &self,
        authorization: Option<&str>,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &str,
    ) -> Answer {
        let mut request = Request::builder().method(method).uri(path);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        if let Some(value) = authorization {
            request = request.header(AUTHORIZATION, value);
        }
        let request = request
            .body(Full::new(Bytes::from(body.to_owned())))
            .expect("is valid");
        assert!(super::super::serves(&request));
        let answer = super::super::answer(self.fixture.control_plane(), request).await;
        let (parts, body) = answer.into_parts();
        Answer {
            status: parts.status,
            headers: parts.headers,
            body: body.collect().await.expect("arrives").to_bytes().to_vec(),
        }
    }

    pub fn files_of_uploads(&self) -> usize {
        let path = self.fixture.control_plane().registry.uploads().temporary_path();
        let folder = path.parent().expect("has one");
        std::fs::read_dir(folder).expect("is there").count()
    }
}

/// The fixture's own caller.
const ROOT: &str = "AKIAIOSFODNN7EXAMPLE";
const AGENT: &str = "AKIAAGENTAGENTAGENTA";
