//! Access keys: who signs a request.

use serde::{Deserialize, Serialize};

/// A long-lived key pair.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccessKey {
    /// `AKIA…`; the record's key.
    pub access_key_id: String,
    /// The secret that signatures are made with.
    pub secret_access_key: String,
    /// The account whose requests it signs.
    pub account: String,
    /// Who holds it.
    pub principal: Principal,
}

impl std::fmt::Debug for AccessKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // The secret must not reach a log.
        f.debug_struct("AccessKey")
            .field("access_key_id", &self.access_key_id)
            .finish_non_exhaustive()
    }
}

/// Who acts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Principal {
    /// The root of the account: may do everything.
    Root,
    /// The agent of a host: may call what an ECS agent calls, for its own container instance.
    Agent,
    /// Whoever has assumed a role.
    Role(RoleSession),
}

/// A role that was assumed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RoleSession {
    /// Name of the role.
    pub role: String,
    /// `AROA…`: a role made again under an old name is another one.
    pub role_id: String,
    /// Name of the session; of a task, its id.
    pub name: String,
}
