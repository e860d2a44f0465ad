//! Operations of Cloud Map: on Amazon they take their time, here they have ended when their id is known.

use serde::{Deserialize, Serialize};

use crate::{Scope, Timestamp};

/// An operation that succeeded.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Operation {
    /// The record's key.
    pub id: String,
    /// Account and region.
    pub scope: Scope,
    /// What was done.
    pub kind: OperationKind,
    /// To what.
    pub target: OperationTarget,
    /// When.
    pub created_at: Timestamp,
}

/// What an operation does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum OperationKind {
    /// Makes a namespace.
    CreateNamespace,
    /// Deletes a namespace.
    DeleteNamespace,
    /// Changes a namespace.
    UpdateNamespace,
    /// Changes a service.
    UpdateService,
    /// Registers an instance.
    RegisterInstance,
    /// Deregisters an instance.
    DeregisterInstance,
}

impl OperationKind {
    /// The word on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::CreateNamespace => "CREATE_NAMESPACE",
            Self::DeleteNamespace => "DELETE_NAMESPACE",
            Self::UpdateNamespace => "UPDATE_NAMESPACE",
            Self::UpdateService => "UPDATE_SERVICE",
            Self::RegisterInstance => "REGISTER_INSTANCE",
            Self::DeregisterInstance => "DEREGISTER_INSTANCE",
        }
    }
}

/// What an operation was done to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum OperationTarget {
    /// `ns-…`
    Namespace(String),
    /// `srv-…`
    Service(String),
    /// An instance.
    Instance {
        /// `srv-…`
        service_id: String,
        /// Its id.
        instance_id: String,
    },
}
