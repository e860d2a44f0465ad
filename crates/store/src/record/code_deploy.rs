//! What CodeDeploy keeps, as records.

use std::collections::BTreeMap;
use std::sync::Arc;

use domain::Scope;
use domain::code_deploy::CodeDeployApplication;
use domain::code_deploy::application_revision::ApplicationRevision;
use domain::code_deploy::deployment::{CodeDeployDeployment, RevisionKind};
use domain::code_deploy::deployment_config::DeploymentConfig;
use domain::code_deploy::deployment_group::DeploymentGroup;

use crate::state::Indexes;
use crate::{Change, Changed, Record, State};

/// `<account>/<region>/<name>`
fn key_of((scope, name): &(Scope, String)) -> String {
    format!("{}/{}/{name}", scope.account, scope.region)
}

impl Record for CodeDeployApplication {
    type Key = (Scope, String);
    const TABLE: &'static str = "code_deploy_application";

    fn key(&self) -> (Scope, String) {
        (self.scope.clone(), self.name.clone())
    }

    fn key_text(key: &(Scope, String)) -> String {
        key_of(key)
    }

    fn table(state: &State) -> &BTreeMap<(Scope, String), Arc<Self>> {
        &state.code_deploy_applications
    }

    fn table_mut(state: &mut State) -> &mut BTreeMap<(Scope, String), Arc<Self>> {
        &mut state.code_deploy_applications
    }

    fn into_change(changed: Changed<Self>) -> Change {
        Change::CodeDeployApplication(changed)
    }

    fn in_change(change: &mut Change) -> Option<&mut Changed<Self>> {
        match change {
            Change::CodeDeployApplication(it) => Some(it),
            _ => None,
        }
    }
}

impl Record for DeploymentGroup {
    type Key = (Scope, String, String);
    const TABLE: &'static str = "deployment_group";

    fn key(&self) -> (Scope, String, String) {
        (self.scope.clone(), self.application.clone(), self.name.clone())
    }

    /// Names hold no slashes.
    fn key_text((scope, application, name): &(Scope, String, String)) -> String {
        format!("{}/{}/{application}/{name}", scope.account, scope.region)
    }

    fn table(state: &State) -> &BTreeMap<(Scope, String, String), Arc<Self>> {
        &state.deployment_groups
    }

    fn table_mut(state: &mut State) -> &mut BTreeMap<(Scope, String, String), Arc<Self>> {
        &mut state.deployment_groups
    }

    fn into_change(changed: Changed<Self>) -> Change {
        Change::DeploymentGroup(changed)
    }

    fn in_change(change: &mut Change) -> Option<&mut Changed<Self>> {
        match change {
            Change::DeploymentGroup(it) => Some(it),
            _ => None,
        }
    }
}

impl Record for DeploymentConfig {
    type Key = (Scope, String);
    const TABLE: &'static str = "deployment_config";

    fn key(&self) -> (Scope, String) {
        (self.scope.clone(), self.name.clone())
    }

    fn key_text(key: &(Scope, String)) -> String {
        key_of(key)
    }

    fn table(state: &State) -> &BTreeMap<(Scope, String), Arc<Self>> {
        &state.deployment_configs
    }

    fn table_mut(state: &mut State) -> &mut BTreeMap<(Scope, String), Arc<Self>> {
        &mut state.deployment_configs
    }

    fn into_change(changed: Changed<Self>) -> Change {
        Change::DeploymentConfig(changed)
    }

    fn in_change(change: &mut Change) -> Option<&mut Changed<Self>> {
        match change {
            Change::DeploymentConfig(it) => Some(it),
            _ => None,
        }
    }
}

impl Record for CodeDeployDeployment {
    type Key = (Scope, String);
    const TABLE: &'static str = "code_deploy_deployment";

    fn key(&self) -> (Scope, String) {
        (self.scope.clone(), self.id.clone())
    }

    fn key_text(key: &(Scope, String)) -> String {
        key_of(key)
    }

    fn table(state: &State) -> &BTreeMap<(Scope, String), Arc<Self>> {
        &state.code_deploy_deployments
    }

    fn table_mut(state: &mut State) -> &mut BTreeMap<(Scope, String), Arc<Self>> {
        &mut state.code_deploy_deployments
    }

    fn into_change(changed: Changed<Self>) -> Change {
        Change::CodeDeployDeployment(changed)
    }

    fn in_change(change: &mut Change) -> Option<&mut Changed<Self>> {
        match change {
            Change::CodeDeployDeployment(it) => Some(it),
            _ => None,
        }
    }

    fn reindex(indexes: &mut Indexes, before: Option<&Arc<Self>>, after: Option<&Arc<Self>>) {
        indexes.code_deploy_deployment(before, after);
    }
}

impl Record for ApplicationRevision {
    type Key = (Scope, String, RevisionKind, String);
    const TABLE: &'static str = "application_revision";

    fn key(&self) -> Self::Key {
        let revision = &self.revision;
        (
            self.scope.clone(),
            self.application_id.clone(),
            revision.kind,
            revision.sha256.clone(),
        )
    }

    fn key_text((scope, application, kind, sha256): &Self::Key) -> String {
        format!(
            "{}/{}/{application}/{}/{sha256}",
            scope.account,
            scope.region,
            kind.as_str()
        )
    }

    fn table(state: &State) -> &BTreeMap<Self::Key, Arc<Self>> {
        &state.application_revisions
    }

    fn table_mut(state: &mut State) -> &mut BTreeMap<Self::Key, Arc<Self>> {
        &mut state.application_revisions
    }

    fn into_change(changed: Changed<Self>) -> Change {
        Change::ApplicationRevision(changed)
    }

    fn in_change(change: &mut Change) -> Option<&mut Changed<Self>> {
        match change {
            Change::ApplicationRevision(it) => Some(it),
            _ => None,
        }
    }
}
