//! Questions about parameters, secrets and roles.

use std::sync::Arc;

use domain::Scope;
use domain::parameter::{Parameter, ParameterVersion};
use domain::role::Role;
use domain::secret::{Secret, SecretVersion};

use super::State;
use crate::record::role_key;

impl State {
    /// Parameters of a scope, by name.
    pub fn parameters(&self, scope: &Scope) -> impl Iterator<Item = &Arc<Parameter>> + use<'_> {
        let scope = scope.clone();
        let range = self.parameters.range((scope.clone(), String::new())..);
        range
            .take_while(move |((it, _), _)| *it == scope)
            .map(|(_, parameter)| parameter)
    }

    /// Versions of a parameter, oldest first.
    pub fn parameter_versions(
        &self,
        scope: &Scope,
        name: &str,
    ) -> impl DoubleEndedIterator<Item = &Arc<ParameterVersion>> + use<'_> {
        let key = |version| (scope.clone(), name.to_owned(), version);
        self.parameter_versions
            .range(key(0)..=key(u64::MAX))
            .map(|(_, version)| version)
    }

    /// Secrets of a scope, by name; those scheduled for deletion too.
    pub fn secrets(&self, scope: &Scope) -> impl Iterator<Item = &Arc<Secret>> + use<'_> {
        let scope = scope.clone();
        let range = self.secrets.range((scope.clone(), String::new())..);
        range
            .take_while(move |((it, _), _)| *it == scope)
            .map(|(_, secret)| secret)
    }

    /// Versions of a secret, by id.
    pub fn secret_versions(
        &self,
        scope: &Scope,
        name: &str,
    ) -> impl Iterator<Item = &Arc<SecretVersion>> + use<'_> {
        let (scope, name) = (scope.clone(), name.to_owned());
        let range = self
            .secret_versions
            .range((scope.clone(), name.clone(), String::new())..);
        range
            .take_while(move |((of, it, _), _)| *of == scope && *it == name)
            .map(|(_, version)| version)
    }

    /// A role by its name, whatever its case.
    pub fn role(&self, account: &str, name: &str) -> Option<&Arc<Role>> {
        self.get::<Role>(&role_key(account, name))
    }

    /// Roles of an account, by name.
    pub fn roles(&self, account: &str) -> impl Iterator<Item = &Arc<Role>> + use<'_> {
        let account = account.to_owned();
        let range = self.roles.range((account.clone(), String::new())..);
        range
            .take_while(move |((it, _), _)| *it == account)
            .map(|(_, role)| role)
    }
}
