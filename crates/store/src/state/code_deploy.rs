//! Questions about what CodeDeploy keeps, and the index that answers one of them.

use std::collections::BTreeSet;
use std::sync::Arc;

use domain::code_deploy::CodeDeployApplication;
use domain::code_deploy::application_revision::ApplicationRevision;
use domain::code_deploy::deployment::{CodeDeployDeployment, RevisionKind};
use domain::code_deploy::deployment_config::DeploymentConfig;
use domain::code_deploy::deployment_group::DeploymentGroup;
use domain::{Scope, ServiceArn};

use super::{Indexes, State};

/// Deployments that have not ended, by service.
pub(crate) type ActiveDeployments = BTreeSet<(ServiceArn, String)>;

impl Indexes {
    pub(crate) fn code_deploy_deployment(
        &mut self,
        before: Option<&Arc<CodeDeployDeployment>>,
        after: Option<&Arc<CodeDeployDeployment>>,
    ) {
        let place = |it: &Arc<CodeDeployDeployment>| (it.service.clone(), it.id.clone());
        let is_active = |it: &&Arc<CodeDeployDeployment>| !it.status.has_ended();
        if let Some(it) = before.filter(is_active) {
            self.active_code_deploy_deployments.remove(&place(it));
        }
        if let Some(it) = after.filter(is_active) {
            self.active_code_deploy_deployments.insert(place(it));
        }
    }
}

impl State {
    /// Deployments of CodeDeploy to a service that have not ended.
    pub fn active_code_deploy_deployments(
        &self,
        service: &ServiceArn,
    ) -> impl Iterator<Item = &Arc<CodeDeployDeployment>> + use<'_> {
        let (service, scope) = (service.clone(), service.scope());
        let from = (service.clone(), String::new());
        let active = self.indexes.active_code_deploy_deployments.range(from..);
        let of_service = active.take_while(move |(of, _)| *of == service);
        of_service.filter_map(move |(_, id)| self.get::<CodeDeployDeployment>(&(scope.clone(), id.clone())))
    }

    /// All of them, of any service.
    pub fn all_active_code_deploy_deployments(
        &self,
    ) -> impl Iterator<Item = &Arc<CodeDeployDeployment>> + use<'_> {
        let active = self.indexes.active_code_deploy_deployments.iter();
        active.filter_map(|(service, id)| self.get::<CodeDeployDeployment>(&(service.scope(), id.clone())))
    }

    /// Applications by name.
    pub fn code_deploy_applications(
        &self,
        scope: &Scope,
    ) -> impl Iterator<Item = &Arc<CodeDeployApplication>> + use<'_> {
        let (from, scope) = ((scope.clone(), String::new()), scope.clone());
        let applications = self.code_deploy_applications.range(from..);
        let mine = applications.take_while(move |((of, _), _)| *of == scope);
        mine.map(|(_, it)| it)
    }

    /// Revisions that the application of this id knows.
    pub fn application_revisions(
        &self,
        scope: &Scope,
        application_id: &str,
    ) -> impl Iterator<Item = &Arc<ApplicationRevision>> + use<'_> {
        let whose = (scope.clone(), application_id.to_owned());
        let first = RevisionKind::AppSpecContent;
        let from = (whose.0.clone(), whose.1.clone(), first, String::new());
        let revisions = self.application_revisions.range(from..);
        let mine = revisions.take_while(move |((of, id, ..), _)| *of == whose.0 && *id == whose.1);
        mine.map(|(_, it)| it)
    }

    /// Deployment groups of an application by name.
    pub fn deployment_groups(
        &self,
        scope: &Scope,
        application: &str,
    ) -> impl Iterator<Item = &Arc<DeploymentGroup>> + use<'_> {
        let whose = (scope.clone(), application.to_owned());
        let from = (whose.0.clone(), whose.1.clone(), String::new());
        let groups = self.deployment_groups.range(from..);
        let mine =
            groups.take_while(move |((of, application, _), _)| *of == whose.0 && *application == whose.1);
        mine.map(|(_, it)| it)
    }

    /// All deployment groups of a scope.
    pub fn all_deployment_groups(
        &self,
        scope: &Scope,
    ) -> impl Iterator<Item = &Arc<DeploymentGroup>> + use<'_> {
        let (from, scope) = ((scope.clone(), String::new(), String::new()), scope.clone());
        let groups = self.deployment_groups.range(from..);
        let mine = groups.take_while(move |((of, ..), _)| *of == scope);
        mine.map(|(_, it)| it)
    }

    /// Configs that users have made, by name.
    pub fn deployment_configs(
        &self,
        scope: &Scope,
    ) -> impl Iterator<Item = &Arc<DeploymentConfig>> + use<'_> {
        let (from, scope) = ((scope.clone(), String::new()), scope.clone());
        let configs = self.deployment_configs.range(from..);
        let mine = configs.take_while(move |((of, _), _)| *of == scope);
        mine.map(|(_, it)| it)
    }

    /// Deployments of a scope, newest first.
    pub fn code_deploy_deployments(&self, scope: &Scope) -> Vec<&Arc<CodeDeployDeployment>> {
        let from = (scope.clone(), String::new());
        let all = self.code_deploy_deployments.range(from..);
        let mine = all.take_while(|((of, _), _)| of == scope);
        let mut mine: Vec<_> = mine.map(|(_, it)| it).collect();
        mine.sort_by(|left, right| (right.created_at, &right.id).cmp(&(left.created_at, &left.id)));
        mine
    }

    /// Deployments of a deployment group, newest first.
    pub fn deployments_of_group(
        &self,
        scope: &Scope,
        application: &str,
        group: &str,
    ) -> Vec<&Arc<CodeDeployDeployment>> {
        let mut all = self.code_deploy_deployments(scope);
        all.retain(|it| it.application == application && it.group == group);
        all
    }
}
