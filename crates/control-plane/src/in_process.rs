//! A control plane asked in JSON as clients ask it, without sockets or signatures: for simulations and tests.

use std::sync::Arc;

use bytes::Bytes;
use domain::Scope;
use domain::access_key::Principal;
use domain::task::Task;
use serde_json::Value;
use wire::route::Protocol;

use crate::call::{Caller, Origin, authorize};
use crate::control_plane::ControlPlane;
use crate::routes::{Request, Routes};
use crate::sessions::payload;

/// The handlers of a control plane, called as functions.
pub struct InProcess {
    control_plane: Arc<ControlPlane>,
    routes: Routes,
    scope: Scope,
}

/// An exception, and its message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// `ClientException` and so on.
    pub code: String,
    /// What it says.
    pub message: String,
}

impl InProcess {
    /// Calls of this account and region.
    pub fn new(control_plane: Arc<ControlPlane>, scope: Scope) -> Self {
        let routes = Routes::new();
        Self {
            control_plane,
            routes,
            scope,
        }
    }

    /// A task as its agent is sent it, in the JSON of ACS; without credentials.
    pub fn payload(&self, task: &Task) -> Value {
        let rendered = self.control_plane.store.read(|state| payload::task(state, task));
        serde_json::from_slice(&wire::json::encode(&rendered)).unwrap_or_default()
    }

    /// Carries out one call. What comes back is the whole of the answer.
    ///
    /// # Errors
    /// The exception of the operation; `AccessDeniedException` and `UnknownOperationException` before it is reached.
    pub async fn ask(
        &self,
        principal: Principal,
        service: &str,
        operation: &str,
        input: &Value,
    ) -> Result<Value, Refusal> {
        let refusal = |code: &str, message: String| Refusal {
            code: code.to_owned(),
            message,
        };
        let caller = Caller {
            scope: self.scope.clone(),
            principal,
            access_key_id: "AKIAIOSFODNN7EXAMPLE".to_owned(),
        };
        let access = authorize(&self.control_plane, &caller, service, operation)
            .map_err(|denied| refusal("AccessDeniedException", denied.message))?;
        let handler = self.routes.get(service, operation);
        let handler = handler.ok_or_else(|| refusal("UnknownOperationException", operation.to_owned()))?;
        let request = Request {
            body: Bytes::from(input.to_string()),
            head: None,
            protocol: match service {
                "elasticfilesystem" => Protocol::RestJson,
                _ => Protocol::Json11,
            },
            request_id: "id".to_owned(),
            caller,
            access,
            now: self.control_plane.clock.now(),
            origin: Origin::default(),
        };
        // An answer may have no body, and says nothing then.
        let read = |body: &[u8]| serde_json::from_slice(body).unwrap_or(Value::Null);
        handler(request).await.map(|it| read(&it.body)).map_err(|error| {
            let body: Value = read(&error.body);
            let message = body["message"].as_str().or(body["Message"].as_str());
            refusal(&error.code, message.unwrap_or_default().to_owned())
        })
    }
}
